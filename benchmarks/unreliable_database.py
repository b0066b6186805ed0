"""A TCP proxy before a database that stops, hangs, and comes back."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress


class UnreliableDatabase:
    """Passes bytes on, both ways. Use with ``with``.

    :param host: of the database.
    :param port: of the database.
    """

    def __init__(self, *, host: str, port: int) -> None:
        self._target = (host, port)
        self._flows = threading.Event()
        self._flows.set()
        self._listener: socket.socket | None = None
        self._pairs: set[socket.socket] = set()
        self._lock = threading.Lock()
        self.port = 0

    def __enter__(self) -> UnreliableDatabase:
        self.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._flows.set()
        self.stop()

    def start(self) -> None:
        """Take connections, at the same port each time."""
        self._listener = socket.create_server(("127.0.0.1", self.port))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def stop(self) -> None:
        """Break every connection, and refuse new ones."""
        listener, self._listener = self._listener, None
        if listener is not None:
            close(listener)
        with self._lock:
            pairs, self._pairs = self._pairs, set()
        for each in pairs:
            close(each)

    def hang(self) -> None:
        """Let no byte through any more, and break nothing: the worst that a network does."""
        self._flows.clear()

    def go_on(self) -> None:
        """Let bytes through again."""
        self._flows.set()

    def _accept(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                server = socket.create_connection(self._target)
                with self._lock:
                    self._pairs |= {client, server}
                for source, sink in ((client, server), (server, client)):
                    threading.Thread(target=self._pass, args=(source, sink), daemon=True).start()

    def _pass(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65_536):
                self._flows.wait()
                sink.sendall(data)
        close(source)
        close(sink)


def close(connection: socket.socket) -> None:
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
    connection.close()
