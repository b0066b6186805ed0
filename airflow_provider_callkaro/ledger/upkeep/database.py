"""A SQL ledger as the commands use it, beside the runs: one connection, short transactions.

A command commits as a run does, so it may be killed at any moment and work beside any fan-out. Its statements are few
and rare, so they have named parameters, which SQLAlchemy translates for each database.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from random import random as random_fraction
from typing import Self, TypeVar

from sqlalchemy import inspect
from sqlalchemy.engine import Connection, Engine

from airflow_provider_callkaro.exceptions import ConfigurationError
from airflow_provider_callkaro.ledger.sql.dialects import statements_for
from airflow_provider_callkaro.ledger.sql.keys import is_keyed
from airflow_provider_callkaro.ledger.sql.session import SqlSession, begin_writing, is_missing
from airflow_provider_callkaro.ledger.sql.table import LOCKS_TABLE, TABLE

T = TypeVar("T")


class Upkeep:
    """The database of a ledger, for commands. Opened with ``with``.

    :param engine: of the database; used as it is.
    :ivar is_keyed: whether the ledger holds digests; known after `find_ledger` or `detect_keys`.
    :param sleep: waits for a number of seconds before a transaction is tried again.
    :param random: a number from 0 to 1, which spreads those waits.
    :raises ConfigurationError: a ledger cannot be in a database of this kind.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        sleep: Callable[[float], None] = time.sleep,
        random: Callable[[], float] = random_fraction,
    ) -> None:
        self.statements = statements_for(engine.dialect.name)
        self.dialect = engine.dialect.name
        self.is_keyed = False
        self._database = engine.url.database
        self.session = SqlSession(engine=engine, statements=self.statements, table=TABLE, sleep=sleep, random=random)

    def __enter__(self) -> Self:
        return self

    def find_ledger(self) -> None:
        """Check that this database holds a ledger. Raises ConfigurationError if there is none in it."""
        is_new = self.dialect == "sqlite" and is_missing(self._database)  # a mere look would make the file
        if is_new or not self.has(TABLE):
            raise ConfigurationError(
                f'there is no call ledger (table "{TABLE}") in this {self.dialect} database: name the connection that '
                "the tasks have as ledger_conn_id"
            )
        self.detect_keys()

    def __exit__(self, *exc_info: object) -> None:
        self.session.close()

    def detect_keys(self) -> None:
        """Check whether the ledger is keyed."""
        self.is_keyed = is_keyed(self.session, TABLE)
        self.statements = statements_for(self.dialect, keyed=self.is_keyed)

    def has(self, table: str) -> bool:
        """Whether the database has the table."""
        return self.read(lambda connection: inspect(connection).has_table(table))

    def create(self, table: str, statements: Sequence[str]) -> None:
        """Create a table if it is missing. Raises LedgerError if it is missing and cannot be created."""
        self.session.create_table(table, statements)

    def create_locks(self) -> None:
        """Create the table of locks, if the database needs one."""
        if self.statements.create_locks is not None:
            self.create(LOCKS_TABLE, [self.statements.create_locks])

    def read(self, work: Callable[[Connection], T]) -> T:
        """Run ``work``, which reads, in one short transaction, and return its result. Raises LedgerError if it could
        not be read."""
        return self.session.transact(work, action="read")

    def write(self, work: Callable[[Connection], T]) -> T:
        """Run ``work``, which writes, in one short transaction, and return its result. ``work``: idempotent, because it
        may run twice. Raises LedgerError if it could not be written."""

        def begun(connection: Connection) -> T:
            begin_writing(connection, self.statements)
            return work(connection)

        return self.session.transact(begun, action="written")
