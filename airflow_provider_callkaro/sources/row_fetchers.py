"""A query's rows, a few hundred at a time, even if the driver cannot convert one of them.

A driver makes Python values of what the server sent. If it cannot (a date beyond the year 9999, text that is not in the
encoding it claims), it raises an error, each driver at another moment, and most of them lose the rows that they had
converted before. The fetchers here give None for such a row, and every other row in its order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeAlias

from airflow_provider_callkaro.calls.row_size import MAX_ROW_BYTES
from airflow_provider_callkaro.sources.cursors import DbConnection, DbCursor

if TYPE_CHECKING:
    from psycopg.pq.abc import PGresult

RawRow: TypeAlias = Sequence[Any] | Mapping[str, Any]
"""A row as a driver gives it, which may be set up to give mappings."""
Convert: TypeAlias = Callable[[str | None, DbCursor], object]
"""A converter of psycopg2."""

FEW = 16  # rows between two looks at how long they are
READ_AHEAD = 8 * MAX_ROW_BYTES  # bytes
CONVERSION_ERRORS = (ValueError, ArithmeticError, RecursionError)  # of Python; no driver raises its own errors as these


class RowFetcher(Protocol):
    """Reads on in the result of one statement."""

    def fetch(self, size: int) -> list[RawRow | None]:
        """The next rows, at most ``size``, and none only at the end; None for a row that cannot be converted."""


def row_fetcher(cursor: DbCursor, connection: DbConnection, *, drivers: frozenset[str]) -> RowFetcher:
    """The fetcher for a driver. ``drivers``: the names of the driver's packages; see `cursors.drivers_of`."""
    if "sqlite3" in drivers:
        return _Sqlite(cursor, connection)
    if "psycopg" in drivers:
        return _Psycopg3(cursor)
    if "psycopg2" in drivers:
        return _Psycopg2(cursor, connection)
    if not drivers.isdisjoint({"pymysql", "MySQLdb"}):
        return _RowByRow(cursor, connection)
    return _Plain(cursor)


class _Plain:
    """Any other driver. An error in a conversion ends the reading, because its cursor may be anywhere then."""

    def __init__(self, cursor: DbCursor) -> None:
        self._cursor = cursor

    def fetch(self, size: int) -> list[RawRow | None]:
        rows: list[RawRow | None] = self._cursor.fetchmany(size)
        return rows


class _Unread:
    """Replaces a value that cannot be converted."""


_UNREAD: Final = _Unread()


def _without_unread(row: RawRow) -> RawRow | None:
    return None if any(value is _UNREAD for value in _values(row)) else row


def _values(row: RawRow) -> Iterable[Any]:
    return row.values() if isinstance(row, Mapping) else row


def _is_enough(rows: list[RawRow | None], further: Iterator[RawRow], size: int) -> bool:
    """Add a few further rows; true at the end, or once there are ``size`` rows or more bytes than are read ahead."""
    before = len(rows)
    rows.extend(islice(further, min(FEW, size - before)))
    added = rows[before:]
    room = sum(
        len(value) for row in added if row is not None for value in _values(row) if isinstance(value, (str, bytes))
    )
    return len(added) < FEW or room > READ_AHEAD


class _Sqlite:
    """SQLite's cursor remains at a row whose text is no UTF-8, so that row is read again with a lenient decoder."""

    def __init__(self, cursor: DbCursor, connection: DbConnection) -> None:
        self._cursor = cursor
        self._connection = connection

    def fetch(self, size: int) -> list[RawRow | None]:
        rows: list[RawRow | None] = []
        while len(rows) < size:
            try:
                # Not fetchmany: it forgets the rows before the one that fails.
                if _is_enough(rows, self._cursor, size):
                    break
            except Exception as error:
                if getattr(error, "sqlite_errorcode", None) is not None:
                    raise  # SQLite's own error; those of Python's sqlite3 module have no code
                rows.append(self._reread(error))
        return rows

    def _reread(self, error: Exception) -> RawRow | None:
        decoder = self._connection.text_factory
        self._connection.text_factory = _lenient
        try:
            row: RawRow | None = next(self._cursor, None)
        except Exception:
            raise error from None
        finally:
            self._connection.text_factory = decoder
        if row is None:
            raise error
        return _without_unread(row)


def _lenient(text: bytes) -> str | _Unread:
    try:
        return text.decode()
    except UnicodeDecodeError:
        return _UNREAD


class _RowByRow:
    """PyMySQL and mysqlclient take a row off the connection before they convert it, so the next row is whole."""

    def __init__(self, cursor: DbCursor, connection: DbConnection) -> None:
        self._connection = connection
        self._rows: Iterator[RawRow] = iter(cursor.fetchone, None)

    def fetch(self, size: int) -> list[RawRow | None]:
        rows: list[RawRow | None] = []
        while len(rows) < size:
            try:
                # Not fetchmany: it forgets the rows before the one that fails.
                if _is_enough(rows, self._rows, size):
                    break
            except CONVERSION_ERRORS:
                if not self._connection.open:
                    raise
                rows.append(None)
        return rows


class _Psycopg3:
    """psycopg holds a batch before it converts it, so the batch can be converted again, row by row."""

    def __init__(self, cursor: DbCursor) -> None:
        self._cursor = cursor

    def fetch(self, size: int) -> list[RawRow | None]:
        before = self._cursor.pgresult
        try:
            rows: list[RawRow | None] = self._cursor.fetchmany(size)
        except Exception:
            result = self._cursor.pgresult
            if result is None or result is before:
                raise  # the batch did not come at all
            return self._one_by_one(result)
        return rows

    def _one_by_one(self, result: PGresult) -> list[RawRow | None]:
        from psycopg import DataError
        from psycopg.adapt import Transformer

        transformer = Transformer(self._cursor)
        transformer.set_pgresult(result)
        rows: list[RawRow | None] = []
        for place in range(result.ntuples):
            try:
                rows.append(transformer.load_row(place, tuple))
            except (DataError, *CONVERSION_ERRORS):
                rows.append(None)
        return rows


_NEVER_FAIL = frozenset(  # psycopg2's names of converters that cannot raise
    {"INTEGER", "LONGINTEGER", "FLOAT", "DECIMAL", "BOOLEAN", "BINARY", "ROWID", "STRING", "UNKNOWN"}
)


class _Psycopg2:
    """psycopg2 loses a batch whose conversion fails, so its converters are wrapped in ones that never raise."""

    def __init__(self, cursor: DbCursor, connection: DbConnection) -> None:
        from psycopg2.extensions import new_type, register_type, string_types

        self._cursor = cursor
        self._unread = 0
        converters = {**string_types, **connection.string_types}
        for number, converter in converters.items():
            if converter.name not in _NEVER_FAIL:
                register_type(new_type((number,), converter.name, self._never_raising(converter)), cursor)

    def fetch(self, size: int) -> list[RawRow | None]:
        before = self._unread
        rows: list[RawRow | None] = self._cursor.fetchmany(size)
        return rows if self._unread == before else [None if row is None else _without_unread(row) for row in rows]

    def _never_raising(self, convert: Convert) -> Convert:
        def converted(text: str | None, cursor: DbCursor) -> Any:
            if text is None:
                return None
            before = self._unread
            try:
                value = convert(text, cursor)
            except CONVERSION_ERRORS:
                self._unread += 1
                return _UNREAD
            # A range converts its ends by asking the cursor again.
            return value if self._unread == before else _UNREAD

        return converted
