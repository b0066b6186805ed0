"""The fields that only MrAssistant's calls have: what each may be, and whether a campaign's target may have it.

Source: the pages of campaigns and of outbound calls.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from airflow_provider_callkaro.calls import coercion
from airflow_provider_callkaro.calls.call import Call, InvalidCall
from airflow_provider_callkaro.calls.outcome import Reason
from airflow_provider_callkaro.calls.phone import NumberReader
from airflow_provider_callkaro.calls.row_schema import CALL_FIELDS as FIELDS_OF_ANY_CALL
from airflow_provider_callkaro.calls.row_schema import RowSchema
from airflow_provider_callkaro.exceptions import ConfigurationError

RINGING_TIMEOUT = (1, 80)  # seconds; source: outbound call, ringing_timeout_seconds
CALL_DURATION = (60, 86_400)  # seconds; source: outbound call, max_call_duration_seconds
PRIORITIES = ("low", "normal", "high", "urgent")  # source: outbound call, priority
MEDIA_ENCRYPTION = ("DISABLE", "ALLOW", "REQUIRE")  # source: outbound call, media_encryption
MAX_TEXT = 255  # characters; ours, of a name to display or of tones to dial
_HEADER_NAME = re.compile(r"[Xx]-[A-Za-z0-9\-]{1,100}")


def read_from_number(value: object) -> str:
    """The number that the person called sees, E.164."""
    number = NumberReader().read(value)
    if number is None:
        raise InvalidCall(Reason.BAD_FIELD, "from_number cannot be read as E.164: + and 2 to 15 digits")
    return number


def _one_of(name: str, words: tuple[str, ...]) -> Callable[[Any], str]:
    known = {word.lower(): word for word in words}

    def read(value: object) -> str:
        word = known.get(value.strip().lower()) if isinstance(value, str) else None
        if word is None:
            raise InvalidCall(Reason.BAD_FIELD, f"{name} must be one of {', '.join(words)}")
        return word

    return read


def _whole(name: str, limits: tuple[int, int]) -> Callable[[Any], int]:
    low, high = limits

    def read(value: object) -> int:
        number = coercion.read_whole_number(value)
        if not isinstance(number, int) or isinstance(number, bool) or not low <= number <= high:
            raise InvalidCall(Reason.BAD_FIELD, f"{name} must be a whole number from {low} to {high}")
        return number

    return read


def _yes_or_no(name: str) -> Callable[[Any], bool]:
    def read(value: object) -> bool:
        answer = coercion.read_boolean(value)
        if not isinstance(answer, bool):
            raise InvalidCall(Reason.BAD_FIELD, f"{name} must be true or false")
        return answer

    return read


def _text(name: str) -> Callable[[Any], str]:
    def read(value: object) -> str:
        text = coercion.read_text(value)
        if not isinstance(text, str) or not 0 < len(text) <= MAX_TEXT or not text.isprintable():
            raise InvalidCall(Reason.BAD_FIELD, f"{name} must be a text of 1 to {MAX_TEXT} characters in one line")
        return text

    return read


def _read_custom_headers(value: object) -> dict[str, str]:
    """SIP headers whose names begin with ``X-``: others are the vendor's, and a line break would begin another one."""
    headers = dict(value) if isinstance(value, Mapping) else {"": ""}
    if not all(
        isinstance(name, str) and _HEADER_NAME.fullmatch(name) and isinstance(text, str) and text.isprintable()
        for name, text in headers.items()
    ):
        raise InvalidCall(Reason.BAD_FIELD, "custom_headers must be an object of texts whose names begin with X-")
    return headers


ROW_FIELDS: Mapping[str, Callable[[Any], Any]] = MappingProxyType({"from_number": read_from_number})
"""What a target of a campaign has beside the fields that every vendor's calls have: a reader for each."""

CALL_FIELDS: Mapping[str, Callable[[Any], Any]] = MappingProxyType(
    {
        **ROW_FIELDS,
        "priority": _one_of("priority", PRIORITIES),
        "krisp_enabled": _yes_or_no("krisp_enabled"),
        "wait_until_answered": _yes_or_no("wait_until_answered"),
        "display_name": _text("display_name"),
        "dtmf": _text("dtmf"),
        "play_dialtone": _yes_or_no("play_dialtone"),
        "media_encryption": _one_of("media_encryption", MEDIA_ENCRYPTION),
        "ringing_timeout_seconds": _whole("ringing_timeout_seconds", RINGING_TIMEOUT),
        "max_call_duration_seconds": _whole("max_call_duration_seconds", CALL_DURATION),
        "hide_phone_number": _yes_or_no("hide_phone_number"),
        "custom_headers": _read_custom_headers,
    }
)
"""What a single call has beside the fields of all vendors, in the order of the page."""

SHOWN_FIELDS = frozenset({"agent_id", "batch_id", "name"})
"""The fields of a body that an error may show: the author of a DAG has chosen them, and ``name`` is a campaign's."""
SECRET_FIELDS = frozenset({"password", "refresh_token", "transfer_to", "webhook_secret"})
"""The fields of a body of which an error shows no piece."""

ROW_SCHEMA = RowSchema(
    fields=("to_number", "agent_id", "schedule_at", "metadata", "call_key", "timezone"),
    own_fields=ROW_FIELDS,
    aliases={"context": "metadata"},
    takes_offset=True,
)
"""The columns of a row that becomes a target of a campaign."""

CALL_ROW_SCHEMA = RowSchema(
    fields=("to_number", "agent_id", "metadata", "call_key", "timezone"),
    own_fields=CALL_FIELDS,
    aliases={"context": "metadata"},
    takes_offset=True,
)
"""The columns of a row that becomes a single call, which rings at once."""

_OTHERS_FIELDS = tuple(name for name in FIELDS_OF_ANY_CALL if name not in ROW_SCHEMA.fields)  # which MrAssistant lacks


def own_fields_of(call: Call, known: Mapping[str, Callable[[object], object]]) -> dict[str, Any]:
    """The vendor's own fields of a call, checked, in the order of its pages. Raises ConfigurationError if the call has
    a field that MrAssistant does not know; without it, another call than the one asked for would be placed. Raises
    InvalidCall if a field is out of its range."""
    foreign = [name for name in _OTHERS_FIELDS if getattr(call, name) is not None]
    foreign += sorted(str(name) for name in call.extra if name not in known)
    if foreign:
        raise ConfigurationError(f"MrAssistant has no {', '.join(foreign)} here: leave it out")
    return {name: read(call.extra[name]) for name, read in known.items() if call.extra.get(name) is not None}
