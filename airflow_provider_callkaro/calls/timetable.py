"""The windows of a policy, prepared once, so that judging an instant is a little arithmetic.

A moment is open when the local clock shows a time inside a window of its day, in every zone that the caller asks about.
A window that crosses midnight is open on its second day only if its first day was not closed. On a closed date nothing
is open, whichever day the window belongs to.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from datetime import date, datetime
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from airflow_provider_callkaro.calls.closures import Closures
from airflow_provider_callkaro.calls.wall_clock import Stretch, instant, local_day, stretches
from airflow_provider_callkaro.calls.window import SECONDS_PER_DAY, ScheduleWindow

Spans = tuple[tuple[int, int], ...]

LONGEST_SEARCH = 400  # days; a yearly rule opens at least once in them, or never

_NEIGHBOURS = 2  # days before and after an instant
_EPOCH_ORDINAL = date(1970, 1, 1).toordinal()


class Timetable:
    """When it is open, week after week; where windows overlap it is open in either. ``margin``: seconds by which each
    window is narrowed at both ends; one that becomes empty is dropped."""

    __slots__ = ("_closures", "_fresh", "_never_closes", "_week", "every_day_alike")

    def __init__(self, windows: Iterable[ScheduleWindow], *, margin: int, closures: Closures) -> None:
        own: list[list[tuple[int, int]]] = [[] for _ in range(7)]
        late: list[list[tuple[int, int]]] = [[] for _ in range(7)]
        for window in windows:
            for day, (opens, closes) in enumerate(window.spans):
                opens, closes = opens + margin, closes - margin
                if opens < min(closes, SECONDS_PER_DAY):
                    own[day].append((opens, min(closes, SECONDS_PER_DAY)))
                if max(opens, SECONDS_PER_DAY) < closes:
                    late[(day + 1) % 7].append((max(opens - SECONDS_PER_DAY, 0), closes - SECONDS_PER_DAY))
        self._week = tuple(_joined(own[day] + late[day]) for day in range(7))
        self._fresh = tuple(_joined(own[day]) for day in range(7))  # without what began the day before
        self._closures = closures if closures else None
        self.every_day_alike = len(set(self._week)) == 1
        """Whether all days of the week are open at the same times."""
        self._never_closes = not closures and set(self._week) == {((0, SECONDS_PER_DAY),)}

    def spans(self, ordinal: int) -> Spans:
        """The seconds of a local date (proleptic ordinal) at which it opens and closes, ascending and apart."""
        day = (ordinal + 6) % 7
        if self._closures is None:
            return self._week[day]
        if self._closures.name(ordinal) is not None:
            return ()
        week = self._week[day]
        return week if week is self._fresh[day] or self._closures.name(ordinal - 1) is None else self._fresh[day]

    def closed_by(self, ordinal: int) -> str | None:
        """The name of what closes a whole local date; None where nothing does."""
        return None if self._closures is None else self._closures.name(ordinal)

    def is_open(self, second: int, zones: tuple[ZoneInfo, ...]) -> bool:
        """Whether it is open at this second since 1970 UTC in all ``zones``."""
        return self._span_at(second, zones) is not None

    def next_open(self, second: int, zones: tuple[ZoneInfo, ...]) -> int | None:
        """The first second from this one on that is open, or None where none comes within `LONGEST_SEARCH` days."""
        first = second // SECONDS_PER_DAY
        for day in range(first, first + LONGEST_SEARCH + 1):
            for opens, closes in _openings(self, zones, day):
                if second < closes:
                    return max(second, opens)
        return None

    def closes_at(self, second: int, zones: tuple[ZoneInfo, ...]) -> int | None:
        """The first closed second after this open one, or None where none comes within `LONGEST_SEARCH` days."""
        if self._never_closes:
            return None
        end = second
        for day in range(second // SECONDS_PER_DAY, second // SECONDS_PER_DAY + LONGEST_SEARCH + 1):
            end = next((closes for opens, closes in _openings(self, zones, day) if opens <= end < closes), end)
            if end < (day + 1) * SECONDS_PER_DAY:
                return end
        return None

    def opening_at(self, second: int, zones: tuple[ZoneInfo, ...]) -> tuple[int, int] | None:
        """The opening that holds this second, searched two days back and two days ahead; None when closed.

        A longer opening is cut there; callers need to know only that it is longer than a day.
        """
        span = self._span_at(second, zones)
        if span is None:
            return None
        opens, closes = span
        today = second // SECONDS_PER_DAY
        for day in range(today, today - _NEIGHBOURS, -1):
            before = _openings(self, zones, day - 1) if opens == day * SECONDS_PER_DAY else ()
            if not before or before[-1][1] < opens:
                break
            opens = before[-1][0]
        for day in range(today + 1, today + 1 + _NEIGHBOURS):
            after = _openings(self, zones, day) if closes == day * SECONDS_PER_DAY else ()
            if not after or after[0][0] > closes:
                break
            closes = after[0][1]
        return opens, closes

    def openings(self, zones: tuple[ZoneInfo, ...], day: int) -> Spans:
        """The seconds since 1970 UTC at which it opens and closes in all ``zones`` on a UTC day (days since 1970),
        ascending and apart, cut at the ends of that day."""
        return _joined([span for stretch in stretches(zones, day) for span in self._open_in(stretch)])

    def _span_at(self, second: int, zones: tuple[ZoneInfo, ...]) -> tuple[int, int] | None:
        for span in _openings(self, zones, second // SECONDS_PER_DAY):
            if span[0] <= second < span[1]:
                return span
        return None

    def _open_in(self, stretch: Stretch) -> list[tuple[int, int]]:
        spans = [(stretch.start, stretch.end)]
        for offset in stretch.offsets:
            opened = list(self._read_between(stretch.start + offset, stretch.end + offset))
            spans = [
                (max(start, opens - offset), min(end, closes - offset))
                for start, end in spans
                for opens, closes in opened
                if max(start, opens - offset) < min(end, closes - offset)
            ]
        return spans

    def _read_between(self, start: int, end: int) -> Iterator[tuple[int, int]]:
        """The open spans of local dates that the wall clock passes between two readings."""
        for day in range(start // SECONDS_PER_DAY, (end - 1) // SECONDS_PER_DAY + 1):
            for opens, closes in self.spans(day + _EPOCH_ORDINAL):
                yield day * SECONDS_PER_DAY + opens, day * SECONDS_PER_DAY + closes


@lru_cache(maxsize=8_192)
def _openings(timetable: Timetable, zones: tuple[ZoneInfo, ...], day: int) -> Spans:
    """Cached, because a run judges all its calls within a few days and zones."""
    return timetable.openings(zones, day)


def _joined(spans: list[tuple[int, int]]) -> Spans:
    joined: list[tuple[int, int]] = []
    for opens, closes in sorted(spans):
        if joined and opens <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(closes, joined[-1][1]))
        else:
            joined.append((opens, closes))
    return tuple(joined)


class Opening(NamedTuple):
    """A span of time in which a phone may ring.

    :param window: since when and until when, aware, UTC, the end excluded; at most the local day.
    :param ends: when it closes, in seconds since 1970 UTC; ``inf`` where it does not close within 400 days.
    """

    window: tuple[datetime, datetime]
    ends: float
    zones: tuple[ZoneInfo, ...]


def opening_of(timetable: Timetable, second: int, zones: tuple[ZoneInfo, ...]) -> Opening | None:
    """The opening that holds a second since 1970 UTC in all ``zones``; None when one of them is closed."""
    span = timetable.opening_at(second, zones)
    if span is None:
        return None
    opened, closes = span
    if closes - opened <= SECONDS_PER_DAY:
        return Opening((instant(opened), instant(closes)), closes, zones)
    ends = timetable.closes_at(second, zones)
    first, last = local_day(second, zones)
    window = instant(max(opened, first)), instant(min(closes, last))
    return Opening(window, math.inf if ends is None else ends, zones)
