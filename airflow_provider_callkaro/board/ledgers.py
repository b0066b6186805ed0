"""The ledger behind a connection, opened for reading: the records of runs in it, and the scopes of their calls."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sqlalchemy.engine import Connection

from airflow_provider_callkaro.board.task_runs import TaskRun
from airflow_provider_callkaro.ledger.digests import LedgerKeys
from airflow_provider_callkaro.ledger.run_record import RunRecord
from airflow_provider_callkaro.ledger.sql.scopes import Scope, scopes_of
from airflow_provider_callkaro.ledger.sql.session import execute
from airflow_provider_callkaro.ledger.sql.statements import MAX_ROWS
from airflow_provider_callkaro.ledger.sql.table import RUNS_TABLE
from airflow_provider_callkaro.ledger.sql.values import as_instant, chunks
from airflow_provider_callkaro.ledger.upkeep.contents import AFTER_EVERY_ID
from airflow_provider_callkaro.ledger.upkeep.database import Upkeep

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine

_SLICE = "00"  # the first of 256 equal parts of a scope: the digits after the scope's are those of a digest
_SLICES = 256
_LARGE_SHARE = 6  # SQLite reads a row in the table's own order about six times as fast as by an index


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardLedger:
    """An open ledger that the board reads.

    :param conn_id: of its connection.
    :param keys: of the connection; None where the ledger is in clear.
    """

    conn_id: str
    engine: Engine
    upkeep: Upkeep
    keys: LedgerKeys | None

    @property
    def now(self) -> datetime:
        """The time by the database's clock, which all instants in it are of."""
        query = f"SELECT {self.upkeep.statements.now}"
        return as_instant(self.upkeep.read(lambda connection: execute(connection, query).scalar_one())).replace(
            tzinfo=UTC
        )

    def known(self, runs: Sequence[TaskRun]) -> Mapping[TaskRun, RunRecord]:
        """The runs that have begun with this ledger, with what they decided at their first start."""
        if not self.upkeep.has(RUNS_TABLE):
            return {}
        by_id = {id_: run for run in runs for id_ in run.record_ids(self.keys)}

        def read(connection: Connection) -> list[tuple[str, str]]:
            query = "SELECT id, record FROM voice_call_runs WHERE id IN :ids"
            return [
                (str(id_), str(record))
                for some in chunks(sorted(by_id), size=MAX_ROWS)
                for id_, record in execute(connection, query, ids=list(some))
            ]

        return {by_id[id_]: RunRecord.from_state(json.loads(record)) for id_, record in self.upkeep.read(read)}

    def rows_of(self, records: Mapping[TaskRun, RunRecord]) -> list[ScopeRows]:
        """Where the calls of these runs lie: one place per scope, in the order of the scopes' ids."""
        texts: dict[Scope, list[str]] = {}
        for run, record in records.items():
            (scope,) = scopes_of(record.scopes[:1])
            texts.setdefault(scope, []).extend(run.texts(self.keys))
        places = sorted(texts.items(), key=lambda place: place[0].digits)
        return [ScopeRows(scope=scope, runs=tuple(runs)) for scope, runs in places]

    def table_for(self, connection: Connection, rows: ScopeRows) -> str:
        """The table, ``l``, in a query that reads all rows of a scope. Only SQLite has to be told not to go by the
        index where the scope is a large part of the table; the others know."""
        if self.upkeep.dialect != "sqlite":
            return "voice_call_ledger l"
        of_table = execute(connection, "SELECT MAX(rowid) FROM voice_call_ledger").scalar() or 0
        query = "SELECT COUNT(*) FROM voice_call_ledger WHERE id >= :start AND id < :end"
        part = rows.scope.digits + _SLICE
        of_scope = _SLICES * execute(connection, query, start=part, end=part + AFTER_EVERY_ID).scalar_one()
        return "voice_call_ledger l NOT INDEXED" if of_scope * _LARGE_SHARE > of_table else "voice_call_ledger l"


@dataclass(frozen=True, slots=True, kw_only=True)
class ScopeRows:
    """The rows of some runs in one scope. ``runs``: every text that stands for one of them."""

    scope: Scope
    runs: tuple[str, ...]

    WHERE = "id >= :start AND id < :end AND run IN :runs"

    @property
    def values(self) -> dict[str, object]:
        """The parameters of `WHERE`."""
        return {"start": self.scope.digits, "end": self.scope.digits + AFTER_EVERY_ID, "runs": list(self.runs)}


@contextmanager
def open_board_ledger(conn_id: str) -> Iterator[BoardLedger]:
    """The ledger of a connection. Raises ConfigurationError if the connection is not to a SQL database, or holds no
    ledger."""
    from airflow_provider_callkaro.tasks.ledgers import ledger_keys, sql_engine

    engine, keys = sql_engine(conn_id), ledger_keys(conn_id)
    try:
        with Upkeep(engine, sleep=_do_not_wait) as upkeep:
            upkeep.find_ledger()
            yield BoardLedger(conn_id=conn_id, engine=engine, upkeep=upkeep, keys=keys)
    finally:
        engine.dispose()


def _do_not_wait(seconds: float) -> None:
    """A person looks at a page: an answer that the database is busy, now, is worth more than a late one."""
    del seconds
