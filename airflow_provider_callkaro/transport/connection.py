"""One connection to the vendor: it carries one request at a time, once, and knows when nothing more may go over it."""

from __future__ import annotations

import asyncio
from typing import cast

from airflow_provider_callkaro.transport.answer_reader import Answer, AnswerReader


class Connection(asyncio.Protocol):
    """A connection, from the moment at which it can carry a request: behind TLS, and behind a proxy's tunnel.

    Nothing is ever sent twice here: each `exchange` writes its request once, and whatever happens then is told.

    :param deadline: how long each answer may take.
    :ivar is_open: whether a request may go over it. Once false, it stays so.
    :ivar idle_since: since when it has carried nothing, by the event loop's clock; whoever keeps it sets it.
    :ivar ends_at: when the time of the exchange is over, by the event loop's clock; `AnswerDeadline` sets it.
    """

    def __init__(self, deadline: AnswerDeadline) -> None:
        self._deadline = deadline
        self._reader = AnswerReader()
        self._transport: asyncio.Transport | None = None
        self._waiter: asyncio.Future[Answer] | None = None
        self.is_open = False
        self.idle_since = self.ends_at = 0.0

    @property
    def is_idle(self) -> bool:
        """Whether it may carry the next request: it is open, and no answer is awaited."""
        return self.is_open and self._waiter is None

    def exchange(self, request: bytes) -> asyncio.Future[Answer]:
        """Send a request; from here on it counts as sent. ``request``: its bytes, head and body. Returns the answer to
        come, or what became of it: an OSError or a ValueError."""
        assert self._transport is not None
        assert self.is_idle, "a connection carries one request at a time"
        waiter = self._waiter = self._deadline.loop.create_future()
        self._reader.begin()
        self._deadline.add(self)
        self._transport.write(request)
        return waiter

    def fail(self, error: Exception) -> None:
        """End the connection, and with this error the exchange that is under way."""
        self.is_open = False
        waiter = self._taken_waiter()
        if waiter is not None and not waiter.done():
            waiter.set_exception(error)
        self.abort()

    def close(self) -> None:
        """End the connection in order, where no answer is awaited."""
        self.is_open = False
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        """End the connection at once; an answer that is under way is nobody's."""
        self.is_open = False
        self._taken_waiter()
        if self._transport is not None:
            self._transport.abort()

    # called by the event loop

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It can carry a request."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is of no common class
        self.is_open = True

    def data_received(self, data: bytes) -> None:
        """Bytes came: of the answer, or, where none is awaited, of nothing that can be trusted."""
        if self._waiter is None:
            self.abort()
            return
        try:
            self._reader.feed(data)
        except ValueError as error:
            self.fail(error)
            return
        if self._reader.answer is not None:
            self._deliver(self._reader.answer)

    def eof_received(self) -> bool:
        """The other end says nothing more. Returns whether the connection stays open: never."""
        self.is_open = False
        if self._waiter is not None and self._reader.finish() and self._reader.answer is not None:
            self._deliver(self._reader.answer)
        return False

    def connection_lost(self, error: Exception | None) -> None:
        """It has ended. An orderly end has been seen by `eof_received`, where there was one."""
        self.fail(error or ConnectionResetError())

    def _deliver(self, answer: Answer) -> None:
        waiter = self._taken_waiter()
        assert self._transport is not None
        # an answer that comes before all of its request has left ends the connection too: the rest must go nowhere
        if not answer.is_reusable or self._transport.get_write_buffer_size():
            self.abort()
        if waiter is not None and not waiter.done():
            waiter.set_result(answer)

    def _taken_waiter(self) -> asyncio.Future[Answer] | None:
        waiter, self._waiter = self._waiter, None
        if waiter is not None:
            self._deadline.discard(self)
        return waiter


class AnswerDeadline:
    """Gives each answer the same time, so one timer, on the oldest request, serves them all.

    Needs a running event loop.

    :param seconds: from the start of a request to the last byte of its answer.
    :ivar loop: the event loop.
    """

    def __init__(self, *, seconds: float) -> None:
        self.loop = asyncio.get_running_loop()
        self._seconds = seconds
        self._oldest_first: dict[Connection, None] = {}
        self._timer: asyncio.TimerHandle | None = None

    def add(self, connection: Connection) -> None:
        """Its request starts now."""
        connection.ends_at = self.loop.time() + self._seconds
        self._oldest_first[connection] = None
        if self._timer is None:
            self._timer = self.loop.call_at(connection.ends_at, self._fail_overdue)

    def discard(self, connection: Connection) -> None:
        """Its request has ended."""
        self._oldest_first.pop(connection, None)

    def close(self) -> None:
        """Stop the timer."""
        if self._timer is not None:
            self._timer.cancel()

    def _fail_overdue(self) -> None:
        self._timer = None
        now = self.loop.time()
        for connection in list(self._oldest_first):
            if connection.ends_at > now:
                self._timer = self.loop.call_at(connection.ends_at, self._fail_overdue)
                return
            connection.fail(TimeoutError())
