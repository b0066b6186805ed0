"""A window as a vendor takes it: an earliest and a latest time of day on the vendor's own clock.

These times carry neither a day nor an offset, and the vendor's redials keep to them on other days too. So they must lie
inside the window today and on every day that the call may reach, also where clocks change meanwhile. They are narrowed
until they do. Where nothing is left, the call must ring on its own day only, or cannot go out so.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from typing import NamedTuple
from zoneinfo import ZoneInfo

from airflow_provider_callkaro.calls.call import Call
from airflow_provider_callkaro.calls.timetable import Opening
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

UNSAID_REACH = 7  # days; for redials that the vendor decides about, and for a call that is carried over repeatedly
LONGEST_REACH = 400  # days; a clock that changes at all changes within them
MOST_KNOWN = 1_000  # windows remembered, and days
_MIDNIGHT = "23:59"  # the latest time of day that the vendor takes
_MINUTES_PER_DAY = 1_440
_ONE_DAY = timedelta(days=1)
_SECOND = timedelta(seconds=1)


class TriggerTimes(NamedTuple):
    """The fields of a call that keep the vendor within a window.

    :param earliest: a time of day, ``HH:MM``.
    :param latest: a time of day, ``HH:MM``, after the earliest.
    :param carry_over: whether the call may move to the next day; None leaves it to the vendor.
    :param number_of_retries: how often the vendor may redial; None leaves it to the vendor.
    """

    earliest: str
    latest: str
    carry_over: bool | None
    number_of_retries: int | None


class VendorTimes:
    """Turns windows into times of day. ``zone``: the zone in which the vendor reads them. ``daily``: whether the policy
    opens at the same times every day, so that a call may be carried over."""

    def __init__(self, zone: tzinfo, *, daily: bool) -> None:
        self._zone = zone
        self._daily = daily
        self._known: dict[tuple[datetime, datetime], tuple[datetime, datetime, str, str]] = {}
        self._changes: dict[tuple[tuple[ZoneInfo, ...], int, int], bool] = {}

    def next_midnight(self, moment: datetime) -> datetime:
        """The end of the vendor's day of ``moment``, aware, UTC."""
        local = moment.astimezone(self._zone)
        midnight = local.replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None) + _ONE_DAY
        return midnight.replace(tzinfo=self._zone).astimezone(UTC)

    def unambiguous(self, moment: datetime) -> datetime:
        """A moment to ring at that the vendor cannot misread: ``moment``, or the end of the hour that comes twice on
        its clock, in which a time of day means two moments."""
        if not self._clocks_change((), _day(moment) - 1, 2):
            return moment
        moments = readings(moment.astimezone(self._zone), self._zone)
        if len(moments) < 2:
            return moment
        first, second = moments
        return instant(change_between(self._zone, second_of(first), second_of(second))) + (second - first)

    def trigger_times(self, call: Call, moment: datetime, opening: Opening) -> TriggerTimes | None:
        """The times for a call that rings at ``moment``, within the opening; None where no time of day is left."""
        earliest, latest = self._on_the_day(moment, opening)
        times = TriggerTimes(earliest, latest, call.carry_over if self._daily else False, call.number_of_retries)
        if opening.ends != math.inf:
            day, days = _day(moment), min(_reach(call, carry_over=times.carry_over), LONGEST_REACH)
            if self._clocks_change(opening.zones, day - 1, days + 2):
                over_changes = self._over_changes(times, call, moment, opening, last_day=day + days + 1)
                if over_changes is None:
                    return None
                times = over_changes
        if call.min_trigger_time is not None:
            times = times._replace(earliest=max(times.earliest, call.min_trigger_time.zfill(5)))
        if call.max_trigger_time is not None:
            times = times._replace(latest=min(times.latest, call.max_trigger_time.zfill(5)))
        return times if times.earliest < times.latest else None

    def _clocks_change(self, zones: tuple[ZoneInfo, ...], day: int, days: int) -> bool:
        key = (zones, day, days)
        change = self._changes.get(key)
        if change is None:
            if len(self._changes) >= MOST_KNOWN:
                self._changes.clear()
            change = self._changes[key] = clocks_change((*zones, self._zone), day, days)
        return change

    def _on_the_day(self, moment: datetime, opening: Opening) -> tuple[str, str]:
        """The window as times of day on the day of the ring; remembered, because most calls of a list ring in the same
        opening."""
        known = self._known.get(opening.window)
        if known is not None and known[0] <= moment < known[1]:
            return known[2], known[3]
        opens, closes = opening.window
        day = moment.astimezone(self._zone).date()
        first = (opens + timedelta(seconds=59)).astimezone(self._zone)  # whole minutes, inward
        end = (closes - _SECOND).astimezone(self._zone).replace(tzinfo=None) + _SECOND  # also where a clock jumps there
        before, after = first.date() < day, end.date() > day
        earliest, latest = "00:00" if before else f"{first:%H:%M}", _MIDNIGHT if after else f"{end:%H:%M}"
        if len(self._known) >= MOST_KNOWN:
            self._known.clear()
        self._known[opening.window] = (moment, self.next_midnight(moment), earliest, latest)
        return earliest, latest

    def _over_changes(
        self, times: TriggerTimes, call: Call, moment: datetime, opening: Opening, *, last_day: int
    ) -> TriggerTimes | None:
        """The times that are left where a clock changes on a day that the call may reach; None where none is."""
        midnight = self.next_midnight(moment)
        rings = _minutes(f"{moment.astimezone(self._zone):%H:%M}")
        earliest, latest = _minutes(times.earliest), self._unrepeated(_minutes(times.latest), opening, midnight)
        if rings >= latest:
            return None
        later, sooner = self._shifts(opening, last_day=last_day)
        narrowed = earliest + later, latest - sooner
        if narrowed[0] <= rings < narrowed[1] and not _holds_a_change(opening):
            return times._replace(earliest=_time_of_day(narrowed[0]), latest=_time_of_day(narrowed[1]))
        left = min(midnight, opening.window[1]) - moment
        return times._replace(
            earliest=_time_of_day(earliest),
            latest=_time_of_day(latest),
            carry_over=False,
            number_of_retries=_redials_within(left, call),
        )

    def _unrepeated(self, latest: int, opening: Opening, midnight: datetime) -> int:
        """The latest minute that the vendor's clock does not show again after the window has closed."""
        last, ends = second_of(opening.window[1]) - 1, second_of(midnight)
        if last + 1 >= ends or offset_at(self._zone, last) <= offset_at(self._zone, ends - 1):
            return latest
        back = instant(change_between(self._zone, last, ends - 1)).astimezone(self._zone)
        return min(latest, _minutes(f"{back:%H:%M}") - 1)

    def _shifts(self, opening: Opening, *, last_day: int) -> tuple[int, int]:
        """How many minutes later the window opens, and how many sooner it closes, on the vendor's clock of other days,
        at most."""
        first, last = second_of(opening.window[0]), second_of(opening.window[1]) - 1
        day, later, sooner = first // SECONDS_PER_DAY, 0, 0
        for zone in opening.zones:
            least, most = differences(zone, self._zone, day, last_day - day)
            later = max(later, most - offset_at(self._zone, first) + offset_at(zone, first))
            sooner = max(sooner, offset_at(self._zone, last) - offset_at(zone, last) - least)
        return -(-later // 60), -(-sooner // 60)


def _holds_a_change(opening: Opening) -> bool:
    """Whether a clock changes during the opening: the hours that it skips are closed on other days, and the opening
    does not show that."""
    first, last = second_of(opening.window[0]), second_of(opening.window[1]) - 1
    return any(offset_at(zone, first) != offset_at(zone, last) for zone in opening.zones)


def _reach(call: Call, *, carry_over: bool | None) -> int:
    """How many days after its own day a call may still ring, with its redials."""
    retries, gaps = call.number_of_retries, call.gap_between_retries
    days = 0 if carry_over is False else UNSAID_REACH
    if retries == 0:
        return days
    if retries is None or gaps is None:
        return days + UNSAID_REACH
    return days + -(-sum(_gaps(gaps, retries)) // _MINUTES_PER_DAY) + retries


def _gaps(gaps: int | Sequence[int], retries: int) -> list[int]:
    """The minutes before each redial; the longest one where a redial has none of its own."""
    each = [gaps] if isinstance(gaps, int) else list(gaps)
    return (each + [max(each)] * retries)[:retries]


def _redials_within(left: timedelta, call: Call) -> int:
    """How many redials fit into the time that is left of the day."""
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
