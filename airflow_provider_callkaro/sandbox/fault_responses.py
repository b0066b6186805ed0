"""How each kind of fault answers.

Some kinds answer instead of the vendor, some replace the answer to a request that the vendor has accepted. The others
(latency and the two holds) only delay an answer, in `app`. ASGI cannot end a connection, so the responses that do use
the transport: the server hands it to them as ``scope["state"]["connection"]`` (see `serving`).
"""

from __future__ import annotations

import json
import math
import socket
import struct
from asyncio import Transport
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

from starlette.responses import HTMLResponse, JSONResponse, Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from airflow_provider_callkaro.sandbox.active_faults import Strike
from airflow_provider_callkaro.sandbox.echoes import ID_FIELDS, echoed
from airflow_provider_callkaro.sandbox.faults import Fault, FaultKind, RetryAfterForm
from airflow_provider_callkaro.sandbox.vendor import Answer, Asked, Refused, Vendor

_LINGER_NOT = struct.pack("ii", 1, 0)  # on, for 0 seconds: closing sends RST instead of FIN
HTML_PAGE = "<!doctype html><html><head><title>Please wait</title></head><body><h1>Please wait</h1></body></html>"


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


def respond(answer: Answer) -> Response:
    """Turn an answer of a vendor into a response."""
    if answer.csv is not None:
        return StreamingResponse(iter(answer.csv), status_code=answer.status, media_type="text/csv")
    return JSONResponse(answer.body, status_code=answer.status)


def instead_of_accepting(strikes: Sequence[Strike], asked: Asked, *, vendor: Vendor) -> Response | None:
    """Return the response of the first fault that keeps the vendor from accepting, if there is one."""
    for strike in strikes:
        if (response := _refusal(strike, asked, vendor)) is not None:
            return response
    return None


def after_accepting(strikes: Sequence[Strike], asked: Asked, accepted: Answer, *, vendor: Vendor) -> Response:
    """Return the response to an accepted request: of the first fault that replaces the answer, or the answer itself."""
    kinds = {strike.fault.kind for strike in strikes}
    if FaultKind.NEWER_ANSWER in kinds:
        accepted = vendor.newer(accepted, asked)
    if FaultKind.ANSWER_WITHOUT_ID in kinds:
        accepted = replace(accepted, body=_without_id(accepted.body))
    for strike in strikes:
        if (response := _replaced(strike.fault, asked, accepted, vendor)) is not None:
            return response
    return respond(accepted)


def delay(strikes: Sequence[Strike]) -> float:
    """Return how many seconds late the answer comes."""
    return sum(strike.fault.seconds or 0.0 for strike in strikes)


def _refusal(strike: Strike, asked: Asked, vendor: Vendor) -> Response | None:
    status = strike.fault.status or 500
    match strike.fault.kind:
        case FaultKind.THROTTLED | FaultKind.RATE_LIMIT:
            return _try_later(strike, vendor.error(Refused(429, "Too many requests")))
        case FaultKind.UNAVAILABLE:
            return _try_later(strike, vendor.error(Refused(503, "Service unavailable")))
        case FaultKind.ERROR_BEFORE_ACCEPTING:
            return respond(vendor.error(Refused(status, "Server error")))
        case FaultKind.RESET_BEFORE_ACCEPTING:
            return ResetConnection()
        case FaultKind.KEY_REFUSED:
            return respond(vendor.error(vendor.key_refused(status)))
        case FaultKind.REJECTED:
            return respond(vendor.error(vendor.rejected(status, asked.body)))
        case FaultKind.REDIRECT:
            return Response(status_code=status, headers={"Location": strike.fault.location or ""})
        case FaultKind.ECHO_BEFORE_ACCEPTING:
            return echoed(vendor.error(vendor.rejected(status, asked.body)), asked)
    return None


def _replaced(fault: Fault, asked: Asked, accepted: Answer, vendor: Vendor) -> Response | None:
    match fault.kind:
        case FaultKind.ERROR_AFTER_ACCEPTING:
            return respond(vendor.error(Refused(fault.status or 500, "Server error")))
        case FaultKind.RESET_AFTER_ACCEPTING:
            return ResetConnection()
        case FaultKind.DROP_ANSWER_AFTER_ACCEPTING:
            return CloseConnection()
        case FaultKind.TRUNCATED_ANSWER:
            return TruncatedAnswer(accepted)
        case FaultKind.UNREADABLE_ANSWER:
            return HTMLResponse(HTML_PAGE)
        case FaultKind.ECHO_AFTER_ACCEPTING:
            return echoed(accepted, asked)
    return None


def _without_id(body: Mapping[str, object]) -> dict[str, Any]:
    kept = {name: value for name, value in body.items() if name not in ID_FIELDS}
    if isinstance(data := kept.get("data"), Mapping):
        kept["data"] = {name: value for name, value in data.items() if name not in ID_FIELDS}
    return kept


def _try_later(strike: Strike, answer: Answer) -> Response:
    response = respond(answer)
    seconds = strike.fault.retry_after
    if seconds is None and strike.fault.kind is FaultKind.RATE_LIMIT:
        seconds = math.ceil(strike.wait)
    if seconds is not None:
        response.headers["Retry-After"] = _retry_after(seconds, form=strike.fault.retry_after_as)
    return response


def _retry_after(seconds: float, *, form: RetryAfterForm | None) -> str:
    if form is not RetryAfterForm.DATE:
        return str(seconds)
    moment = datetime.now(UTC) + timedelta(seconds=seconds)
    if moment.microsecond:  # a date has no fractions, and rounded down the client would come too early
        moment = moment.replace(microsecond=0) + timedelta(seconds=1)
    return format_datetime(moment, usegmt=True)
