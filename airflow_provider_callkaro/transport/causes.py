"""Why a host could not be reached, in words: from the errors of two drivers, one of which wraps the true one."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from urllib.parse import urlsplit

_NO_TLS = frozenset({"WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "HTTP_REQUEST", "UNKNOWN_PROTOCOL"})
_DEEPEST = 8  # errors within errors


class TunnelRefused(OSError):
    """The proxy opens no way to the host. Its text says why in words of our own."""


def why_unreachable(error: BaseException, *, base_url: str) -> str:
    """The cause in words, with the host and without anything that was sent. ``base_url``: where the request was to
    go."""
    parts = urlsplit(base_url)
    host = parts.netloc
    for one in _within(error):
        if isinstance(one, socket.gaierror) or type(one).__name__ == "NameResolutionError":
            return f"the name {parts.hostname} is not known there, so see to the host of the connection and to DNS"
        if isinstance(one, TunnelRefused):
            return f"the proxy opens no way to {host}: {one}"
        if isinstance(one, ConnectionRefusedError):
            return f"{host} refuses the connection, so see that it listens there"
        if isinstance(one, ssl.SSLCertVerificationError):
            return f"the certificate of {host} cannot be trusted ({one.verify_message})"
        if isinstance(one, ssl.SSLError) and (one.reason in _NO_TLS or "wrong version number" in str(one)):
            return (
                f"{host} speaks plain http, not TLS; if it is on this machine, such as the sandbox, write the host of "
                f"the connection as http://{host} (in a URI: TYPE://http://:KEY@{host})"
            )
        if isinstance(one, TimeoutError):
            return f"{host} did not answer in time"
        if isinstance(one, ConnectionResetError):
            return f"{host} closed the connection"
    return f"{host}, {type(error).__name__}"


def _within(error: BaseException) -> Iterator[BaseException]:
    """An error, and those that it wraps, outermost first."""
    found: BaseException | None = error
    for _ in range(_DEEPEST):
        if found is None:
            return
        yield found
        inner = (getattr(found, "reason", None), *found.args, found.__cause__, found.__context__)
        found = next((one for one in inner if isinstance(one, BaseException)), None)
