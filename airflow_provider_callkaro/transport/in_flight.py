"""The requests in flight over `aiohttp`: may a request still leave, has it left, and is its time over?

Between the start of a request and its first byte lies whatever it takes to get a connection: a free place, DNS, TCP,
TLS, a proxy's tunnel. So the last look at the clock comes once there is a connection, right before the first byte. It
also tells the phase of each failure: what fails before it has not reached the vendor.
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


class InFlight:
    """One request in flight.

    :param not_after: seconds since 1970 UTC after which it may not leave.
    :param ends_at: until when its answer must be there, by the event loop's clock.
    :param task: the task that sends it.
    :ivar has_left: whether bytes of it may have left.
    :ivar connection: the connection that it goes over; None before it has one.
    :ivar is_overdue: whether ``ends_at`` has passed and its task was cancelled for that.
    """

    __slots__ = ("connection", "ends_at", "has_left", "is_overdue", "not_after", "task")

    def __init__(self, *, not_after: float, ends_at: float, task: asyncio.Task[object] | None) -> None:
        self.not_after = not_after
        self.connection: asyncio.BaseTransport | None = None
        self.has_left = False
        self.ends_at = ends_at
        self.is_overdue = False
        self.task = task


class TooLateToLeave(Exception):
    """There was a connection, but too late for the request. `AsyncTransport` says it as `TooLate`."""


_of_this_task: ContextVar[InFlight] = ContextVar("in_flight")  # one task sends one request at a time


class InFlightRequests:
    """All requests in flight. Each gets the same time, so one timer, on the oldest, serves them all.

    :param seconds: how long one may take, from its start to the last byte of its answer.
    """

    def __init__(self, *, seconds: float) -> None:
        self._seconds = seconds
        self._loop = asyncio.get_running_loop()
        self._oldest_first: dict[InFlight, None] = {}
        self._timer: asyncio.TimerHandle | None = None

    def begin(self, not_after: float) -> InFlight:
        """Note that this task starts a request. When its time is over, the task is cancelled."""
        ends_at = self._loop.time() + self._seconds
        request = InFlight(not_after=not_after, ends_at=ends_at, task=asyncio.current_task())
        _of_this_task.set(request)
        self._oldest_first[request] = None
        if self._timer is None:
            self._timer = self._loop.call_at(ends_at, self._cancel_overdue)
        return request

    def end(self, request: InFlight) -> None:
        """Note that the request has ended, and take back a cancellation that was meant for it."""
        del self._oldest_first[request]
        if request.is_overdue and request.task is not None:
            request.task.uncancel()

    def close(self) -> None:
        """Stop the timer."""
        if self._timer is not None:
            self._timer.cancel()

    def _cancel_overdue(self) -> None:
        self._timer = None
        now = self._loop.time()
        for request in self._oldest_first:
            if request.ends_at > now:
                self._timer = self._loop.call_at(request.ends_at, self._cancel_overdue)
                return
            if not request.is_overdue and request.task is not None:
                request.is_overdue = True
                request.task.cancel()


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

        :raises TooLateToLeave: the request may not leave any more; the connection is kept for others.
        """
        connection = await super().connect(req, traces, timeout)
        request = _of_this_task.get()
        if request.not_after < self._wall():
            connection.release()
            raise TooLateToLeave
        request.connection = connection.transport
        request.has_left = True
        return connection
