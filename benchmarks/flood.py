"""A flood of webhooks: as fast as the answers come, over many connections, and again until each is acknowledged.

It is what a vendor does at the end of a night, and what a stranger does on purpose. `Flood` counts every answer, and
says which calls were acknowledged; who runs it compares that with the database.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from benchmarks.server import LOOPBACK

SECRET = "the-secret-of-this-benchmark"
PATH = "/callkaro/webhooks/callkaro/callkaro_default"
TOO_LONG = 1_000_001  # bytes
PAUSE = 0.05  # seconds before a delivery that was not taken is made again; a vendor waits longer
PATIENCE = 5.0  # seconds for an answer, as CallKaro's


@dataclass(frozen=True, slots=True)
class Delivery:
    """One request. ``call_id``: of a delivery that must be in the end acknowledged; None for one that must not."""

    kind: str
    request: bytes = field(repr=False)
    call_id: str | None = None


def good(count: int, *, run: str = "call") -> Iterator[Delivery]:
    """Deliveries of ended calls, each with its own call."""
    for number in range(count):
        call_id = f"{run}-{number:07d}"
        data = {
            "callSid": call_id,
            "name": "outbound-api",
            "agent": "6803fa770b666a64ab1694c1e",
            "to": f"9198{number % 10**8:08d}",
            "call_duration": 42,
            "time": "2026-11-21 14:03:12",
            "hangup_reason": ("CLIENT_INITIATED", "USER_UNAVAILABLE", "VOICEMAIL_DETECTED")[number % 3],
            "call_metadata": {"name": "Customer", "city": "Pune", "call_reference": f"{number:022d}"},
            "transcription": "Agent: hello. Customer: yes, I remember. " * 20,
            "try_count": 0,
            "post_call": {"answer": "yes", "callback": "no"},
            "next_call_scheduled": False,
        }
        yield Delivery("good", post(json.dumps({"event": "call_ended", "data": data}).encode()), call_id)


def bad(count: int) -> Iterator[Delivery]:
    """As many of each kind that must not be acknowledged."""
    body = next(good(1)).request.partition(b"\r\n\r\n")[2]
    for _ in range(count):
        yield Delivery("wrong secret", post(body, secret="the-secret-of-somebody-else"))
        yield Delivery("no secret", post(body, secret=None))
        yield Delivery("unknown connection", post(body, path=PATH + "_2"))
        yield Delivery("malformed", post(body[:-2]))
        yield Delivery("nested", post(b"[" * 50_000))
    for _ in range(max(1, count // 10)):
        yield Delivery("too long", post(b"x" * TOO_LONG))


def post(body: bytes, *, path: str = PATH, secret: str | None = SECRET) -> bytes:
    """The bytes of a request."""
    head = f"POST {path} HTTP/1.1\r\nHost: {LOOPBACK}\r\nContent-Type: application/json\r\n"
    if secret is not None:
        head += f"X-CallKaro-Webhook-Secret: {secret}\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


class Flood:
    """One flood.

    :param port: of the receiver, on loopback.
    :param deliveries: what is delivered.
    :param connections: how many deliver at once.
    :param on_answer: told the status of each answer to a good delivery; 0 where none came.
    """

    def __init__(
        self,
        *,
        port: int,
        deliveries: Iterator[Delivery],
        connections: int,
        on_answer: Callable[[int], None] = lambda _: None,
    ) -> None:
        self._port = port
        self._left = deque(deliveries)
        self._connections = connections
        self._on_answer = on_answer
        self._open = sum(delivery.call_id is not None for delivery in self._left)
        self.answers: Counter[tuple[str, int]] = Counter()
        """How often each kind of delivery got each status; 0 for no answer at all."""
        self.acknowledged: set[str] = set()
        """The calls whose delivery was answered by 200."""
        self.longest = 0.0
        """Seconds from a good request to its answer."""
        self.seconds = 0.0

    def run(self) -> None:
        """Deliver everything, until every good delivery is acknowledged."""
        began = time.monotonic()
        asyncio.run(self._run())
        self.seconds = time.monotonic() - began

    async def _run(self) -> None:
        async with asyncio.TaskGroup() as group:
            for _ in range(self._connections):
                group.create_task(self._deliver())

    async def _deliver(self) -> None:
        connection: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        while self._left or self._open:
            if not self._left:
                await asyncio.sleep(PAUSE)
                continue
            delivery = self._left.popleft()
            began = time.monotonic()
            try:
                if connection is None:
                    connection = await asyncio.open_connection(LOOPBACK, self._port)
                async with asyncio.timeout(PATIENCE):
                    status, is_kept = await _ask(*connection, delivery.request)
            except (OSError, TimeoutError, asyncio.IncompleteReadError):
                status, is_kept = 0, False
            if not is_kept and connection is not None:
                connection[1].close()
                connection = None
            self.answers[delivery.kind, status] += 1
            if delivery.call_id is None:
                continue
            self.longest = max(self.longest, time.monotonic() - began)
            self._on_answer(status)
            if status == 200:
                self.acknowledged.add(delivery.call_id)
                self._open -= 1
            else:
                await asyncio.sleep(PAUSE)
                self._left.append(delivery)
        if connection is not None:
            connection[1].close()


async def _ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> tuple[int, bool]:
    """Send a request: the status of its answer, and whether the connection lasts."""
    writer.write(request)
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    length = int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0] or 0)
    await reader.readexactly(length)
    return int(head[9:12]), b"connection: close" not in head
