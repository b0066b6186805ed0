"""One ledger object's reads and writes of the table, and what a row means to its run.

The callers of an `Author` use the ids of a clear ledger; the `Author` translates them into the ids in the table.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.engine import Connection

from airflow_provider_callkaro.ledger.contract import Entry, EntryState
from airflow_provider_callkaro.ledger.sql.key_statements import Query
from airflow_provider_callkaro.ledger.sql.names import CLEAR, Names, erased_among, lock_key
from airflow_provider_callkaro.ledger.sql.scopes import Scope
from airflow_provider_callkaro.ledger.sql.session import SqlSession
from airflow_provider_callkaro.ledger.sql.statements import MAX_ROWS, Statements
from airflow_provider_callkaro.ledger.sql.table import ALSO, Row, Settled, StoredRow
from airflow_provider_callkaro.ledger.sql.values import MAX_TEXT, chunks, storable

OPEN = frozenset({str(EntryState.CLAIMED), ALSO + EntryState.CLAIMED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Author:
    """One commit of one ledger object, as it signs its rows.

    :param scopes: in all of which a call is claimed; the first is the ledger's own.
    :param owner: the ledger object; only it settles or releases what it has claimed.
    :param turn: the number of the commit, from 1.
    :param names: that rows have in the table.
    :param places: the ids in the table of the owner's open claims that were written under other names.
    """

    session: SqlSession
    statements: Statements
    scopes: Sequence[Scope]
    run: str
    owner: str
    turn: int
    names: Names = CLEAR
    places: Mapping[str, str] = field(default_factory=dict)

    def text(self, text: str, *, limit: int = MAX_TEXT) -> str:
        """A text as a column can hold it."""
        return storable(text, limit=limit, ascii_only=self.session.ascii_only)

    def claimed_this_turn(self, row: Row) -> bool:
        """Whether this very commit has claimed the row."""
        return (row.owner, row.turn) == (self.owner, self.turn)

    def entry_of(self, row: StoredRow) -> Entry:
        """The entry that a row is to this run."""
        return entry_from(row, runs=self.names.runs(self.run))

    def lock_key(self, connection: Connection) -> bool:
        """Lock the writing key: until this transaction ends, no other key takes over and no person is erased. Returns
        whether people were erased from the ledger. Raises KeysChanged if another key has taken over."""
        return lock_key(connection, statements=self.statements, names=self.names)

    def read(self, connection: Connection, ids: Sequence[str]) -> Iterator[StoredRow]:
        """The rows with the ids."""
        return self._stored_rows(connection, ids, self.statements.read)

    def lock(self, connection: Connection, ids: Sequence[str]) -> Iterator[StoredRow]:
        """Like `read`, and locked until this transaction ends."""
        return self._stored_rows(connection, ids, self.statements.lock)

    def insert(self, connection: Connection, rows: Sequence[Row]) -> int:
        """Add the rows whose id is free, as claimed now. Returns the row count of the database; see
        `Statements.counts_inserts`."""
        return connection.exec_driver_sql(*self.statements.insert(self._sealed(rows))).rowcount

    def erased(self, connection: Connection, numbers: Collection[str]) -> frozenset[str]:
        """The numbers whose people were erased; no other person is until this transaction ends."""
        if not self.names.is_keyed or not numbers:
            return frozenset()
        marks = connection.exec_driver_sql(self.statements.lock_keys()).scalars().all()
        return erased_among(connection, names=self.names, numbers=numbers) if any(marks) else frozenset()

    def put_back(self, connection: Connection, rows: Sequence[Row]) -> None:
        """Add removed rows again, with their instants, unless another row has their id."""
        if self.names.count > 1:
            taken = {one.row.id for one in self.read(connection, [row.id for row in rows])}
            rows = [row for row in rows if row.id not in taken]
            if not rows:
                return
        connection.exec_driver_sql(*self.statements.put_back(self._sealed(rows)))

    def won(self, connection: Connection, ids: Iterable[str]) -> Iterator[str]:
        """The ids that this very commit has claimed."""
        stored = {self.names.id(id_): id_ for id_ in ids}
        query = self.statements.won(list(stored), owner=self.owner, turn=self.turn)
        for (id_,) in connection.exec_driver_sql(*query).fetchall():
            yield stored[id_]

    def withdraw(self, connection: Connection, ids: Iterable[str]) -> None:
        """Remove what this very commit has claimed."""
        stored = sorted(map(self.names.id, ids))
        connection.exec_driver_sql(*self.statements.withdraw(stored, owner=self.owner, turn=self.turn))

    def remove(self, connection: Connection, ids: Iterable[str]) -> None:
        """Remove rows that this transaction has locked, under any of their names."""
        connection.exec_driver_sql(*self.statements.remove(sorted(self.everywhere(ids))))

    def settle(self, connection: Connection, outcomes: Sequence[Settled]) -> int:
        """Write the outcomes of earlier claims. Returns how many rows it changed."""
        if self.names.is_keyed:
            outcomes = sorted(outcome._replace(id=self._place(outcome.id)) for outcome in outcomes)
        return connection.exec_driver_sql(*self.statements.settle(outcomes, owner=self.owner, turn=self.turn)).rowcount

    def release(self, connection: Connection, ids: Sequence[str]) -> int:
        """Remove earlier claims. Returns how many rows it removed."""
        stored = sorted(map(self._place, ids)) if self.names.is_keyed else ids
        return connection.exec_driver_sql(*self.statements.release(stored, owner=self.owner, turn=self.turn)).rowcount

    @property
    def may_have_moved(self) -> bool:
        """Whether a claim of this owner may have another id than the one it was written with: it was carried over."""
        return self.names.count > 1 or bool(self.places)

    def settle_anywhere(self, connection: Connection, outcomes: Sequence[Settled]) -> None:
        """Write the outcomes of earlier claims, under any of their names."""
        moved = sorted(one._replace(id=name) for one in outcomes for name in self.everywhere([one.id]))
        connection.exec_driver_sql(*self.statements.settle(moved, owner=self.owner, turn=self.turn))

    def release_anywhere(self, connection: Connection, ids: Iterable[str]) -> int:
        """Remove earlier claims, under any of their names. Returns how many rows it removed."""
        stored = sorted(self.everywhere(ids))
        return connection.exec_driver_sql(*self.statements.release(stored, owner=self.owner, turn=self.turn)).rowcount

    def everywhere(self, ids: Iterable[str]) -> set[str]:
        """Every id that rows of these may have in the table."""
        return {stored for id_ in ids for stored in (*self.names.ids(id_), self._place(id_))}

    def _place(self, id_: str) -> str:
        """The id in the table of a claim of this owner."""
        return self.places.get(id_) or self.names.id(id_)

    def _sealed(self, rows: Sequence[Row]) -> Sequence[Row]:
        return sorted(map(self.names.seal, rows)) if self.names.is_keyed else rows

    def _stored_rows(
        self, connection: Connection, ids: Sequence[str], query: Callable[[Sequence[str]], Query]
    ) -> Iterator[StoredRow]:
        # One statement looks for all names of an id, so that no row moves from one name to another in between.
        for some in chunks(ids, size=MAX_ROWS // self.names.count):
            if not self.names.is_keyed:
                yield from fetched(connection, query(some))
                continue
            stored = {name: id_ for id_ in some for name in self.names.ids(id_)}
            for found in fetched(connection, query(sorted(stored))):
                row = found.row
                yield found._replace(row=row._replace(id=stored[row.id]))


def fetched(connection: Connection, query: Query) -> Iterator[StoredRow]:
    """The rows that a statement reads."""
    for values in connection.exec_driver_sql(*query).fetchall():
        yield as_stored_row(values)


def as_stored_row(values: Iterable[Any]) -> StoredRow:
    """A row from its values as they were read."""
    *columns, is_young = values
    return StoredRow(Row._make(columns), bool(is_young))


def entry_from(stored: StoredRow, *, runs: Collection[str]) -> Entry:
    """The entry that a row is to the run with these names: a claim that will not be settled any more is unknown."""
    row, is_young = stored
    state = EntryState(row.state.removeprefix(ALSO))
    this_run = row.run in runs
    is_open = state is EntryState.CLAIMED
    if is_open and (this_run or not is_young):
        state = EntryState.UNKNOWN
    return Entry(
        state=state,
        this_run=this_run,
        call_id=row.call_id,
        reason=row.reason,
        detail=row.detail,
        redials=row.redials,
        may_be_ringing=is_open and is_young,
    )
