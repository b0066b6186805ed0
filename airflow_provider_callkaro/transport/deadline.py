"""A deadline over a whole exchange for `urllib3`, which knows only how long one byte may take after another.

A timer shuts the socket down when the time is over, and whoever reads from it finds its end. Looking up a name cannot
be shut down: so connections are made in a thread, which is left behind when it takes too long.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import HTTPError

if TYPE_CHECKING:
    from urllib3 import PoolManager


class DeadlinePassed(HTTPError):
    """The exchange took longer than it may."""


class Deadline:
    """Watches one connection, for as long as it is told to."""

    def __init__(self) -> None:
        self.has_passed = False
        self._connection: HTTPConnection | None = None
        self._ends_at = 0.0

    @contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        """Do something with the connection that must not take longer.

        :raises DeadlinePassed: it did; the connection is of no more use.
        """
        timer = threading.Timer(seconds, self._pass)
        timer.daemon = True
        self._ends_at = time.monotonic() + seconds
        token = _deadline.set(self)
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
            _deadline.reset(token)
        self.check()

    def watch(self, connection: HTTPConnection) -> None:
        """Take note of the connection that is used.

        :raises DeadlinePassed: it was too long in coming.
        """
        self._connection = connection
        self.check()

    def reach(self, connection: HTTPConnection, connect: Callable[[], None]) -> None:
        """Let a connection be made.

        :raises DeadlinePassed: it took too long. What comes of it later is closed.
        """
        self.watch(connection)
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
        self.check()
        if failures:
            raise failures[0]

    def check(self) -> None:
        """See whether the time is over.

        :raises DeadlinePassed: it is. What looks like the end of an answer is then none.
        """
        if self.has_passed:
            raise DeadlinePassed("it took too long")

    def _pass(self) -> None:
        self.has_passed = True
        opened: Any = None if self._connection is None else self._connection.sock
        opened = getattr(opened, "socket", opened)  # of TLS within TLS the one that is the operating system's
        if opened is not None:
            with suppress(OSError, TypeError):  # it is being closed
                socket.socket.shutdown(opened, socket.SHUT_RDWR)  # past TLS, which would take its time


_deadline: ContextVar[Deadline] = ContextVar("deadline")


class _PlainConnection(HTTPConnection):
    """Shows itself to the deadline that holds."""

    def connect(self) -> None:
        _deadline.get().reach(self, super().connect)

    def request(self, *arguments: Any, **options: Any) -> None:
        _deadline.get().watch(self)
        super().request(*arguments, **options)


class _TlsConnection(HTTPSConnection):
    """Shows itself to the deadline that holds."""

    def connect(self) -> None:
        _deadline.get().reach(self, super().connect)

    def request(self, *arguments: Any, **options: Any) -> None:
        _deadline.get().watch(self)
        super().request(*arguments, **options)


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = _PlainConnection


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


def watched(manager: PoolManager) -> PoolManager:
    """The manager, whose connections show themselves to the deadline that holds."""
    manager.pool_classes_by_scheme = {"http": _PlainPool, "https": _TlsPool}
    return manager
