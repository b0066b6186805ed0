"""The record of a run in a SQL database, beside the ledger that the run keeps there."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from random import random as random_fraction
from typing import TypeVar

from sqlalchemy.engine import Connection, Engine

from airflow_provider_callkaro.exceptions import LedgerError
from airflow_provider_callkaro.ledger.digests import LedgerKeys
from airflow_provider_callkaro.ledger.run_record import RunRecord
from airflow_provider_callkaro.ledger.sql.dialects import statements_for
from airflow_provider_callkaro.ledger.sql.keys import open_names
from airflow_provider_callkaro.ledger.sql.names import CLEAR, Names, lock_key
from airflow_provider_callkaro.ledger.sql.session import SqlSession, begin_writing
from airflow_provider_callkaro.ledger.sql.table import RUNS_TABLE
from airflow_provider_callkaro.ledger.sql.values import digest, distinct

T = TypeVar("T")


class SqlRunRecords:
    """The record of one run, in a table of PostgreSQL, MySQL, MariaDB or SQLite that is created on first use.

    :param engine: of the database; used as it is.
    :param run: the task instance of one run, the same for all its tries (DAG, run, task, map index).
    :param keys: of a keyed ledger; None for one in clear.
    :param sleep: waits for a number of seconds before a transaction is tried again.
    :param random: a number from 0 to 1, which spreads those waits.
    :raises ConfigurationError: the engine's database is none of the four.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        run: str,
        keys: LedgerKeys | None = None,
        sleep: Callable[[float], None] = time.sleep,
        random: Callable[[], float] = random_fraction,
    ) -> None:
        self._dialect = engine.dialect.name
        self._statements = statements_for(self._dialect, keyed=keys is not None)
        self._keys = keys
        self._session = SqlSession(
            engine=engine, statements=self._statements, table=RUNS_TABLE, sleep=sleep, random=random
        )
        self._run = distinct(run)
        self._id = digest(run)
        self._names: Names = CLEAR

    def find(self) -> RunRecord | None:
        """The record of the run; None where it has none yet. Raises LedgerError if it could not be read, or what is
        stored is no record."""
        text = self._in_transaction(self._read, action="read")
        return None if text is None else _record(text)

    def begin(self, proposed: RunRecord) -> RunRecord:
        """Keep ``proposed`` if the run has no record yet; see `RunRecords.begin`. Raises LedgerError if it could not be
        read or written, or what is stored is no record."""
        record = json.dumps(proposed.as_state())
        return _record(self._in_transaction(lambda connection: self._begin(connection, record), action="written"))

    def _in_transaction(self, work: Callable[[Connection], T], *, action: str) -> T:
        try:
            self._names = open_names(self._session, dialect=self._dialect, keys=self._keys, table=RUNS_TABLE)
            return self._session.transact(work, action=action)
        finally:
            self._session.close()

    def _read(self, connection: Connection) -> str | None:
        for id_, _ in self._places():
            text = connection.exec_driver_sql(*self._statements.read_run(id_)).scalar_one_or_none()
            if text is not None:
                return str(text)
        return None

    def _begin(self, connection: Connection, proposed: str) -> str:
        begin_writing(connection, self._statements)
        lock_key(connection, statements=self._statements, names=self._names)
        found = self._read(connection) if self._names.count > 1 else None
        if found is not None:
            return found
        id_, run = next(iter(self._places()))
        connection.exec_driver_sql(*self._statements.begin_run(id=id_, run=run, record=proposed))
        return str(connection.exec_driver_sql(*self._statements.read_run(id_)).scalar_one())

    def _places(self) -> Iterator[tuple[str, str]]:
        """The ids that the record may have, each with the name of the run there; those of a new record first."""
        for run in self._names.runs(self._run):
            yield (self._id if run == self._run else run), run


def _record(text: str) -> RunRecord:
    try:
        return RunRecord.from_state(json.loads(text))
    except ValueError:
        raise LedgerError(
            f'the record of this run (table "{RUNS_TABLE}") cannot be read, so nobody can tell in which scope it '
            "rings: delete its row only if it has rung nobody, then let the task run again"
        ) from None
