"""The ledger in a SQL database: who has been rung, over all runs, tasks and workers that share the table."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from random import random as random_fraction
from typing import TYPE_CHECKING, Self

from airflow_provider_callkaro.exceptions import LedgerError
from airflow_provider_callkaro.ledger.contract import Claim, Entry, Settlement
from airflow_provider_callkaro.ledger.sql_session import SqlSession
from airflow_provider_callkaro.ledger.sql_table import MAX_ROWS, TABLE, Row, statements_for
from airflow_provider_callkaro.ledger.sql_turn import Turn, read_entry, read_rows
from airflow_provider_callkaro.ledger.sql_values import (
    as_digits,
    as_instant,
    as_text,
    chunks,
    digest,
    distinct,
    without_zone,
)

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection, Engine


def utc_now() -> datetime:
    """The time of day, as the ledger keeps it."""
    return datetime.now(UTC)


class SqlLedger:
    """The durable record of each dispatch, in one table of PostgreSQL, MySQL, MariaDB or SQLite (3.24 or later).

    The table is created on first use, by a user who may; anybody else finds it there or gets an error that says so.

    :param engine: of the database; taken as it is, no listener is added to it.
    :param scope: the name under which a person may be rung once.
    :param run: the task instance of one run, the same for all its tries (DAG, run, task, map index).
    :param clock: tells the time, with a zone.
    :param sleep: waits for a number of seconds before a transaction is tried again.
    :param random: a number from 0 to 1, which spreads those waits.
    :raises ConfigurationError: the engine's database is none of the four.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        scope: str,
        run: str,
        clock: Callable[[], datetime] = utc_now,
        sleep: Callable[[float], None] = time.sleep,
        random: Callable[[], float] = random_fraction,
    ) -> None:
        self._statements = statements_for(engine.dialect.name)
        self._session = SqlSession(
            engine=engine,
            isolation=self._statements.isolation,
            settings=self._statements.settings,
            sleep=sleep,
            random=random,
        )
        self._clock = clock
        self._scope = scope
        self._id_prefix = scope + "\0"
        self._run = distinct(run)
        self._scope_digest = digest(scope)[:12]
        self._owner = secrets.token_hex(16)
        self._turn = 0
        self._replaced: dict[str, Row] = {}
        """The rows that this try's outstanding redials have replaced; a released one goes back to its place."""

    def __enter__(self) -> Self:
        self._session.transact(self._create_table, action="opened or created")
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._session.close()

    def commit(self, *, settle: Sequence[Settlement] = (), claim: Sequence[Claim] = ()) -> Mapping[str, Entry]:
        """Settle what came back and claim what goes out next, in one transaction.

        :param settle: claims of this ledger object; one that another run has taken over meanwhile is left alone.
        :param claim: distinct keys; a key that this object holds already is lost.
        :return: for each key whose claim was lost, the entry that stood in the way.
        :raises LedgerError: nothing can be said of the claims, so none of them may be dispatched.
        """
        if not settle and not claim:
            return {}
        settlements = {self._id_of(settlement.key): settlement for settlement in settle}
        claims = {self._id_of(one.key): one for one in claim}
        if len(claims) != len(claim):
            raise LedgerError("one commit claims a key twice, and only one of the two could be dispatched")
        self._turn += 1
        turn = Turn(
            session=self._session,
            statements=self._statements,
            scope=self._scope,
            run=self._run,
            owner=self._owner,
            number=self._turn,
            now=without_zone(self._clock()),
            settlements=settlements,
            claims=claims,
            replaced=self._replaced,
        )
        lost = self._session.transact(turn.write, action="written")
        for id_ in settlements:
            self._replaced.pop(id_, None)
        self._replaced.update(turn.taken)
        return lost

    def state_of(self, keys: Sequence[str]) -> Mapping[str, Entry]:
        """The entries under ``keys``; a key never claimed, or released, is absent.

        :raises LedgerError: the ledger could not be read.
        """
        key_of = {self._id_of(key): key for key in keys}
        now = without_zone(self._clock())

        def read(connection: Connection) -> Mapping[str, Entry]:
            rows = read_rows(connection, sorted(key_of), statements=self._statements)
            return {key_of[row.id]: read_entry(row, run=self._run, now=now) for row in rows}

        return self._session.transact(read, action="read") if keys else {}

    def called_since(self, numbers: Sequence[str], since: datetime) -> Mapping[str, Sequence[datetime]]:
        """When numbers were called, in any scope: every dispatch that was not rejected, those that may have rung too.

        :param numbers: E.164.
        :param since: aware.
        :return: for each number that was called, the instants, UTC.
        :raises LedgerError: the ledger could not be read.
        """
        number_of = {as_digits(number): number for number in numbers}
        earliest = as_text(without_zone(since))

        def read(connection: Connection) -> Mapping[str, Sequence[datetime]]:
            called: dict[str, list[datetime]] = {}
            for chunk in chunks(sorted(number_of), size=MAX_ROWS):
                query = self._statements.called(chunk, since=earliest)
                for digits, moment in connection.exec_driver_sql(*query).fetchall():
                    called.setdefault(number_of[digits], []).append(as_instant(moment).replace(tzinfo=UTC))
            return called

        return self._session.transact(read, action="read") if numbers else {}

    def _create_table(self, connection: Connection) -> None:
        from sqlalchemy import inspect

        if inspect(connection).has_table(TABLE):
            return
        if self._statements.begin is not None:
            connection.exec_driver_sql(self._statements.begin)
        for statement in self._statements.create:
            connection.exec_driver_sql(statement)

    def _id_of(self, key: str) -> str:
        # The scope's digest comes first, so that the rows of one list lie side by side in the index of a large table.
        return self._scope_digest + digest(self._id_prefix + key)[:20]
