"""How each kind of fault answers.

Some kinds answer instead of the vendor, some spoil the answer to what the vendor has accepted. The others (latency and
the two holds) only delay an answer, and do so elsewhere.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

from starlette.responses import HTMLResponse, JSONResponse, Response

from airflow_provider_callkaro.sandbox.broken_answers import CloseConnection, ResetConnection, TruncatedAnswer
from airflow_provider_callkaro.sandbox.fault_board import Strike
from airflow_provider_callkaro.sandbox.faults import Fault, FaultKind, RetryAfterForm
from airflow_provider_callkaro.sandbox.vendor import Answer, Asked

ID_FIELDS = ("call_id", "call_sid", "batch_id")
HTML_PAGE = "<!doctype html><html><head><title>Please wait</title></head><body><h1>Please wait</h1></body></html>"


def respond(answer: Answer) -> Response:
    """Put an answer of the vendor on the wire."""
    return JSONResponse(answer.body, status_code=answer.status)


def instead_of_accepting(strikes: Sequence[Strike], asked: Asked) -> Response | None:
    """Return the response of the first fault that keeps the vendor from accepting, if there is one."""
    for strike in strikes:
        if (response := _refusal(strike, asked)) is not None:
            return response
    return None


def after_accepting(strikes: Sequence[Strike], accepted: Answer) -> Response:
    """Return the response to an accepted request: of the first fault that spoils the answer, or the answer itself."""
    kinds = {strike.fault.kind for strike in strikes}
    if FaultKind.NEWER_ANSWER in kinds:
        accepted = _newer(accepted)
    if FaultKind.ANSWER_WITHOUT_ID in kinds:
        accepted = _without_id(accepted)
    for strike in strikes:
        if (response := _spoilt(strike.fault, accepted)) is not None:
            return response
    return respond(accepted)


def delay(strikes: Sequence[Strike]) -> float:
    """Return how many seconds late the answer comes."""
    return sum(strike.fault.seconds or 0.0 for strike in strikes)


def _refusal(strike: Strike, asked: Asked) -> Response | None:
    status = strike.fault.status or 500
    match strike.fault.kind:
        case FaultKind.THROTTLED | FaultKind.RATE_LIMIT:
            return _try_later(strike, Answer.error(429, "Too many requests"))
        case FaultKind.UNAVAILABLE:
            return _try_later(strike, Answer.error(503, "Service unavailable"))
        case FaultKind.ERROR_BEFORE_ACCEPTING:
            return respond(Answer.error(status, "Server error"))
        case FaultKind.RESET_BEFORE_ACCEPTING:
            return ResetConnection()
        case FaultKind.KEY_REFUSED:
            return respond(Answer.error(status, "Invalid API key"))
        case FaultKind.REJECTED:
            number = _number_in(asked.body)
            return respond(Answer.error(status, f"Number {number} ({number.removeprefix('+')}) is not reachable"))
        case FaultKind.REDIRECT:
            return Response(status_code=status, headers={"Location": strike.fault.location or ""})
    return None


def _spoilt(fault: Fault, accepted: Answer) -> Response | None:
    match fault.kind:
        case FaultKind.ERROR_AFTER_ACCEPTING:
            return respond(Answer.error(fault.status or 500, "Server error"))
        case FaultKind.RESET_AFTER_ACCEPTING:
            return ResetConnection()
        case FaultKind.DROP_ANSWER_AFTER_ACCEPTING:
            return CloseConnection()
        case FaultKind.TRUNCATED_ANSWER:
            return TruncatedAnswer(accepted.body)
        case FaultKind.UNREADABLE_ANSWER:
            return HTMLResponse(HTML_PAGE)
    return None


def _newer(accepted: Answer) -> Answer:
    if "call_id" not in accepted.body:
        return accepted
    body = {"status": "done", "message": "Call queued successfully", "call_sid": accepted.body["call_id"]}
    return Answer(body=body)


def _without_id(accepted: Answer) -> Answer:
    return Answer(body={name: value for name, value in accepted.body.items() if name not in ID_FIELDS})


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


def _number_in(body: bytes) -> str:
    try:
        return str(json.loads(body)["to_number"])
    except (ValueError, TypeError, KeyError, RecursionError):
        return "unknown"
