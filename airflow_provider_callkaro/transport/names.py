"""Which addresses a host's name has: asked of the operating system, once a minute."""

from __future__ import annotations

import asyncio
import math
import socket
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from typing import Any, TypeAlias

KEPT_SECONDS = 60.0  # an answer of the operating system holds for so long

Found: TypeAlias = tuple[socket.AddressFamily, socket.SocketKind, int, str, tuple[Any, ...]]
"""One address, as `socket.getaddrinfo` gives it."""


class LookUp:
    """The addresses of one host. All who ask at once share one answer.

    The system is asked in a thread of its own that can be left behind: a look-up that hangs in the event loop's own
    threads would hold the end of the loop, and with it the task.
    """

    def __init__(self, host: str, port: int) -> None:
        self._host = host
        self._port = port
        self._found: Sequence[Found] = ()
        self._found_at = -math.inf
        self._asking: asyncio.Future[Sequence[Found]] | None = None

    async def addresses(self) -> Sequence[Found]:
        """The addresses, never none. Raises OSError if there is no such name, or the system cannot tell."""
        if asyncio.get_running_loop().time() - self._found_at < KEPT_SECONDS:
            return self._found
        if self._asking is None:
            self._asking = asyncio.wrap_future(self._ask())
            self._asking.add_done_callback(self._keep)
        return await asyncio.shield(self._asking)

    def _ask(self) -> Future[Sequence[Found]]:
        found: Future[Sequence[Found]] = Future()
        found.set_running_or_notify_cancel()  # from here on nothing can cancel it

        def look_up() -> None:
            try:
                addresses: Sequence[Found] = socket.getaddrinfo(
                    self._host, self._port, type=socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG
                )
                if not addresses:
                    raise socket.gaierror(socket.EAI_NONAME, "no address")
                found.set_result(addresses)
            except Exception as error:
                found.set_exception(error)

        threading.Thread(target=look_up, name="callkaro-look-up", daemon=True).start()
        return found

    def _keep(self, asked: asyncio.Future[Sequence[Found]]) -> None:
        self._asking = None
        if not asked.cancelled() and asked.exception() is None:
            self._found, self._found_at = asked.result(), asked.get_loop().time()
