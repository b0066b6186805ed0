"""Opens connections to the vendor: its name, TCP, a proxy's tunnel, TLS. Until it is done, nothing of a request leaves.

Behind a proxy everything goes through a tunnel, so the proxy sees which host is called, and neither key nor call.
"""

from __future__ import annotations

import asyncio
import re
import socket
from base64 import b64encode
from collections.abc import Callable
from typing import TYPE_CHECKING, cast
from urllib.parse import SplitResult, unquote, urlsplit

from aiohappyeyeballs import start_connection

from airflow_provider_callkaro.transport.causes import TunnelRefused
from airflow_provider_callkaro.transport.connection import Connection
from airflow_provider_callkaro.transport.names import LookUp
from airflow_provider_callkaro.transport.target import DEFAULT_PORTS

if TYPE_CHECKING:
    import ssl

    from airflow_provider_callkaro.transport.target import Target

MAX_TUNNEL_BYTES = 1 << 16  # of a proxy's answer
SECOND_ADDRESS_AFTER = 0.25  # seconds; RFC 8305, 5: a host may have an address that does not answer
_TUNNEL_ANSWER = re.compile(rb"HTTP/1\.[01] (\d{3})[ \r]")


class Opener:
    """Opens connections to one vendor.

    :param proxy: the proxy's URL; None where there is none.
    :param new: makes a connection that is not yet open.
    :raises ConfigurationError: a TLS file of the connection cannot be read any more.
    """

    def __init__(self, target: Target, *, proxy: str | None, new: Callable[[], Connection]) -> None:
        vendor = urlsplit(target.base_url)
        self._host, self._port = _address(vendor)
        self._tls = target.tls()
        self._new = new
        self._proxy = None if proxy is None else urlsplit(proxy)
        self._proxy_tls: ssl.SSLContext | None = None
        if self._proxy is not None and self._proxy.scheme.lower() == "https":
            self._proxy_tls = target.trust.context()
        self._names = LookUp(*(_address(vendor) if self._proxy is None else _address(self._proxy)))

    async def open(self) -> Connection:
        """Open a connection. Raises OSError if that cannot be done."""
        opened = await start_connection(await self._names.addresses(), happy_eyeballs_delay=SECOND_ADDRESS_AFTER)
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        loop = asyncio.get_running_loop()
        if self._proxy is not None:
            return await self._through_tunnel(opened, self._proxy)
        _, connection = await loop.create_connection(
            self._new, sock=opened, ssl=self._tls, server_hostname=self._host if self._tls else None
        )
        return connection

    async def _through_tunnel(self, opened: socket.socket, proxy: SplitResult) -> Connection:
        loop = asyncio.get_running_loop()
        transport: asyncio.Transport | None
        transport, tunnel = await loop.create_connection(
            lambda: _Tunnel(self._wish(proxy), loop.create_future()),
            sock=opened,
            ssl=self._proxy_tls,
            server_hostname=proxy.hostname if self._proxy_tls else None,
        )
        connection = self._new()
        try:
            await tunnel.is_open
            if self._tls is None:
                transport.set_protocol(connection)
            else:
                transport = await loop.start_tls(transport, connection, self._tls, server_hostname=self._host)
                if transport is None:
                    raise ConnectionResetError
        except BaseException:
            if transport is not None:
                transport.abort()
            raise
        connection.connection_made(transport)
        return connection

    def _wish(self, proxy: SplitResult) -> bytes:
        host = f"[{self._host}]" if ":" in self._host else self._host
        lines = [f"CONNECT {host}:{self._port} HTTP/1.1", f"Host: {host}:{self._port}"]
        if proxy.username is not None:
            login = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}"
            lines.append(f"Proxy-Authorization: Basic {b64encode(login.encode()).decode()}")
        return "\r\n".join([*lines, "", ""]).encode()


class _Tunnel(asyncio.Protocol):
    """The way to a proxy, until its answer. ``wish``: what it is asked. ``is_open``: resolved once it says yes."""

    def __init__(self, wish: bytes, is_open: asyncio.Future[None]) -> None:
        self.is_open = is_open
        self._wish = wish
        self._read = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        cast("asyncio.Transport", transport).write(self._wish)

    def data_received(self, data: bytes) -> None:
        self._read += data
        head, end, rest = self._read.partition(b"\r\n\r\n")
        if not end:
            if len(self._read) > MAX_TUNNEL_BYTES:
                self._refuse("its answer is too long")
            return
        answer = _TUNNEL_ANSWER.match(head + end)
        if answer is None or not answer[1].startswith(b"2"):
            self._refuse(f"it answers {answer[1].decode()}" if answer else "its answer is no HTTP")
        elif rest:
            self._refuse("there are bytes before the host was asked anything")
        elif not self.is_open.done():
            self.is_open.set_result(None)

    def connection_lost(self, error: Exception | None) -> None:
        if not self.is_open.done():
            self.is_open.set_exception(error or ConnectionResetError())

    def _refuse(self, why: str) -> None:
        if not self.is_open.done():
            self.is_open.set_exception(TunnelRefused(why))


def _address(parts: SplitResult) -> tuple[str, int]:
    return (parts.hostname or "").rstrip("."), parts.port or DEFAULT_PORTS[parts.scheme.lower()]
