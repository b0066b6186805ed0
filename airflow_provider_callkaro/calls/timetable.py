"""The windows of a policy worked out once, so that judging an instant is a little arithmetic.

A moment is open when the clock on the wall reads inside a window of its day, in every zone that is asked about. A
window that crosses midnight is open on its second day only if the day on which it started was not closed, and on a
closed date nothing is open, whichever day the window belongs to.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from zoneinfo import ZoneInfo

from airflow_provider_callkaro.calls.closures import Closures
from airflow_provider_callkaro.calls.wall_clock import Stretch, stretches
from airflow_provider_callkaro.calls.window import SECONDS_PER_DAY, ScheduleWindow

Spans = tuple[tuple[int, int], ...]

LONGEST_SEARCH = 400  # days; a yearly rule that opens at all opens once in them

_EPOCH_ORDINAL = date(1970, 1, 1).toordinal()


class Timetable:
    """When it is open, week after week.

    :param windows: the windows; where they overlap it is open in either.
    :param margin: seconds by which each window is narrowed at both ends; one that becomes empty is dropped.
    :param closures: the dates on which it is closed.
    """

    __slots__ = ("_closures", "_fresh", "_week")

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

    @property
    def every_day_alike(self) -> bool:
        """Whether all days of the week are open at the same times."""
        return len(set(self._week)) == 1

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
        """What closes a local date altogether; None where nothing does."""
        return None if self._closures is None else self._closures.name(ordinal)

    def is_open(self, second: int, zones: tuple[ZoneInfo, ...]) -> bool:
        """Whether it is open at this second since 1970 UTC in all ``zones``."""
        for stretch in stretches(zones, second // SECONDS_PER_DAY):
            if second < stretch.end:
                return all(self._reads_open(second + offset) for offset in stretch.offsets)
        raise AssertionError("the stretches of a day cover it")

    def next_open(self, second: int, zones: tuple[ZoneInfo, ...]) -> int | None:
        """The first second from this one on that is open, or None where none comes within `LONGEST_SEARCH` days."""
        for opens, closes in self._openings(second, zones):
            if second < closes:
                return max(second, opens)
        return None

    def closes_at(self, second: int, zones: tuple[ZoneInfo, ...]) -> int | None:
        """The first second after this open one that is closed, or None where none comes."""
        end: int | None = None
        for opens, closes in self._openings(second, zones):
            if end is not None and opens > end:
                return end
            if end is not None or opens <= second < closes:
                end = closes
        return None

    def opened_at(self, second: int, zones: tuple[ZoneInfo, ...], *, limit: int) -> int:
        """Since when it has been open without a break, looking back no further than ``limit`` (a second)."""
        start = second
        while start > limit:
            spans = self._open_on((start - 1) // SECONDS_PER_DAY, zones)
            before = next((opens for opens, closes in spans if opens < start <= closes), None)
            if before is None:
                return start
            start = before
        return max(start, limit)

    def _reads_open(self, local: int) -> bool:
        day, reading = divmod(local, SECONDS_PER_DAY)
        return any(opens <= reading < closes for opens, closes in self.spans(day + _EPOCH_ORDINAL))

    def _openings(self, second: int, zones: tuple[ZoneInfo, ...]) -> Iterator[tuple[int, int]]:
        """The open spans from the UTC day of this second on, in seconds since 1970; cut at the ends of UTC days."""
        first = second // SECONDS_PER_DAY
        for day in range(first, first + LONGEST_SEARCH + 1):
            yield from self._open_on(day, zones)

    def _open_on(self, day: int, zones: tuple[ZoneInfo, ...]) -> list[tuple[int, int]]:
        return [span for stretch in stretches(zones, day) for span in self._open_in(stretch)]

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


def _joined(spans: list[tuple[int, int]]) -> Spans:
    joined: list[tuple[int, int]] = []
    for opens, closes in sorted(spans):
        if joined and opens <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(closes, joined[-1][1]))
        else:
            joined.append((opens, closes))
    return tuple(joined)
