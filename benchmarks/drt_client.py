"""What an engineer would set up with drt-core's REST destination, for comparison: posts the bodies of standard input.

It runs in a virtual environment of its own (`drt.py`), so it imports nothing of this repository. Everything is drt's
default (three attempts, batches of 100 rows) but the pace: 10 calls per second would measure nothing else.

Runs as ``.venv-drt/bin/python benchmarks/drt_client.py http://127.0.0.1:8900/call/outbound '{"X-API-KEY": "bench"}'``
and prints how many rows it counts as sent.
"""

from __future__ import annotations

import json
import sys

from drt.config.models import RateLimitConfig, RestApiDestinationConfig, SyncOptions
from drt.destinations.rest_api import RestApiDestination

NO_PACE = 1_000_000.0  # calls per second


def main() -> None:
    """Send every body of standard input, and say how many went out."""
    url, headers = sys.argv[1], json.loads(sys.argv[2])
    bodies = json.load(sys.stdin)
    config = RestApiDestinationConfig(type="rest_api", url=url, headers=headers)
    options = SyncOptions(rate_limit=RateLimitConfig(requests_per_second=NO_PACE))
    sent = 0
    for first in range(0, len(bodies), options.batch_size):
        sent += RestApiDestination().load(bodies[first : first + options.batch_size], config, options).success
    print(sent)


if __name__ == "__main__":
    main()
