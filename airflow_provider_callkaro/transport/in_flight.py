"""The requests in flight over `aiohttp`: may a request still leave, has it left, and is its time over?

Between the start of a request and its first byte lies whatever it takes to get a connection: a free place, DNS, TCP,
TLS, a proxy's tunnel. So the last look at the clock comes once there is a connection, right before the first byte. It
also tells the phase of each failure: what fails before it has not reached the vendor.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, TypeAlias

from aiohttp import TCPConnector
from aiohttp.abc import AbstractResolver

if TYPE_CHECKING:
    from aiohttp import ClientRequest, ClientTimeout
    from aiohttp.abc import ResolveResult
    from aiohttp.connector import Connection
    from aiohttp.tracing import Trace


_Address: TypeAlias = tuple[Any, ...]  # host and port, of IPv6 flow and scope too
_Found: TypeAlias = tuple[socket.AddressFamily, socket.SocketKind, int, str, _Address]  # as getaddrinfo gives it
NUMERIC = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
_of_this_task: ContextVar[InFlight] = ContextVar("in_flight")  # one task sends one request at a time


class Resolver(AbstractResolver):
    """Asks the operating system for each name, in a thread of its own that can be left behind: a look-up that hangs in
    the event loop's own threads would hold the end of the loop, and with it the task."""

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """See `aiohttp.abc.AbstractResolver.resolve`. Raises OSError if there is no such name, or the system cannot
        tell."""
        found: Future[Sequence[_Found]] = Future()
        found.set_running_or_notify_cancel()  # from here on nothing can cancel it

        def look_up() -> None:
            try:
                found.set_result(
                    socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, family=family, flags=socket.AI_ADDRCONFIG)
                )
            except Exception as error:
                found.set_exception(error)

        threading.Thread(target=look_up, name="callkaro-look-up", daemon=True).start()
        return [
            {
                "hostname": host,
                "host": _numeric(address),
                "port": port,
                "family": kind,
                "proto": proto,
                "flags": NUMERIC,
            }
            for kind, _, proto, _, address in await asyncio.wrap_future(found)
        ]

    async def close(self) -> None:
        """Nothing to do: nothing is kept."""


def _numeric(address: _Address) -> str:
    """The address in digits; of IPv6 with its scope, where it has one."""
    return f"{address[0]}%{address[3]}" if len(address) > 3 and address[3] and "%" not in address[0] else address[0]


class InFlight:
    """One request in flight.

    :param not_after: seconds since 1970 UTC after which it may not leave.
    :ivar has_left: whether bytes of it may have left.
    :ivar connection: the connection that it goes over; None before it has one.
    :ivar deadline: what cancels its task; None once the request has ended.
    :ivar ends_at: when that is, by the event loop's clock.
    :ivar is_overdue: whether ``ends_at`` has passed and its task was cancelled for that.
    """

    __slots__ = ("connection", "deadline", "ends_at", "has_left", "is_overdue", "not_after", "task")

    def __init__(self, *, not_after: float, task: asyncio.Task[object] | None) -> None:
        self.not_after = not_after
        self.task = task
        self.connection: asyncio.BaseTransport | None = None
        self.has_left = False
        self.deadline: _Deadline | None = None
        self.ends_at = 0.0
        self.is_overdue = False


class TooLateToLeave(Exception):
    """There was a connection, but too late for the request. `AsyncTransport` says it as `TooLate`."""


class _Deadline:
    """Gives each request the same time, so one timer, on the oldest, serves them all. ``seconds``: from `add`; then the
    request's task is cancelled."""

    def __init__(self, *, seconds: float) -> None:
        self._seconds = seconds
        self._loop = asyncio.get_running_loop()
        self._oldest_first: dict[InFlight, None] = {}
        self._timer: asyncio.TimerHandle | None = None

    def add(self, request: InFlight) -> None:
        request.deadline = self
        request.ends_at = ends_at = self._loop.time() + self._seconds
        self._oldest_first[request] = None
        if self._timer is None:
            self._timer = self._loop.call_at(ends_at, self._cancel_overdue)

    def discard(self, request: InFlight) -> None:
        del self._oldest_first[request]
        request.deadline = None

    def close(self) -> None:
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


class InFlightRequests:
    """All requests in flight, and the time that each may take: one for the way to the wire, one from there on.

    :param connect_timeout: seconds until there is a connection, a free place included.
    :param read_timeout: seconds from there to the last byte of the answer.
    """

    def __init__(self, *, connect_timeout: float, read_timeout: float) -> None:
        self._connecting = _Deadline(seconds=connect_timeout)
        self._answering = _Deadline(seconds=read_timeout)

    def begin(self, not_after: float) -> InFlight:
        """Note that this task starts a request. When its time is over, the task is cancelled."""
        request = InFlight(not_after=not_after, task=asyncio.current_task())
        _of_this_task.set(request)
        self._connecting.add(request)
        return request

    def leave(self, request: InFlight, connection: asyncio.BaseTransport | None) -> None:
        """Note that the request leaves, over this connection."""
        request.connection = connection
        if not request.has_left:
            request.has_left = True
            self._connecting.discard(request)
            self._answering.add(request)

    def end(self, request: InFlight) -> None:
        """Note that the request has ended, and take back a cancellation that was meant for it."""
        if request.deadline is not None:
            request.deadline.discard(request)
        if request.is_overdue and request.task is not None:
            request.task.uncancel()

    def close(self) -> None:
        """Stop the timers."""
        self._connecting.close()
        self._answering.close()


class PunctualConnector(TCPConnector):
    """Hands out a connection only to a request that may still leave. ``wall``: seconds since 1970 UTC. ``options``:
    those of `aiohttp.TCPConnector`."""

    def __init__(self, *, in_flight: InFlightRequests, wall: Callable[[], float], **options: Any) -> None:
        super().__init__(**options)
        self._in_flight = in_flight
        self._wall = wall

    async def connect(self, req: ClientRequest, traces: list[Trace], timeout: ClientTimeout) -> Connection:
        """See `aiohttp.BaseConnector.connect`. Raises TooLateToLeave if the request may not leave any more; the
        connection is kept for others."""
        connection = await super().connect(req, traces, timeout)
        request = _of_this_task.get()
        if request.not_after < self._wall():
            connection.release()
            raise TooLateToLeave
        self._in_flight.leave(request, connection.transport)
        return connection
