"""uvicorn in a thread: it serves an application on a socket, and lets a response reach its connection."""

from __future__ import annotations

import asyncio
import contextlib
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
TICK_SECONDS = 1.0  # between two renewals of the date that answers carry
LOOK_EVERY = 0.005  # seconds between two looks at the connections that are closing


class PromptServer(uvicorn.Server):
    """uvicorn's server, which ends within milliseconds: a test that has one for itself would else wait 0.2 s for it."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._exit_asked = asyncio.Event()

    def exit_soon(self) -> None:
        """End the server. For any thread but its own."""
        self.should_exit = True  # before the look at the loop: a server that starts just now looks at it afterwards
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # it has ended by itself, and its loop is closed
                self._loop.call_soon_threadsafe(self._exit_asked.set)

    async def main_loop(self) -> None:
        """Serve until the end is asked for."""
        self._loop = asyncio.get_running_loop()
        while not await self.on_tick(0):
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._exit_asked.wait(), TICK_SECONDS)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Close what listens, let requests finish within GRACE_SECONDS, and cancel those that do not."""
        loop = asyncio.get_running_loop()
        for listening in (*self.servers, *(sockets or ())):
            listening.close()
        state = self.server_state
        for connection in list(state.connections):
            connection.shutdown()
        patient_until = loop.time() + GRACE_SECONDS
        while (state.connections or state.tasks) and loop.time() < patient_until:
            await asyncio.sleep(LOOK_EVERY)
        for task in state.tasks:
            task.cancel("the sandbox ends")


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
        self._server = PromptServer(config)
        self._listener = listener
        self._thread = threading.Thread(target=self._serve, name="callkaro-sandbox", daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        self._server.run(sockets=[self._listener])

    def stop(self) -> None:
        """Close the socket and the connections, and wait until that is done."""
        self._server.exit_soon()
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
