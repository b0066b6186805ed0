"""The last look before the wire: may the request still leave, and has it left?

Between the moment at which a request is handed over and its first byte lies whatever it takes to get a connection: a
place among the others, DNS, TCP, TLS, a proxy's tunnel. So the look comes when a connection is there, and nothing lies
between it and the first byte. It also tells the phase of every failure: what fails before it has reached nobody.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from typing import TYPE_CHECKING

from aiohttp import TCPConnector

if TYPE_CHECKING:
    from aiohttp import ClientRequest, ClientTimeout
    from aiohttp.connector import Connection
    from aiohttp.tracing import Trace


class Departure:
    """What is known of one request on its way out.

    :param not_after: seconds since 1970 UTC after which it may not leave.
    """

    __slots__ = ("has_left", "not_after")

    def __init__(self, not_after: float) -> None:
        self.not_after = not_after
        self.has_left = False


class MissedDeparture(Exception):
    """A connection was there, but too late."""


_of_this_task: ContextVar[Departure] = ContextVar("departure")  # a request is sent by one task


def departing(not_after: float) -> Departure:
    """The departure of the request that this task is about to send."""
    departure = Departure(not_after)
    _of_this_task.set(departure)
    return departure


class PunctualConnector(TCPConnector):
    """Hands out a connection only to a request that may still leave.

    :param wall: seconds since 1970 UTC.
    """

    def __init__(self, *, wall: Callable[[], float], limit: int, keepalive_timeout: float, ttl_dns_cache: int) -> None:
        super().__init__(limit=limit, keepalive_timeout=keepalive_timeout, ttl_dns_cache=ttl_dns_cache)
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
