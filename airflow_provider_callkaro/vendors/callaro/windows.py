"""When a Callaro campaign may call, as a calling policy.

The guide names a campaign's ``timezone`` and no field of its windows; the help pages say that there are windows for
each day. So the likely shapes are read: a list of windows, or a mapping of days to windows, under one of a few names.
Any other shape is refused: a window that is read wrongly could ring a phone at night.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn

from airflow_provider_callkaro.calls.policy import CallingPolicy
from airflow_provider_callkaro.calls.window import ScheduleWindow
from airflow_provider_callkaro.exceptions import ConfigurationError

WINDOW_FIELDS = ("call_windows", "calling_windows", "call_window", "calling_window", "calling_hours", "windows")
_PLACES = ("schedule", "settings", "calling_schedule")
_START = ("start", "start_time", "from", "opens_at")
_END = ("end", "end_time", "to", "closes_at")
_DAYS = ("days", "day", "weekdays", "days_of_week", "day_of_week")
_OFF = ("closed", "disabled")
_ON = ("enabled", "active", "is_active", "is_enabled", "open")
_NOT_ABOUT_HOURS = frozenset({"id", "name", "label", "created_at", "updated_at"})
_CLOSED_DATES = ("closed_dates", "blackout_dates", "excluded_dates", "holidays")
_DAY_NAMES = {
    name: full[:3]
    for full in ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
    for name in (full, full[:3], {"tue": "tues", "thu": "thurs", "wed": "weds"}.get(full[:3], full))
}


def policy_of(campaign: Mapping[str, object], *, what: str) -> CallingPolicy:
    """When a campaign may call. ``what``: the campaign's name in messages, such as ``campaign 123``. Raises
    ConfigurationError if its zone or its windows are missing, or cannot be read."""
    reader = _Reader(campaign, what=what)
    try:
        return CallingPolicy(
            timezone=reader.zone, windows=reader.windows(), closed_dates=reader.closed_dates(), purpose=None
        )
    except ConfigurationError as error:
        if str(error).startswith(what):
            raise
        raise ConfigurationError(f"{what}: {error}") from None


class _Reader:
    def __init__(self, campaign: Mapping[str, object], *, what: str) -> None:
        self._what = what
        inner = (campaign.get(name) for name in _PLACES)
        self._places = [campaign, *(place for place in inner if isinstance(place, Mapping))]
        zone = next((place["timezone"] for place in self._places if place.get("timezone")), None)
        if not isinstance(zone, str):
            self._refuse("Callaro names no time zone of it")
        self.zone: str = zone

    def windows(self) -> list[ScheduleWindow]:
        """The campaign's windows, all of them."""
        found = [(name, place[name]) for place in self._places for name in WINDOW_FIELDS if place.get(name)]
        if not found:
            self._refuse(
                f"Callaro shows no call windows of it (under {', '.join(WINDOW_FIELDS)}): give the windows to the task"
            )
        if len(found) > 1:
            self._refuse(f"Callaro shows call windows in two places ({found[0][0]} and {found[1][0]})")
        name, value = found[0]
        windows = list(self._read(value, name))
        if not windows:
            self._refuse(f"none of its windows ({name}) is open")
        return windows

    def closed_dates(self) -> list[str]:
        """The dates on which it does not call."""
        dates: list[str] = []
        for place in self._places:
            for name in _CLOSED_DATES:
                value = place.get(name) or []
                if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
                    self._refuse(f"{name} is no list of dates")
                dates += value
        return dates

    def _read(self, value: object, name: str) -> list[ScheduleWindow]:
        if isinstance(value, list):
            return [window for each in value for window in self._window(each, name, days=None)]
        if not isinstance(value, Mapping):
            self._refuse(f"{name} is neither a list of windows nor a mapping of days to windows")
        if any(key in value for key in (*_START, *_END)):
            return self._window(value, name, days=None)
        windows = []
        for key, each in value.items():
            day = _DAY_NAMES.get(str(key).strip().lower())
            if day is None:
                self._refuse(f"{name} has a key that is no day and no time")
            inside = each if isinstance(each, list) and not _is_pair(each) else [each]
            windows += [window for one in inside if one for window in self._window(one, f"{name}.{day}", days=day)]
        return windows

    def _window(self, value: Any, name: str, *, days: str | None) -> list[ScheduleWindow]:
        """One window; none where it is switched off."""
        if isinstance(value, str) and value.count("-") == 1 and days is not None:
            value = value.split("-")
        if _is_pair(value) and days is not None:
            return [self._made(value[0], value[1], days, name)]
        if not isinstance(value, Mapping):
            self._refuse(f"a window in {name} has no start and end")
        known = {*_START, *_END, *_DAYS, *_OFF, *_ON, *_NOT_ABOUT_HOURS, "timezone"}
        if strange := sorted(str(key) for key in value if key not in known):
            self._refuse(f"a window in {name} has a field that is not known ({len(strange)} of them)")
        if value.get("timezone") not in (None, "", self.zone):
            self._refuse(f"a window in {name} has a time zone of its own")
        if any(value.get(key) is True for key in _OFF) or any(value.get(key) is False for key in _ON):
            return []
        start, end = _first(value, _START), _first(value, _END)
        own_days = _first(value, _DAYS)
        if days is not None and own_days is not None:
            self._refuse(f"a window in {name} names days of its own")
        return [self._made(start, end, days if days is not None else self._days(own_days, name), name)]

    def _days(self, value: object, name: str) -> str:
        if value is None:
            return "mon-sun"
        if isinstance(value, str):
            return value  # a name, a span or a list of names: a window reads them all
        if not isinstance(value, list) or not value:
            self._refuse(f"the days of a window in {name} are no names of days")
        days = [_DAY_NAMES.get(each.strip().lower()) if isinstance(each, str) else None for each in value]
        if None in days:
            self._refuse(
                f"the days of a window in {name} are no names of days (which day a number means is not documented)"
            )
        return ",".join(day for day in days if day is not None)

    def _made(self, start: object, end: object, days: str, name: str) -> ScheduleWindow:
        if not isinstance(start, str) or not isinstance(end, str):
            self._refuse(f"a window in {name} has no start or no end in text, such as 09:00")
        return ScheduleWindow(start.strip(), end.strip(), days)

    def _refuse(self, why: str) -> NoReturn:
        raise ConfigurationError(f"{self._what} gives no calling policy: {why}")


def _is_pair(value: object) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(isinstance(each, str) and ":" in each for each in value)


def _first(value: Mapping[str, object], names: tuple[str, ...]) -> Any:
    return next((value[name] for name in names if value.get(name) is not None), None)
