"""A TCP proxy on loopback that cuts a database connection at the worst moment."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from enum import Enum


class Cut(Enum):
    """Where the connection breaks."""

    BEFORE_COMMIT = "the commit never reaches the database"
    AFTER_COMMIT = "the database commits, and its answer is lost"


class CuttingProxy:
    """Passes bytes on, both ways, until it is told to cut. Use with ``with``."""

    def __init__(self, *, host: str, port: int) -> None:
        self._target = (host, port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._sockets: set[socket.socket] = set()
        self._next_cut: Cut | None = None
        self.cuts = 0

    @property
    def port(self) -> int:
        return self._listener.getsockname()[1]

    def __enter__(self) -> CuttingProxy:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.go_away()

    def cut(self, where: Cut) -> None:
        """Cut the connection that next says COMMIT, once."""
        self._next_cut = where

    def cut_everything(self) -> None:
        """Break every connection that is open now."""
        while self._sockets:
            _close(self._sockets.pop())

    def go_away(self) -> None:
        """Break every connection and take no new one."""
        _close(self._listener)
        self.cut_everything()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
                server = socket.create_connection(self._target)
            except OSError:
                return
            self._sockets |= {client, server}
            answers_are_lost = threading.Event()
            threading.Thread(target=self._to_server, args=(client, server, answers_are_lost), daemon=True).start()
            threading.Thread(target=self._to_client, args=(client, server, answers_are_lost), daemon=True).start()

    def _to_server(self, client: socket.socket, server: socket.socket, answers_are_lost: threading.Event) -> None:
        for data in _received(client):
            if b"COMMIT" in data and b"READ COMMITTED" not in data and self._next_cut is not None:
                where, self._next_cut = self._next_cut, None
                self.cuts += 1
                if where is Cut.BEFORE_COMMIT:
                    break
                answers_are_lost.set()
            if not _sent(server, data):
                break
        _close(client)
        _close(server)

    def _to_client(self, client: socket.socket, server: socket.socket, answers_are_lost: threading.Event) -> None:
        for data in _received(server):
            if answers_are_lost.is_set() or not _sent(client, data):
                break
        _close(client)
        _close(server)


def _received(connection: socket.socket) -> Iterator[bytes]:
    try:
        while data := connection.recv(65_536):
            yield data
    except OSError:
        return


def _sent(connection: socket.socket, data: bytes) -> bool:
    try:
        connection.sendall(data)
    except OSError:
        return False
    return True


def _close(connection: socket.socket) -> None:
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
    connection.close()
