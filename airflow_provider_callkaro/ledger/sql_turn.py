"""One commit of the SQL ledger: what it settles, what it claims, and whom it wins.

Two runs cannot both win a key, because the row's id is a primary key and a claim is an insert. The transaction may run
twice, after a deadlock or when the answer to its commit was lost, and ends the same: a claim carries its owner (the
ledger object) and its turn (the number of the commit), so a claim found with both is one that this commit has made
already; and a settlement touches only claims of earlier turns, so it never hits what its own commit claimed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from airflow_provider_callkaro.ledger.contract import Claim, Entry, EntryState, Settlement
from airflow_provider_callkaro.ledger.sql_session import SqlSession
from airflow_provider_callkaro.ledger.sql_table import MAX_ROWS, Outcome, Row, Statements
from airflow_provider_callkaro.ledger.sql_values import (
    MAX_TEXT,
    as_digits,
    as_instant,
    as_text,
    chunks,
    storable,
)

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

CLAIM_LEASE = timedelta(hours=1)  # another run's unsettled claim is older than this: nobody is ringing any more


def read_entry(row: Row, *, run: str, now: datetime) -> Entry:
    """What a row says to a try of ``run``: a claim that nobody will settle any more is unknown.

    :param now: UTC without an offset.
    """
    state = EntryState(row.state)
    this_run = row.run == run
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One commit of one ledger object.

    :param owner: the ledger object; only it settles or releases what it has claimed.
    :param number: of the commit, from 1.
    :param now: UTC without an offset.
    :param settlements: by row id.
    :param claims: by row id.
    :param replaced: the rows that the owner's outstanding redials have replaced; a released one goes back to its place.
    """

    session: SqlSession
    statements: Statements
    scope: str
    run: str
    owner: str
    number: int
    now: datetime
    settlements: Mapping[str, Settlement]
    claims: Mapping[str, Claim]
    replaced: Mapping[str, Row]
    taken: dict[str, Row] = field(default_factory=dict)
    """The rows that the redials won in this turn have replaced."""

    def write(self, connection: Connection) -> Mapping[str, Entry]:
        """What is done within the transaction.

        :return: for each key whose claim was lost, the entry that stood in the way.
        """
        if self.statements.begin is not None:
            connection.exec_driver_sql(self.statements.begin)
        both = self.settlements.keys() & self.claims.keys()
        self._release(connection)
        self._settle(connection, both)
        lost = self._claim(connection)
        # An insert may wait for another run that claims or settles the same people; settling waits for nobody.
        # In this order no two runs wait for each other, but for the rare key that is both settled and claimed.
        self._settle(connection, self.settlements.keys() - both)
        return lost

    def _release(self, connection: Connection) -> None:
        released = sorted(id_ for id_, settlement in self.settlements.items() if settlement.state is None)
        for ids in chunks(released, size=MAX_ROWS):
            connection.exec_driver_sql(*self.statements.release(ids, owner=self.owner, turn=self.number))
            if restored := [self.replaced[id_] for id_ in ids if id_ in self.replaced]:
                connection.exec_driver_sql(*self.statements.insert(restored))

    def _settle(self, connection: Connection, ids: Iterable[str]) -> None:
        outcomes = [
            Outcome(
                id_,
                str(settlement.state),
                settlement.call_id and self._text(settlement.call_id, limit=255),
                settlement.reason and self._text(settlement.reason, limit=64),
                settlement.detail and self._text(settlement.detail, limit=300),
            )
            for id_ in ids
            if (settlement := self.settlements[id_]).state is not None
        ]
        settled_at = as_text(self.now)
        for some in chunks(sorted(outcomes), size=MAX_ROWS):
            query = self.statements.settle(some, settled_at=settled_at, owner=self.owner, turn=self.number)
            connection.exec_driver_sql(*query)

    def _claim(self, connection: Connection) -> Mapping[str, Entry]:
        rows = self._new_rows()
        self._take_over(connection, rows)
        lost: dict[str, Entry] = {}
        for some in chunks(sorted(rows.values()), size=MAX_ROWS):
            lost.update(self._insert(connection, some))
        for id_ in lost:
            self.taken.pop(id_, None)
        return {self.claims[id_].key: entry for id_, entry in lost.items()}

    def _take_over(self, connection: Connection, rows: dict[str, Row]) -> None:
        """Make room for the redials whose entry still stands; any other is then lost to what stands there."""
        redials = {id_: claim.replaces for id_, claim in self.claims.items() if claim.replaces is not None}
        for ids in chunks(sorted(redials), size=MAX_ROWS):
            locked = connection.exec_driver_sql(*self.statements.lock(ids)).fetchall()
            standing = [row for row in map(Row._make, locked) if self._stands(row, redials[row.id])]
            for row in standing:
                self.taken[row.id] = row
                rows[row.id] = rows[row.id]._replace(redials=row.redials + 1)
            if standing:
                connection.exec_driver_sql(*self.statements.remove([row.id for row in standing]))

    def _stands(self, row: Row, replaces: Entry) -> bool:
        """Whether the row is still the entry that a redial was decided on, and nobody is ringing under it."""
        if row.state == EntryState.CLAIMED and row.owner == self.owner:
            return False
        entry = read_entry(row, run=self.run, now=self.now)
        as_decided = (entry.state, entry.redials) == (replaces.state, replaces.redials)
        return as_decided and entry.state is not EntryState.CLAIMED

    def _insert(self, connection: Connection, rows: Sequence[Row]) -> Mapping[str, Entry]:
        """Insert the rows whose id is free; for every other id, the entry that stands there."""
        inserted = connection.exec_driver_sql(*self.statements.insert(rows)).rowcount
        if self.statements.counts_inserts and inserted == len(rows):
            return {}
        unproven = {row.id: row for row in rows}
        if not self.statements.counts_inserts:
            query = self.statements.won(list(unproven), owner=self.owner, turn=self.number)
            for (id_,) in connection.exec_driver_sql(*query).fetchall():
                del unproven[id_]
        lost: dict[str, Entry] = {}
        for row in read_rows(connection, list(unproven), statements=self.statements):
            del unproven[row.id]
            if (row.owner, row.turn) != (self.owner, self.number):
                lost[row.id] = read_entry(row, run=self.run, now=self.now)
        if unproven:  # whoever stood in the way has released the key since
            lost.update(self._insert(connection, list(unproven.values())))
        return lost

    def _new_rows(self) -> dict[str, Row]:
        scope = self._text(self.scope)
        blank = (
            str(EntryState.CLAIMED),
            None,
            None,
            None,
            self.run,
            self.owner,
            self.number,
            0,
            as_text(self.now),
            None,
        )
        return {
            id_: Row(id_, scope, self._text(claim.key), as_digits(claim.number), *blank)
            for id_, claim in self.claims.items()
        }

    def _text(self, text: str, *, limit: int = MAX_TEXT) -> str:
        return storable(text, limit=limit, ascii_only=self.session.ascii_only)


def read_rows(connection: Connection, ids: Sequence[str], *, statements: Statements) -> Iterator[Row]:
    """The rows that stand under the ids."""
    for some in chunks(ids, size=MAX_ROWS):
        yield from map(Row._make, connection.exec_driver_sql(*statements.read(some)).fetchall())
