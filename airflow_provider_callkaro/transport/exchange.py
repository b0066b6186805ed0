"""One exchange over `requests`: how long it may take as a whole, and whether the request has left.

`requests` and `urllib3` limit only the pause between two bytes. Here a timer shuts the socket down once the time for
the whole exchange is over, and whoever reads from the socket meets its end. A name's look-up cannot be interrupted: so
a connection is made in a thread, which is left behind when it takes too long.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from http import HTTPStatus
from http.client import HTTPResponse
from typing import Any

from urllib3 import PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import HTTPError


class DeadlinePassed(HTTPError):
    """The exchange took longer than it may. Never leaves this room: its callers say what it means."""


class Exchange:
    """One request and its answer.

    One thread sends and reads. The timer's thread and the one that connects only set `has_passed` and close sockets.

    :ivar has_left: whether bytes of the request may have left that the vendor can act upon: of its body, or, where it
        has none, of its headers. None: not known, because no connection of ours carries it.
    :ivar has_passed: whether its time is over.
    """

    def __init__(self) -> None:
        self.has_left: bool | None = None
        self.has_passed = False
        self._connection: HTTPConnection | None = None
        self._socket: object = None
        self._ends_at = 0.0

    @staticmethod
    def current() -> Exchange | None:
        """The exchange that this thread is in; None outside of any."""
        return _current.get(None)

    @contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        """Do something with the connection that must not take longer. Raises DeadlinePassed if it took longer; the
        connection is of no more use."""
        timer = threading.Timer(seconds, self._pass)
        timer.daemon = True
        self._ends_at = time.monotonic() + seconds
        token = _current.set(self)
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
            _current.reset(token)
        self._check()

    def begin(self) -> None:
        """Note that a connection of ours is about to carry the request: from here on its phase is known."""
        if self.has_left is None:
            self.has_left = False

    def connect(self, connection: HTTPConnection, connect: Callable[[], None]) -> None:
        """Make a connection. Raises DeadlinePassed if it took too long. What comes of it later is closed."""
        self._connection = connection
        self._check()
        failures: list[BaseException] = []
        is_made = threading.Event()

        def make() -> None:
            try:
                connect()
                if self.has_passed:
                    connection.close()
            except BaseException as error:
                failures.append(error)
            finally:
                is_made.set()

        threading.Thread(target=make, name="callkaro-connect", daemon=True).start()
        if not is_made.wait(max(0.0, self._ends_at - time.monotonic())):
            self._pass()
        self._check()
        if failures:
            raise failures[0]

    def send_over(self, connection: HTTPConnection) -> None:
        """Note the connection over which the request leaves and its answer comes. Raises DeadlinePassed if there is no
        time left to send it."""
        self._connection = connection
        self._socket = connection.sock  # the connection forgets it once an answer ends with the connection
        self._check()

    def _check(self) -> None:
        """See whether the time is over: what looks like the end of an answer is none then."""
        if self.has_passed:
            raise DeadlinePassed("it took too long")

    def _pass(self) -> None:
        self.has_passed = True
        opened: Any = self._socket or getattr(self._connection, "sock", None)
        opened = getattr(opened, "socket", opened)  # of TLS within TLS the one that is the operating system's
        if opened is not None:
            with suppress(OSError, TypeError):  # it is being closed
                socket.socket.shutdown(opened, socket.SHUT_RDWR)  # past TLS, which would take its time


_current: ContextVar[Exchange] = ContextVar("exchange")


class _Answer(HTTPResponse):
    """An answer as http.client reads it, without what may come before it, and without what is no header in it."""

    def begin(self) -> None:
        super().begin()
        while HTTPStatus.CONTINUE < self.status < HTTPStatus.OK:
            # http.client takes these for the answer; then the true one would be read as that to the next request
            self.headers = self.msg = None  # type: ignore[assignment]
            super().begin()
        self.msg.set_payload("")  # urllib3 would log it, and a vendor may repeat a number or a key there
        self.msg.defects = []


class _Connection(HTTPConnection):
    """Reports to the exchange that it carries; outside of any, as in a thread of an adapter's own, to none."""

    response_class = _Answer
    _has_body = False

    def connect(self) -> None:
        exchange = Exchange.current()
        if exchange is None:
            super().connect()
        else:
            exchange.connect(self, super().connect)

    def request(self, method: str, url: str, body: Any = None, headers: Any = None, **options: Any) -> None:
        self._has_body = body is not None
        super().request(method, url, body, headers, **options)

    def endheaders(self, message_body: Any = None, *, encode_chunked: bool = False) -> None:
        if self.sock is None:
            self.connect()
        exchange = Exchange.current() or Exchange()
        exchange.send_over(self)
        if not self._has_body:
            exchange.has_left = True  # the headers are all of it
        super().endheaders(message_body, encode_chunked=encode_chunked)
        exchange.has_left = True


class _TlsConnection(_Connection, HTTPSConnection):
    """Reports to the exchange that it carries."""


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


def reporting(manager: PoolManager) -> PoolManager:
    """The manager, whose connections report to the exchange that they carry."""
    manager.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}
    return manager
