"""A bare load generator: the fastest that Python's own event loop can be, for comparison in the same run.

It sends one constant body over each connection again and again and reads nothing of the answer but its end. Whatever a
client does beyond that (a new body per call, a ledger, a report) is the distance between the two.

Runs as ``python -m benchmarks.generator --port 8900 --connections 64 --calls 5000 --core 1``.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os

from benchmarks.server import LOOPBACK

BODY = json.dumps(
    {
        "to_number": "+919800000000",
        "agent_id": "6803fa770b666a64ab1694c1",
        "metadata": {"name": "Customer 0", "city": "Pune", "due_on": "2026-01-31", "amount": 1250},
    }
).encode()
REQUEST = (
    b"POST /call/outbound HTTP/1.1\r\nHost: %s\r\nX-API-KEY: bench\r\nContent-Type: application/json\r\n"
    b"Content-Length: %d\r\n\r\n%s" % (LOOPBACK.encode(), len(BODY), BODY)
)


class Caller(asyncio.Protocol):
    """One connection that calls until all connections together have called often enough.

    :param left: calls that are still to be sent, shared by all connections.
    :param done: resolved when the last answer is there.
    """

    answered = 0

    def __init__(self, *, left: list[int], calls: int, done: asyncio.Future[None]) -> None:
        self._left = left
        self._calls = calls
        self._done = done

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Wait for the others, so that all begin together."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def call(self) -> None:
        """Send one call, if any is left."""
        if self._left[0] > 0:
            self._left[0] -= 1
            self._transport.write(REQUEST)

    def data_received(self, data: bytes) -> None:
        """Take an answer; on loopback it always comes in one piece."""
        assert data.startswith(b"HTTP/1.1 200 ")
        Caller.answered += 1
        if Caller.answered == self._calls:
            self._done.set_result(None)
        else:
            self.call()


async def generate(*, port: int, connections: int, calls: int) -> None:
    """Send ``calls`` calls over ``connections`` connections."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[None] = loop.create_future()
    left = [calls]
    callers = []
    for _ in range(connections):
        _, caller = await loop.create_connection(lambda: Caller(left=left, calls=calls, done=done), LOOPBACK, port)
        callers.append(caller)
    for caller in callers:
        caller.call()
    await done


def main() -> None:
    """Read the command line and generate."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--connections", type=int, required=True)
    parser.add_argument("--calls", type=int, required=True)
    parser.add_argument("--core", type=int)
    options = parser.parse_args()
    if options.core is not None:
        os.sched_setaffinity(0, {options.core})
    asyncio.run(generate(port=options.port, connections=options.connections, calls=options.calls))


if __name__ == "__main__":
    main()
