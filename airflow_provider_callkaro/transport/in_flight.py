"""The last look before the wire: may the request still leave, and has it left?

Between the moment at which a request is handed over and its first byte lies whatever it takes to get a connection: a
place among the others, DNS, TCP, TLS, a proxy's tunnel. So the look comes when a connection is there, and nothing lies
between it and the first byte. It also tells the phase of every failure: what fails before it has reached nobody.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from aiohttp import TCPConnector

if TYPE_CHECKING:
    from aiohttp import ClientRequest, ClientTimeout
    from aiohttp.connector import Connection
    from aiohttp.tracing import Trace


class Departure:
    """What is known of one request on its way out.

    :param not_after: seconds since 1970 UTC after which it may not leave.
    :ivar has_left: whether bytes of it may have left.
    :ivar ends_at: the moment of the event loop's clock until which its answer must be there.
    :ivar is_overdue: whether that moment has passed and its task was cancelled for it.
    """

    __slots__ = ("ends_at", "has_left", "is_overdue", "not_after", "task")

    def __init__(self, not_after: float, ends_at: float, task: asyncio.Task[Any] | None, /) -> None:
        self.not_after = not_after
        self.has_left = False
        self.ends_at = ends_at
        self.is_overdue = False
        self.task = task


class MissedDeparture(Exception):
    """A connection was there, but too late."""


_of_this_task: ContextVar[Departure] = ContextVar("departure")  # a request is sent by one task


class Departures:
    """The requests that are under way, each of which gets the same time: one timer, on the oldest, serves them all.

    :param seconds: that one may take, from its start to the last byte of its answer.
    """

    def __init__(self, *, seconds: float) -> None:
        self._seconds = seconds
        self._loop = asyncio.get_running_loop()
        self._open: dict[Departure, None] = {}
        self._timer: asyncio.TimerHandle | None = None

    def begin(self, not_after: float) -> Departure:
        """Note that this task begins to send a request; when its time is over, the task is cancelled."""
        ends_at = self._loop.time() + self._seconds
        departure = Departure(not_after, ends_at, asyncio.current_task())
        _of_this_task.set(departure)
        self._open[departure] = None
        if self._timer is None:
            self._timer = self._loop.call_at(ends_at, self._look)
        return departure

    def end(self, departure: Departure) -> None:
        """Note that the request has come to its end, and take back what was done to end it."""
        del self._open[departure]
        if departure.is_overdue and departure.task is not None:
            departure.task.uncancel()

    def close(self) -> None:
        """Let go of the timer."""
        if self._timer is not None:
            self._timer.cancel()

    def _look(self) -> None:
        self._timer = None
        now = self._loop.time()
        for departure in self._open:
            if departure.ends_at > now:
                self._timer = self._loop.call_at(departure.ends_at, self._look)
                return
            if not departure.is_overdue and departure.task is not None:
                departure.is_overdue = True
                departure.task.cancel()


class PunctualConnector(TCPConnector):
    """Hands out a connection only to a request that may still leave.

    :param wall: seconds since 1970 UTC.
    :param options: those of `aiohttp.TCPConnector`.
    """

    def __init__(self, *, wall: Callable[[], float], **options: Any) -> None:
        super().__init__(**options)
        self._wall = wall

    async def connect(self, req: ClientRequest, traces: list[Trace], timeout: ClientTimeout) -> Connection:
        """See `aiohttp.BaseConnector.connect`.

        :raises MissedDeparture: nothing of the request may leave any more; the connection is kept for others.
        """
        connection = await super().connect(req, traces, timeout)
        departure = _of_this_task.get()
        if departure.not_after < self._wall():
            connection.release()
            raise MissedDeparture
        departure.has_left = True
        return connection
