"""A span of wall-clock time on some days of the week, in which a phone may ring.

A window has no zone: the policy has it. A window that crosses midnight belongs to the day on which it starts, so "20:00
to 02:00 on Friday" ends on Saturday.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import time

from airflow_provider_callkaro.exceptions import ConfigurationError

DAY_NAMES = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
SECONDS_PER_DAY = 86_400

_FULL_NAMES = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_NAMED_SPANS = {"daily": "mon-sun", "weekdays": "mon-fri", "weekend": "sat-sun"}
_TIME = re.compile(r"([01]?[0-9]|2[0-3]):([0-5][0-9])(?::([0-5][0-9]))?")
_END_OF_DAY = frozenset({"24:00", "24:00:00"})


@dataclass(frozen=True, slots=True)
class ScheduleWindow:
    """When on a day a phone may ring, by the clock on the wall.

    :param start: the first moment, ``HH:MM`` from ``00:00`` to ``23:59``, or a naive ``time`` of whole seconds.
    :param end: the moment at which it closes; ``24:00`` is the end of the day. An end before the start is on the next
        day.
    :param days: the days on which it starts: ``mon-sat``, ``mon,wed,fri``, ``weekdays``, ``weekend``, or a collection
        of names or of numbers from 1 (Monday) to 7 (Sunday). Default: every day.
    :raises ConfigurationError: a time or a day that does not exist, no day at all, or a start that equals the end.
    """

    start: str | time
    end: str | time
    days: str | Iterable[str | int] = "mon-sun"
    spans: tuple[tuple[int, int], ...] = field(init=False, repr=False, compare=False)
    """For each day of the week the seconds of the day at which it opens and closes; an end after 86,400 is on the next
    day, and (0, 0) means that it does not open on that day."""

    def __post_init__(self) -> None:
        opens = _seconds("start", self.start)
        closes = SECONDS_PER_DAY if _is_end_of_day(self.end) else _seconds("end", self.end)
        if opens == closes:
            raise ConfigurationError(
                f"window start and end are both {_clock(opens)}, so it would never open: for the whole day give "
                'start="00:00", end="24:00"'
            )
        days = _days(self.days)
        if closes < opens:
            closes += SECONDS_PER_DAY
        object.__setattr__(self, "start", _clock(opens))
        object.__setattr__(self, "end", _clock(closes % SECONDS_PER_DAY or SECONDS_PER_DAY))
        object.__setattr__(self, "days", _as_text(days))
        object.__setattr__(self, "spans", tuple((opens, closes) if day in days else (0, 0) for day in range(7)))

    def __str__(self) -> str:
        return f"{self.start}-{self.end} {self.days}"


def _is_end_of_day(value: object) -> bool:
    return isinstance(value, str) and value.strip() in _END_OF_DAY


def _seconds(name: str, value: object) -> int:
    if isinstance(value, time) and value.tzinfo is None and not value.microsecond:
        return value.hour * 3600 + value.minute * 60 + value.second
    match = _TIME.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None:
        raise ConfigurationError(
            f'window {name} must be a local time of day such as "09:30" (24:00 for the end of the day), without a '
            f"zone: it is {value!r}"
        )
    hours, minutes, seconds = match.groups(default="0")
    return int(hours) * 3600 + int(minutes) * 60 + int(seconds)


def _clock(seconds: int) -> str:
    hours, rest = divmod(seconds, 3600)
    minutes, rest = divmod(rest, 60)
    return f"{hours:02}:{minutes:02}:{rest:02}" if rest else f"{hours:02}:{minutes:02}"


def _days(value: object) -> frozenset[int]:
    if isinstance(value, str):
        parts: list[object] = [part for part in value.split(",") if part.strip()]
    elif isinstance(value, Iterable):
        parts = list(value)
    else:
        parts = [value]
    days = frozenset(day for part in parts for day in _span_of_days(part))
    if not days:
        raise ConfigurationError(
            'window days names no day, so the window would never open: give "mon-sat" or leave it out'
        )
    return days


def _span_of_days(part: object) -> Iterable[int]:
    if not isinstance(part, str):
        return (_day(part),)
    text = part.strip().lower()
    first, dash, last = _NAMED_SPANS.get(text, text).partition("-")
    if not dash:
        return (_day(first),)
    begin, end = _day(first), _day(last)
    return ((begin + step) % 7 for step in range((end - begin) % 7 + 1))  # fri-mon goes on over the weekend


def _day(value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= 7:
        return int(value) - 1
    name = value.strip().lower() if isinstance(value, str) else None
    for names in (DAY_NAMES, _FULL_NAMES):
        if name in names:
            return names.index(name)
    raise ConfigurationError(
        f"window days has no day {value!r}: use {', '.join(DAY_NAMES)}, or numbers from 1 (Monday) to 7 (Sunday)"
    )


def _as_text(days: frozenset[int]) -> str:
    first, last = min(days), max(days)
    if len(days) > 2 and len(days) == last - first + 1:
        return f"{DAY_NAMES[first]}-{DAY_NAMES[last]}"
    return ",".join(DAY_NAMES[day] for day in sorted(days))
