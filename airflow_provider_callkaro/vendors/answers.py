"""The sending table as code: what an HTTP answer means for the request, whichever vendor gave it.

A vendor's adapter reads what a 2xx says. Every other answer is sorted here, so that all vendors agree in what may be
sent again.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, NoReturn

from airflow_provider_callkaro.calls.outcome import Reason
from airflow_provider_callkaro.exceptions import OutcomeUnknown, Rejected, Throttled, Unauthorized
from airflow_provider_callkaro.vendors.http import Response

_REFUSED = frozenset({401, 402, 403})  # 402: the account cannot pay, so no other row would be accepted either
_AMBIGUOUS_4XX = frozenset({408})  # a gateway stopped waiting: the vendor may have the request
# for a request that may ring: a call is under way already; sent in TLS early data; the client had gone
_MAY_HAVE_RUNG = frozenset({408, 409, 425, 499})
_PLAIN_REFUSAL = frozenset({401, 403, 429})  # whatever the body says: a vendor checks these before it does anything
_MAX_ID_LENGTH = 200  # characters; ours, so that an id fits a database column and an XCom
_MAX_FINDINGS = 5  # of a validation, in one message
_CODE = re.compile(r"[A-Za-z_]{1,40}")
_TOKEN = re.compile(r"\S{16,}")  # what may be the key, where a vendor repeats the key that it refuses
_FAILED_WORDS = frozenset(
    {"aborted", "blocked", "canceled", "cancelled", "declined", "denied", "error", "failed", "failure", "forbidden"}
    | {"insufficient_balance", "invalid", "not_accepted", "not_allowed", "refused", "rejected", "unauthorised"}
    | {"unauthorized", "unsuccessful"}
)
_YES = ("success", "ok", "accepted")  # a false one of these means no
_NO_WORDS = frozenset({"false", "no", "0"})
_GOOD_WORDS = frozenset({"success", "accepted", "queued", "ok"})  # most answers have one of these: a shortcut


@dataclass(frozen=True, slots=True)
class PlacedCall:
    """A call that the vendor accepted.

    :param call_id: the vendor's id of the call, redacted: it may repeat the number.
    :param id_field: the name under which the vendor gave the id; vendors are not consistent.
    :param raw: the whole answer, with the id as the vendor gave it.
    """

    call_id: str
    id_field: str
    raw: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """The tokens that a login gives. ``access``: authorizes every request. ``refresh``: gets new tokens, once; None
    where the vendor gave none."""

    access: str = field(repr=False)
    refresh: str | None = field(default=None, repr=False)


def read_accepted(
    vendor: str, response: Response, *, now: datetime | None = None, ringing_ids: tuple[str, ...] = ()
) -> dict[str, Any]:
    """The JSON object of an answer that accepts the request, in its status and in its body. ``now``: for a
    ``Retry-After`` that is a date; None reads the answer's own ``Date`` header. ``ringing_ids``: see `raise_refusal`.
    Raises the VendorError that the sending table names for this answer."""
    if ringing_ids and not 200 <= response.status < 300:
        raise_refusal(vendor, response, now=now, ringing_ids=ringing_ids)
    answer = read_answer(vendor, response, now=now)
    if says_no(answer):
        shown = _shown_message(response, answer)
        raise unclear(vendor, response, f"and called it a failure{shown}", reason=Reason.SERVER_ERROR)
    return answer


def read_answer(vendor: str, response: Response, *, now: datetime | None = None) -> dict[str, Any]:
    """The JSON object of an answer about the state of something: there ``failed`` may be the state of a campaign.
    ``now``: as in `read_accepted`. Raises the VendorError that the sending table names for this answer."""
    if not 200 <= response.status < 300:
        raise_refusal(vendor, response, now=now)
    answer = response.json_object()
    if not answer:
        raise unclear(vendor, response, "with a body that cannot be read")
    return answer


def unclear(vendor: str, response: Response, what: str, *, reason: Reason = Reason.UNREADABLE_ANSWER) -> OutcomeUnknown:
    """The error for a 2xx that does not say what it should. ``what``: the end of the sentence that begins with the
    vendor and the status, such as ``without a call id``."""
    return OutcomeUnknown(
        f"{vendor} answered {response.status} {what}",
        vendor=vendor,
        status=response.status,
        request_id=response.request_id,
        reason=reason,
    )


def raise_refusal(
    vendor: str, response: Response, *, now: datetime | None = None, ringing_ids: tuple[str, ...] = ()
) -> NoReturn:
    """Raise what a status outside 200 to 299 means.

    :param now: as in `read_accepted`.
    :param ringing_ids: for a request that may ring a phone, the fields in which an answer gives the id of the call or
        campaign. A refusal that gives one, or that says there is a call already, leaves the outcome unknown. Empty for
        a request that rings no phone.
    :raises VendorError: always.
    """
    status, answer = response.status, response.json_object()
    names = tuple(name for name in ringing_ids if name != "id")  # in an error, a bare id is the error's
    is_named = bool(names) and first_text(answer, names) is not None
    is_refusal = not is_named and not (ringing_ids and status in _MAY_HAVE_RUNG)
    request_id = response.request_id or _id_in(response, answer)
    if status in _PLAIN_REFUSAL or is_refusal:
        _raise_clear_refusal(vendor, response, answer, now=now, request_id=request_id)
    failed = "sent us elsewhere" if 300 <= status < 400 else "failed"  # never followed: the key would go along
    raise OutcomeUnknown(
        f"{vendor} {failed} ({status}){_shown_message(response, answer)}: it may have accepted the request",
        vendor=vendor,
        status=status,
        request_id=request_id,
        reason=Reason.SERVER_ERROR,
    )


def _raise_clear_refusal(
    vendor: str, response: Response, answer: Mapping[str, object], *, now: datetime | None, request_id: str | None
) -> None:
    """Raise the error of a status that leaves no doubt; return where it leaves some."""
    status, message = response.status, _shown_message(response, answer)
    if status in _REFUSED:
        what = "cannot bill the account" if status == 402 else "refused the key or token"
        way_out = f"settle it with {vendor}" if status == 402 else "correct the password of the connection"
        raise Unauthorized(
            f"{vendor} {what} ({status}){_TOKEN.sub('•••', message)}: {way_out}",
            vendor=vendor,
            status=status,
            request_id=request_id,
        )
    wait = retry_after(response, now=now)
    if status == 429 or (status == 503 and wait is not None):
        raise Throttled(
            f"{vendor} asked to slow down ({status}){message}",
            vendor=vendor,
            status=status,
            request_id=request_id,
            retry_after=wait,
        )
    if 400 <= status < 500 and status not in _AMBIGUOUS_4XX:
        raise Rejected(
            f"{vendor} rejected the request ({status}){message}",
            vendor=vendor,
            status=status,
            request_id=request_id,
            reason=_rejection_reason(status, answer),
        )


def retry_after(response: Response, *, now: datetime | None = None) -> float | None:
    """The seconds that ``Retry-After`` asks to wait, from seconds or an HTTP date; None where there is none.

    :param now: what a date is measured against; None takes the answer's own ``Date``, so that a wrong clock on either
        side does not matter.
    """
    text = response.headers.get("retry-after", "").strip()
    if not text:
        return None
    try:
        return max(0.0, float(text)) if float(text) < float("inf") else None
    except ValueError:
        moment = _http_date(text)
    if moment is None:
        return None
    since = now or _http_date(response.headers.get("date", "")) or datetime.now(UTC)
    return max(0.0, (moment - since).total_seconds())


def first_text(answer: Mapping[str, object], names: tuple[str, ...]) -> tuple[str, str] | None:
    """The first of ``names`` that holds an id (a short text or a number), and the id; also one level under ``data``."""
    nested = answer.get("data")
    for place in (answer, nested if isinstance(nested, dict) else {}):
        for name in names:
            value = place.get(name)
            text = str(value).strip() if isinstance(value, (str, int)) and not isinstance(value, bool) else ""
            if 0 < len(text) <= _MAX_ID_LENGTH and text.isprintable():
                return name, text
    return None


def _http_date(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError, IndexError):  # some of them undocumented
        return None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def _shown_message(response: Response, answer: Mapping[str, object]) -> str:
    """The vendor's message, redacted, as the end of our own; empty where there is none."""
    message = _message(answer)
    shown = response.scrub().message(message) if message else ""
    return f": {shown}" if shown else ""


def _message(answer: Mapping[str, Any]) -> str:
    if isinstance(answer.get("detail"), list):
        return _findings(answer["detail"])
    message = next((answer[name] for name in ("message", "error", "detail") if isinstance(answer.get(name), str)), "")
    code = answer.get("error_code")
    return f"{code}: {message}" if message and _is_code(code) else message


def _findings(detail: list[object]) -> str:
    """Where a validation found fault, and of which type. Its other texts repeat what was sent and are left out."""
    found = []
    for finding in detail[:_MAX_FINDINGS]:
        if isinstance(finding, dict) and isinstance(finding.get("loc"), list):
            place = ".".join(str(part) for part in finding["loc"][:6] if isinstance(part, int) or _is_code(part))
            kind = finding.get("type")
            found.append(f"{place} ({kind})" if _is_code(kind) else place)
    return ", ".join(filter(None, found))


def _is_code(value: object) -> bool:
    return isinstance(value, str) and _CODE.fullmatch(value) is not None


def _id_in(response: Response, answer: Mapping[str, object]) -> str | None:
    value = answer.get("request_id")
    return response.unless_it_repeats(value) if isinstance(value, str) else None


def _rejection_reason(status: int, answer: Mapping[str, object]) -> Reason:
    message = _message(answer)
    if "DND" in message:
        return Reason.DO_NOT_DISTURB
    if status == 404 and "agent" in message.lower():
        return Reason.AGENT_NOT_FOUND
    return Reason.VENDOR_REJECTED


def text_in(value: object) -> str | None:
    """A text."""
    return value if isinstance(value, str) else None


def whole_in(value: object) -> int | None:
    """A whole number, which true and false are not."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def number_in(value: object) -> float | None:
    """A number, which true and false are not."""
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def says_no(answer: Mapping[str, object]) -> bool:
    """Whether the body of a 2xx says no, also one level under ``data``: ``"success": false`` beside an id may be an
    acceptance or a refusal, so the outcome is unknown."""
    if _place_says_no(answer):
        return True
    nested = answer.get("data")
    return isinstance(nested, dict) and _place_says_no(nested)


def _place_says_no(place: Mapping[str, object]) -> bool:
    status = place.get("status")
    if isinstance(status, str) and status not in _GOOD_WORDS and _word(status) in _FAILED_WORDS:
        return True
    error = place.get("error")
    if isinstance(error, str) and error.strip():
        return True
    for name in _YES:
        value = place.get(name)
        if value is not None and value is not True and str(value).strip().lower() in _NO_WORDS:
            return True
    return False


def _word(status: str) -> str:
    return status.strip().lower().replace(" ", "_").replace("-", "_")
