"""Faults of the connection: it is reset, closed, or closed in the middle of the body.

ASGI cannot end a connection, so these responses use the transport. The server hands it to them
(``server.connection_protocol``) as ``scope["state"]["connection"]``.
"""

from __future__ import annotations

import json
import socket
import struct
from asyncio import Transport

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from airflow_provider_callkaro.sandbox.vendor import Answer

_LINGER_NOT = struct.pack("ii", 1, 0)  # on, for 0 seconds: closing sends RST instead of FIN


class ResetConnection(Response):
    """Reset the TCP connection: the client sees ``ECONNRESET``."""

    async def __call__(self, scope: Scope, receive: Receive, _send: Send) -> None:
        transport = _transport(scope)
        # uvloop's wrapper of the socket cannot set options, so this uses a second handle of the same socket.
        with socket.fromfd(transport.get_extra_info("socket").fileno(), socket.AF_INET, socket.SOCK_STREAM) as handle:
            handle.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NOT)
        transport.abort()
        await _disconnected(receive)


class CloseConnection(Response):
    """Close the connection in good order without an answer: the client sees the end of the stream."""

    async def __call__(self, scope: Scope, receive: Receive, _send: Send) -> None:
        _transport(scope).close()
        await _disconnected(receive)


class TruncatedAnswer(Response):
    """Promise a body, send half of it, and close the connection."""

    def __init__(self, answer: Answer) -> None:
        if answer.csv is None:
            super().__init__(json.dumps(answer.body), status_code=answer.status, media_type="application/json")
        else:
            super().__init__("".join(answer.csv), status_code=answer.status, media_type="text/csv")
            del self.headers["Content-Length"]  # a streamed answer promises no length, only an end

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        half = self.body[: len(self.body) // 2]
        await send({"type": "http.response.body", "body": half, "more_body": True})
        _transport(scope).close()
        await _disconnected(receive)


def _transport(scope: Scope) -> Transport:
    transport: Transport = scope["state"]["connection"].transport
    return transport


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
