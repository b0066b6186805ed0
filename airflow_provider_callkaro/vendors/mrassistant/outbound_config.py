"""MrAssistant's outbound configuration of an agent as values, read from an answer of which little is documented.

A field that is missing, or has another type than its page says, is None or the default that the page names.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from typing import Any

from airflow_provider_callkaro.vendors.answers import number_in, whole_in

_SCHEDULE_ID = ("schedule_id", "id", "_id")


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboundNumber:
    """A number from which the agent calls. ``phone_number``: the number; not shown. ``daily_limit``: how many calls a
    day it may make."""

    phone_number: str | None = field(default=None, repr=False)
    display_name: str | None = field(default=None, repr=False)
    is_default: bool = False
    enabled: bool = True
    daily_limit: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboundWindow:
    """A span of wall-clock time in which the agent may call.

    :param start_time: as the vendor writes it, such as ``09:00``.
    :param days_of_week: the vendor's numbers of the days; empty where they cannot be read.
    :param timezone: an IANA name; the page's default is ``UTC``.
    """

    start_time: str | None
    end_time: str | None
    days_of_week: tuple[int, ...]
    timezone: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboundSchedule:
    """When and how fast the agent may call.

    :param schedule_id: the vendor's id, where it gives one.
    :param call_interval_seconds: the least time between two calls, seconds.
    :param respect_dnc: whether numbers that do not want to be called are left out.
    :param respect_timezone: whether the time zone of the person called is respected; how is not documented.
    """

    name: str | None = None
    schedule_id: str | None = None
    windows: tuple[OutboundWindow, ...] = ()
    enabled: bool = True
    max_concurrent_calls: int | None = None
    call_interval_seconds: float | None = None
    respect_dnc: bool | None = None
    respect_timezone: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboundConfig:
    """How an agent may call, and whether it may now.

    :param total_calls_today: how many calls it has made today; in which zone a day begins is not documented.
    :param calls_remaining_today: how many more it may make today.
    :param can_call_now: whether it may call now; None where the answer does not say.
    :param next_available_time: when it may call next, aware; None where the answer does not say, or gives a time
        without an offset and the connection names no zone for such.
    :param raw: the whole answer, with the numbers.
    """

    agent_id: str | None = None
    phone_numbers: tuple[OutboundNumber, ...] = ()
    schedules: tuple[OutboundSchedule, ...] = ()
    default_schedule_id: str | None = None
    total_calls_today: int | None = None
    calls_remaining_today: int | None = None
    can_call_now: bool | None = None
    next_available_time: datetime | None = None
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @classmethod
    def read(cls, answer: Mapping[str, object], *, zone: tzinfo | None) -> OutboundConfig:
        """Read a configuration from an answer. ``zone``: where a time without an offset is meant; None leaves it
        unread."""
        return cls(
            agent_id=_text(answer.get("agent_id")),
            phone_numbers=tuple(_number(each) for each in _objects(answer.get("phone_numbers"))),
            schedules=tuple(_schedule(each) for each in _objects(answer.get("schedules"))),
            default_schedule_id=_text(answer.get("default_schedule_id")),
            total_calls_today=whole_in(answer.get("total_calls_today")),
            calls_remaining_today=whole_in(answer.get("calls_remaining_today")),
            can_call_now=_flag(answer.get("can_call_now")),
            next_available_time=_moment(answer.get("next_available_time"), zone=zone),
            raw=answer,
        )


def _number(fields: Mapping[str, object]) -> OutboundNumber:
    return OutboundNumber(
        phone_number=_text(fields.get("phone_number")),
        display_name=_text(fields.get("display_name")),
        is_default=_flag(fields.get("is_default")) or False,
        enabled=_flag(fields.get("enabled")) is not False,
        daily_limit=whole_in(fields.get("daily_limit")),
    )


def _schedule(fields: Mapping[str, object]) -> OutboundSchedule:
    return OutboundSchedule(
        name=_text(fields.get("name")),
        schedule_id=next((found for name in _SCHEDULE_ID if (found := _text(fields.get(name)))), None),
        windows=tuple(_window(each) for each in _objects(fields.get("time_windows"))),
        enabled=_flag(fields.get("enabled")) is not False,
        max_concurrent_calls=whole_in(fields.get("max_concurrent_calls")),
        call_interval_seconds=number_in(fields.get("call_interval_seconds")),
        respect_dnc=_flag(fields.get("respect_dnc")),
        respect_timezone=_flag(fields.get("respect_timezone")),
    )


def _window(fields: Mapping[str, object]) -> OutboundWindow:
    days = fields.get("days_of_week")
    numbers = [whole_in(day) for day in days] if isinstance(days, list) else []
    return OutboundWindow(
        start_time=_text(fields.get("start_time")),
        end_time=_text(fields.get("end_time")),
        days_of_week=() if None in numbers else tuple(number for number in numbers if number is not None),
        timezone=_text(fields.get("timezone", "UTC")),
    )


def _objects(value: object) -> list[Mapping[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _text(value: object) -> str | None:
    if whole_in(value) is not None:
        return str(value)
    return (value.strip() or None) if isinstance(value, str) else None


def _flag(value: object) -> bool | None:
    return value if isinstance(value, bool) else None


def _moment(value: object, *, zone: tzinfo | None) -> datetime | None:
    try:
        moment = datetime.fromisoformat(value.strip()) if isinstance(value, str) else None
        if moment is not None and moment.tzinfo is None:
            moment = None if zone is None else moment.replace(tzinfo=zone)
        if moment is not None:
            moment.utctimetuple()  # it fails for a time at the edge of the calendar, with which no sum can be done
    except (ValueError, OverflowError):
        return None
    return moment
