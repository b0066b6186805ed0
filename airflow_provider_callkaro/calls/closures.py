"""The dates without calls: those that the user names, and the public holidays of a country.

Holidays come from the `holidays` library (extra ``[holidays]``). It is slow to import, and a DAG file must not pay for
it, so it is imported when the first date is judged. It marks dates that depend on the moon as "(estimated)"; the name
that we show keeps the mark.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from functools import lru_cache

from airflow_provider_callkaro.exceptions import ConfigurationError

_CODE = re.compile(r"([A-Z]{2})(?:-([A-Z0-9]{1,5}))?")
_WAY_OUT = "give a country such as IN or a part of one such as IN-KA"
_MISSING = (
    "holidays needs the holidays library: install airflow-provider-callkaro[holidays], or name the dates in "
    "closed_dates"
)


class Closures:
    """Closed dates. ``dates``: dates that are closed. ``holidays``: a country (``IN``) or a part of one (``IN-KA``)
    whose public holidays are closed, or None."""

    __slots__ = ("_dates", "_holidays")

    def __init__(self, dates: Iterable[date], *, holidays: str | None) -> None:
        self._dates = frozenset(day.toordinal() for day in dates)
        self._holidays = holidays

    def __bool__(self) -> bool:
        return bool(self._dates) or self._holidays is not None

    def name(self, ordinal: int) -> str | None:
        """What closes a date (proleptic ordinal): ``closed date``, or the holiday's name; None where nothing does."""
        if ordinal in self._dates:
            return "closed date"
        if self._holidays is None:
            return None
        return _holidays_of(self._holidays, date.fromordinal(ordinal).year).get(ordinal)


def read_dates(values: object) -> tuple[date, ...]:
    """Dates, as they are or in ISO form, ascending and each once. Raises ConfigurationError if one is no date; a
    datetime is none, because it is another date elsewhere."""
    if isinstance(values, (str, date)) or not isinstance(values, Iterable):
        values = (values,)
    return tuple(sorted({_read_date(value) for value in values}))


def read_holidays(code: str) -> str:
    """The code of a country, or of a part of one, in upper case. Raises ConfigurationError if it is no such code, no
    such country, or the extra ``[holidays]`` is not installed."""
    wanted = code.strip().upper() if isinstance(code, str) else ""
    match = _CODE.fullmatch(wanted)
    register = _register_of_countries()
    if match is None or (register and f'", "{match[1]}"' not in register):
        raise ConfigurationError(f"holidays {code!r} is no country that is known: {_WAY_OUT}")
    return wanted


def _read_date(value: object) -> date:
    if isinstance(value, str):
        try:
            return date.fromisoformat(value.strip())
        except ValueError:
            pass
    elif isinstance(value, date) and not isinstance(value, datetime):
        return value
    raise ConfigurationError(
        f'closed_dates holds {value!r}, which is no date: give dates, or text such as "2026-12-25"'
    )


@lru_cache(maxsize=1)
def _register_of_countries() -> str:
    """The library's own list of countries, as text: importing the library costs more than a DAG file may."""
    from importlib.util import find_spec

    library = find_spec("holidays")
    if library is None or library.origin is None:
        raise ConfigurationError(_MISSING)
    try:
        with open(os.path.join(os.path.dirname(library.origin), "registry.py"), encoding="utf-8") as register:
            return register.read()
    except OSError:
        return ""  # another layout of the library: the country is checked when the first date is judged


@lru_cache(maxsize=256)
def _holidays_of(code: str, year: int) -> Mapping[int, str]:
    try:
        from holidays import country_holidays
    except ImportError:
        raise ConfigurationError(_MISSING) from None
    country, _, part = code.partition("-")
    try:
        found = country_holidays(country, subdiv=part or None, years=year)
    except NotImplementedError:
        raise ConfigurationError(f"holidays {code!r} is not known to the holidays library: {_WAY_OUT}") from None
    return {day.toordinal(): name for day, name in found.items()}
