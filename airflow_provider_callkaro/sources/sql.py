"""Contact rows from a SQL query, over any connection that Airflow's common-sql providers offer.

The result is read while the calls go out, a few rows ahead of them, so a million rows take no more memory than a
hundred. In return, one connection and one read transaction stay open for as long as the calls take.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from airflow_provider_callkaro.calls.masking import mask_error
from airflow_provider_callkaro.calls.row_size import MAX_ROW_BYTES, size_of
from airflow_provider_callkaro.exceptions import ConfigurationError, SourceBroken, VoiceCallError
from airflow_provider_callkaro.files.connections import find_connection, hook_of, way_to_a_provider
from airflow_provider_callkaro.files.reading.column_names import first_duplicate
from airflow_provider_callkaro.files.reading.row_count import RowCount
from airflow_provider_callkaro.half_made import shown_half_made
from airflow_provider_callkaro.sources.contract import ContactRow
from airflow_provider_callkaro.sources.cursors import (
    DbConnection,
    DbCursor,
    drivers_of,
    open_streaming_cursor,
    returned_no_rows,
)
from airflow_provider_callkaro.sources.placeholders import bound
from airflow_provider_callkaro.sources.row_fetchers import READ_AHEAD, RawRow, RowFetcher, row_fetcher
from airflow_provider_callkaro.sources.sql_redaction import redacted_sql

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

log = logging.getLogger(__name__)

FIRST_ROWS = 100  # rows of the first batch, before any length is known
_STATEMENT_IS_WRONG = frozenset({"ProgrammingError", "NotSupportedError"})  # PEP 249: unknown column, bad syntax
_VALUE_IS_WRONG = "DataError"  # PEP 249: a value that cannot be converted
_CODES = ("sqlstate", "pgcode", "sqlite_errorname")  # the attributes in which drivers keep the error code
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_$]*")
_NOT_SQL_WORDS = re.compile(r"'[^']*'|\"[^\"]*\"|\{\{.*?\}\}|\{%.*?%\}|--[^\n]*|/\*.*?\*/", re.DOTALL)
_WORDS_SHOWN = 5  # words of a statement in a message

T = TypeVar("T")


class SqlContacts:
    """The rows of a query; the columns' names are the rows' keys.

    Give the query an ``order by``: row numbers in reports then mean the same in every try. On SQLite an unfinished
    query locks the file against writers, so keep a SQL ledger in another file (or the file in WAL mode).

    A row with a value that Python cannot represent is counted and rejected, and the other rows are read: on PostgreSQL
    dates and times beyond the years 1 to 9999, ranges and arrays of them, and JSON with too long numbers (psycopg also
    ``infinity`` and ``24:00``, which psycopg2 reads as something else); on SQLite text that is no UTF-8; on MySQL and
    MariaDB text that is not in the connection's character set. Three things end the reading, with an error that says
    after how many rows: a value at which the server itself fails (a cast, a division by zero), because that ends the
    query; with psycopg2, text that is no UTF-8, which only a PostgreSQL database in ``SQL_ASCII`` can hold; and with
    other drivers any such value, because their cursors may be anywhere then.

    A row longer than 1 MiB is rejected too. Drivers hold the rows that they read ahead, so fewer long rows are read
    ahead. One value may have any length, except that SQLite ends the query at a value beyond 2 MiB.

    :param sql: one statement that returns rows, or the path of a ``.sql`` template file. Templated.
    :param conn_id: an Airflow connection of a type that common-sql knows. Templated.
    :param parameters: values for the placeholders in ``sql``, bound by the driver and never written into the text. By
        name, ``:day`` for every database; a driver's own style, such as ``%(day)s``, works as well. Templated.
    :param fetch_size: rows read ahead, 1 or more. Default 1000.
    :param count: whether to count the rows first, with ``select count(*)`` around the query, so that the progress has a
        total. The database then does the query's work once more. Default: no.
    :raises ConfigurationError: ``fetch_size`` is below 1, or another argument is of no use.
    """

    __slots__ = ("_words", "conn_id", "count", "fetch_size", "parameters", "sql")

    template_fields: Sequence[str] = ("sql", "conn_id", "parameters")
    template_ext: Sequence[str] = (".sql",)

    def __init__(
        self,
        sql: str,
        *,
        conn_id: str,
        parameters: Mapping[str, Any] | Sequence[Any] | None = None,
        fetch_size: int = 1000,
        count: bool = False,
    ) -> None:
        if not isinstance(fetch_size, int) or isinstance(fetch_size, bool) or fetch_size < 1:
            raise ConfigurationError("SqlContacts: fetch_size must be a whole number of rows, 1 or more")
        for name, value in (("sql", sql), ("conn_id", conn_id)):
            if not hasattr(value, "iter_references") and (not isinstance(value, str) or not value.strip()):
                raise ConfigurationError(f"SqlContacts: {name} must be a text that is not empty")
        is_text = isinstance(parameters, str) and "{{" not in parameters
        if is_text or isinstance(parameters, (int, float, set)):
            raise ConfigurationError('SqlContacts: parameters must be a mapping, such as {"day": "{{ ds }}"}')
        # of the text in the DAG, before a template puts values into it
        self._words = frozenset(_WORD.findall(_NOT_SQL_WORDS.sub(" ", sql))) if isinstance(sql, str) else frozenset()
        self.sql = sql
        self.conn_id = conn_id
        self.parameters = parameters
        self.fetch_size = fetch_size
        self.count = count

    @shown_half_made
    def __repr__(self) -> str:
        bound = ""
        if isinstance(self.parameters, Mapping):
            bound = f", parameters: {', '.join(map(str, self.parameters))}"
        elif self.parameters:
            bound = ", with parameters"
        return f"rows of the query on connection {self.conn_id}{bound}: {redacted_sql(str(self.sql))}"

    def rows(self, context: Context) -> Generator[ContactRow, None, None]:  # noqa: ARG002
        """The query's rows, read from the database as they are asked for.

        :raises ConfigurationError: the connection is unknown or no SQL connection, or the statement cannot be run,
            returns no rows, or names two columns alike.
        :raises SourceBroken: the server cannot be reached, or hung up.
        """
        if not isinstance(self.sql, str) or not self.sql.strip():
            raise ConfigurationError("SqlContacts: sql is empty: give one statement that returns rows")
        count = RowCount()
        with self._connected() as connection, _closing(open_streaming_cursor(connection)) as cursor:
            result = row_fetcher(cursor, connection, drivers=drivers_of(connection))
            batch = self._guarded(partial(self._first, cursor, result, connection), count)
            columns = self._columns(cursor)
            while batch:
                longest = 1
                for values in batch:
                    if values is None or isinstance(values, Mapping):  # a connection may be set up to give mappings
                        row = values
                    else:
                        row = dict(zip(columns, values, strict=True))
                    size = size_of(row)
                    longest = max(longest, size)
                    yield row if size <= MAX_ROW_BYTES else None
                count.rows += len(batch)
                ahead = min(self.fetch_size, max(1, READ_AHEAD // longest))
                batch = self._guarded(partial(result.fetch, ahead), count)

    def total(self, context: Context) -> int | None:  # noqa: ARG002
        """How many rows there are, with ``count=True``; None where that was not asked for or cannot be counted."""
        if not self.count or not isinstance(self.sql, str) or not self.sql.strip():
            return None
        # A new line, because the query may end in a comment; no AS, which Oracle does not take.
        query = f"select count(*) from (\n{self.sql.strip().rstrip(';')}\n) counted_rows"  # noqa: S608 - the author's own
        try:
            with self._connected() as connection, _closing(connection.cursor()) as cursor:
                self._execute(cursor, query, connection)
                row = cursor.fetchone()
            return int(next(iter(row.values() if isinstance(row, Mapping) else row)))
        except Exception as error:  # each driver has its own; what is wrong with the query, its reading says
            log.warning(
                'The rows of the query on connection "%s" cannot be counted (%s): the progress has no total',
                self.conn_id,
                _described(error),
            )
            return None

    def _execute(self, cursor: DbCursor, sql: str, connection: DbConnection) -> None:
        if self.parameters:
            cursor.execute(*bound(sql, self.parameters, connection=connection))
        else:
            cursor.execute(sql)  # a driver that gets no parameters does not interpret %

    def _first(self, cursor: DbCursor, result: RowFetcher, connection: DbConnection) -> list[RawRow | None]:
        self._execute(cursor, self.sql, connection)
        if returned_no_rows(cursor):
            raise ConfigurationError(
                f'SqlContacts: sql on connection "{self.conn_id}" returns no rows: give one select statement'
            )
        return result.fetch(min(self.fetch_size, FIRST_ROWS))

    def _columns(self, cursor: DbCursor) -> list[str]:
        columns = [str(column[0]) for column in cursor.description]
        alike = first_duplicate(columns)
        if alike is not None:
            raise ConfigurationError(
                f'SqlContacts: columns {alike[0]} and {alike[1]} that sql on connection "{self.conn_id}" returns have '
                "the same name: give each a name of its own with AS"
            )
        return columns

    def _guarded(self, work: Callable[[], T], count: RowCount) -> T:
        """What ``work`` returns. A driver's error is raised as one of ours, without its text, which quotes rows."""
        try:
            return work()
        except VoiceCallError:
            raise
        except Exception as error:
            failure = self._failure(error, count)
        # Raised outside the except block: else the driver's error, which quotes rows, would be its context.
        raise failure

    def _failure(self, error: Exception, count: RowCount) -> VoiceCallError:
        kinds = {kind.__name__ for kind in type(error).__mro__}
        if _VALUE_IS_WRONG in kinds:
            what = f"a value cannot be converted ({_described(error)})"
        elif not count.rows and (not kinds.isdisjoint(_STATEMENT_IS_WRONG) or _is_sqlite_statement_error(error)):
            words = self._words_in(error)
            what = f"the database does not take it ({_described(error)}{words})"
        else:
            return SourceBroken(
                f'SqlContacts: the query on connection "{self.conn_id}" broke off behind row {count.rows} '
                f"({_described(error)}): see that the database can be reached and answers; a retry of the task runs "
                "the query again"
            )
        behind = f" behind row {count.rows}" if count.rows else ""
        return ConfigurationError(
            f'SqlContacts: sql cannot be run on connection "{self.conn_id}"{behind}: {what}; give one select '
            "statement, with placeholders such as :day, and run it in the database to see all it says"
        )

    def _words_in(self, error: Exception) -> str:
        """The words of the author's statement that the database's error names."""
        named = dict.fromkeys(word for word in _WORD.findall(str(error)) if word in self._words)
        return f"; it speaks of {', '.join(list(named)[:_WORDS_SHOWN])}" if named else ""

    @contextmanager
    def _connected(self) -> Iterator[DbConnection]:
        from airflow.providers.common.sql.hooks.sql import DbApiHook

        try:
            connection = find_connection(self.conn_id, argument="conn_id")
        except ConfigurationError as error:
            raise ConfigurationError(f"SqlContacts: {error}") from None
        hook = hook_of(connection)
        if not isinstance(hook, DbApiHook):
            raise ConfigurationError(
                f'SqlContacts: connection "{self.conn_id}" of type "{connection.conn_type}" is no SQL connection that '
                f"Airflow knows here: name another, or {way_to_a_provider(connection.conn_type)}"
            )
        failure: VoiceCallError | None = None
        try:
            database = hook.get_conn()
        except Exception as error:
            failure = self._not_opened(error, connection.conn_type)
        if failure is not None:
            raise failure
        with _closing(database):
            yield database

    def _not_opened(self, error: Exception, connection_type: str | None) -> VoiceCallError:
        if isinstance(error, ImportError) or (isinstance(error, RuntimeError) and "install" in str(error)):
            return ConfigurationError(
                f'SqlContacts: connection "{self.conn_id}" needs a driver that is not installed here: '
                f"{way_to_a_provider(connection_type)} with its driver, or name another connection"
            )
        return SourceBroken(
            f'SqlContacts: connection "{self.conn_id}" cannot be opened ({_described(error)}): see that it is set up '
            "rightly and its database can be reached"
        )


def _is_sqlite_statement_error(error: Exception) -> bool:
    """Whether SQLite cannot run the statement; its driver calls that an operational error."""
    return getattr(error, "sqlite_errorcode", None) == 1  # SQLITE_ERROR


def _described(error: Exception) -> str:
    """An error by its class and its code; its text may quote data."""
    code = next(filter(None, (getattr(error, name, None) for name in _CODES)), None)
    if code is None and error.args and isinstance(error.args[0], int) and not isinstance(error, OSError):
        code = error.args[0]  # of MySQL's drivers
    return mask_error(error) if code is None else f"{mask_error(error)}, {code}"


@contextmanager
def _closing(resource: Any) -> Iterator[Any]:
    """Close a cursor or a connection at the end. A connection without a commit rolls back (PEP 249).

    Errors in closing do not matter: the server may be gone, and the rows have been read.
    """
    try:
        yield resource
    finally:
        with suppress(Exception):
            resource.close()
