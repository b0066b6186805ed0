"""Reads the values of a webhook: whatever stands in it, nothing crashes, and nothing is longer than its bound.

A webhook comes from the internet. A value that is not what it should be counts as missing.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, tzinfo
from typing import Any

from airflow_provider_callkaro.calls.disposition import Disposition
from airflow_provider_callkaro.calls.row import REFERENCE

MAX_ID = 255  # characters
MAX_WORD = 64  # characters of the vendor's own word
MAX_LINK = 2_000  # characters
MAX_TRANSCRIPT = 200_000  # characters
MAX_FIELDS = 50  # that the agent extracted
MAX_FIELD_NAME = 100  # characters
MAX_FIELD = 1_000  # characters of one of them
MAX_ATTEMPT = 1_000
_MAX_SECONDS = 10.0**7
_REFERENCE = re.compile(r"[A-Za-z0-9_-]{22}")
_DIGITS = re.compile(r"\+?([1-9][0-9]{1,14})")
_YES = frozenset({"true", "yes", "y", "1"})
_NO = frozenset({"false", "no", "n", "0"})
_OPT_OUT = frozenset(  # without underscores: agents write doNotCall too
    {"donotcall", "donotcontact", "dnc", "optout", "optedout", "unsubscribe", "unsubscribed"}
    | {"askednottobecalled", "stopcalling"}
)
# Words that two vendors' pages leave open. Only such are here as have one meaning; "failed" has four.
PLAIN_WORDS = {
    "answered": Disposition.REACHED,
    "reached": Disposition.REACHED,
    "connected": Disposition.REACHED,
    "no_answer": Disposition.NOT_REACHED,
    "noanswer": Disposition.NOT_REACHED,
    "not_answered": Disposition.NOT_REACHED,
    "unanswered": Disposition.NOT_REACHED,
    "not_reached": Disposition.NOT_REACHED,
    "unreachable": Disposition.NOT_REACHED,
    "busy": Disposition.NOT_REACHED,
    "voicemail": Disposition.VOICEMAIL,
    "answering_machine": Disposition.VOICEMAIL,
    "machine": Disposition.VOICEMAIL,
    "rejected": Disposition.REFUSED,
    "declined": Disposition.REFUSED,
    "refused": Disposition.REFUSED,
    "invalid_number": Disposition.INVALID_NUMBER,
    "invalid_phone_number": Disposition.INVALID_NUMBER,
    "blocked": Disposition.BLOCKED,
    "dnc": Disposition.BLOCKED,
    "do_not_call": Disposition.BLOCKED,
    "vendor_fault": Disposition.VENDOR_FAULT,
    "system_error": Disposition.VENDOR_FAULT,
    "network_error": Disposition.VENDOR_FAULT,
}


def mapping_in(value: object) -> Mapping[str, Any]:
    """An object; an empty one where it is none."""
    return value if isinstance(value, Mapping) else {}


def text_in(value: object, *, limit: int = MAX_ID) -> str | None:
    """A text, or a whole number as one; cut at ``limit`` characters. None where it is empty or something else."""
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**30:
        value = str(value)
    if not isinstance(value, str):
        return None
    text = value[: limit * 4].encode("utf-8", "replace").decode().replace("\0", " ").strip()[:limit]
    return text or None


def first_text_in(place: Mapping[str, Any], *names: str, limit: int = MAX_ID) -> str | None:
    """The first of these that holds a text."""
    return next((text for name in names if (text := text_in(place.get(name), limit=limit))), None)


def reference_in(value: object) -> str | None:
    """The reference in what the vendor echoes; None where it echoes none."""
    found = mapping_in(value).get(REFERENCE)
    return found if isinstance(found, str) and _REFERENCE.fullmatch(found) else None


def digits_in(value: object) -> str | None:
    """The digits of a phone number, with ``+`` or without."""
    text = text_in(value, limit=40)
    found = None if text is None else _DIGITS.fullmatch(re.sub(r"[\s().-]", "", text))
    return None if found is None else found[1]


def seconds_in(value: object) -> float | None:
    """A number of seconds, 0 or more."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return float(value) if 0 <= value <= _MAX_SECONDS and math.isfinite(value) else None


def whole_in(value: object) -> int | None:
    """A whole number of any sign."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def attempt_in(value: object) -> int:
    """The vendor's try, from 0; 0 where it does not say."""
    return min(max(whole_in(value) or 0, 0), MAX_ATTEMPT)


def flag_in(value: object) -> bool | None:
    """A yes or a no, also in words."""
    if isinstance(value, bool):
        return value
    word = value.strip().lower() if isinstance(value, str) and len(value) < MAX_WORD else ""
    return True if word in _YES else False if word in _NO else None


def instant_in(value: object, *, zone: tzinfo | None = None) -> datetime | None:
    """An instant, UTC. ``zone``: of a time without an offset; None takes none such."""
    try:
        moment = datetime.fromisoformat(value.strip()) if isinstance(value, str) and len(value) < MAX_WORD else None
        if moment is not None and moment.tzinfo is None:
            moment = None if zone is None else moment.replace(tzinfo=zone)
        return None if moment is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def fields_in(*places: object) -> dict[str, Any]:
    """What the agent extracted, by name: at most 50, each a short value or its JSON. The first place wins."""
    found: dict[str, Any] = {}
    for place in places:
        for name, value in mapping_in(place).items():
            key = text_in(name, limit=MAX_FIELD_NAME)
            if key is None or key in found or value is None or len(found) >= MAX_FIELDS:
                continue
            kept = _kept(value)
            if kept is not None:
                found[key] = kept
    return found


def _kept(value: object) -> object:
    if isinstance(value, (bool, str)) or (isinstance(value, int) and abs(value) < 2**53):
        return text_in(value, limit=MAX_FIELD) if isinstance(value, str) else value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return json_text_in(value, limit=MAX_FIELD)


def json_text_in(value: object, *, limit: int) -> str | None:
    """A text, or the JSON of anything else; cut at ``limit`` characters."""
    if value in (None, "", [], {}):
        return None
    if isinstance(value, str):
        return text_in(value, limit=limit)
    try:
        return text_in(json.dumps(value, sort_keys=True, allow_nan=False), limit=limit)
    except (TypeError, ValueError, RecursionError):
        return None


def word_of(text: str | None) -> str:
    """A vendor's word as it is compared: small letters, and one underscore for whatever stands between them."""
    return re.sub(r"[^a-z0-9]+", "_", (text or "").lower()).strip("_")


def asked_not_to_be_called(fields: Mapping[str, Any], *words: str | None) -> bool:
    """Whether the agent noted that the person asked not to be called.

    :param fields: what it extracted: a field such as ``do_not_call`` that holds a yes.
    :param words: its dispositions in words, such as ``Do not call``.
    """
    noted: Iterable[object] = (value for name, value in fields.items() if _is_opt_out(name))
    return any(flag_in(value) or value == 1 for value in noted) or any(_is_opt_out(word) for word in words)


def _is_opt_out(text: str | None) -> bool:
    return word_of(text).replace("_", "") in _OPT_OUT
