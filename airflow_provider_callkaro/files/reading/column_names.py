"""The names of a list's columns: each column has one, and no two columns have the same.

No message shows a name: in a file without a header line the first contact takes the place of the names.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from airflow_provider_callkaro.exceptions import ConfigurationError

_BETWEEN_DIGITS = re.compile(r"[\s().\-]+")
_NUMBER = re.compile(r"\+\d{7,}|\d{9,}|\+?\d+,?\d*[eE]\+\d{2}")  # a shorter one may be a year or a date
_ALONE = re.compile(rf"{_NUMBER.pattern}|\+?\d{{4,}}")  # a list of nothing but numbers has no short name either


def check_column_names(columns: Sequence[str], *, name: str) -> None:
    """Refuse a phone number in a name's place, a column without a name, and two columns of one name. ``name``: the
    file's name, for messages. Raises ConfigurationError, naming the columns by their numbers."""
    number = _ALONE if len(columns) == 1 else _NUMBER
    for place, column in enumerate(columns, start=1):
        if number.fullmatch(_BETWEEN_DIGITS.sub("", column)):
            raise ConfigurationError(
                f"contacts: a number stands where the name of column {place} of {name} should be, so its first line is "
                "a contact: put a line of names before it, such as to_number,name"
            )
    if not all(columns):
        raise ConfigurationError(f"contacts: column {columns.index('') + 1} of {name} has no name: give it one")
    alike = first_duplicate(columns)
    if alike is not None:
        raise ConfigurationError(
            f"contacts: columns {alike[0]} and {alike[1]} of {name} have the same name: rename one, or put a line of "
            "names first if the first line is a contact"
        )


def first_duplicate(columns: Sequence[str]) -> tuple[int, int] | None:
    """The numbers, from 1, of the first two columns of one name; None if all names differ."""
    first: dict[str, int] = {}
    for place, column in enumerate(columns, start=1):
        if first.setdefault(column, place) != place:
            return first[column], place
    return None
