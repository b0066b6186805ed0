"""How MrAssistant reads a request: the fields of its pages, and what each of them must be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow_provider_callkaro.sandbox.mrassistant.rules import (
    Finding,
    Place,
    Rule,
    Rules,
    decoded,
    finding_of,
    findings_of,
    has_length,
    is_clock,
    is_days,
    is_flag,
    is_list,
    is_moment,
    is_number,
    is_object,
    is_text,
    is_uuid,
    is_whole,
    is_zone,
    matches,
    refuse_if,
)

NAME_LENGTH = (1, 255)  # characters; create campaign, name
TARGETS = (1, 1_000)  # create campaign, targets
CONCURRENT_CALLS = (1, 10)  # create campaign, concurrent_calls
RETRY_ATTEMPTS = (0, 3)  # create campaign, retry_attempts
RINGING_TIMEOUT = (1, 80)  # seconds; outbound call, ringing_timeout_seconds
CALL_DURATION = (60, 86_400)  # seconds; outbound call, max_call_duration_seconds
LIMIT = (1, 500)  # calls of an agent, limit


def read_model(body: bytes, rules: Rules) -> dict[str, Any]:
    """Read a JSON object; fields without a rule are ignored.

    :raises Refused: 422 with every finding.
    """
    fields = decoded(body)
    check(fields, rules, place=["body"])
    return fields


def read_campaign(body: bytes) -> dict[str, Any]:
    """Read the body of a new campaign, with its targets.

    :raises Refused: 422 with every finding.
    """
    fields = decoded(body)
    findings = findings_of(fields, CAMPAIGN, place=["body"])
    findings += _findings_in_list(fields, "targets", TARGET, place=["body"])
    refuse_if(findings)
    return fields


def read_outbound(body: bytes) -> dict[str, Any]:
    """Read the body of an outbound configuration, with its numbers, schedules and windows.

    :raises Refused: 422 with every finding.
    """
    fields = decoded(body)
    findings = findings_of(fields, OUTBOUND, place=["body"])
    findings += _findings_in_list(fields, "phone_numbers", OUTBOUND_NUMBER, place=["body"])
    findings += _findings_in_list(fields, "schedules", SCHEDULE, place=["body"])
    schedules = fields.get("schedules")
    for index, schedule in enumerate(schedules if isinstance(schedules, list) else ()):
        if isinstance(schedule, dict):
            findings += _findings_in_list(schedule, "time_windows", WINDOW, place=["body", "schedules", index])
    refuse_if(findings)
    return fields


def _findings_in_list(fields: Mapping[str, Any], name: str, rules: Rules, *, place: Place) -> list[Finding]:
    """List what is wrong with the objects in a list."""
    items = fields.get(name)
    findings = []
    for index, item in enumerate(items if isinstance(items, list) else ()):
        where: Place = [*place, name, index]
        findings += findings_of(item, rules, place=where) if isinstance(item, dict) else [_not_an_object(where, item)]
    return findings


def _not_an_object(place: Place, item: object) -> Finding:
    message = "Input should be a valid dictionary or object to extract fields from"
    return finding_of(("model_attributes_type", message), place, item)


def check(fields: Mapping[str, Any], rules: Rules, *, place: Place) -> None:
    """Check values one by one.

    :param place: where they are, for ``loc``.
    :raises Refused: 422 with every finding.
    """
    refuse_if(findings_of(fields, rules, place=place))


_FLAG = Rule(check=is_flag)
_TEXT = Rule(check=is_text, is_required=True)
_TEXT_OR_NULL = Rule(check=is_text, may_be_null=True)
_OBJECT = Rule(check=is_object)
_UUID = Rule(check=is_uuid, is_required=True)

TARGET: Rules = {
    "to_number": Rule(check=is_number, is_required=True),
    "from_number": _TEXT_OR_NULL,
    "context": _OBJECT,
}
CAMPAIGN: Rules = {
    "agent_id": _UUID,
    "name": Rule(check=has_length(*NAME_LENGTH, kind="string", unit="characters", then=is_text), is_required=True),
    "targets": Rule(check=has_length(*TARGETS, kind="list", unit="items", then=is_list), is_required=True),
    "schedule_at": Rule(check=is_moment, may_be_null=True),
    "concurrent_calls": Rule(check=is_whole(*CONCURRENT_CALLS)),
    "retry_failed": _FLAG,
    "retry_attempts": Rule(check=is_whole(*RETRY_ATTEMPTS)),
    "context": _OBJECT,
    "webhook_url": _TEXT_OR_NULL,
    "webhook_secret": _TEXT_OR_NULL,
    "notify_on_call_complete": _FLAG,
}
CALL: Rules = {
    "agent_id": _UUID,
    **TARGET,
    "priority": Rule(check=matches("low|normal|high|urgent")),
    "krisp_enabled": _FLAG,
    "wait_until_answered": _FLAG,
    "display_name": _TEXT_OR_NULL,
    "dtmf": _TEXT_OR_NULL,
    "play_dialtone": _FLAG,
    "media_encryption": Rule(check=matches("DISABLE|ALLOW|REQUIRE")),
    "ringing_timeout_seconds": Rule(check=is_whole(*RINGING_TIMEOUT)),
    "max_call_duration_seconds": Rule(check=is_whole(*CALL_DURATION)),
    "hide_phone_number": _FLAG,
    "custom_headers": Rule(check=is_object, may_be_null=True),
}
TRANSFER: Rules = {
    "transfer_to": Rule(check=matches("(tel|sip):.+"), is_required=True),
    "transfer_type": Rule(check=matches("cold|warm")),
    "play_dialtone": _FLAG,
}
OUTBOUND: Rules = {
    "agent_id": _UUID,
    "phone_numbers": Rule(check=has_length(1, 10**6, kind="list", unit="items", then=is_list), is_required=True),
    "schedules": Rule(check=is_list),
    "default_schedule_id": _TEXT_OR_NULL,
}
OUTBOUND_NUMBER: Rules = {
    "phone_number": Rule(check=is_number, is_required=True),
    "display_name": _TEXT_OR_NULL,
    "is_default": _FLAG,
    "enabled": _FLAG,
    "daily_limit": Rule(check=is_whole(0, 10**9)),
    "metadata": _OBJECT,
}
SCHEDULE: Rules = {
    "name": _TEXT_OR_NULL,
    "time_windows": Rule(check=is_list),
    "enabled": _FLAG,
    "max_concurrent_calls": Rule(check=is_whole(1, 1_000)),
    "call_interval_seconds": Rule(check=is_whole(0, 86_400)),
    "respect_dnc": _FLAG,
    "respect_timezone": _FLAG,
}
WINDOW: Rules = {
    "start_time": Rule(check=is_clock, is_required=True),
    "end_time": Rule(check=is_clock, is_required=True),
    "days_of_week": Rule(check=is_days),
    "timezone": Rule(check=is_zone),
}
LOG_IN: Rules = {"username": _TEXT, "password": _TEXT}
REFRESH: Rules = {"refresh_token": _TEXT}
CALLS_OF_AGENT: Rules = {
    "limit": Rule(check=is_whole(*LIMIT)),
    "offset": Rule(check=is_whole(0, 10**9)),
    "direction": Rule(check=matches("inbound|outbound")),
    "status_filter": Rule(check=matches("initiated|ringing|answered|ended|failed")),
    "start_date": Rule(check=is_moment),
    "end_date": Rule(check=is_moment),
}
