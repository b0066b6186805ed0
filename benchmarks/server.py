"""The benchmark's own vendor: as fast as one core of pure Python allows, late by exactly the latency that it is given.

The sandbox checks what it is sent and costs more than what is measured here. This server reads just enough of HTTP/1.1
to find the end of a request, gives every POST an id of its own, and keeps the moments of the first POST, the last POST
and the last answer, so that a client's speed is measured by a third party. Asked to lose answers, it leaves one call of
so many without an answer, and counts how often it rang each number.

It is late by the kernel's timer, not by asyncio's, which rounds up to a whole millisecond: five percent of 20 ms.
Linux only. Runs as ``python -m benchmarks.server --core 0`` and says its port on the first line of its output.
"""

from __future__ import annotations

import argparse
import asyncio
import ctypes
import itertools
import json
import os
import re
import time
from collections import Counter, deque
from typing import Any
from urllib.parse import parse_qs, urlsplit

LOOPBACK = "127.0.0.1"
CLOCK_MONOTONIC = 1  # linux/time.h
TFD_NONBLOCK = 0o4000  # sys/timerfd.h
TFD_TIMER_ABSTIME = 1  # sys/timerfd.h
SOONEST = 1e-6  # seconds; a kernel timer set to zero would be disarmed
TO_NUMBER = re.compile(rb'"to_number"\s*:\s*"([^"]*)"')
_SCATTER = 0x9E3779B97F4A7C15F39CC061  # odd, so that no two ids are alike


class KernelTimer:
    """Wakes the event loop at a moment of the monotonic clock, exact to some ten microseconds.

    :param loop: the event loop to wake.
    :param wake: called at the moment.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, wake: Any) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._descriptor = self._libc.timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK)
        if self._descriptor < 0:
            raise OSError(ctypes.get_errno(), "the kernel gives no timer")
        self._wake = wake
        loop.add_reader(self._descriptor, self._fired)

    def set(self, moment: float) -> None:
        """Wake once, at ``moment``."""
        seconds = int(moment)
        when = (ctypes.c_long * 4)(0, 0, seconds, int((moment - seconds) * 1e9))
        self._libc.timerfd_settime(self._descriptor, TFD_TIMER_ABSTIME, when, None)

    def _fired(self) -> None:
        os.read(self._descriptor, 8)
        self._wake()


class RequestCount:
    """What the server has seen since it was last asked to forget."""

    def __init__(self) -> None:
        self.forget(latency=0.0, lose_every=0)

    def forget(self, *, latency: float, lose_every: int) -> None:
        """Begin anew.

        :param latency: seconds from a POST to its answer, from now on.
        :param lose_every: of so many calls one is taken and never answered: its connection closes. 0 loses none, and
            counts no numbers, which would cost time.
        """
        self.latency = latency
        self.lose_every = lose_every
        self.rings: Counter[bytes] = Counter()
        self.posts = self.answers = self.connections = 0
        self.first_post = self.last_post = self.last_answer = 0.0

    def as_json(self) -> dict[str, float]:
        """The counts, and the moments on the monotonic clock."""
        names = ("posts", "answers", "connections", "first_post", "last_post", "last_answer")
        rung_twice = sum(1 for rings in self.rings.values() if rings > 1)
        return {name: getattr(self, name) for name in names} | {"rung": len(self.rings), "rung_twice": rung_twice}

    def loses(self, body: bytes) -> bool:
        """Count the ring of a call that was taken. Returns whether its answer gets lost."""
        if not self.lose_every:
            return False
        if (number := TO_NUMBER.search(body)) is not None:
            self.rings[number[1]] += 1
        return self.posts % self.lose_every == 0


class Answers:
    """Sends each answer when its latency is over. All have the same latency, so they leave in the order they came."""

    def __init__(self, *, count: RequestCount, loop: asyncio.AbstractEventLoop) -> None:
        self._count = count
        self._loop = loop
        self._timer = KernelTimer(loop, self._send_due)
        self._waiting: deque[tuple[float, asyncio.Transport, bytes]] = deque()

    def send(self, transport: asyncio.Transport, answer: bytes, *, now: float) -> None:
        """Send ``answer`` in as many seconds as the count's latency says; an empty one closes the connection."""
        if not answer:
            self._loop.call_later(self._count.latency, transport.close)
            return
        if self._count.latency == 0:
            transport.write(answer)
            self._count.answers += 1
            self._count.last_answer = now
            return
        due = now + self._count.latency
        if not self._waiting:
            self._timer.set(due)
        self._waiting.append((due, transport, answer))

    def _send_due(self) -> None:
        now = time.monotonic()
        while self._waiting and self._waiting[0][0] <= now:
            _, transport, answer = self._waiting.popleft()
            transport.write(answer)
            self._count.answers += 1
            self._count.last_answer = now
        if self._waiting:
            self._timer.set(max(self._waiting[0][0], now + SOONEST))


class Conversation(asyncio.Protocol):
    """One keep-alive connection."""

    _call_numbers = itertools.count(1)

    def __init__(self, *, count: RequestCount, answers: Answers) -> None:
        self._count = count
        self._answers = answers
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Count the connection."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._count.connections += 1

    def data_received(self, data: bytes) -> None:
        """Answer every request that is complete."""
        received = self._received + data if self._received else data
        while (end := received.find(b"\r\n\r\n")) >= 0:
            head = received[:end]
            size = end + 4 + _body_length(head)
            if len(received) < size:
                break
            body, received = received[end + 4 : size], received[size:]
            self._answer(head, body)
        self._received = received

    def _answer(self, head: bytes, body: bytes) -> None:
        if head.startswith(b"GET "):
            self._answer_the_benchmark(head)
            return
        count = self._count
        now = time.monotonic()
        if count.posts == 0:
            count.first_post = now
        count.posts += 1
        count.last_post = now
        if b"x-api-key:" not in head.lower():
            self._answers.send(self._transport, _response(b"403 Forbidden", b'{"status":"error"}'), now=now)
            return
        if count.loses(body):
            self._answers.send(self._transport, b"", now=now)
            return
        answer = b'{"status":"success","message":"Call initiated successfully","call_id":"%s"}' % _call_id(
            next(self._call_numbers)
        )
        self._answers.send(self._transport, _response(b"200 OK", answer), now=now)

    def _answer_the_benchmark(self, head: bytes) -> None:
        target = urlsplit(head.split(b" ", 2)[1].decode())
        body = json.dumps(self._count.as_json()).encode()
        if target.path == "/forget":
            asked = parse_qs(target.query)
            self._count.forget(latency=float(asked["latency"][0]), lose_every=int(asked["lose_every"][0]))
        self._transport.write(_response(b"200 OK", body))


def _call_id(number: int) -> bytes:
    """An id as vendors give them: hexadecimal, and without a likeness to the number that is called."""
    return b"%024x" % (number * _SCATTER % (1 << 96))


def _body_length(head: bytes) -> int:
    lowered = head.lower()
    at = lowered.find(b"\r\ncontent-length:")
    return int(lowered[at + 17 :].split(b"\r\n", 1)[0]) if at >= 0 else 0


def _response(status: bytes, body: bytes) -> bytes:
    return b"HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (status, len(body), body)


async def serve(*, port: int) -> None:
    """Serve until the process is ended; say the port on standard output."""
    loop = asyncio.get_running_loop()
    count = RequestCount()
    answers = Answers(count=count, loop=loop)
    server = await loop.create_server(lambda: Conversation(count=count, answers=answers), LOOPBACK, port, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


def main() -> None:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--core", type=int, help="the core to stay on")
    options = parser.parse_args()
    if options.core is not None:
        os.sched_setaffinity(0, {options.core})
    asyncio.run(serve(port=options.port))


if __name__ == "__main__":
    main()
