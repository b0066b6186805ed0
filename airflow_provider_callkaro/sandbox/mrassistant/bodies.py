"""What MrAssistant takes: the fields of its pages, as pydantic models.

The vendor's refusals have FastAPI's shape, which is pydantic's: a list of findings. Each finding repeats the value as
it was sent under ``input``, and a missing field repeats the whole object it is missing from. So does the vendor, and
that is what must not get into a log.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal, TypeAlias
from uuid import UUID

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field
from pydantic_core import PydanticCustomError

from airflow_provider_callkaro.sandbox.bodies import ABSENT, Body, Zone, errors_in, read_object
from airflow_provider_callkaro.sandbox.vendor import Refused

_CLOCK = re.compile(r"(?:[0-1]?[0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9])?|24:00")
_NUMBER = re.compile(r"\+[1-9][0-9]{1,14}")


def read_body(model: type[BaseModel], body: bytes) -> dict[str, Any]:
    """Read a JSON object as it was sent. ``model``: what its fields must be; other fields are ignored. Raises Refused:
    422 with every finding."""
    try:
        fields = read_object(body)
    except Refused:
        raise _refused(
            [{"type": "json_invalid", "loc": ["body", 0], "msg": "JSON decode error", "input": {}}]
        ) from None
    _check(model, fields, place="body")
    return fields


def read_page(query: Mapping[str, str]) -> CallsOfAgent:
    """Read which calls of an agent are asked for. Raises Refused: 422 with every finding."""
    _check(CallsOfAgent, query, place="query")
    return CallsOfAgent.model_validate(dict(query))


def _check(model: type[BaseModel], values: Mapping[str, object], *, place: Literal["body", "query"]) -> None:
    if errors := errors_in(model, dict(values)):
        raise _refused([{**error, "loc": [place, *error["loc"]]} for error in errors])


def without_spaces(number: str) -> str:
    """Give the number that is rung."""
    return number.replace(" ", "")


def moment(text: str) -> datetime:
    """Read a time with an offset. Raises ValueError if it is none."""
    read = datetime.fromisoformat(text)
    if "T" not in text or read.tzinfo is None:
        raise ValueError(text)
    return read


def _refused(findings: list[dict[str, object]]) -> Refused:
    return Refused(422, "Unprocessable Entity", details=findings)


def _is_number(text: str) -> str:
    if not _NUMBER.fullmatch(without_spaces(text)):
        raise ValueError("Phone number must be in E.164 format")
    return text


def _is_moment(value: Any) -> Any:
    try:
        moment(value)
    except (ValueError, TypeError):
        raise PydanticCustomError("timezone_aware", "Input should be a valid datetime with an offset") from None
    return value


def _is_uuid(value: Any) -> Any:
    try:
        UUID(value)
    except (ValueError, AttributeError, TypeError):
        raise PydanticCustomError("uuid_parsing", "Input should be a valid UUID") from None
    return value


def _is_clock(value: object) -> Any:
    if not isinstance(value, str) or not _CLOCK.fullmatch(value):
        raise PydanticCustomError("time_parsing", "Input should be in a valid time format")
    return value


def _are_days(value: object) -> Any:
    if not isinstance(value, list) or not all(type(day) is int and 0 <= day <= 6 for day in value):
        raise ValueError("days are 0 (Monday) to 6 (Sunday)")
    return value


def _is_not_empty(items: list[object]) -> list[Any]:
    if not items:
        raise PydanticCustomError("list_too_short", "Should have at least 1 items")
    return items


def _is_short_enough(items: list[object]) -> list[Any]:
    if len(items) > 1_000:  # create campaign, targets
        raise PydanticCustomError("list_too_long", "Should have at most 1000 items")
    return items


_Number: TypeAlias = Annotated[str, AfterValidator(_is_number)]
_Moment: TypeAlias = Annotated[Any, BeforeValidator(_is_moment)]
_Uuid: TypeAlias = Annotated[Any, BeforeValidator(_is_uuid)]
_Facts: TypeAlias = dict[Any, Any]
_Clock: TypeAlias = Annotated[Any, BeforeValidator(_is_clock)]
_Days: TypeAlias = Annotated[Any, BeforeValidator(_are_days)]


class LogIn(Body):
    """``POST /auth/token``."""

    username: str
    password: str


class Refresh(Body):
    """``POST /auth/refresh``."""

    refresh_token: str


class Target(Body):
    """Whom a call or a campaign rings."""

    to_number: _Number
    from_number: str | None = None
    context: _Facts = ABSENT


class Campaign(Body):
    """``POST /campaigns``. Its own fields come before its targets, because that is the order of the findings."""

    agent_id: _Uuid
    name: Annotated[str, Field(min_length=1, max_length=255)]
    schedule_at: _Moment | None = None
    concurrent_calls: Annotated[int, Field(ge=1, le=10)] = ABSENT
    retry_failed: bool = ABSENT
    retry_attempts: Annotated[int, Field(ge=0, le=3)] = ABSENT
    context: _Facts = ABSENT
    webhook_url: str | None = None
    webhook_secret: str | None = None
    notify_on_call_complete: bool = ABSENT
    targets: Annotated[list[Target], AfterValidator(_is_not_empty), AfterValidator(_is_short_enough)]


class Call(Target):
    """``POST /calls/outbound``."""

    agent_id: _Uuid
    priority: Annotated[str, Field(pattern="^(low|normal|high|urgent)$")] = ABSENT
    krisp_enabled: bool = ABSENT
    wait_until_answered: bool = ABSENT
    display_name: str | None = None
    dtmf: str | None = None
    play_dialtone: bool = ABSENT
    media_encryption: Annotated[str, Field(pattern="^(DISABLE|ALLOW|REQUIRE)$")] = ABSENT
    ringing_timeout_seconds: Annotated[int, Field(ge=1, le=80)] = ABSENT
    max_call_duration_seconds: Annotated[int, Field(ge=60, le=86_400)] = ABSENT
    hide_phone_number: bool = ABSENT
    custom_headers: _Facts | None = None


class Transfer(Body):
    """``POST /calls/{call_id}/transfer``."""

    transfer_to: Annotated[str, Field(pattern="^(tel|sip):.+")]
    transfer_type: Annotated[str, Field(pattern="^(cold|warm)$")] = ABSENT
    play_dialtone: bool = ABSENT


class OutboundNumber(Body):
    """One number from which an agent calls."""

    phone_number: _Number
    display_name: str | None = None
    is_default: bool = ABSENT
    enabled: bool = ABSENT
    daily_limit: Annotated[int, Field(ge=0, le=10**9)] = ABSENT
    metadata: _Facts = ABSENT


class Window(Body):
    """One span of the week in which an agent may call; days are 0 (Monday) to 6 (Sunday)."""

    start_time: _Clock
    end_time: _Clock
    days_of_week: _Days = ABSENT
    timezone: Zone = ABSENT


class Schedule(Body):
    """When and how fast an agent may call."""

    name: str | None = None
    time_windows: list[Window] = ABSENT
    enabled: bool = ABSENT
    max_concurrent_calls: Annotated[int, Field(ge=1, le=1_000)] = ABSENT
    call_interval_seconds: Annotated[int, Field(ge=0, le=86_400)] = ABSENT
    respect_dnc: bool = ABSENT
    respect_timezone: bool = ABSENT


class OutboundConfig(Body):
    """``POST /outbound/agents/{agent_id}/outbound-config``."""

    agent_id: _Uuid
    default_schedule_id: str | None = None
    phone_numbers: Annotated[list[OutboundNumber], AfterValidator(_is_not_empty)]
    schedules: list[Schedule] = ABSENT


class CallsOfAgent(BaseModel):
    """The query of ``GET /calls/agent/{agent_id}/calls``, whose values are all texts."""

    limit: Annotated[int, Field(ge=1, le=500)] = 100
    offset: Annotated[int, Field(ge=0, le=10**9)] = 0
    direction: Annotated[str, Field(pattern="^(inbound|outbound)$")] = ABSENT
    status_filter: Annotated[str, Field(pattern="^(initiated|ringing|answered|ended|failed)$")] = ABSENT
    start_date: _Moment = ABSENT
    end_date: _Moment = ABSENT
