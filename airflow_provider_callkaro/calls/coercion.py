"""Coercion: how one value of a contact row is read, whether a database, a text file or a data frame wrote it.

Each reader gives values of the same meaning the same form, and returns a value that it does not know as it is. `Call`
refuses such a value, so that each limit is checked in one place.
"""

from __future__ import annotations

import json
import math
import operator
import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta, tzinfo
from decimal import Decimal
from typing import Any
from uuid import UUID

from airflow_provider_callkaro.calls.call import NEXT_WINDOW, SCHEDULE_YEARS, InvalidCall
from airflow_provider_callkaro.calls.outcome import Reason
from airflow_provider_callkaro.calls.wall_clock import readings

_BOOLEANS = frozenset({"bool", "bool_"})  # Python's, and numpy's
_WORDS = dict.fromkeys(("true", "t", "yes", "y", "1"), True) | dict.fromkeys(("false", "f", "no", "n", "0"), False)
_WHOLE_NUMBER = re.compile(r"([+-]?[0-9]{1,18})(\.0+)?")  # 3.0: how data frames write a column with gaps
_TIME_OF_DAY = re.compile(r"[T ][0-9]{2}")


def is_absent(value: object) -> bool:
    """Whether a column is empty: None, an empty text, or the missing values of data frames (NaN, NaT, NA)."""
    if isinstance(value, str):
        return not value or value.isspace()
    return value is None or type(value).__name__ == "NAType" or bool(value != value)


def read_text(value: object) -> object:
    """A text without the space around it; a number, UUID or date as text."""
    if isinstance(value, str):
        return value.strip()
    value = read_whole_number(value)
    is_plain = isinstance(value, (int, float, Decimal, UUID, date)) and not isinstance(value, bool)
    return str(value) if is_plain else value


def read_language(value: object) -> object:
    """A language code in lower case."""
    return value.strip().lower() if isinstance(value, str) else value


def read_boolean(value: object) -> object:
    """True for ``true``, ``t``, ``yes``, ``y`` and 1, False for ``false``, ``f``, ``no``, ``n`` and 0."""
    if isinstance(value, str):
        return _WORDS.get(value.strip().lower(), value)
    return bool(value) if value == 0 or value == 1 else value


def read_whole_number(value: object) -> object:
    """A whole number, also from text, from decimals that are zero, or from a number of another library."""
    if isinstance(value, (int, bytes)):
        return value
    if isinstance(value, str):
        match = _WHOLE_NUMBER.fullmatch(value.strip())
        return int(match[1]) if match else value
    if isinstance(value, (float, Decimal)):
        return int(value) if math.isfinite(value) and -(2**63) < value < 2**63 and value == int(value) else value
    return operator.index(value) if hasattr(value, "__index__") else value


def read_gaps(value: object) -> object:
    """Minutes: one number or several, also from text such as ``30``, ``30,60``, ``[30, 60]`` or ``{30,60}``."""
    if isinstance(value, str):
        inner = value.strip().strip("[]{}")
        if inner == value.strip() and "," not in inner and ";" not in inner:
            return read_whole_number(inner)
        value = inner.replace(";", ",").split(",", 100)
    if isinstance(value, Sequence) and not isinstance(value, (bytes, bytearray)):
        return [read_whole_number(gap) for gap in value[:100]]
    return read_whole_number(value)


def is_next_window(value: object) -> bool:
    """Whether a ``schedule_at`` asks for the next window, which only a calling policy knows."""
    return value is NEXT_WINDOW or (isinstance(value, str) and value.strip().lower() == NEXT_WINDOW.value)


def read_schedule_at(value: object, zone: tzinfo | None) -> object:
    """An aware datetime; one without an offset is in ``zone``. A bare date is not read: it would ring at 0:00. Raises
    InvalidCall if it has no offset, and the clock of ``zone`` shows it twice, or never."""
    if is_next_window(value):
        return NEXT_WINDOW
    if isinstance(value, str) and _TIME_OF_DAY.search(value.strip()):
        try:
            value = datetime.fromisoformat(value.strip())
        except ValueError:
            return value
    if isinstance(value, datetime) and value.utcoffset() is None and zone is not None:
        return _moment_in(zone, value)
    return value


def is_shown_twice(moment: object, zone: tzinfo | None) -> bool:
    """Whether the clock of ``zone`` shows a moment's date and time twice: without an offset they cannot be told
    apart."""
    if zone is None or not isinstance(moment, datetime) or not _is_schedulable(moment):
        return False
    return len(readings(moment.astimezone(zone), zone)) > 1


def _moment_in(zone: tzinfo, local: datetime) -> datetime:
    if _is_schedulable(local):
        moments = readings(local, zone)
        if len(moments) != 1:
            why = "comes twice" if moments else "is skipped"
            raise InvalidCall(
                Reason.BAD_SCHEDULE_AT,
                f"schedule_at has no offset and falls into the hour that {why} when the clocks change: give it one",
            )
    return local.replace(tzinfo=zone, fold=0)


def _is_schedulable(value: datetime) -> bool:
    return SCHEDULE_YEARS[0] <= value.year <= SCHEDULE_YEARS[1]


def read_trigger_time(value: object) -> object:
    """A time of day as ``HH:MM``; one with seconds or an offset has no such form and stays as it is."""
    if isinstance(value, timedelta) and timedelta(0) <= value < timedelta(days=1):  # MySQL's TIME
        value = (datetime.min + value).time()
    if isinstance(value, time):
        value = value.isoformat()
    if isinstance(value, str):
        text = value.strip()
        return text.removesuffix(":00") if text.count(":") == 2 else text
    return value


def without_absent(metadata: Mapping[Any, object]) -> dict[Any, Any]:
    """Metadata without the missing values of data frames (NaN, NaT, NA), also inside of objects and lists.

    None and empty texts stay: they may mean something to the agent, and JSON can hold them. Infinity stays too: it
    means something and JSON cannot hold it, so `Call` refuses it.

    :raises InvalidCall: it is nested too deeply.
    """
    try:
        return {name: _present(each) for name, each in metadata.items() if not _is_missing(each)}
    except RecursionError:
        raise InvalidCall(Reason.BAD_METADATA, "metadata holds a value that JSON cannot hold") from None


def _present(value: object) -> object:
    if isinstance(value, Mapping):
        return {name: _present(each) for name, each in value.items() if not _is_missing(each)}
    if isinstance(value, (list, tuple)):
        return [_present(each) for each in value if not _is_missing(each)]
    return value


def _is_missing(value: object) -> bool:
    if value is None or isinstance(value, (str, int, Mapping, list, tuple)):
        return False
    if type(value).__name__ == "NAType":
        return True
    unequal = value != value  # an array gives an array, which is neither true nor false
    return type(unequal).__name__ in _BOOLEANS and bool(unequal)


def read_metadata(value: object) -> Mapping[Any, object]:
    """A mapping, or the JSON text of an object. Raises InvalidCall if it is neither."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            value = None
    if not isinstance(value, Mapping):
        raise InvalidCall(Reason.BAD_METADATA, "metadata must be an object, or the JSON text of one")
    return value
