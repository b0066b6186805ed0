"""The connections to the vendor: no more at once than agreed, used again at once, dropped before the vendor does."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

from airflow_provider_callkaro.transport.connection import Connection
from airflow_provider_callkaro.transport.target import IDLE_SECONDS


class ConnectionPool:
    """Hands out open connections that carry nothing.

    Of those that carry nothing the last one used goes out first: it is the least likely to have been closed.

    :param most: how many may be open at once.
    :param connect_timeout: seconds until there is a connection, a free place included.
    """

    def __init__(self, *, open_one: Callable[[], Awaitable[Connection]], most: int, connect_timeout: float) -> None:
        self._open_one = open_one
        self._connect_timeout = connect_timeout
        self._places = asyncio.Semaphore(most)
        self._idle: deque[Connection] = deque()  # the one that has been so for longest is first
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None

    async def take(self) -> Connection:
        """A connection, for one request. Raises whatever kept it from being opened, or TimeoutError; then nothing is
        taken."""
        if not self._places.locked() and (warm := self._warm()) is not None:
            await self._places.acquire()  # there is one, so this does not wait
            return warm
        async with asyncio.timeout(self._connect_timeout):
            await self._places.acquire()
            try:
                connection = self._warm() or await self._open_one()
                if not connection.is_open:  # it has ended again, before anything was sent
                    connection.abort()
                    raise ConnectionResetError
            except BaseException:
                self._places.release()
                raise
            return connection

    def give_back(self, connection: Connection) -> None:
        """Take a connection back: it is kept if it can carry another request, and ended if an answer is under way."""
        self._places.release()
        if not connection.is_idle:
            connection.abort()
            return
        connection.idle_since = self._loop.time()
        self._idle.append(connection)
        if self._timer is None:
            self._timer = self._loop.call_later(IDLE_SECONDS, self._drop_old)

    async def close(self) -> None:
        """End all connections that carry nothing."""
        if self._timer is not None:
            self._timer.cancel()
        while self._idle:
            self._idle.pop().abort()
        await asyncio.sleep(0)  # the event loop closes them in its next turn

    def _warm(self) -> Connection | None:
        """One that was used a moment ago."""
        oldest = self._loop.time() - IDLE_SECONDS
        while self._idle:
            connection = self._idle.pop()
            if connection.is_open and connection.idle_since >= oldest:
                return connection
            connection.close()
        return None

    def _drop_old(self) -> None:
        self._timer = None
        oldest = self._loop.time() - IDLE_SECONDS
        while self._idle and (self._idle[0].idle_since <= oldest or not self._idle[0].is_open):
            self._idle.popleft().close()
        if self._idle:
            self._timer = self._loop.call_at(self._idle[0].idle_since + IDLE_SECONDS, self._drop_old)
