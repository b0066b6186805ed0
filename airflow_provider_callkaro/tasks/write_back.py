"""From a report to a table: which line is whose, and which of two lines about one row stands."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from itertools import chain, islice
from typing import TYPE_CHECKING, Any

from airflow_provider_callkaro.calls.outcome import Outcome, Reason
from airflow_provider_callkaro.dispatch.intake import CompactSet
from airflow_provider_callkaro.exceptions import ConfigurationError, NotWritten
from airflow_provider_callkaro.tasks.outcome_table import DIALECTS, OutcomeTable

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection, Engine

BATCH = 500  # lines written at once; SQLite takes 32,766 values in a statement
_ELSEWHERE = frozenset(
    {
        Reason.DUPLICATE,
        Reason.ALREADY_ACCEPTED,
        Reason.ALREADY_REJECTED,
        Reason.ALREADY_UNKNOWN,
        Reason.CLAIMED_BY_ANOTHER_RUN,
    }
)
"""Reasons of a line whose call has its outcome in another line, or in the report of another run."""


@dataclass(slots=True)
class Written:
    """What became of the lines of a report. The counts behind ``rows`` add up to it.

    :param rows: lines of the report.
    :param written: their outcome is in the table.
    :param elsewhere: their call has its outcome in another line, or in an earlier report, which is left as it is.
    :param repeated: the report has a later line of the same key.
    :param without_key: the line has no key.
    :param not_found: the table has no row of the key.
    """

    rows: int = 0
    written: int = 0
    elsewhere: int = 0
    repeated: int = 0
    without_key: int = 0
    not_found: int = 0

    def as_xcom(self) -> dict[str, int]:
        """The counts by name."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteBack:
    """Writes the lines of one report into one table.

    :param table: where to.
    :param key_columns: column of the report to column of the table.
    :param columns: likewise, of what is written.
    :param fixed_values: column of the table to what each row gets there.
    :param creates: whether a missing table is created.
    :param is_strict: whether a line that belongs to no row refuses the whole report.
    """

    table: OutcomeTable
    key_columns: Mapping[str, str]
    columns: Mapping[str, str]
    fixed_values: Mapping[str, Any]
    creates: bool
    is_strict: bool

    def run(self, engine: Engine, lines: Iterable[Mapping[str, Any]], *, where: str) -> Written:
        """Write every line in one transaction. ``where`` names the connection. Raises ConfigurationError if table and
        report do not fit each other, and NotWritten if the database does not take it; then nothing is written."""
        from sqlalchemy.exc import SQLAlchemyError

        if engine.dialect.name not in DIALECTS:
            raise ConfigurationError(
                f"{where} is a {engine.dialect.name} database, into which no report is written: use SQLite, "
                "PostgreSQL, MySQL or MariaDB"
            )
        try:
            with engine.connect() as connection:
                if self.creates:
                    with connection.begin():
                        self.table.create(connection)
                with connection.begin():
                    self.table.check(connection)
                    return self._write(connection, lines)
        except SQLAlchemyError as error:  # its text may quote a key
            problem = type(error).__name__
        finally:
            engine.dispose()
        raise NotWritten(
            f"the report could not be written to table {self.table.name} through {where} ({problem}), and none of it "
            "is there: see to the database, the rights of its user and the types of the columns"
        )

    def _write(self, connection: Connection, lines: Iterable[Mapping[str, Any]]) -> Written:
        written, seen = Written(), CompactSet()
        remaining = self._checked(iter(lines))
        while batch := list(islice(remaining, BATCH)):
            own: dict[tuple[str, ...], dict[str, Any]] = {}
            others: dict[tuple[str, ...], dict[str, Any]] = {}
            new: list[tuple[str, ...]] = []
            for line in batch:
                written.rows += 1
                key = tuple(_text(line.get(name)) for name in self.key_columns)
                if not all(key):
                    written.without_key += 1
                elif _is_elsewhere(line):
                    written.elsewhere += 1
                    others[key] = self._row(key, line)
                else:
                    if seen.add(json.dumps(key)):
                        new.append(key)
                    else:
                        written.repeated += 1
                    own[key] = self._row(key, line)
            written.not_found += self.table.missing(connection, [own[key] for key in new])
            self.table.write(connection, list(own.values()))
            self.table.write_where_empty(connection, list(others.values()))
        found = written.without_key + written.elsewhere + written.repeated + written.not_found
        written.written = written.rows - found
        if self.is_strict and (written.without_key or written.not_found):
            raise ConfigurationError(
                f"{written.without_key} lines of the report have no key and {written.not_found} have one that table "
                f'{self.table.name} has not, so nothing is written: mend the list, or use on_unmatched="warn"'
            )
        return written

    def _checked(self, lines: Iterator[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
        first = next(lines, None)
        if first is None:
            return iter(())
        missing = [name for name in (*self.key_columns, *self.columns) if name not in first]
        if missing:
            raise ConfigurationError(
                f"the report has no column {', '.join(missing)}: name it in report_columns of the task that writes the "
                "report"
            )
        return chain([first], lines)

    def _row(self, key: tuple[str, ...], line: Mapping[str, Any]) -> dict[str, Any]:
        values = {target: _text(line.get(name)) or None for name, target in self.columns.items()}
        return {**dict(zip(self.key_columns.values(), key, strict=True)), **values, **self.fixed_values}


def _is_elsewhere(line: Mapping[str, Any]) -> bool:
    return line.get("state") == Outcome.SKIPPED and line.get("reason") in _ELSEWHERE


def _text(value: object) -> str:
    """A value as the text of it that a CSV has, so that the format of the report makes no difference."""
    if value is None or isinstance(value, str):
        return value or ""
    return json.dumps(value, default=str, ensure_ascii=False, separators=(",", ":"))
