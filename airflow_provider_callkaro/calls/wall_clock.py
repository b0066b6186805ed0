"""From instants to local clock readings, for one zone or for several at once.

An instant is a whole number of seconds since 1970 UTC, so that elapsed time is never computed from local times. Only
the offset of a zone is used. Within a UTC day offsets change at most a few times; bisection finds these moments, and a
cache keeps them. So a clock that skips an hour, or shows one twice, needs no rule of its own.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple
from zoneinfo import ZoneInfo

from airflow_provider_callkaro.calls.window import SECONDS_PER_DAY

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_SECOND = timedelta(seconds=1)
_SAMPLE = 3_600  # seconds; no zone has ever changed its offset twice within an hour


class Stretch(NamedTuple):
    """A part of a UTC day in which the offset of no zone changes.

    :param start: the first second of it.
    :param end: the first second after it.
    :param offsets: seconds east of UTC, each offset once, ascending.
    """

    start: int
    end: int
    offsets: tuple[int, ...]


def second_of(at: datetime) -> int:
    """The whole second of an aware datetime, since 1970 UTC.

    It uses `timestamp` and not subtraction, because the subtraction of pendulum's datetimes gives another type.
    """
    return round(at.timestamp() - at.microsecond / 1_000_000)


def instant(second: int) -> datetime:
    """The aware UTC datetime of a whole second since 1970 UTC."""
    return EPOCH + timedelta(seconds=second)


@lru_cache(maxsize=8_192)
def stretches(zones: tuple[ZoneInfo, ...], day: int) -> tuple[Stretch, ...]:
    """A UTC day (days since 1970) in stretches of constant offsets, without a gap between them.

    Zones with the same offset are judged once, so a number that may be in forty zones costs no more than one that may
    be in ten.
    """
    start, end = day * SECONDS_PER_DAY, (day + 1) * SECONDS_PER_DAY
    edges = sorted({start, end, *(change for zone in zones for change in _changes(zone, day))})
    return tuple(
        Stretch(first, last, tuple(sorted({offset_at(zone, first) for zone in zones})))
        for first, last in pairwise(edges)
    )


def offset_at(zone: tzinfo, second: int) -> int:
    """Seconds east of UTC that the clocks of ``zone`` show at this second."""
    local = instant(second).astimezone(zone)
    return (local.replace(tzinfo=UTC) - EPOCH) // _SECOND - second


def readings(local: datetime, zone: tzinfo) -> tuple[datetime, ...]:
    """The instants at which the clocks of ``zone`` show a naive date and time, ascending, aware, UTC: one; two in the
    hour that comes twice; none in the hour that is skipped."""
    local = local.replace(tzinfo=None, fold=0)
    meant = {local.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1)}
    return tuple(sorted(at for at in meant if at.astimezone(zone).replace(tzinfo=None, fold=0) == local))


def clocks_change(zones: tuple[tzinfo, ...], day: int, days: int) -> bool:
    """Whether the offset of one of ``zones`` changes on a UTC day (days since 1970) or the ``days`` after it."""
    samples = [each * SECONDS_PER_DAY for each in range(day, day + days + 2)]
    return any(len({offset_at(zone, sample) for sample in samples}) > 1 for zone in zones)


@lru_cache(maxsize=8_192)
def differences(zone: tzinfo, other: tzinfo, day: int, days: int) -> tuple[int, int]:
    """By how many seconds ``other`` is ahead of ``zone`` on a UTC day and the ``days`` after it: least, and most."""
    found = [
        offset_at(other, second) - offset_at(zone, second)
        for each in range(day, day + days + 1)
        for second in (each * SECONDS_PER_DAY, *_changes(zone, each), *_changes(other, each))
    ]
    return min(found), max(found)


def local_day(second: int, zones: tuple[ZoneInfo, ...]) -> tuple[int, int]:
    """From when until when all ``zones`` keep the date that each of them shows at this second."""
    days = [_date_at(second, zone) for zone in zones]
    return max(start for start, _ in days), min(end for _, end in days)


def _date_at(second: int, zone: ZoneInfo) -> tuple[int, int]:
    around = stretches((zone,), second // SECONDS_PER_DAY)
    offset = next(stretch.offsets[0] for stretch in around if second < stretch.end)
    return _span_of_date(zone, (second + offset) // SECONDS_PER_DAY)


@lru_cache(maxsize=8_192)
def _span_of_date(zone: ZoneInfo, date: int) -> tuple[int, int]:
    """From when until when the clocks of ``zone`` show this date (days since 1970)."""
    around = [stretch for day in (date - 1, date, date + 1) for stretch in stretches((zone,), day)]
    first = [max(stretch.start, date * SECONDS_PER_DAY - stretch.offsets[0]) for stretch in around]
    last = [min(stretch.end, (date + 1) * SECONDS_PER_DAY - stretch.offsets[0]) for stretch in around]
    shown = [(start, end) for start, end in zip(first, last, strict=True) if start < end]
    return shown[0][0], shown[-1][1]


@lru_cache(maxsize=8_192)
def _changes(zone: tzinfo, day: int) -> tuple[int, ...]:
    """The seconds of a UTC day from which another offset is in force."""
    samples = range(day * SECONDS_PER_DAY, (day + 1) * SECONDS_PER_DAY + 1, _SAMPLE)
    offsets = [offset_at(zone, sample) for sample in samples]
    return tuple(
        change_between(zone, samples[place], samples[place + 1])
        for place in range(len(offsets) - 1)
        if offsets[place] != offsets[place + 1]
    )


def change_between(zone: tzinfo, before: int, after: int) -> int:
    """The second from which another offset is in force, where there is one such second after ``before`` and until
    ``after``."""
    old = offset_at(zone, before)
    while after - before > 1:
        middle = (before + after) // 2
        if offset_at(zone, middle) == old:
            before = middle
        else:
            after = middle
    return after
