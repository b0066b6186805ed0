"""The ledger in a SQL database: who has been rung, over all runs, tasks and workers that share the table.

Two runs cannot both win a key, because the row's id is a primary key and a claim is an insert. A transaction may run
twice, after a deadlock or when the answer to its commit was lost, and ends the same: a claim carries its owner (this
very ledger object) and its turn (the number of the commit), so a claim found with both is one that this commit has
made already; and a settlement touches only claims of earlier turns, so it never hits what its own commit claimed.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from random import random as random_fraction
from typing import TYPE_CHECKING, Self

from airflow_provider_callkaro.exceptions import LedgerError
from airflow_provider_callkaro.ledger.contract import Claim, Entry, EntryState, Settlement
from airflow_provider_callkaro.ledger.sql_session import SqlSession
from airflow_provider_callkaro.ledger.sql_table import MAX_ROWS, TABLE, Outcome, Row, statements_for
from airflow_provider_callkaro.ledger.sql_values import (
    MAX_TEXT,
    as_instant,
    as_text,
    chunks,
    digest,
    distinct,
    storable,
    without_zone,
)

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection, Engine

CLAIM_LEASE = timedelta(hours=1)  # another run's unsettled claim is older than this: nobody is ringing any more


def utc_now() -> datetime:
    """The time of day, as the ledger keeps it."""
    return datetime.now(UTC)


class SqlLedger:
    """The durable record of each dispatch, in one table of PostgreSQL, MySQL, MariaDB or SQLite (3.35 or later).

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
        self._session.transact(self._create_table, action="opened")
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
        now = self._now()
        replaced: dict[str, Row] = {}

        def write(connection: Connection) -> Mapping[str, Entry]:
            if self._statements.begin is not None:
                connection.exec_driver_sql(self._statements.begin)
            self._release(connection, [id_ for id_, settlement in settlements.items() if settlement.state is None])
            self._settle(connection, {id_: settlements[id_] for id_ in settlements.keys() & claims.keys()}, now=now)
            lost = self._claim(connection, claims, replaced=replaced, now=now)
            # An insert may wait for another run that claims or settles the same people; settling waits for nobody.
            # In this order no two runs wait for each other, but for the rare key that is both settled and claimed.
            self._settle(connection, {id_: settlements[id_] for id_ in settlements.keys() - claims.keys()}, now=now)
            return lost

        lost = self._session.transact(write, action="written")
        for id_ in settlements:
            self._replaced.pop(id_, None)
        self._replaced.update(replaced)
        return lost

    def state_of(self, keys: Sequence[str]) -> Mapping[str, Entry]:
        """The entries under ``keys``; a key never claimed, or released, is absent.

        :raises LedgerError: the ledger could not be read.
        """
        key_of = {self._id_of(key): key for key in keys}
        now = self._now()

        def read(connection: Connection) -> Mapping[str, Entry]:
            return {key_of[row.id]: self._entry(row, now=now) for row in self._rows(connection, sorted(key_of))}

        return self._session.transact(read, action="read") if keys else {}

    def called_since(self, numbers: Sequence[str], since: datetime) -> Mapping[str, Sequence[datetime]]:
        """When numbers were called, in any scope: every dispatch that was not rejected, those that may have rung too.

        :param numbers: E.164.
        :param since: aware.
        :return: for each number that was called, the instants, UTC.
        :raises LedgerError: the ledger could not be read.
        """
        number_of = {_digits(number): number for number in numbers}
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

    def _release(self, connection: Connection, ids: Iterable[str]) -> None:
        for chunk in chunks(sorted(ids), size=MAX_ROWS):
            connection.exec_driver_sql(*self._statements.release(chunk, owner=self._owner, turn=self._turn))
            if restored := [self._replaced[id_] for id_ in chunk if id_ in self._replaced]:
                connection.exec_driver_sql(*self._statements.insert(restored))

    def _settle(self, connection: Connection, settlements: Mapping[str, Settlement], *, now: datetime) -> None:
        outcomes = [
            Outcome(
                id_,
                str(settlement.state),
                settlement.call_id and self._text(settlement.call_id, limit=255),
                settlement.reason and self._text(settlement.reason, limit=64),
                settlement.detail and self._text(settlement.detail, limit=300),
            )
            for id_, settlement in settlements.items()
            if settlement.state is not None
        ]
        for chunk in chunks(sorted(outcomes), size=MAX_ROWS):
            connection.exec_driver_sql(
                *self._statements.settle(chunk, settled_at=as_text(now), owner=self._owner, turn=self._turn)
            )

    def _claim(
        self, connection: Connection, claims: Mapping[str, Claim], *, replaced: dict[str, Row], now: datetime
    ) -> Mapping[str, Entry]:
        rows = self._new_rows(claims, now=now)
        redials = {id_: claim.replaces for id_, claim in claims.items() if claim.replaces is not None}
        for chunk in chunks(sorted(redials), size=MAX_ROWS):
            standing = connection.exec_driver_sql(*self._statements.lock(chunk)).fetchall()
            taken = [row for row in map(Row._make, standing) if self._stands(row, redials[row.id], now=now)]
            for row in taken:
                replaced[row.id] = row
                rows[row.id] = rows[row.id]._replace(redials=row.redials + 1)
            if taken:
                connection.exec_driver_sql(*self._statements.remove([row.id for row in taken]))
        lost: dict[str, Entry] = {}
        for some in chunks(sorted(rows.values()), size=MAX_ROWS):
            lost.update(self._insert(connection, some, now=now))
        for id_ in lost:
            replaced.pop(id_, None)
        return {claims[id_].key: entry for id_, entry in lost.items()}

    def _insert(self, connection: Connection, rows: Sequence[Row], *, now: datetime) -> Mapping[str, Entry]:
        """Insert the rows whose id is free; for every other id, the entry that stands there."""
        inserted = connection.exec_driver_sql(*self._statements.insert(rows)).rowcount
        if self._statements.counts_inserts and inserted == len(rows):
            return {}
        unproven = {row.id: row for row in rows}
        if not self._statements.counts_inserts:
            query = self._statements.won(list(unproven), owner=self._owner, turn=self._turn)
            for (id_,) in connection.exec_driver_sql(*query):
                del unproven[id_]
        lost: dict[str, Entry] = {}
        for row in self._rows(connection, list(unproven)):
            del unproven[row.id]
            if (row.owner, row.turn) != (self._owner, self._turn):
                lost[row.id] = self._entry(row, now=now)
        if unproven:  # whoever stood in the way has released the key since
            lost.update(self._insert(connection, list(unproven.values()), now=now))
        return lost

    def _rows(self, connection: Connection, ids: Sequence[str]) -> Iterable[Row]:
        for chunk in chunks(ids, size=MAX_ROWS):
            yield from map(Row._make, connection.exec_driver_sql(*self._statements.read(chunk)).fetchall())

    def _new_rows(self, claims: Mapping[str, Claim], *, now: datetime) -> dict[str, Row]:
        scope = self._text(self._scope)
        blank = (str(EntryState.CLAIMED), None, None, None, self._run, self._owner, self._turn, 0, as_text(now), None)
        return {
            id_: Row(id_, scope, self._text(claim.key), _digits(claim.number), *blank)
            for id_, claim in claims.items()
        }

    def _stands(self, row: Row, replaces: Entry, *, now: datetime) -> bool:
        """Whether the row is still the entry that a redial was decided on, and nobody is ringing under it."""
        if row.state == EntryState.CLAIMED and row.owner == self._owner:
            return False
        entry = self._entry(row, now=now)
        return entry.state is not EntryState.CLAIMED and (entry.state, entry.redials) == (
            replaces.state,
            replaces.redials,
        )

    def _entry(self, row: Row, *, now: datetime) -> Entry:
        state = EntryState(row.state)
        this_run = row.run == self._run
        if state is EntryState.CLAIMED and (this_run or now - as_instant(row.claimed_at) >= CLAIM_LEASE):
            state = EntryState.UNKNOWN
        return Entry(
            state=state,
            this_run=this_run,
            call_id=row.call_id,
            reason=row.reason,
            detail=row.detail,
            redials=row.redials,
        )

    def _id_of(self, key: str) -> str:
        return self._scope_digest + digest(self._id_prefix + key)[:20]

    def _now(self) -> datetime:
        return without_zone(self._clock())

    def _text(self, text: str, *, limit: int = MAX_TEXT) -> str:
        return storable(text, limit=limit, ascii_only=self._session.ascii_only)


def _digits(number: str) -> str:
    return number.removeprefix("+")[:32]
