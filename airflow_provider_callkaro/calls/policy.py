"""When a phone may ring.

A ScheduleWindow is a span of wall-clock time on some days of the week. A CallingPolicy is a set of windows in a time
zone, with closed dates and caps. It answers questions about an instant that the caller gives: nothing here reads a
clock, so a test can choose any time. Where a recipient may be in several zones, all of them must be open; where the
zone is unknown, the answer is no.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, fields
from datetime import date, datetime, timedelta
from os import PathLike
from typing import Any
from zoneinfo import ZoneInfo

from airflow_provider_callkaro.calls.call import Call, InvalidCall
from airflow_provider_callkaro.calls.closures import Closures, read_dates, read_holidays
from airflow_provider_callkaro.calls.outcome import Reason
from airflow_provider_callkaro.calls.timetable import LONGEST_SEARCH, Opening, Timetable, opening_of
from airflow_provider_callkaro.calls.wall_clock import instant, second_of
from airflow_provider_callkaro.calls.window import ScheduleWindow
from airflow_provider_callkaro.calls.zones import may_have_moved, named_zone, zones_of_number
from airflow_provider_callkaro.exceptions import ConfigurationError, NeverOpens

RECIPIENT = "recipient"
YEARS = (1900, 2999)  # ours: an instant beyond them stands for "never", and arithmetic could overflow

_WHOLE_DAY = (ScheduleWindow("00:00", "24:00"),)
_LONGEST_MARGIN = timedelta(hours=12)
_LONGEST_SPAN = timedelta(days=3_652)  # of a cap: ten years, so that no sum with it leaves the calendar


class ZoneUnknown(InvalidCall):
    """The time zone of the phone is unknown: the row names none, and the number has none."""

    def __init__(self) -> None:
        super().__init__(
            Reason.ZONE_UNKNOWN, "the time zone of the recipient cannot be told: give the row a column timezone"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CallingPolicy:
    """When, where and how often a person may be called.

    :param timezone: an IANA name such as ``Asia/Kolkata``, or ``recipient``: each call's own ``timezone``, else the
        zones of its number (extra ``[phone]``).
    :param windows: one window or several; default: the whole day.
    :param closed_dates: dates, or texts such as ``2026-12-25``, without calls, by the local date of the recipient.
    :param holidays: a country (``IN``) or a part of one (``IN-KA``) whose public holidays are closed (extra
        ``[holidays]``).
    :param max_calls: how many calls a number may get in any span of ``per``, at least 1; None sets no cap.
    :param per: the span of ``max_calls``, more than nothing.
    :param min_gap: the least time between two calls to a number, more than nothing.
    :param suppress: whom not to call; kept as it is, for the run to read.
    :param on_bad_entry: what becomes of an entry of ``suppress`` that is no number: ``"fail"`` (default: nobody is
        called), or ``"skip_row"``: the log names its row, and it protects nobody.
    :param purpose: the purpose of the calls, such as ``promotional``; for the reader and the log.
    :param mobile_margin: how much each window is narrowed at both ends for a number that may have moved: a mobile, or a
        number that may be one, of a country with more than one offset. From nothing (the default) to 12 hours, and with
        ``timezone="recipient"`` only; a row's own ``timezone`` is no guess and needs no margin.
    :raises ConfigurationError: a field cannot work; the message names it.
    """

    timezone: str
    windows: ScheduleWindow | Iterable[ScheduleWindow] = _WHOLE_DAY
    closed_dates: Iterable[date | str] = ()
    holidays: str | None = None
    max_calls: int | None = None
    per: timedelta | None = None
    min_gap: timedelta | None = None
    suppress: Any = field(default=None, repr=False, hash=False)
    on_bad_entry: str = "fail"
    purpose: str | None = None
    mobile_margin: timedelta = timedelta(0)
    _zones: tuple[ZoneInfo, ...] = field(init=False, repr=False, compare=False)
    _timetable: Timetable = field(init=False, repr=False, compare=False)
    _narrowed: Timetable = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        windows = _read_windows(self.windows)
        dates = read_dates(self.closed_dates)
        holidays = None if self.holidays is None else read_holidays(self.holidays)
        _check_caps(self.max_calls, self.per, self.min_gap)
        if not isinstance(self.mobile_margin, timedelta) or not timedelta(0) <= self.mobile_margin <= _LONGEST_MARGIN:
            raise ConfigurationError("mobile_margin must be a timedelta from nothing to 12 hours")
        if self.mobile_margin and self.timezone != RECIPIENT:
            raise ConfigurationError('mobile_margin needs timezone="recipient": a fixed zone is no guess from a number')
        if self.on_bad_entry not in ("fail", "skip_row"):
            raise ConfigurationError('on_bad_entry must be "fail" or "skip_row"')
        if self.purpose is not None and not isinstance(self.purpose, str):
            raise ConfigurationError('purpose must be a text such as "promotional"')
        margin = -(-self.mobile_margin // timedelta(seconds=1))  # a part of a second counts as one
        closures = Closures(dates, holidays=holidays)
        timetable = Timetable(windows, margin=0, closures=closures)
        derived = {
            "windows": windows,
            "closed_dates": dates,
            "holidays": holidays,
            "_zones": _read_zones(self.timezone),
            "_timetable": timetable,
            "_narrowed": Timetable(windows, margin=margin, closures=closures) if margin else timetable,
        }
        for name, value in derived.items():
            object.__setattr__(self, name, value)

    @classmethod
    def rules(cls, name: str | PathLike[str], /, **changes: Any) -> CallingPolicy:
        """The policy of a rule pack.

        :param name: a pack of this package (see `calls.rules.names`), or the path of a file of your own.
        :param changes: fields that differ from the pack, such as ``suppress=…``.
        :raises ConfigurationError: there is no such pack, or it cannot be read; the message names what is wrong in it.
        """
        from airflow_provider_callkaro.calls.rules import describe

        pack = describe(name)
        if unknown := sorted(set(changes) - {each.name for each in fields(cls) if each.init}):
            raise ConfigurationError(f"a calling policy has no field {', '.join(unknown)}")
        try:
            return cls(**{**pack.policy_fields(), **changes})
        except ConfigurationError as error:
            raise ConfigurationError(f"calling rules {pack.name}: {error}") from None

    @property
    def daily(self) -> bool:
        """Whether every day is open at the same times, so that a call may be carried over to any next day."""
        return self._timetable.every_day_alike and not self.closed_dates and self.holidays is None

    def zones_of(self, call: Call | None = None) -> tuple[ZoneInfo, ...]:
        """The zones in which it must be open: the policy's, the call's, or its number's; none where they are unknown.

        :raises ConfigurationError: the zone is the recipient's and no call is given, or the extra ``[phone]`` is
            missing.
        """
        if self._zones:
            return self._zones
        if call is None:
            raise ConfigurationError('timezone="recipient" judges calls: there is no answer without one')
        if call.timezone is not None:
            zone = named_zone(call.timezone)
            return () if zone is None else (zone,)
        return zones_of_number(call.to_number)

    def is_open(self, at: datetime, call: Call | None = None) -> bool:
        """Whether the phone may ring at this instant; no where its zone is unknown.

        :param at: an aware datetime of the years 1900 to 2999.
        :raises ConfigurationError: ``at`` is naive or out of range.
        """
        second = _second(at)
        zones = self.zones_of(call)
        return bool(zones) and self._timetable_of(call).is_open(second, zones)

    def next_open(self, at: datetime, call: Call | None = None) -> datetime:
        """The first instant from ``at`` on at which the phone may ring: ``at`` itself when it may. Aware, UTC.

        :raises ZoneUnknown: the zone of the call is unknown.
        :raises NeverOpens: nothing opens within 400 days.
        """
        second = _second(at)
        opens = self._next_open(second, self._known_zones(call), self._timetable_of(call))
        return instant(opens).replace(microsecond=at.microsecond if opens == second else 0)

    def next_opening(self, at: datetime, call: Call | None = None) -> tuple[datetime, Opening]:
        """The answer of `next_open`, and the opening that holds it.

        :raises ZoneUnknown: the zone of the call is unknown.
        :raises NeverOpens: nothing opens within 400 days.
        """
        second = _second(at)
        zones, timetable = self._known_zones(call), self._timetable_of(call)
        opens = self._next_open(second, zones, timetable)
        moment = instant(opens).replace(microsecond=at.microsecond if opens == second else 0)
        opening = opening_of(timetable, opens, zones)
        if opening is None:
            raise NeverOpens("the policy has no window at its own opening, which must not happen: please report it")
        return moment, opening

    def openings(self, after: datetime, call: Call | None = None) -> Iterator[tuple[datetime, Opening]]:
        """The openings one after the other, each with the first moment at which the phone may ring.

        A caller that needs an opening of some length takes the first that has it.

        :raises ZoneUnknown: the zone of the call is unknown.
        :raises NeverOpens: nothing opens any more within 400 days.
        """
        while True:
            moment, opening = self.next_opening(after, call)
            yield moment, opening
            if opening.ends == math.inf:
                return
            after = instant(int(opening.ends))

    def opening_at(self, at: datetime, call: Call | None = None) -> Opening | None:
        """The opening that holds ``at``; None when closed.

        :raises ZoneUnknown: the zone of the call is unknown.
        """
        return opening_of(self._timetable_of(call), _second(at), self._known_zones(call))

    def closes_at(self, at: datetime, call: Call | None = None) -> datetime | None:
        """The first instant after the open ``at`` at which the phone may not ring; aware, UTC. None when
        it may not ring at ``at``, and when it is not closed again within 400 days."""
        second = _second(at)
        zones = self.zones_of(call)
        timetable = self._timetable_of(call)
        if not zones or not timetable.is_open(second, zones):
            return None
        closes = timetable.closes_at(second, zones)
        return None if closes is None else instant(closes)

    def window_at(self, at: datetime, call: Call | None = None) -> tuple[datetime, datetime] | None:
        """The opening that holds ``at``: since when and until when, aware, UTC, the end excluded; None when closed.

        An opening of more than 24 hours is cut to the local day of ``at`` (in several zones: to what they share of it).
        """
        zones = self.zones_of(call)
        opening = opening_of(self._timetable_of(call), _second(at), zones) if zones else None
        return None if opening is None else opening.window

    def explain(self, at: datetime, call: Call | None = None) -> str:
        """The answer of `is_open` in words, such as ``closed: Sunday in Asia/Kolkata; opens Mon 2026-11-23 10:00``,
        without a phone number."""
        from airflow_provider_callkaro.calls.explanation import explain

        second = _second(at)
        return explain(self._timetable_of(call), second, self.zones_of(call))

    def _timetable_of(self, call: Call | None) -> Timetable:
        if self._narrowed is self._timetable or call is None or call.timezone is not None:
            return self._timetable
        return self._narrowed if may_have_moved(call.to_number) else self._timetable

    @staticmethod
    def _next_open(second: int, zones: tuple[ZoneInfo, ...], timetable: Timetable) -> int:
        opens = timetable.next_open(second, zones)
        if opens is None:
            raise NeverOpens(
                f"the calling policy opens nowhere within {LONGEST_SEARCH} days in {_named(zones)}: widen its windows, "
                "or give the rows a column timezone"
            )
        return opens

    def _known_zones(self, call: Call | None) -> tuple[ZoneInfo, ...]:
        zones = self.zones_of(call)
        if not zones:
            raise ZoneUnknown
        return zones


def _read_windows(windows: object) -> tuple[ScheduleWindow, ...]:
    if isinstance(windows, ScheduleWindow):
        return (windows,)
    read = tuple(windows) if isinstance(windows, Iterable) else ()
    if not read or not all(isinstance(window, ScheduleWindow) for window in read):
        raise ConfigurationError(
            'windows must be one ScheduleWindow or several, such as ScheduleWindow("10:00", "21:00", "mon-sat"); leave '
            "it out for the whole day"
        )
    return read


def _read_zones(timezone: object) -> tuple[ZoneInfo, ...]:
    if timezone == RECIPIENT:
        return ()
    zone = named_zone(timezone) if isinstance(timezone, str) else None
    if zone is None:
        raise ConfigurationError(
            f'timezone {timezone!r} is no time zone: give an IANA name such as "Asia/Kolkata", or "recipient" for the '
            "zone of each call"
        )
    return (zone,)


def _check_caps(max_calls: object, per: object, min_gap: object) -> None:
    if max_calls is not None and (not isinstance(max_calls, int) or isinstance(max_calls, bool) or max_calls < 1):
        raise ConfigurationError("max_calls must be a whole number from 1 on")
    for name, span in (("per", per), ("min_gap", min_gap)):
        if span is not None and (not isinstance(span, timedelta) or not timedelta(0) < span <= _LONGEST_SPAN):
            raise ConfigurationError(f"{name} must be a timedelta of more than nothing and at most ten years")
    if per is not None and max_calls is None:
        raise ConfigurationError("per has no max_calls: say how many calls a number may get in that time")
    if max_calls is not None and per is None:
        raise ConfigurationError("max_calls has no per: say in what time, such as per=timedelta(days=30)")


def _second(at: object) -> int:
    if not isinstance(at, datetime) or at.utcoffset() is None:
        raise ConfigurationError("at must be an aware datetime: a naive one is another instant in every zone")
    if not YEARS[0] <= at.year <= YEARS[1]:
        raise ConfigurationError(f"at must be in the years {YEARS[0]} to {YEARS[1]}")
    return second_of(at)


def _named(zones: tuple[ZoneInfo, ...]) -> str:
    return zones[0].key if len(zones) == 1 else f"all {len(zones)} zones of the number"
