"""Many rows in a few parameters, for PostgreSQL: an array for each column, whatever the number of rows.

A list of ``VALUES`` has a constant for each value, and PostgreSQL reads, types and plans each of them: 38 % of the time
of a session that commits groups of 64 calls. An array is one constant. A column that is the same in all rows is one
value.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

INTEGERS = frozenset({"turn", "redials"})  # the columns that hold no text


def array_of(values: Iterable[object]) -> str:
    """PostgreSQL's literal of an array with these values, for a parameter that is cast to one; None is NULL."""
    return "{" + ",".join(map(_element, values)) + "}"


def given_rows(columns: Mapping[str, Sequence[object]], *, key: str) -> tuple[str, str, tuple[object, ...]]:
    """Rows as a source for ``SELECT``.

    :param columns: by name, each with a value for every row.
    :param key: the column that tells rows apart: always an array, also of a single row.
    :return: the expressions to select, in the order of the columns; what to select them from; the parameters of both.
    """
    apart = {name for name, values in columns.items() if name == key or values.count(values[0]) < len(values)}
    same = {name: values[0] for name, values in columns.items() if name not in apart}
    several = {name: array_of(values) for name, values in columns.items() if name in apart}
    chosen = ", ".join(f"CAST(%s AS {_type(name)})" if name in same else f"given.{name}" for name in columns)
    arrays = ", ".join(f"CAST(%s AS {_type(name)}[])" for name in several)
    return chosen, f"unnest({arrays}) AS given ({', '.join(several)})", (*same.values(), *several.values())


def _element(value: object) -> str:
    if value is None:
        return "NULL"
    return '"' + str(value).replace("\\", "\\\\").replace('"', '\\"') + '"'


def _type(column: str) -> str:
    return "INTEGER" if column in INTEGERS else "TEXT"
