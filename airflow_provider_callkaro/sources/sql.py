"""Contact rows from a SQL query, over any connection that Airflow's common-sql providers offer.

The result is read while the calls go out, a few rows ahead of them: memory stays the same for a hundred rows and for a
million. In return one connection and one read transaction stay open for as long as the calls take.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from airflow_provider_callkaro.calls.masking import mask_error
from airflow_provider_callkaro.calls.row_size import MAX_ROW_BYTES, size_of
from airflow_provider_callkaro.exceptions import ConfigurationError, SourceBroken, VoiceCallError
from airflow_provider_callkaro.files.reading.column_names import first_duplicate
from airflow_provider_callkaro.files.reading.row_count import RowCount
from airflow_provider_callkaro.sources.contract import ContactRow
from airflow_provider_callkaro.sources.cursors import drivers_of, open_streaming_cursor, returned_no_rows
from airflow_provider_callkaro.sources.row_fetchers import READ_AHEAD, RowFetcher, row_fetcher
from airflow_provider_callkaro.sources.sql_redaction import redacted_sql

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

FIRST_ROWS = 100  # read before it is known how long rows are
_STATEMENT_IS_WRONG = frozenset({"ProgrammingError", "NotSupportedError"})  # PEP 249: unknown column, bad syntax
_VALUE_IS_WRONG = "DataError"  # PEP 249: a value that cannot be converted
_CODES = ("sqlstate", "pgcode", "sqlite_errorname")  # where drivers put what is wrong as a code
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_$]*")
_NO_WORDS_OF_SQL = re.compile(r"'[^']*'|\"[^\"]*\"|\{\{.*?\}\}|\{%.*?%\}|--[^\n]*|/\*.*?\*/", re.DOTALL)
_WORDS_SHOWN = 5  # of a statement, in a message

T = TypeVar("T")


class SqlContacts:
    """The rows of a query; the columns' names are the rows' keys.

    Give the query an ``order by``: row numbers in reports then mean the same in every try. On SQLite an unfinished
    query locks the file against writers, so keep a SQL ledger in another file (or the file in WAL mode).

    A row with a value that Python cannot have counts and is rejected, and the rows around it come: on PostgreSQL dates
    and times beyond the years 1 to 9999, ranges and arrays of them, and JSON with too long numbers (psycopg also
    ``infinity`` and ``24:00``, which psycopg2 reads as something else); on SQLite text that is no UTF-8; on MySQL and
    MariaDB text that is not in the connection's character set. Three things end the reading, with an error that says
    how far it came: a value at which the server itself fails (a cast, a division by zero), because it ends the query;
    with psycopg2 text that is no UTF-8, which only a PostgreSQL database in ``SQL_ASCII`` can hold; and with other
    drivers any such value, because nobody knows where their cursors then stand.

    A row longer than 1 MiB is rejected too. Drivers hold what they read ahead, so where rows are long fewer are read
    ahead; one value is held as long as the database sends it, except that SQLite ends the query at one beyond 2 MiB.

    :param sql: one statement that returns rows, or the path of a ``.sql`` template file. Templated.
    :param conn_id: an Airflow connection of a type that common-sql knows. Templated.
    :param parameters: values for the placeholders in ``sql``, bound by the driver and never written into the text, in
        the driver's own style (``%(day)s`` for PostgreSQL and MySQL, ``:day`` for SQLite). Templated.
    :param fetch_size: rows read ahead, 1 or more. Default 1000.
    :raises ConfigurationError: ``fetch_size`` is below 1.
    """

    __slots__ = ("_words", "conn_id", "fetch_size", "parameters", "sql")

    template_fields: Sequence[str] = ("sql", "conn_id", "parameters")
    template_ext: Sequence[str] = (".sql",)

    def __init__(
        self,
        sql: str,
        *,
        conn_id: str,
        parameters: Mapping[str, Any] | Sequence[Any] | None = None,
        fetch_size: int = 1000,
    ) -> None:
        if not isinstance(fetch_size, int) or fetch_size < 1:
            raise ConfigurationError("SqlContacts: fetch_size must be a whole number of rows, 1 or more")
        # as the author wrote them, and not what a template puts in
        self._words = frozenset(_WORD.findall(_NO_WORDS_OF_SQL.sub(" ", sql))) if isinstance(sql, str) else frozenset()
        self.sql = sql
        self.conn_id = conn_id
        self.parameters = parameters
        self.fetch_size = fetch_size

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
            batch = self._told_of(partial(self._execute, cursor, result), count)
            columns = self._columns(cursor)
            while batch:
                longest = 1
                for values in batch:
                    if values is None or isinstance(values, Mapping):  # as a connection may be set to give them
                        row = values
                    else:
                        row = dict(zip(columns, values, strict=True))
                    size = size_of(row)
                    longest = max(longest, size)
                    yield row if size <= MAX_ROW_BYTES else None
                count.rows += len(batch)
                ahead = min(self.fetch_size, max(1, READ_AHEAD // longest))
                batch = self._told_of(partial(result.fetch, ahead), count)

    def total(self, context: Context) -> None:  # noqa: ARG002
        """None: only reading all of it would tell."""
        return

    def _execute(self, cursor: Any, result: RowFetcher) -> list[Any]:
        if self.parameters:
            cursor.execute(self.sql, self.parameters)
        else:
            cursor.execute(self.sql)  # without parameters a driver leaves every % alone
        if returned_no_rows(cursor):
            raise ConfigurationError(
                f'SqlContacts: sql on connection "{self.conn_id}" returns no rows: give one select statement'
            )
        return result.fetch(min(self.fetch_size, FIRST_ROWS))

    def _columns(self, cursor: Any) -> list[str]:
        columns = [str(column[0]) for column in cursor.description]
        alike = first_duplicate(columns)
        if alike is not None:
            raise ConfigurationError(
                f'SqlContacts: columns {alike[0]} and {alike[1]} that sql on connection "{self.conn_id}" returns have '
                "the same name: give each a name of its own with AS"
            )
        return columns

    def _told_of(self, work: Callable[[], T], count: RowCount) -> T:
        """Do what may fail in the driver, whose words quote rows, and tell its errors without them."""
        try:
            return work()
        except VoiceCallError:
            raise
        except Exception as error:
            failure = self._failure(error, count)
        # Not raised where the error was caught: as its context it would carry the driver's words along.
        raise failure

    def _failure(self, error: Exception, count: RowCount) -> VoiceCallError:
        kinds = {kind.__name__ for kind in type(error).__mro__}
        if _VALUE_IS_WRONG in kinds:
            what = f"a value cannot be converted ({_told(error)})"
        elif not count.rows and (not kinds.isdisjoint(_STATEMENT_IS_WRONG) or _is_sqlites_own(error)):
            words = self._words_in(error)
            what = f"the database does not take it ({_told(error)}{words})"
        else:
            return SourceBroken(
                f'SqlContacts: the query on connection "{self.conn_id}" broke off behind row {count.rows} '
                f"({_told(error)}): see that the database can be reached and answers; a retry of the task runs the "
                "query again"
            )
        behind = f" behind row {count.rows}" if count.rows else ""
        return ConfigurationError(
            f'SqlContacts: sql cannot be run on connection "{self.conn_id}"{behind}: {what}; give one select '
            "statement, with placeholders in the driver's own style, and run it in the database to see all it says"
        )

    def _words_in(self, error: Exception) -> str:
        """Which words of the statement, as its author wrote it, the database speaks of."""
        spoken = dict.fromkeys(word for word in _WORD.findall(str(error)) if word in self._words)
        return f"; it speaks of {', '.join(list(spoken)[:_WORDS_SHOWN])}" if spoken else ""

    @contextmanager
    def _connected(self) -> Iterator[Any]:
        from airflow.providers.common.compat.sdk import AirflowException, AirflowNotFoundException, BaseHook
        from airflow.providers.common.sql.hooks.sql import DbApiHook

        try:
            connection = BaseHook.get_connection(self.conn_id)
        except AirflowNotFoundException:
            raise ConfigurationError(
                f'SqlContacts: no connection is named "{self.conn_id}": create it, or change conn_id'
            ) from None
        try:
            hook = connection.get_hook()
        except AirflowException:
            hook = None
        if not isinstance(hook, DbApiHook):
            raise ConfigurationError(
                f'SqlContacts: connection "{self.conn_id}" of type "{connection.conn_type}" is no SQL connection that '
                "Airflow knows here: name another, or install the provider of its type"
            )
        failure = None
        try:
            database = hook.get_conn()
        except Exception as error:
            failure = SourceBroken(
                f'SqlContacts: connection "{self.conn_id}" cannot be opened ({_told(error)}): see that it is set up '
                "rightly and its database can be reached"
            )
        if failure is not None:
            raise failure
        with _closing(database):
            yield database


def _is_sqlites_own(error: Exception) -> bool:
    """Whether it is SQLite's word for a statement that it cannot run, which it files under operational errors."""
    return getattr(error, "sqlite_errorcode", None) == 1  # SQLITE_ERROR


def _told(error: Exception) -> str:
    """An error by its kind and its code; its own words may quote data."""
    code = next(filter(None, (getattr(error, name, None) for name in _CODES)), None)
    if code is None and error.args and isinstance(error.args[0], int) and not isinstance(error, OSError):
        code = error.args[0]  # as MySQL's drivers have it
    return mask_error(error) if code is None else f"{mask_error(error)}, {code}"


@contextmanager
def _closing(resource: Any) -> Iterator[Any]:
    """Closes at the end; a connection that is closed without a commit rolls back (PEP 249).

    Errors of closing are swallowed: the server may be gone, and what was read stays read.
    """
    try:
        yield resource
    finally:
        with suppress(Exception):
            resource.close()
