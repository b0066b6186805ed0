"""Contact rows from a SQL query, over any connection that Airflow's common-sql providers offer.

The result is read while the calls go out, a few rows ahead of them: memory stays the same for a hundred rows and for a
million. In return one connection and one read transaction stay open for as long as the calls take.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from airflow_provider_callkaro.calls.masking import mask_number, mask_text
from airflow_provider_callkaro.exceptions import ConfigurationError
from airflow_provider_callkaro.sources.contract import ContactRow
from airflow_provider_callkaro.sources.cursors import open_streaming_cursor, returned_no_rows

_SAYS_WHAT_IS_WRONG = frozenset({"ProgrammingError", "NotSupportedError"})  # PEP 249: unknown column, bad syntax
_QUOTES_DATA = "DataError"  # PEP 249: a value that cannot be converted; the text holds the value
_NUMBER_IN_SQL = re.compile(r"\+?[0-9]{10,15}")


class SqlContacts:
    """The rows of a query; the columns' names are the rows' keys.

    Give the query an ``order by``: row numbers in reports then mean the same in every try. On SQLite an unfinished
    query locks the file against writers, so keep a SQL ledger in another file (or the file in WAL mode).

    :param sql: one statement that returns rows, or the path of a ``.sql`` template file. Templated.
    :param conn_id: an Airflow connection of a type that common-sql knows. Templated.
    :param parameters: values for the placeholders in ``sql``, bound by the driver and never written into the text, in
        the driver's own style (``%(day)s`` for PostgreSQL and MySQL, ``:day`` for SQLite). Templated.
    :param fetch_size: rows read ahead, 1 or more. Default 1000.
    :raises ConfigurationError: ``fetch_size`` is below 1.
    """

    __slots__ = ("conn_id", "fetch_size", "parameters", "sql")

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
        self.sql = sql
        self.conn_id = conn_id
        self.parameters = parameters
        self.fetch_size = fetch_size

    def __repr__(self) -> str:
        sql = _NUMBER_IN_SQL.sub(lambda match: mask_number(match.group()), str(self.sql).strip())
        bound = ""
        if isinstance(self.parameters, Mapping):
            bound = f", parameters: {', '.join(map(str, self.parameters))}"
        elif self.parameters:
            bound = ", with parameters"
        return f"rows of the query on connection {self.conn_id}{bound}: {sql}"

    def rows(self, context: Mapping[str, Any]) -> Generator[ContactRow, None, None]:  # noqa: ARG002
        """The query's rows, read from the database as they are asked for.

        :raises ConfigurationError: the connection is unknown or no SQL connection, or the statement cannot be run,
            returns no rows, or names two columns alike. An error of the server (it cannot be reached, it hung up) comes
            as the driver raises it.
        """
        if not isinstance(self.sql, str) or not self.sql.strip():
            raise ConfigurationError("SqlContacts: sql is empty: give one statement that returns rows")
        with _connected(self.conn_id) as connection, _closing(open_streaming_cursor(connection)) as cursor:
            batch = self._execute(cursor)
            columns = self._columns(cursor)
            while batch:
                for row in batch:
                    # A connection may be set to a cursor that gives mappings.
                    yield row if isinstance(row, Mapping) else dict(zip(columns, row, strict=True))
                with self._statement_errors():
                    batch = cursor.fetchmany(self.fetch_size)

    def total(self, context: Mapping[str, Any]) -> None:  # noqa: ARG002
        """None: only reading all of it would tell."""
        return

    def _execute(self, cursor: Any) -> Any:
        with self._statement_errors():
            if self.parameters:
                cursor.execute(self.sql, self.parameters)
            else:
                cursor.execute(self.sql)  # without parameters a driver leaves every % alone
            if returned_no_rows(cursor):
                raise ConfigurationError(
                    f'SqlContacts: sql on connection "{self.conn_id}" returns no rows: give one select statement'
                )
            return cursor.fetchmany(self.fetch_size)

    def _columns(self, cursor: Any) -> list[str]:
        columns = [str(column[0]) for column in cursor.description]
        twice = sorted(mask_text(name) for name, count in Counter(columns).items() if count > 1)
        if twice:
            raise ConfigurationError(
                f'SqlContacts: sql on connection "{self.conn_id}" returns two columns named {", ".join(twice)}: '
                "give each a name of its own with AS"
            )
        return columns

    @contextmanager
    def _statement_errors(self) -> Iterator[None]:
        """Errors that are the statement's fault, without the values that drivers quote in them."""
        try:
            yield
        except Exception as error:
            kinds = {kind.__name__ for kind in type(error).__mro__}
            if _QUOTES_DATA in kinds:
                what = f"a value cannot be converted ({type(error).__name__})"
            elif not kinds.isdisjoint(_SAYS_WHAT_IS_WRONG):
                what = mask_text(next(iter(str(error).splitlines()), ""))
            else:
                raise
            raise ConfigurationError(
                f'SqlContacts: sql cannot be run on connection "{self.conn_id}": {what}; give one select '
                "statement, with placeholders in the driver's own style"
            ) from None


@contextmanager
def _connected(conn_id: str) -> Iterator[Any]:
    from airflow.providers.common.compat.sdk import AirflowException, AirflowNotFoundException, BaseHook
    from airflow.providers.common.sql.hooks.sql import DbApiHook

    try:
        connection = BaseHook.get_connection(conn_id)
    except AirflowNotFoundException:
        raise ConfigurationError(
            f'SqlContacts: no connection is named "{conn_id}": create it, or change conn_id'
        ) from None
    try:
        hook = connection.get_hook()
    except AirflowException:
        hook = None
    if not isinstance(hook, DbApiHook):
        raise ConfigurationError(
            f'SqlContacts: connection "{conn_id}" of type "{connection.conn_type}" is no SQL connection that Airflow '
            "knows here: name another, or install the provider of its type"
        )
    with _closing(hook.get_conn()) as database:
        yield database


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
