"""A bare loop over aiohttp: what an engineer writes in ten lines, and what it costs in CPU; for comparison in one run.

It sends one constant body over 64 connections and reads each answer. It has no ledger, no report, and no rows.

Runs as ``python -m benchmarks.yardstick --port 8900 --connections 64 --calls 5000 --core 1`` and prints microseconds of
CPU per call.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import time

import aiohttp

from benchmarks.generator import BODY
from benchmarks.server import LOOPBACK

HEADERS = {"X-API-KEY": "bench", "Content-Type": "application/json"}


async def call(*, port: int, connections: int, calls: int) -> None:
    """Send ``calls`` calls over ``connections`` connections."""
    left = iter(range(calls))
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=connections), headers=HEADERS) as session:

        async def worker() -> None:
            for _ in left:
                async with session.post(f"http://{LOOPBACK}:{port}/call/outbound", data=BODY) as answer:
                    assert answer.status == 200
                    await answer.json()

        await asyncio.gather(*(worker() for _ in range(connections)))


def main() -> None:
    """Read the command line, call, and say what it cost."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--connections", type=int, required=True)
    parser.add_argument("--calls", type=int, required=True)
    parser.add_argument("--core", type=int)
    options = parser.parse_args()
    if options.core is not None:
        os.sched_setaffinity(0, {options.core})
    began = time.process_time()
    asyncio.run(call(port=options.port, connections=options.connections, calls=options.calls))
    print(1e6 * (time.process_time() - began) / options.calls)


if __name__ == "__main__":
    main()
