"""uvicorn in a thread: it serves an application on a socket, and lets a response reach its connection."""

from __future__ import annotations

import socket
import threading
from typing import Any

import uvicorn
from starlette.applications import Starlette
from uvicorn.protocols.http.auto import AutoHTTPProtocol

# A pooled connection that the server closes just as the client sends looks like a lost answer. The sandbox loses
# answers only on demand, so idle connections stay open.
KEEP_ALIVE_SECONDS = 3600
GRACE_SECONDS = 2  # at the end, for requests in the middle of their answer
BACKLOG = 2048  # connections that may wait to be taken up


class ServerThread:
    """Serves an application until it is stopped, on a bound socket, which it closes at the end."""

    def __init__(self, app: Starlette, *, listener: socket.socket) -> None:
        config = uvicorn.Config(
            app,
            http=_with_connection,  # type: ignore[arg-type]  # uvicorn calls it; it need not be a class
            ws="none",
            lifespan="off",
            log_config=None,
            log_level="warning",
            access_log=False,
            proxy_headers=False,
            server_header=False,
            backlog=BACKLOG,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=GRACE_SECONDS,
        )
        self._server = uvicorn.Server(config)
        self._listener = listener
        self._thread = threading.Thread(target=self._serve, name="callkaro-sandbox", daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        self._server.run(sockets=[self._listener])

    def stop(self) -> None:
        """Close the socket and the connections, and wait until that is done."""
        self._server.should_exit = True
        self._thread.join()
        self._listener.close()


def listen(host: str, port: int) -> socket.socket:
    """Open a listening socket. Connections queue up from then on, so a client need not wait for the server to start.
    ``port``: 0 takes any free port. Raises OSError if the port is taken, or the host is not of this machine."""
    family, kind, protocol, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP, flags=socket.AI_PASSIVE
    )[0]
    # asyncio turns Nagle's algorithm off only on sockets that were made with the protocol named; with it each answer
    # would wait for an acknowledgement, up to 40 ms.
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener


def _with_connection(config: object, server_state: object, app_state: dict[str, object], _loop: object = None) -> Any:
    """Build uvicorn's own protocol for a connection, and put it into the state of its requests."""
    state = dict(app_state)
    protocol: Any = AutoHTTPProtocol(config, server_state, state, _loop)  # type: ignore[call-arg]
    state["connection"] = protocol
    return protocol
