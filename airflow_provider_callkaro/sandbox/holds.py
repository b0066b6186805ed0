"""Where requests wait: for a release, or for the time that a latency fault takes.

Requests wait on the server's event loop. A test's thread releases them, sends them away and watches them. When the
sandbox stops, every wait ends, so that stopping never takes as long as the longest wait.
"""

from __future__ import annotations

import asyncio
import threading
from enum import Enum, auto


class SentAway(Exception):
    """The sandbox was stopped or reset while the request was held: it must not be accepted any more."""


class _End(Enum):
    RELEASED = auto()
    SENT_AWAY = auto()


_Waits = set[asyncio.Future[_End]]


class Holds:
    """The requests that wait. Call the coroutines on the event loop, and the rest from any thread."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._held: _Waits = set()
        self._sleeping: _Waits = set()
        self._is_open = True

    async def hold(self) -> None:
        """Wait until the release. Raises SentAway if there will be no release for this request."""
        if await self._wait_in(self._held) is _End.SENT_AWAY:
            raise SentAway

    async def sleep(self, seconds: float) -> None:
        """Wait for a time. Only a reset or the end of the sandbox shortens it."""
        await self._wait_in(self._sleeping, seconds=seconds)

    async def _wait_in(self, room: _Waits, *, seconds: float | None = None) -> _End:
        loop = asyncio.get_running_loop()
        wait: asyncio.Future[_End] = loop.create_future()
        with self._changed:
            if not self._is_open:
                return _End.SENT_AWAY
            room.add(wait)
            self._changed.notify_all()
        timer = None if seconds is None else loop.call_later(seconds, _end, wait, _End.RELEASED)
        try:
            return await wait
        finally:
            if timer is not None:
                timer.cancel()
            with self._changed:
                room.discard(wait)

    @property
    def held(self) -> int:
        """How many requests wait for the release."""
        with self._changed:
            return len(self._held)

    def release(self) -> int:
        """Release the requests that are held now. Later ones are held until the next release. Returns how many were
        held."""
        with self._changed:
            return _end_all(self._held, _End.RELEASED)

    def send_away(self) -> None:
        """Turn away the requests that are held now, and end every sleep."""
        with self._changed:
            _end_all(self._held, _End.SENT_AWAY)
            _end_all(self._sleeping, _End.SENT_AWAY)

    def close(self) -> None:
        """Turn away every request that waits, and hold none until it is opened again."""
        with self._changed:
            self._is_open = False
        self.send_away()

    def open(self) -> None:
        """Take in requests again after closing."""
        with self._changed:
            self._is_open = True

    def wait_for_held(self, count: int, *, timeout: float) -> None:
        """Wait until as many requests are held at the same time. ``timeout``: seconds. Raises TimeoutError if there are
        fewer when the time is over."""
        with self._changed:
            if not self._changed.wait_for(lambda: len(self._held) >= count, timeout):
                raise TimeoutError(f"{len(self._held)} of {count} held requests after {timeout:g} seconds")


def _end_all(room: _Waits, how: _End) -> int:
    count = len(room)
    for wait in room:
        wait.get_loop().call_soon_threadsafe(_end, wait, how)
    room.clear()
    return count


def _end(wait: asyncio.Future[_End], how: _End) -> None:
    if not wait.done():
        wait.set_result(how)
