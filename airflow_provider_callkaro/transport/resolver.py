"""A DNS resolver for `aiohttp` that looks each name up in a thread of its own.

A look-up cannot be interrupted. One that hangs in the event loop's own threads would hold the end of the loop, and with
it the task, long after the request was given up. These threads can be left behind.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, TypeAlias

from aiohttp.abc import AbstractResolver

if TYPE_CHECKING:
    from aiohttp.abc import ResolveResult

_Address: TypeAlias = tuple[Any, ...]  # host and port, of IPv6 flow and scope too
_Found: TypeAlias = tuple[socket.AddressFamily, socket.SocketKind, int, str, _Address]  # as getaddrinfo gives it
NUMERIC = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV


class Resolver(AbstractResolver):
    """Asks the operating system, each time in a thread of its own."""

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """See `aiohttp.abc.AbstractResolver.resolve`. Raises OSError if there is no such name, or the system cannot
        tell."""
        found: Future[Sequence[_Found]] = Future()
        found.set_running_or_notify_cancel()  # from here on nothing can cancel it

        def look_up() -> None:
            try:
                found.set_result(
                    socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, family=family, flags=socket.AI_ADDRCONFIG)
                )
            except Exception as error:
                found.set_exception(error)

        threading.Thread(target=look_up, name="callkaro-look-up", daemon=True).start()
        return [
            {
                "hostname": host,
                "host": _numeric(address),
                "port": port,
                "family": kind,
                "proto": proto,
                "flags": NUMERIC,
            }
            for kind, _, proto, _, address in await asyncio.wrap_future(found)
        ]

    async def close(self) -> None:
        """Nothing to do: nothing is kept."""


def _numeric(address: _Address) -> str:
    """The address in digits; of IPv6 with its scope, where it has one."""
    return f"{address[0]}%{address[3]}" if len(address) > 3 and address[3] and "%" not in address[0] else address[0]
