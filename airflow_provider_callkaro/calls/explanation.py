"""A judgement in words, for the log. It never holds a phone number."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from airflow_provider_callkaro.calls.timetable import LONGEST_SEARCH, Timetable
from airflow_provider_callkaro.calls.wall_clock import instant

_DAY_NAMES = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def explain(timetable: Timetable, second: int, zones: tuple[ZoneInfo, ...]) -> str:
    """Why it is open or closed at this second since 1970 UTC, and until when."""
    if not zones:
        return "closed: the time zone of the recipient cannot be told; give the row a column timezone"
    closed = next((zone for zone in zones if not timetable.is_open(second, (zone,))), None)
    if closed is None:
        return _open(timetable, second, zones)
    local = instant(second).astimezone(closed)
    opens = timetable.next_open(second, zones)
    then = (
        f"does not open within {LONGEST_SEARCH} days"
        if opens is None
        else f"opens {_moment(instant(opens).astimezone(closed))}"
    )
    return f"closed: {_why(timetable, local)} in {_place(closed, zones)}; {then}"


def _open(timetable: Timetable, second: int, zones: tuple[ZoneInfo, ...]) -> str:
    zone = zones[0]
    local = instant(second).astimezone(zone)
    closes = timetable.closes_at(second, zones)
    then = "never closes" if closes is None else f"closes {_moment(instant(closes).astimezone(zone))}"
    return f"open: {_moment(local)} in {_place(zone, zones)}; {then}"


def _why(timetable: Timetable, local: datetime) -> str:
    ordinal = local.toordinal()
    closed_by = timetable.closed_by(ordinal)
    if closed_by is not None:
        return f"{closed_by} ({local:%a %Y-%m-%d})"
    return f"{_moment(local)}" if timetable.spans(ordinal) else _DAY_NAMES[local.weekday()]


def _place(zone: ZoneInfo, zones: tuple[ZoneInfo, ...]) -> str:
    return zone.key if len(zones) == 1 else f"{zone.key}, one of {len(zones)} zones of the number"


def _moment(local: datetime) -> str:
    return f"{local:%a %Y-%m-%d %H:%M}"
