"""How MrAssistant reads a request, and what it finds wrong: the rules of its pages, in FastAPI's words.

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

from airflow_provider_callkaro.sandbox.exchange import Refused
from airflow_provider_callkaro.sandbox.reading import read_object

NAME_LENGTH = (1, 255)  # characters; create campaign, name
TARGETS = (1, 1_000)  # create campaign, targets
CONCURRENT_CALLS = (1, 10)  # create campaign, concurrent_calls
RETRY_ATTEMPTS = (0, 3)  # create campaign, retry_attempts
RINGING_TIMEOUT = (1, 80)  # seconds; outbound call, ringing_timeout_seconds
CALL_DURATION = (60, 86_400)  # seconds; outbound call, max_call_duration_seconds
LIMIT = (1, 500)  # calls of an agent, limit

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


def read_model(body: bytes, rules: Rules) -> dict[str, Any]:
    """Read a JSON object; fields without a rule are ignored.

    :raises Refused: 422 with every finding.
    """
    fields = _decoded(body)
    check(fields, rules, place=["body"])
    return fields


def read_campaign(body: bytes) -> dict[str, Any]:
    """Read the body of a new campaign, with its targets.

    :raises Refused: 422 with every finding.
    """
    fields = _decoded(body)
    findings = _findings(fields, CAMPAIGN, place=["body"])
    targets = fields.get("targets")
    for index, target in enumerate(targets if isinstance(targets, list) else ()):
        place: Place = ["body", "targets", index]
        if isinstance(target, dict):
            findings += _findings(target, TARGET, place=place)
        else:
            complaint = ("model_attributes_type", "Input should be a valid dictionary or object to extract fields from")
            findings.append(_finding(complaint, place, target))
    _refuse_if(findings)
    return fields


def check(fields: Mapping[str, Any], rules: Rules, *, place: Place) -> None:
    """Check values one by one.

    :param place: where they are, for ``loc``.
    :raises Refused: 422 with every finding.
    """
    _refuse_if(_findings(fields, rules, place=place))


def _decoded(body: bytes) -> dict[str, Any]:
    try:
        return read_object(body)
    except Refused:
        _refuse_if([{"type": "json_invalid", "loc": ["body", 0], "msg": "JSON decode error", "input": {}}])
        raise


def _refuse_if(findings: list[Finding]) -> None:
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


def _findings(fields: Mapping[str, Any], rules: Rules, *, place: Place) -> list[Finding]:
    found = []
    for name, rule in rules.items():
        if name not in fields:
            if rule.is_required:
                found.append(_finding(("missing", "Field required"), [*place, name], fields))
            continue
        value = fields[name]
        if value is None and rule.may_be_null:
            continue
        if (complaint := rule.check(value)) is not None:
            found.append(_finding(complaint, [*place, name], value))
    return found


def _finding(complaint: Complaint, place: Place, value: object) -> Finding:
    kind, message = complaint
    return {"type": kind, "loc": place, "msg": message, "input": value}


def _is_text(value: object) -> Complaint | None:
    return None if isinstance(value, str) else ("string_type", "Input should be a valid string")


def _is_flag(value: object) -> Complaint | None:
    return None if isinstance(value, bool) else ("bool_type", "Input should be a valid boolean")


def _is_object(value: object) -> Complaint | None:
    return None if isinstance(value, dict) else ("dict_type", "Input should be a valid dictionary")


def _is_uuid(value: Any) -> Complaint | None:
    try:
        UUID(value)
    except (ValueError, AttributeError, TypeError):
        return ("uuid_parsing", "Input should be a valid UUID")
    return None


def _is_number(value: Any) -> Complaint | None:
    if (complaint := _is_text(value)) is not None:
        return complaint
    if not _NUMBER.fullmatch(without_spaces(value)):
        return ("value_error", "Value error, Phone number must be in E.164 format")
    return None


def _is_moment(value: Any) -> Complaint | None:
    try:
        moment(value)
    except (ValueError, TypeError):
        return ("timezone_aware", "Input should be a valid datetime with an offset")
    return None


def _has_length(least: int, most: int, *, kind: str, unit: str, then: Check) -> Check:
    def find(value: Any) -> Complaint | None:
        if (complaint := then(value)) is not None:
            return complaint
        if len(value) < least:
            return (f"{kind}_too_short", f"Should have at least {least} {unit}")
        if len(value) > most:
            return (f"{kind}_too_long", f"Should have at most {most} {unit}")
        return None

    return find


def _is_whole(least: int, most: int) -> Check:
    def find(value: Any) -> Complaint | None:
        if not isinstance(value, int) or isinstance(value, bool):
            return ("int_type", "Input should be a valid integer")
        if value < least:
            return ("greater_than_equal", f"Input should be greater than or equal to {least}")
        if value > most:
            return ("less_than_equal", f"Input should be less than or equal to {most}")
        return None

    return find


def _matches(pattern: str) -> Check:
    compiled = re.compile(pattern)

    def find(value: Any) -> Complaint | None:
        if (complaint := _is_text(value)) is not None:
            return complaint
        return None if compiled.fullmatch(value) else ("string_pattern_mismatch", f"String should match '{pattern}'")

    return find


def _is_list(value: object) -> Complaint | None:
    return None if isinstance(value, list) else ("list_type", "Input should be a valid list")


_FLAG = Rule(check=_is_flag)
_TEXT = Rule(check=_is_text, is_required=True)
_TEXT_OR_NULL = Rule(check=_is_text, may_be_null=True)
_OBJECT = Rule(check=_is_object)
_UUID = Rule(check=_is_uuid, is_required=True)

TARGET: Rules = {
    "to_number": Rule(check=_is_number, is_required=True),
    "from_number": _TEXT_OR_NULL,
    "context": _OBJECT,
}
CAMPAIGN: Rules = {
    "agent_id": _UUID,
    "name": Rule(check=_has_length(*NAME_LENGTH, kind="string", unit="characters", then=_is_text), is_required=True),
    "targets": Rule(check=_has_length(*TARGETS, kind="list", unit="items", then=_is_list), is_required=True),
    "schedule_at": Rule(check=_is_moment, may_be_null=True),
    "concurrent_calls": Rule(check=_is_whole(*CONCURRENT_CALLS)),
    "retry_failed": _FLAG,
    "retry_attempts": Rule(check=_is_whole(*RETRY_ATTEMPTS)),
    "context": _OBJECT,
    "webhook_url": _TEXT_OR_NULL,
    "webhook_secret": _TEXT_OR_NULL,
    "notify_on_call_complete": _FLAG,
}
CALL: Rules = {
    "agent_id": _UUID,
    **TARGET,
    "priority": Rule(check=_matches("low|normal|high|urgent")),
    "krisp_enabled": _FLAG,
    "wait_until_answered": _FLAG,
    "display_name": _TEXT_OR_NULL,
    "dtmf": _TEXT_OR_NULL,
    "play_dialtone": _FLAG,
    "media_encryption": Rule(check=_matches("DISABLE|ALLOW|REQUIRE")),
    "ringing_timeout_seconds": Rule(check=_is_whole(*RINGING_TIMEOUT)),
    "max_call_duration_seconds": Rule(check=_is_whole(*CALL_DURATION)),
    "hide_phone_number": _FLAG,
    "custom_headers": Rule(check=_is_object, may_be_null=True),
}
TRANSFER: Rules = {
    "transfer_to": Rule(check=_matches("(tel|sip):.+"), is_required=True),
    "transfer_type": Rule(check=_matches("cold|warm")),
    "play_dialtone": _FLAG,
}
LOG_IN: Rules = {"username": _TEXT, "password": _TEXT}
REFRESH: Rules = {"refresh_token": _TEXT}
CALLS_OF_AGENT: Rules = {
    "limit": Rule(check=_is_whole(*LIMIT)),
    "offset": Rule(check=_is_whole(0, 10**9)),
    "direction": Rule(check=_matches("inbound|outbound")),
    "status_filter": Rule(check=_matches("initiated|ringing|answered|ended|failed")),
    "start_date": Rule(check=_is_moment),
    "end_date": Rule(check=_is_moment),
}
