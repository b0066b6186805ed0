"""One database connection for the life of a ledger, and transactions with retry and backoff.

Deadlocks, serialization failures, lock timeouts and broken connections are normal when several workers share a table:
the transaction is run again, on a new connection, a bounded number of times. So every transaction must be idempotent:
even one whose commit lost its answer is run again, although it may have been committed.

No error leaves here with the database's own text, because that quotes the parameters, and those are phone numbers.
"""

from __future__ import annotations

import logging
import os
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, TypeVar
from urllib.parse import unquote, urlsplit

from sqlalchemy import bindparam, inspect, text
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import DataError, SQLAlchemyError

from airflow_provider_callkaro.exceptions import LedgerError, LedgerRefused
from airflow_provider_callkaro.ledger.sql.causes import CONNECTION_ID, cause_of
from airflow_provider_callkaro.ledger.sql.statements import Statements

TRIES = 10
FIRST_DELAY = 0.05  # seconds, doubled with each further try: about 20 seconds in all
LONGEST_DELAY = 10.0  # seconds

# SQLSTATE of PostgreSQL: serialization failure, deadlock, lock not available, too many connections, shutdown (two),
# starting up, and three that only the creation of the table meets: another worker creates it (as table, type or entry).
# Error numbers of MySQL and MariaDB: lock wait timeout, deadlock, record changed since last read, too many connections,
# shutdown, connection lost (two), closed for idleness, and two of another worker that was faster: the table exists,
# the row exists.
_TRANSIENT_CODES = frozenset(
    {"40001", "40P01", "55P03", "53300", "57P01", "57P02", "57P03", "42P07", "42710", "23505"}
    | {"1205", "1213", "1020", "1040", "1053", "2006", "2013", "4031", "1050", "1062"}
)
_TRANSIENT_PREFIXES = ("SQLITE_BUSY", "SQLITE_LOCKED", "08")

_NO_SUCH_COLUMN = frozenset({"42703", "1054", "SQLITE_ERROR"})  # SQLite has one name for every error of a statement

_NOT_DURABLE = (
    "The call ledger's %s database acknowledges what is not on its disk yet: if it crashes, people who have been rung "
    "may be rung again. Set innodb_flush_log_at_trx_commit = 1 on the server"
)

_Result = TypeVar("_Result")
_log = logging.getLogger(__name__)


class SqlSession:
    """A connection, taken from the engine when it is first needed and kept until :meth:`close`.

    :param engine: of the database; its pool and events are not changed.
    :param statements: for this database; they say how each new connection starts.
    :param table: for the messages.
    :param settings: further statements for each new connection; such a connection is not used for anything else later.
    :param sleep: waits for a number of seconds.
    :param random: a number from 0 to 1, so that workers that met in a deadlock do not meet again.
    """

    def __init__(
        self,
        *,
        engine: Engine,
        statements: Statements,
        table: str,
        settings: Sequence[str] = (),
        sleep: Callable[[float], None],
        random: Callable[[], float],
    ) -> None:
        self._engine = engine
        self.dialect = engine.dialect.name
        """SQLAlchemy's name of the kind of database."""
        self._statements = statements
        self._table = table
        self._settings = settings
        self._sleep = sleep
        self._random = random
        self._connection: Connection | None = None
        self._has_worked = False
        self._is_durable: bool | None = None  # not asked yet
        self.ascii_only = False
        """The database refused a text for its script: the next execution of the transaction sends ASCII alone."""
        self.misses_column = False
        """The last failed transaction asked for a column that does not exist."""

    def transact(self, work: Callable[[Connection], _Result], *, action: str, tries: int = TRIES) -> _Result:
        """Run one transaction and commit it, with retries and backoff if the error is transient.

        :param work: what to do in it; it may be run several times, so it is idempotent.
        :param action: the message says that the ledger could not be … : "read" or "written".
        :param tries: how often it is run at most, 1 or more.
        :return: what ``work`` returned in the try that was committed.
        :raises LedgerError: it could not be done.
        """
        for attempt in range(tries):
            try:
                connection = self._connection or self._connect()
                with connection.begin():
                    result = work(connection)
                self._has_worked = True
                return result
            except BaseException as error:
                connected = self._connection is not None
                self._drop()
                if not isinstance(error, (SQLAlchemyError, UnicodeError)):
                    # A frame that still holds a cursor keeps SQLite's lock, even after the connection is closed.
                    traceback.clear_frames(error.__traceback__)
                    raise
                problem, why = _name(error), cause_of(error, code=_code(error))
                self.misses_column = _code(error) in _NO_SUCH_COLUMN
                if isinstance(error, (DataError, UnicodeError)) and not self.ascii_only:
                    self.ascii_only = again = True
                else:
                    again = _is_transient(error) or (self._has_worked and not connected)
            if not again or attempt == tries - 1:
                break
            delay = min(LONGEST_DELAY, FIRST_DELAY * 2**attempt) * (0.5 + self._random() / 2)
            _log.warning(
                "The call ledger's %s database answered %s; trying again in %.2f s",
                self._engine.dialect.name,
                problem,
                delay,
            )
            self._sleep(delay)
        # Raised outside the except block: else the error, with the parameters, would be its context in every log.
        after = f", try {attempt + 1} of {tries}" if attempt else ""
        named = self._engine.get_execution_options().get(CONNECTION_ID)
        behind = "ledger_conn_id" if named is None else f'connection "{named}"'
        kind = LedgerError if why is None or not why.is_final else LedgerRefused
        raise kind(
            f'the call ledger (table "{self._table}" in the {self._engine.dialect.name} database behind {behind}) '
            f"could not be {action} ({problem}{after}): {why or 'mend the database, then run it again'}"
        )

    def create_table(self, table: str, statements: Sequence[str]) -> None:
        """Create a table if it is missing, even if several workers do so at once. Raises LedgerError if it is missing
        and cannot be created."""

        def create(connection: Connection) -> None:
            if inspect(connection).has_table(table):
                return
            begin_writing(connection, self._statements)
            for statement in statements:
                connection.exec_driver_sql(statement)

        self.transact(create, action="opened or created")

    def close(self) -> None:
        """Give the connection back to the engine, or close it if it has settings of its own."""
        if self._settings:
            self._drop()
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(SQLAlchemyError):
                connection.close()

    def _connect(self) -> Connection:
        if self._engine.dialect.name == "sqlite":
            make_private(self._engine.url.database)
        connection = self._connection = self._engine.connect().execution_options(
            isolation_level=self._statements.isolation, preserve_rowcount=True
        )
        with connection.begin():
            for setting in (*self._statements.settings, *self._settings):
                connection.exec_driver_sql(setting).close()
            if self._statements.durability is not None and self._is_durable is None:
                self._is_durable = str(connection.exec_driver_sql(self._statements.durability).scalar()) == "1"
                if not self._is_durable:
                    _log.warning(_NOT_DURABLE, self._engine.dialect.name)
        return connection

    def _drop(self) -> None:
        """Close the connection for good: it may be broken, or interrupted by a signal in the middle of an answer."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(SQLAlchemyError):
                connection.invalidate()
                connection.close()


def begin_writing(connection: Connection, statements: Statements) -> None:
    """Take the write lock first, in a database that may refuse it later in the transaction (SQLite)."""
    if statements.begin is not None:
        connection.exec_driver_sql(statements.begin)


def execute(connection: Connection, statement: str, **values: object) -> Any:
    """Execute a statement with named parameters; a list or a tuple fills an ``IN``."""
    lists = [name for name, value in values.items() if isinstance(value, (list, tuple))]
    several: list[Any] = [bindparam(name, expanding=True) for name in lists]
    return connection.execute(text(statement).bindparams(*several), values)


def _is_transient(error: Exception) -> bool:
    code = _code(error)
    lost = getattr(error, "connection_invalidated", False)
    return bool(lost) or code in _TRANSIENT_CODES or code.startswith(_TRANSIENT_PREFIXES)


def _name(error: Exception) -> str:
    return f"{type(error).__name__} {_code(error)}".rstrip()


def _code(error: Exception) -> str:
    """The database's own code: an error number of MySQL, an SQLSTATE of PostgreSQL, or the name SQLite gives it."""
    cause = getattr(error, "orig", None)
    arguments = getattr(cause, "args", ())
    if arguments and isinstance(arguments[0], int):
        return str(arguments[0])
    for attribute in ("sqlstate", "pgcode", "sqlite_errorname"):
        if isinstance(code := getattr(cause, attribute, None), str):
            return code
    return ""


def make_private(database: str | None) -> None:
    """Make an empty file for a SQLite ledger that has none, which only its owner may read from then on: it holds phone
    numbers. ``database``: as SQLAlchemy's URL names it, a path or a ``file:`` URI; None and ``:memory:`` have no file.
    """
    if path := _path_of(database):
        with suppress(OSError):  # it exists already, or cannot be made: SQLite says what is wrong
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600))


def is_missing(database: str | None) -> bool:
    """Whether a database should have a file and has none, so that opening it would make an empty one."""
    path = _path_of(database)
    return path is not None and not os.path.lexists(path)


def _path_of(database: str | None) -> str | None:
    path = unquote(urlsplit(database).path) if database and database.startswith("file:") else database
    return path if path and ":memory:" not in path else None
