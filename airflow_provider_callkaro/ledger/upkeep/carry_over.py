"""An existing ledger in clear is carried over to digests, batch by batch, while runs go on.

Until this is done, a run with the key finds people both in clear and under digests, so the work may stop at any moment
and be started again. Each batch is a short transaction: a row is either in clear or under its digest, never both and
never neither. An open claim within its lease is left for later, because its owner settles it in clear.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from random import random as random_fraction
from typing import Any

from sqlalchemy.engine import Connection, Engine

from airflow_provider_callkaro.ledger.contract import LegacyNumbers
from airflow_provider_callkaro.ledger.digests import LedgerKeys
from airflow_provider_callkaro.ledger.sql.dialects import statements_for
from airflow_provider_callkaro.ledger.sql.keys import count_in_clear, forget_clear, open_names
from airflow_provider_callkaro.ledger.sql.names import KeyedNames, KeysChanged, lock_key
from airflow_provider_callkaro.ledger.sql.rows import OPEN, fetched
from airflow_provider_callkaro.ledger.sql.session import SqlSession, begin_writing
from airflow_provider_callkaro.ledger.sql.statements import MAX_ROWS
from airflow_provider_callkaro.ledger.sql.table import RUNS_TABLE, TABLE
from airflow_provider_callkaro.ledger.upkeep.outcome_rows import OutcomeRows

_TRIES = 10  # each with the keys of that moment


@dataclass(frozen=True, slots=True, kw_only=True)
class CarriedOver:
    """What was carried over.

    :param rows: of calls and of further scopes, now under digests.
    :param runs: whose records are now under digests.
    :param left: rows of calls that may be ringing; carry over again once the last of them is an hour old.
    """

    rows: int = 0
    runs: int = 0
    left: int = 0


def carry_over(
    engine: Engine,
    keys: LedgerKeys,
    *,
    legacy: LegacyNumbers | None = None,
    batch: int = MAX_ROWS,
    on_batch: Callable[[CarriedOver], None] | None = None,
    sleep: Callable[[float], None] = time.sleep,
    random: Callable[[], float] = random_fraction,
) -> CarriedOver:
    """Put what is in clear under the writing key. A ledger in clear is put under its first key by this.

    :param legacy: how earlier versions may have spelled a number.
    :param batch: rows a transaction.
    :param on_batch: called with the counts so far, after each batch.
    :param sleep: waits for a number of seconds before a transaction is tried again.
    :param random: a number from 0 to 1, which spreads those waits.
    :return: the counts; everything is carried over if ``left`` is 0.
    :raises LedgerError: the ledger is under a key that is not among these, or could not be read or written.
    """
    statements = statements_for(engine.dialect.name, keyed=True)
    session = SqlSession(engine=engine, statements=statements, table=TABLE, sleep=sleep, random=random)
    try:
        for attempt in range(_TRIES):
            names = open_names(session, dialect=engine.dialect.name, keys=keys, table=TABLE)
            if not isinstance(names, KeyedNames):
                return CarriedOver()
            carrying = _Carrying(session=session, names=names, batch=batch, legacy=legacy, on_batch=on_batch)
            try:
                done = carrying.carry() if names.holds_clear else CarriedOver()
                carrying.carry_outcomes()
                return done
            except KeysChanged:
                if attempt == _TRIES - 1:
                    raise
        raise AssertionError("unreachable")
    finally:
        session.close()


class _Carrying:
    def __init__(
        self,
        *,
        session: SqlSession,
        names: KeyedNames,
        batch: int,
        legacy: LegacyNumbers | None,
        on_batch: Callable[[CarriedOver], None] | None,
    ) -> None:
        self._session = session
        self._names = names
        self._statements = statements_for(session.dialect, keyed=True)
        self._batch = batch
        self._prefixes = tuple(legacy.prefixes) if legacy is not None else ()
        self._on_batch = on_batch
        self._keys = names.key_ids
        self._outcomes = session.transact(OutcomeRows.of, action="read")

    def carry(self) -> CarriedOver:
        rows = runs = 0
        last: str | None = ""
        while last is not None:
            carried, last = self._session.transact(partial(self._carry_calls, after=last), action="written")
            rows += carried
            self._report(CarriedOver(rows=rows, runs=runs))
        last = ""
        while last is not None:
            carried, last = self._session.transact(partial(self._carry_runs, after=last), action="written")
            runs += carried
            self._report(CarriedOver(rows=rows, runs=runs))
        left = sum(count_in_clear(self._session, self._statements).values())
        if not left:
            self._session.transact(partial(forget_clear, statements=self._statements), action="written")
        return CarriedOver(rows=rows, runs=runs, left=left)

    def carry_outcomes(self) -> None:
        """Put the numbers and runs under digests that the outcomes hold."""
        while self._session.transact(self._seal_outcomes, action="written"):
            pass

    def _seal_outcomes(self, connection: Connection) -> int:
        self._begin(connection)
        return self._outcomes.seal(connection, self._names)

    def _report(self, carried: CarriedOver) -> None:
        if self._on_batch is not None:
            self._on_batch(carried)

    def _carry_calls(self, connection: Connection, *, after: str) -> tuple[int, str | None]:
        """Carry over one batch of calls: their number, and the last id of the batch; None if there was none."""
        self._begin(connection)
        query = self._statements.lock_in_clear(TABLE, self._keys, after=after, limit=self._batch)
        page = list(fetched(connection, query))
        settled = [row for row, is_young in page if not (is_young and row.state in OPEN)]
        if settled:
            if self._prefixes and any(row.number.startswith(self._prefixes) for row in settled):
                connection.exec_driver_sql(*self._statements.mark_legacy(self._names.place))
            connection.exec_driver_sql(*self._statements.remove([row.id for row in settled]))
            sealed = list(map(self._names.seal, settled))
            connection.exec_driver_sql(*self._statements.put_back(sorted(sealed)))
            new_ids = {row.id: one.id for row, one in zip(settled, sealed, strict=True)}
            self._outcomes.follow(connection, new_ids)
        return len(settled), page[-1].row.id if page else None

    def _carry_runs(self, connection: Connection, *, after: str) -> tuple[int, str | None]:
        """Carry over one batch of records of runs, likewise."""
        self._begin(connection)
        query = self._statements.lock_in_clear(RUNS_TABLE, self._keys, after=after, limit=self._batch)
        page: list[Any] = list(connection.exec_driver_sql(*query).fetchall())
        for id_, run, record, begun_at in page:
            sealed = self._names.runs(run)[0]
            connection.exec_driver_sql(*self._statements.put_run_back(sealed, sealed, record, begun_at))
            connection.exec_driver_sql(*self._statements.remove_run(id_))
        return len(page), page[-1][0] if page else None

    def _begin(self, connection: Connection) -> None:
        begin_writing(connection, self._statements)
        lock_key(connection, statements=self._statements, names=self._names)
