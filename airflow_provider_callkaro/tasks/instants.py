"""Dates and instants at the Airflow surface: what users write and what Airflow's context holds, by pendulum.

The rooms below take the standard library's aware datetimes, so everything read here comes out as one. Pendulum's parser
also takes a year, a time of day, a duration and the word "now" for something that it can read. A text must therefore
have the shape of a date, or of a date and time, before pendulum reads it.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timezone

import pendulum

from airflow_provider_callkaro.exceptions import ConfigurationError

_DATE = re.compile(  # to pendulum a week 0 and a day 0 of a week are days, too
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]{8}|[0-9]{4}-W(?!00)[0-9]{2}(-[1-7])?|[0-9]{4}W(?!00)[0-9]{2}[1-7]?"
)
_DATE_AND_TIME = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?(Z|[+-][0-9]{2}(:?[0-9]{2})?)?"
)


def read_date(name: str, value: date | str | None) -> date | None:
    """A day that a user gives: a date, a datetime, or text such as ``2026-04-01``; None where there is none. ``name``:
    the argument, for the message. Raises ConfigurationError if it is no date."""
    if value is None or value == "":
        return None
    if isinstance(value, date):
        return value.date() if isinstance(value, datetime) else value
    text = str(value).strip()
    try:
        found = pendulum.parse(text, exact=True) if _DATE.fullmatch(text) else None
    except ValueError:
        found = None
    if not isinstance(found, date):
        raise ConfigurationError(f"{name} must be a date, such as 2026-04-01")
    return date(found.year, found.month, found.day)


def read_instant(value: object) -> object:
    """The date and time of a text such as ``2026-04-01T10:00+05:30``, aware if it has an offset; else the value itself.

    Whatever this does not read, the room `calls` judges.
    """
    if not isinstance(value, str) or not _DATE_AND_TIME.fullmatch(value.strip()):
        return value
    try:
        found = pendulum.parse(value.strip(), exact=True, tz=None)
    except ValueError:
        return value
    if not isinstance(found, datetime):
        return value
    offset = found.utcoffset()
    return datetime.combine(found.date(), found.time(), None if offset is None else timezone(offset))


def in_utc(instant: datetime) -> datetime:
    """An aware instant of Airflow's, as the rooms below take it: the standard library's, in UTC."""
    found = _in_utc(instant)
    return datetime.combine(found.date(), found.time(), UTC)


def to_minute(instant: datetime) -> str:
    """An aware instant as messages show it, such as ``2026-04-01 04:30 UTC``."""
    return f"{_in_utc(instant):YYYY-MM-DD HH:mm} UTC"


def to_second(instant: datetime) -> str:
    """An aware instant as the log shows it, such as ``2026-04-01 04:30:00 UTC``."""
    return f"{_in_utc(instant):YYYY-MM-DD HH:mm:ss} UTC"


def to_iso(instant: datetime) -> str:
    """An aware instant in UTC as the log shows it, in ISO 8601 to the second, such as ``2026-04-01T04:30:00+00:00``."""
    return _in_utc(instant).isoformat(timespec="seconds")


def _in_utc(instant: datetime) -> pendulum.DateTime:
    # Not pendulum's own way to UTC: an hour that the clocks skip is another instant to it than to the zone's tzinfo.
    return pendulum.instance(instant.astimezone(UTC))
