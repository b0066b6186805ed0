"""What a request looks like on the wire: its head is worked out once for each address, and not once for each call."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from urllib.parse import urlsplit

from airflow_provider_callkaro.transport.target import DEFAULT_PORTS
from airflow_provider_callkaro.vendors.http import Request

_METHOD = _NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # a token; RFC 9110, 5.6.2
_VALUE = re.compile(r"[^\x00-\x08\x0a-\x1f\x7f]*")  # no line break, or what follows it would be a header of its own
_PATH = re.compile(r"/[!-~]*")
_METHODS_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})
_KEPT_HEADS = 64  # addresses; a fan-out has one, a sensor one per call


class RequestEncoder:
    """Writes requests to one host.

    :param base_url: the host, and the path before that of each request.
    :param headers: those of every request.
    :raises ValueError: a header's name or value is none that HTTP has; its message names the header.
    """

    def __init__(self, base_url: str, headers: Mapping[str, str]) -> None:
        for name, value in headers.items():
            if not _NAME.fullmatch(name) or not _VALUE.fullmatch(value):
                raise ValueError(f"the header {name!r} holds what no header may hold")
        parts = urlsplit(base_url)
        host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
        is_default = parts.port in (None, DEFAULT_PORTS[parts.scheme])
        self._prefix = parts.path
        self._headers = {"Host": host if is_default else f"{host}:{parts.port}", **headers}
        self._head = lru_cache(maxsize=_KEPT_HEADS)(self._encoded_head)

    def encode(self, request: Request) -> bytes:
        """The whole request. Raises ValueError if its method, its path or its type is none that HTTP has."""
        head = self._head(request.method, request.path, request.content_type)
        body = request.body
        if body is None:
            return b"%sContent-Length: 0\r\n\r\n" % head if request.method in _METHODS_WITH_BODY else head + b"\r\n"
        return b"%sContent-Length: %d\r\n\r\n%s" % (head, len(body), body)

    def _encoded_head(self, method: str, path: str, content_type: str | None) -> bytes:
        address = self._prefix + path
        if not _METHOD.fullmatch(method) or not _PATH.fullmatch(address) or not _VALUE.fullmatch(content_type or ""):
            raise ValueError("a method, an address or a type that HTTP does not have")
        headers = self._headers
        if content_type is not None:
            kept = {name: value for name, value in headers.items() if name.lower() != "content-type"}
            headers = {**kept, "Content-Type": content_type}
        lines = [f"{method} {address} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()), ""]
        return "\r\n".join(lines).encode()
