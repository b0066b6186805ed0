"""Names by which the columns of a list can be told apart.

A file without a header line has its first contact where the names should be, so no message shows one.
"""

from __future__ import annotations

from collections.abc import Sequence

from airflow_provider_callkaro.exceptions import ConfigurationError


def check_column_names(columns: Sequence[str], *, name: str) -> None:
    """Refuse columns that have no name, or the same.

    :param name: the file's name, for messages.
    :raises ConfigurationError: a column has no name, or two have one.
    """
    if not all(columns):
        raise ConfigurationError(f"contacts: column {columns.index('') + 1} of {name} has no name: give it one")
    alike = first_duplicate(columns)
    if alike is not None:
        raise ConfigurationError(
            f"contacts: columns {alike[0]} and {alike[1]} of {name} have the same name: rename one, or put a line of "
            "names first if the first line is a contact"
        )


def first_duplicate(columns: Sequence[str]) -> tuple[int, int] | None:
    """The places, from 1, of the first two columns of one name; None where each has its own."""
    first: dict[str, int] = {}
    for place, column in enumerate(columns, start=1):
        if first.setdefault(column, place) != place:
            return first[column], place
    return None
