"""How an HTTP answer is understood, whichever vendor gave it: the sending table of the design, as code.

A vendor's adapter reads what a 2xx says; everything else is sorted here, so that no two vendors differ in what may be
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
from airflow_provider_callkaro.vendors.contradiction import says_no
from airflow_provider_callkaro.vendors.http import Response

_REFUSED = frozenset({401, 402, 403})  # 402: the account cannot pay; as with a wrong key, no row would fare better
_AMBIGUOUS_4XX = frozenset({408})  # a gateway gave up waiting: the vendor may have the request
# of a request that may ring: a call is under way already; sent in TLS early data; our side was taken for gone
_MAY_HAVE_RUNG = frozenset({408, 409, 425, 499})
_PLAIN_REFUSAL = frozenset({401, 403, 429})  # whatever else they say: these come before anything is done
_MAX_ID_LENGTH = 200  # characters; ours, so that an id fits a database column and an XCom
_MAX_COMPLAINTS = 5  # of a validation, in one message
_CODE = re.compile(r"[A-Za-z_]{1,40}")
_TOKEN = re.compile(r"\S{16,}")  # what may be the key, where a vendor repeats the key that it refuses


@dataclass(frozen=True, slots=True)
class PlacedCall:
    """A call that the vendor took.

    :param call_id: the vendor's id of the call; what it repeats of the call, such as the number, is hidden in it.
    :param id_field: the name under which the vendor gave it; vendors are not consistent.
    :param raw: the whole answer, for what we do not know yet, with the id as the vendor gave it.
    """

    call_id: str
    id_field: str
    raw: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """What a vendor gives who logs in.

    :param access: goes with every request.
    :param refresh: gets new tokens, once; None where the vendor gave none.
    """

    access: str = field(repr=False)
    refresh: str | None = field(default=None, repr=False)


def read_accepted(
    vendor: str, response: Response, *, now: datetime | None = None, rings_as: tuple[str, ...] = ()
) -> dict[str, Any]:
    """The JSON object of an answer that says yes.

    :param now: for a ``Retry-After`` that is a date; None reads the answer's own ``Date`` header.
    :param rings_as: see `raise_refusal`.
    :return: the body of a 2xx.
    :raises VendorError: the kind that the sending table names for this answer.
    """
    if rings_as and not 200 <= response.status < 300:
        raise_refusal(vendor, response, now=now, rings_as=rings_as)
    answer = read_told(vendor, response, now=now)
    if says_no(answer):
        raise OutcomeUnknown(
            f"{vendor} answered {response.status} and called it a failure{_said(response, answer)}",
            vendor=vendor,
            status=response.status,
            request_id=response.request_id,
            reason=Reason.SERVER_ERROR,
        )
    return answer


def read_told(vendor: str, response: Response, *, now: datetime | None = None) -> dict[str, Any]:
    """The JSON object of an answer that tells how something stands: there ``failed`` may be the state of a campaign.

    :param now: as in `read_accepted`.
    :return: the body of a 2xx.
    :raises VendorError: the kind that the sending table names for this answer.
    """
    if not 200 <= response.status < 300:
        raise_refusal(vendor, response, now=now)
    answer = response.json_object()
    if not answer:
        raise OutcomeUnknown(
            f"{vendor} answered {response.status} with a body that cannot be read",
            vendor=vendor,
            status=response.status,
            request_id=response.request_id,
            reason=Reason.UNREADABLE_ANSWER,
        )
    return answer


def nameless(vendor: str, response: Response, *, what: str, reason: Reason = Reason.NO_CALL_ID) -> OutcomeUnknown:
    """The error that a 2xx means which lacks what it was asked for.

    :param what: what is missing, such as ``a call id``.
    """
    return OutcomeUnknown(
        f"{vendor} answered {response.status} without {what}",
        vendor=vendor,
        status=response.status,
        request_id=response.request_id,
        reason=reason,
    )


def raise_refusal(
    vendor: str, response: Response, *, now: datetime | None = None, rings_as: tuple[str, ...] = ()
) -> NoReturn:
    """Raise what a status outside 200 to 299 means.

    :param now: as in `read_accepted`.
    :param rings_as: of a request that may ring a phone, the names under which an answer gives the id of what rings: a
        refusal that gives one, or that says there is a call already, is no refusal. Empty: it rings nobody.
    :raises VendorError: always.
    """
    status, answer = response.status, response.json_object()
    names = tuple(name for name in rings_as if name != "id")  # of an error, a bare id is the error's
    is_named = bool(names) and first_text(answer, names) is not None
    is_refusal = not is_named and not (rings_as and status in _MAY_HAVE_RUNG)
    request_id = response.request_id or _id_in(response, answer)
    if status in _PLAIN_REFUSAL or is_refusal:
        _raise_clear_refusal(vendor, response, answer, now=now, request_id=request_id)
    failed = "sent us elsewhere" if 300 <= status < 400 else "failed"  # never followed: the key would go along
    raise OutcomeUnknown(
        f"{vendor} {failed} ({status}){_said(response, answer)}: it may have accepted the request",
        vendor=vendor,
        status=status,
        request_id=request_id,
        reason=Reason.SERVER_ERROR,
    )


def _raise_clear_refusal(
    vendor: str, response: Response, answer: Mapping[str, Any], *, now: datetime | None, request_id: str | None
) -> None:
    """Raise what a status means that leaves no doubt; return where it leaves some."""
    status, said = response.status, _said(response, answer)
    if status in _REFUSED:
        what = "cannot bill the account" if status == 402 else "refused the key or token"
        way_out = f"settle it with {vendor}" if status == 402 else "correct the password of the connection"
        raise Unauthorized(
            f"{vendor} {what} ({status}){_TOKEN.sub('•••', said)}: {way_out}",
            vendor=vendor,
            status=status,
            request_id=request_id,
        )
    wait = retry_after(response, now=now)
    if status == 429 or (status == 503 and wait is not None):
        raise Throttled(
            f"{vendor} asked to slow down ({status}){said}",
            vendor=vendor,
            status=status,
            request_id=request_id,
            retry_after=wait,
        )
    if 400 <= status < 500 and status not in _AMBIGUOUS_4XX:
        raise Rejected(
            f"{vendor} rejected the request ({status}){said}",
            vendor=vendor,
            status=status,
            request_id=request_id,
            reason=_rejection_reason(status, answer),
        )


def retry_after(response: Response, *, now: datetime | None = None) -> float | None:
    """Seconds that ``Retry-After`` asks to wait, given in seconds or as an HTTP date; None where it is not said.

    A date is measured against ``now``, or the answer's own ``Date`` so that a wrong clock on either side does not
    matter.
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


def first_text(answer: Mapping[str, Any], names: tuple[str, ...]) -> tuple[str, str] | None:
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


def _said(response: Response, answer: Mapping[str, Any]) -> str:
    """The vendor's message, fit to be kept, to be put behind our own; empty where there is none."""
    message = _message(answer)
    shown = response.scrub().message(message) if message else ""
    return f": {shown}" if shown else ""


def _message(answer: Mapping[str, Any]) -> str:
    if isinstance(answer.get("detail"), list):
        return _complaints(answer["detail"])
    message = next((answer[name] for name in ("message", "error", "detail") if isinstance(answer.get(name), str)), "")
    code = answer.get("error_code")
    return f"{code}: {message}" if message and _is_code(code) else message


def _complaints(detail: list[Any]) -> str:
    """Where a validation found fault and of what kind; never what it says beside, which repeats what was sent."""
    found = []
    for complaint in detail[:_MAX_COMPLAINTS]:
        if isinstance(complaint, dict) and isinstance(complaint.get("loc"), list):
            place = ".".join(str(part) for part in complaint["loc"][:6] if isinstance(part, int) or _is_code(part))
            kind = complaint.get("type")
            found.append(f"{place} ({kind})" if _is_code(kind) else place)
    return ", ".join(filter(None, found))


def _is_code(value: Any) -> bool:
    return isinstance(value, str) and _CODE.fullmatch(value) is not None


def _id_in(response: Response, answer: Mapping[str, Any]) -> str | None:
    value = answer.get("request_id")
    return response.unless_repeated(value) if isinstance(value, str) else None


def _rejection_reason(status: int, answer: Mapping[str, Any]) -> Reason:
    said = _message(answer)
    if "DND" in said:
        return Reason.DO_NOT_DISTURB
    if status == 404 and "agent" in said.lower():
        return Reason.AGENT_NOT_FOUND
    return Reason.VENDOR_REJECTED
