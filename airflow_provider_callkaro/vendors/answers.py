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

from airflow_provider_callkaro.calls.masking import mask_text
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
_DOTS = "•••"
_WORD = re.compile(r"\S+")
_SECRET_PIECE = 4  # characters; a word that has as many of a secret in a row is hidden
_TOKEN = re.compile(r"\S{16,}")  # what may be the key, where a vendor repeats the key that it refuses


@dataclass(frozen=True, slots=True)
class PlacedCall:
    """A call that the vendor took.

    :param call_id: the vendor's id of the call.
    :param id_field: the name under which the vendor gave it; vendors are not consistent.
    :param raw: the whole answer, for what we do not know yet.
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
    vendor: str,
    response: Response,
    *,
    now: datetime | None = None,
    secret: str | None = None,
    rings_as: tuple[str, ...] = (),
) -> dict[str, Any]:
    """The JSON object of an answer that says yes.

    :param now: for a ``Retry-After`` that is a date; None reads the answer's own ``Date`` header.
    :param secret: what was sent and may not be repeated, not even in part; it is hidden in whatever the vendor says.
    :param rings_as: see `raise_refusal`.
    :return: the body of a 2xx.
    :raises VendorError: the kind that the sending table names for this answer.
    """
    if rings_as and not 200 <= response.status < 300:
        raise_refusal(vendor, response, now=now, secret=secret, rings_as=rings_as)
    answer = read_told(vendor, response, now=now, secret=secret)
    if says_no(answer):
        raise OutcomeUnknown(
            f"{vendor} answered {response.status} and called it a failure{_hidden(_said(answer), secret)}",
            vendor=vendor,
            status=response.status,
            request_id=_unless_hidden(response.request_id, secret),
            reason=Reason.SERVER_ERROR,
        )
    return answer


def read_told(
    vendor: str, response: Response, *, now: datetime | None = None, secret: str | None = None
) -> dict[str, Any]:
    """The JSON object of an answer that tells how something stands: there ``failed`` may be the state of a campaign.

    :param now: as in `read_accepted`.
    :param secret: as in `read_accepted`.
    :return: the body of a 2xx.
    :raises VendorError: the kind that the sending table names for this answer.
    """
    if not 200 <= response.status < 300:
        raise_refusal(vendor, response, now=now, secret=secret)
    answer = response.json_object()
    if not answer:
        raise OutcomeUnknown(
            f"{vendor} answered {response.status} with a body that cannot be read",
            vendor=vendor,
            status=response.status,
            request_id=_unless_hidden(response.request_id, secret),
            reason=Reason.UNREADABLE_ANSWER,
        )
    return answer


def nameless(
    vendor: str, response: Response, *, what: str, reason: Reason = Reason.NO_CALL_ID, secret: str | None = None
) -> OutcomeUnknown:
    """The error that a 2xx means which lacks what it was asked for.

    :param what: what is missing, such as ``a call id``.
    :param secret: as in `read_accepted`.
    """
    return OutcomeUnknown(
        f"{vendor} answered {response.status} without {what}",
        vendor=vendor,
        status=response.status,
        request_id=_unless_hidden(response.request_id, secret),
        reason=reason,
    )


def raise_refusal(
    vendor: str,
    response: Response,
    *,
    now: datetime | None = None,
    secret: str | None = None,
    rings_as: tuple[str, ...] = (),
) -> NoReturn:
    """Raise what a status outside 200 to 299 means.

    :param now: as in `read_accepted`.
    :param secret: as in `read_accepted`.
    :param rings_as: of a request that may ring a phone, the names under which an answer gives the id of what rings: a
        refusal that gives one, or that says there is a call already, is no refusal. Empty: it rings nobody.
    :raises VendorError: always.
    """
    status, answer = response.status, response.json_object()
    names = tuple(name for name in rings_as if name != "id")  # of an error, a bare id is the error's
    is_named = bool(names) and first_text(answer, names) is not None
    request_id = _unless_hidden(response.request_id or _id_in(answer), secret)
    said = _hidden(_said(answer), secret)
    is_refusal = not is_named and not (rings_as and status in _MAY_HAVE_RUNG)
    if status in _PLAIN_REFUSAL or is_refusal:
        _raise_clear_refusal(vendor, response, now=now, said=said, request_id=request_id)
    failed = "sent us elsewhere" if 300 <= status < 400 else "failed"  # never followed: the key would go along
    raise OutcomeUnknown(
        f"{vendor} {failed} ({status}){said}: it may have accepted the request",
        vendor=vendor,
        status=status,
        request_id=request_id,
        reason=Reason.SERVER_ERROR,
    )


def _raise_clear_refusal(
    vendor: str, response: Response, *, now: datetime | None, said: str, request_id: str | None
) -> None:
    """Raise what a status means that leaves no doubt; return where it leaves some."""
    status = response.status
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
            reason=_rejection_reason(status, said),
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


def _said(answer: Mapping[str, Any]) -> str:
    """The vendor's message, masked, to be put behind our own; empty where there is none."""
    if isinstance(answer.get("detail"), list):
        complaints = _complaints(answer["detail"])
        return f": {mask_text(complaints)}" if complaints else ""
    message = next((answer[name] for name in ("message", "error", "detail") if isinstance(answer.get(name), str)), "")
    code = answer.get("error_code")
    named = f"{code}: " if isinstance(code, str) and _CODE.fullmatch(code) and message else ""
    return f": {named}{mask_text(message)}" if message else ""


def _hidden(said: str, secret: str | None) -> str:
    """What the vendor says without the words that repeat the secret, a word of it, or a piece of a long one."""
    if not secret:
        return said
    length = _SECRET_PIECE
    words = "".join(character if character.isprintable() else " " for character in secret.casefold()).split()
    pieces = {word[start : start + length] for word in words for start in range(max(1, len(word) - length + 1))}
    return _WORD.sub(lambda word: _DOTS if any(piece in word[0].casefold() for piece in pieces) else word[0], said)


def _unless_hidden(value: str | None, secret: str | None) -> str | None:
    return value if value is None or _hidden(value, secret) == value else None


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


def _id_in(answer: Mapping[str, Any]) -> str | None:
    value = answer.get("request_id")
    return value[:100] if isinstance(value, str) and value.isprintable() and value else None


def _rejection_reason(status: int, said: str) -> Reason:
    if "DND" in said:
        return Reason.DO_NOT_DISTURB
    if status == 404 and "agent" in said.lower():
        return Reason.AGENT_NOT_FOUND
    return Reason.VENDOR_REJECTED
