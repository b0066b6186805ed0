"""A window in the words of a vendor: an earliest and a latest time of day on the vendor's own clock.

The vendor is told neither days nor offsets, and its redials keep to these times on other days too. What is told must
therefore lie inside the window today and on every day that the call may reach, also where a clock is put forward or
back meanwhile: it is narrowed until it does, and where nothing is left, the call stays on its own day or is not told at
all.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta, tzinfo
from typing import NamedTuple
from zoneinfo import ZoneInfo

from airflow_provider_callkaro.calls.call import Call
from airflow_provider_callkaro.calls.opening import Opening
from airflow_provider_callkaro.calls.wall_clock import (
    change_between,
    clocks_change,
    differences,
    instant,
    offset_at,
    readings,
    second_of,
)
from airflow_provider_callkaro.calls.window import SECONDS_PER_DAY

UNSAID_REACH = 7  # days; for redials of which the vendor decides, and for a call that is carried over again and again
LONGEST_REACH = 400  # days; a clock that changes at all changes within them
MOST_KNOWN = 1_000  # windows remembered, and days
_MIDNIGHT = "23:59"  # the latest time of day that the vendor takes
_MINUTES_PER_DAY = 1_440
_ONE_DAY = timedelta(days=1)
_SECOND = timedelta(seconds=1)


class Told(NamedTuple):
    """What the vendor is told of a window.

    :param earliest: a time of day, ``HH:MM``.
    :param latest: a time of day, ``HH:MM``, after the earliest.
    :param carry_over: whether the call may move to the next day.
    :param number_of_retries: how often it may be redialled; None leaves it to the vendor.
    """

    earliest: str
    latest: str
    carry_over: bool | None
    number_of_retries: int | None


class VendorTimes:
    """Tells windows in times of day.

    :param zone: the zone in which the vendor reads them.
    :param daily: whether the policy opens at the same times every day, so that a call may be carried over.
    """

    def __init__(self, zone: tzinfo, *, daily: bool) -> None:
        self._zone = zone
        self._daily = daily
        self._known: dict[tuple[datetime, datetime], tuple[datetime, datetime, str, str]] = {}
        self._changes: dict[tuple[tuple[ZoneInfo, ...], int, int], bool] = {}
        self.narrowed = False
        """Whether a window had to be narrowed."""

    def next_midnight(self, moment: datetime) -> datetime:
        """When the vendor's day of ``moment`` ends, aware, UTC."""
        local = moment.astimezone(self._zone)
        midnight = local.replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None) + _ONE_DAY
        return midnight.replace(tzinfo=self._zone).astimezone(UTC)

    def sayable(self, moment: datetime) -> datetime:
        """A moment to ring at that the vendor cannot misread: ``moment`` itself, or the end of the hour that comes
        twice on its clock, in which a time of day means two moments."""
        if not self._clocks_change((), _day(moment) - 1, 2):
            return moment
        meant = readings(moment.astimezone(self._zone), self._zone)
        if len(meant) < 2:
            return moment
        first, second = meant
        return instant(change_between(self._zone, second_of(first), second_of(second))) + (second - first)

    def told(self, call: Call, moment: datetime, opening: Opening) -> Told | None:
        """What to tell for a call that rings at ``moment``, within the opening; None where nothing is left to tell."""
        earliest, latest = self._on_the_day(moment, opening)
        told = Told(earliest, latest, call.carry_over if self._daily else False, call.number_of_retries)
        if opening.ends != math.inf:
            day, days = _day(moment), min(_reach(call, carry_over=told.carry_over), LONGEST_REACH)
            if self._clocks_change(opening.zones, day - 1, days + 2):
                over_changes = self._over_changes(told, call, moment, opening, last_day=day + days + 1)
                if over_changes is None:
                    return None
                self.narrowed = self.narrowed or over_changes != told
                told = over_changes
        if call.min_trigger_time is not None:
            told = told._replace(earliest=max(told.earliest, call.min_trigger_time.zfill(5)))
        if call.max_trigger_time is not None:
            told = told._replace(latest=min(told.latest, call.max_trigger_time.zfill(5)))
        if call.carry_over and not told.carry_over:
            self.narrowed = True
        return told if told.earliest < told.latest else None

    def _clocks_change(self, zones: tuple[ZoneInfo, ...], day: int, days: int) -> bool:
        known = (zones, day, days)
        change = self._changes.get(known)
        if change is None:
            if len(self._changes) >= MOST_KNOWN:
                self._changes.clear()
            change = self._changes[known] = clocks_change((*zones, self._zone), day, days)
        return change

    def _on_the_day(self, moment: datetime, opening: Opening) -> tuple[str, str]:
        """The window as times of day on the day on which the phone rings; remembered, because most calls of a list ring
        in the same opening."""
        known = self._known.get(opening.window)
        if known is not None and known[0] <= moment < known[1]:
            return known[2], known[3]
        opened, closes = opening.window
        day = moment.astimezone(self._zone).date()
        first = (opened + timedelta(seconds=59)).astimezone(self._zone)  # whole minutes, inward
        end = (closes - _SECOND).astimezone(self._zone).replace(tzinfo=None) + _SECOND  # also where a clock jumps there
        before, after = first.date() < day, end.date() > day
        whole_night = after and end == datetime.combine(day + _ONE_DAY, time())
        if before or (after and not whole_night):
            self.narrowed = True
        earliest, latest = "00:00" if before else f"{first:%H:%M}", _MIDNIGHT if after else f"{end:%H:%M}"
        if len(self._known) >= MOST_KNOWN:
            self._known.clear()
        self._known[opening.window] = (moment, self.next_midnight(moment), earliest, latest)
        return earliest, latest

    def _over_changes(
        self, told: Told, call: Call, moment: datetime, opening: Opening, *, last_day: int
    ) -> Told | None:
        """What is left to tell where a clock is put forward or back on a day that the call may reach."""
        midnight = self.next_midnight(moment)
        rings = _minutes(f"{moment.astimezone(self._zone):%H:%M}")
        earliest, latest = _minutes(told.earliest), self._unrepeated(_minutes(told.latest), opening, midnight)
        if rings >= latest:
            return None
        later, sooner = self._shifts(opening, last_day=last_day)
        narrowed = earliest + later, latest - sooner
        if narrowed[0] <= rings < narrowed[1] and not _holds_a_change(opening):
            return told._replace(earliest=_time_of_day(narrowed[0]), latest=_time_of_day(narrowed[1]))
        left = min(midnight, opening.window[1]) - moment
        return told._replace(
            earliest=_time_of_day(earliest),
            latest=_time_of_day(latest),
            carry_over=False,
            number_of_retries=_redials_within(left, call),
        )

    def _unrepeated(self, latest: int, opening: Opening, midnight: datetime) -> int:
        """The latest minute, before those that the vendor's clock shows once more after the window has closed."""
        last, ends = second_of(opening.window[1]) - 1, second_of(midnight)
        if last + 1 >= ends or offset_at(self._zone, last) <= offset_at(self._zone, ends - 1):
            return latest
        back = instant(change_between(self._zone, last, ends - 1)).astimezone(self._zone)
        return min(latest, _minutes(f"{back:%H:%M}") - 1)

    def _shifts(self, opening: Opening, *, last_day: int) -> tuple[int, int]:
        """By how many minutes at most the window begins later, and ends sooner, on the vendor's clock of other days."""
        first, last = second_of(opening.window[0]), second_of(opening.window[1]) - 1
        day, later, sooner = first // SECONDS_PER_DAY, 0, 0
        for zone in opening.zones:
            least, most = differences(zone, self._zone, day, last_day - day)
            later = max(later, most - offset_at(self._zone, first) + offset_at(zone, first))
            sooner = max(sooner, offset_at(self._zone, last) - offset_at(zone, last) - least)
        return -(-later // 60), -(-sooner // 60)


def _holds_a_change(opening: Opening) -> bool:
    """Whether a clock is put forward or back during the opening: what is closed in a skipped hour is closed on other
    days, and the opening does not say so."""
    first, last = second_of(opening.window[0]), second_of(opening.window[1]) - 1
    return any(offset_at(zone, first) != offset_at(zone, last) for zone in opening.zones)


def _reach(call: Call, *, carry_over: bool | None) -> int:
    """How many days after its own a call may still ring, with its redials."""
    retries, gaps = call.number_of_retries, call.gap_between_retries
    days = 0 if carry_over is False else UNSAID_REACH
    if retries == 0:
        return days
    if retries is None or gaps is None:
        return days + UNSAID_REACH
    return days + -(-sum(_gaps(gaps, retries)) // _MINUTES_PER_DAY) + retries


def _gaps(gaps: int | Sequence[int], retries: int) -> list[int]:
    """The minutes before each redial; the longest, where there are fewer than redials."""
    each = [gaps] if isinstance(gaps, int) else list(gaps)
    return (each + [max(each)] * retries)[:retries]


def _redials_within(left: timedelta, call: Call) -> int:
    """How many redials fall into the time that is left of the day."""
    retries, gaps = call.number_of_retries, call.gap_between_retries
    if not retries or gaps is None:
        return 0
    waited, fitting = timedelta(0), 0
    for gap in _gaps(gaps, retries):
        waited += timedelta(minutes=gap)
        if waited >= left:
            break
        fitting += 1
    return fitting


def _day(moment: datetime) -> int:
    """Its UTC day, in days since 1970."""
    return int(moment.timestamp()) // SECONDS_PER_DAY


def _minutes(time_of_day: str) -> int:
    return int(time_of_day[:2]) * 60 + int(time_of_day[3:])


def _time_of_day(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"
