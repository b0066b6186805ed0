"""The columns of a contact row that its line of the report has too, so that the report can be joined with the list.

A line of the report knows its row by its place, and a list that is read again may have another order. A key of the
user's own tells the rows apart for good. The values are held from the moment at which a row is read until its line is
written, so only for the rows that are on their way.
"""

from __future__ import annotations

import logging
import math
import operator
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Any

from airflow_provider_callkaro.calls.call import InvalidCall, plain_metadata
from airflow_provider_callkaro.calls.coercion import is_absent
from airflow_provider_callkaro.calls.masking import mask_text
from airflow_provider_callkaro.calls.row_rights import checked_names, shown_name
from airflow_provider_callkaro.exceptions import ConfigurationError

log = logging.getLogger(__name__)

COLUMNS = ("row", "state", "reason", "call_id", "detail")
"""The columns that every report has."""
MAX_COLUMNS = 50  # ours: a report is no copy of the list
MAX_TITLE = 200  # characters
_NUMBER = "to_number"


class ReportColumns:
    """The columns of the contact rows that stand in the report. Used from the main thread only.

    :param columns: as the author of the DAG names them: a list of columns, or a mapping of each column to its name in
        the report. A field of a call (``call_key``) names the column that ``column_map`` maps to it.
    :param column_map: source column to call field.
    :param aliases: a vendor's own names of fields.
    :ivar titles: the names in the report, in their order.
    :raises ConfigurationError: they are no list of names, the report has one already, or one holds the number and is
        not named ``to_number``.
    """

    def __init__(
        self,
        columns: Any,
        *,
        column_map: Mapping[str, str | None] | None = None,
        aliases: Mapping[str, str] | None = None,
    ) -> None:
        self._fields = {**(aliases or {}), **{str(name).lower(): field for name, field in (column_map or {}).items()}}
        self._wanted = _checked(columns)
        for wanted in self._wanted:
            if wanted != _NUMBER and self._fields.get(wanted) == _NUMBER:
                raise ConfigurationError(
                    f"report_columns names {shown_name(wanted)}, which column_map makes the number: a report holds no "
                    f'numbers unless it is asked for "{_NUMBER}" by that name'
                )
        self.titles: tuple[str, ...] = tuple(self._wanted.values())
        self._kept: dict[int, tuple[object, ...]] = {}
        self._names: tuple[Any, ...] = ()
        self._plan: tuple[Any, ...] | None = None
        self._said: set[str] = set()

    def check(self, row_number: int, row: object) -> None:  # noqa: ARG002 - as `keep`
        """Refuse a list whose first row that can be read lacks a column.

        :raises ConfigurationError: naming the column.
        """
        if row is not None:
            self._plan_of(_mapping(row))

    def keep(self, row_number: int, row: object) -> None:
        """Hold the values of a row until `take` asks for them. Raises ConfigurationError if the first row that can be
        read lacks a column."""
        if row is not None:
            cells = _mapping(row)
            plan = self._plan_of(cells)
            self._kept[row_number] = tuple(None if column is None else cells[column] for column in plan)

    def take(self, row_number: int) -> tuple[object, ...]:
        """The values of a row as JSON has them, and hold them no longer; None for each that the row has not."""
        values = self._kept.pop(row_number, None)
        if values is None:
            return (None,) * len(self.titles)
        return tuple(self._plain(title, value) for title, value in zip(self.titles, values, strict=True))

    def _plan_of(self, row: Mapping[Any, Any]) -> tuple[Any, ...]:
        names = tuple(row)
        if self._plan is None or names != self._names:
            plan = tuple(self._columns_of(names))
            if self._plan is None:
                self._refuse_missing(names, plan)
            self._names, self._plan = names, plan
        return self._plan

    def _columns_of(self, names: tuple[Any, ...]) -> Iterable[Any]:
        by_name: dict[str, Any] = {}
        by_field: dict[str | None, Any] = {}
        for name in names:
            folded = str(name).strip().lower()
            by_name.setdefault(folded, name)
            by_field.setdefault(self._fields.get(folded), name)
        return (by_name.get(wanted, by_field.get(wanted)) for wanted in self._wanted)

    def _refuse_missing(self, names: tuple[Any, ...], plan: tuple[Any, ...]) -> None:
        missing = next((wanted for wanted, column in zip(self._wanted, plan, strict=True) if column is None), None)
        if missing is None:
            return
        alike = get_close_matches(missing, [str(name).lower() for name in names], n=1)
        hint = f"; did you mean {shown_name(alike[0])}?" if alike else f" (they have {len(names)} columns)"
        raise ConfigurationError(
            f"report_columns names {shown_name(missing)}, which the contacts do not have{mask_text(hint)}"
        )

    def _plain(self, title: str, value: Any) -> object:
        try:
            return _plain(value)
        except Exception as error:  # of bytes, of a value's own class: the outcome of the row is not lost for it
            if title not in self._said:
                self._said.add(title)
                kind = type(error).__name__ if not isinstance(error, InvalidCall) else type(value).__name__
                log.warning("Column %s of the report holds values that it cannot show (%s)", shown_name(title), kind)
            return None


def _checked(columns: Any) -> dict[str, str]:
    """The wanted columns in lower case, each with its name in the report."""
    names = list(columns) if isinstance(columns, Mapping) else columns
    folded = checked_names("report_columns", names)
    titles = list(columns.values()) if isinstance(columns, Mapping) else list(names)
    if len(folded) > MAX_COLUMNS:
        raise ConfigurationError(f"report_columns names more than {MAX_COLUMNS} columns: the key of a row is enough")
    if len(folded) != len(titles):
        raise ConfigurationError("report_columns names a column twice: name each once")
    for title in titles:
        if not isinstance(title, str) or not 0 < len(title.strip()) <= MAX_TITLE or not title.isprintable():
            raise ConfigurationError(
                f"report_columns gives a column a name that is none: use a text of 1 to {MAX_TITLE} characters"
            )
        if title.strip().lower() in COLUMNS:
            name = title.strip().lower()
            raise ConfigurationError(
                f"report_columns would write a second column {name}: give yours another name in the report, "
                f'report_columns={{"{name}": "list_{name}"}}'
            )
    titles = [title.strip() for title in titles]
    if len({title.lower() for title in titles}) != len(titles):
        raise ConfigurationError("report_columns gives two columns the same name in the report: rename one")
    return dict(zip((str(name).strip().lower() for name in names), titles, strict=True))


def _mapping(row: object) -> Mapping[Any, Any]:
    return row if isinstance(row, Mapping) else {_NUMBER: row}


def _plain(value: Any) -> object:
    """A value as JSON has it; a whole number that a data frame made a float is whole again."""
    if isinstance(value, (str, bool, int)):
        return None if value == "" else value
    if is_absent(value):
        return None
    if isinstance(value, float):
        return int(value) if value.is_integer() and math.fabs(value) < 2**53 else value
    if hasattr(value, "__index__"):
        return operator.index(value)
    return plain_metadata({"value": value})["value"]
