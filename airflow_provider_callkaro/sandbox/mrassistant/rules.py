"""What a field of a request to MrAssistant must be, and how FastAPI puts it where it is something else.

Every finding repeats the value as it was sent under ``input``, and a missing field repeats the whole object it is
missing from. So does the vendor, and that is what must not get into anybody's log.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias
from uuid import UUID
from zoneinfo import ZoneInfo

from airflow_provider_callkaro.sandbox.bodies import read_object
from airflow_provider_callkaro.sandbox.vendor import Refused

_CLOCK = re.compile(r"(?:[0-1]?[0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9])?|24:00")
_NUMBER = re.compile(r"\+[1-9][0-9]{1,14}")

Place: TypeAlias = list[str | int]
Finding: TypeAlias = dict[str, Any]
Complaint: TypeAlias = tuple[str, str]
"""What FastAPI calls the ``type`` and the ``msg`` of a finding."""
Check: TypeAlias = Callable[[Any], Complaint | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What a field must be.

    :param check: finds what is wrong with a value.
    :param is_required: whether it must be there.
    :param may_be_null: whether it may be null.
    """

    check: Check
    is_required: bool = False
    may_be_null: bool = False


Rules: TypeAlias = Mapping[str, Rule]


def decoded(body: bytes) -> dict[str, Any]:
    """Decode a body.

    :raises Refused: 422 where it is no JSON object.
    """
    try:
        return read_object(body)
    except Refused:
        refuse_if([{"type": "json_invalid", "loc": ["body", 0], "msg": "JSON decode error", "input": {}}])
        raise


def refuse_if(findings: list[Finding]) -> None:
    """Refuse where something was found.

    :raises Refused: 422 with every finding.
    """
    if findings:
        raise Refused(422, "Unprocessable Entity", details=findings) from None


def without_spaces(number: str) -> str:
    """Give the number that is rung."""
    return number.replace(" ", "")


def moment(text: str) -> datetime:
    """Read a time with an offset.

    :raises ValueError: it is none.
    """
    read = datetime.fromisoformat(text)
    if "T" not in text or read.tzinfo is None:
        raise ValueError(text)
    return read


def findings_of(fields: Mapping[str, Any], rules: Rules, *, place: Place) -> list[Finding]:
    """List what is wrong with the fields of an object.

    :param place: where the object is, for ``loc``.
    """
    found = []
    for name, rule in rules.items():
        if name not in fields:
            if rule.is_required:
                found.append(finding_of(("missing", "Field required"), [*place, name], fields))
            continue
        value = fields[name]
        if value is None and rule.may_be_null:
            continue
        if (complaint := rule.check(value)) is not None:
            found.append(finding_of(complaint, [*place, name], value))
    return found


def finding_of(complaint: Complaint, place: Place, value: object) -> Finding:
    """Put a complaint as FastAPI puts it."""
    kind, message = complaint
    return {"type": kind, "loc": place, "msg": message, "input": value}


def is_text(value: object) -> Complaint | None:
    """Find what is no text."""
    return None if isinstance(value, str) else ("string_type", "Input should be a valid string")


def is_flag(value: object) -> Complaint | None:
    """Find what is neither true nor false."""
    return None if isinstance(value, bool) else ("bool_type", "Input should be a valid boolean")


def is_object(value: object) -> Complaint | None:
    """Find what is no object."""
    return None if isinstance(value, dict) else ("dict_type", "Input should be a valid dictionary")


def is_uuid(value: Any) -> Complaint | None:
    """Find what is no UUID."""
    try:
        UUID(value)
    except (ValueError, AttributeError, TypeError):
        return ("uuid_parsing", "Input should be a valid UUID")
    return None


def is_number(value: Any) -> Complaint | None:
    """Find what is no phone number."""
    if (complaint := is_text(value)) is not None:
        return complaint
    if not _NUMBER.fullmatch(without_spaces(value)):
        return ("value_error", "Value error, Phone number must be in E.164 format")
    return None


def is_moment(value: Any) -> Complaint | None:
    """Find what is no time with an offset."""
    try:
        moment(value)
    except (ValueError, TypeError):
        return ("timezone_aware", "Input should be a valid datetime with an offset")
    return None


def has_length(least: int, most: int, *, kind: str, unit: str, then: Check) -> Check:
    """Make a check of the length of what passes another one."""

    def find(value: Any) -> Complaint | None:
        if (complaint := then(value)) is not None:
            return complaint
        if len(value) < least:
            return (f"{kind}_too_short", f"Should have at least {least} {unit}")
        if len(value) > most:
            return (f"{kind}_too_long", f"Should have at most {most} {unit}")
        return None

    return find


def is_whole(least: int, most: int) -> Check:
    """Make a check for a whole number in a range."""

    def find(value: Any) -> Complaint | None:
        if not isinstance(value, int) or isinstance(value, bool):
            return ("int_type", "Input should be a valid integer")
        if value < least:
            return ("greater_than_equal", f"Input should be greater than or equal to {least}")
        if value > most:
            return ("less_than_equal", f"Input should be less than or equal to {most}")
        return None

    return find


def matches(pattern: str) -> Check:
    """Make a check for a text of a pattern."""
    compiled = re.compile(pattern)

    def find(value: Any) -> Complaint | None:
        if (complaint := is_text(value)) is not None:
            return complaint
        return None if compiled.fullmatch(value) else ("string_pattern_mismatch", f"String should match '{pattern}'")

    return find


def is_list(value: object) -> Complaint | None:
    """Find what is no list."""
    return None if isinstance(value, list) else ("list_type", "Input should be a valid list")


def is_clock(value: Any) -> Complaint | None:
    """Find what is no time of day."""
    fits = isinstance(value, str) and _CLOCK.fullmatch(value)
    return None if fits else ("time_parsing", "Input should be in a valid time format")


def is_zone(value: Any) -> Complaint | None:
    """Find what is no time zone."""
    try:
        ZoneInfo(value)
    except (ValueError, OSError, KeyError, TypeError, AttributeError):
        return ("value_error", "Value error, unknown time zone")
    return None


def is_days(value: Any) -> Complaint | None:
    """Find what is no list of days."""
    fits = isinstance(value, list) and all(is_whole(0, 6)(day) is None for day in value)
    return None if fits else ("value_error", "Value error, days are 0 (Monday) to 6 (Sunday)")
