"""Who writes into the table, and what its rows say to whom."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_callkaro.ledger.contract import Entry, EntryState
from airflow_provider_callkaro.ledger.sql_scopes import Scope
from airflow_provider_callkaro.ledger.sql_session import SqlSession
from airflow_provider_callkaro.ledger.sql_statements import MAX_ROWS, Query, Statements
from airflow_provider_callkaro.ledger.sql_table import ALSO, Row, Standing
from airflow_provider_callkaro.ledger.sql_values import MAX_TEXT, chunks, storable

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

OPEN = frozenset({str(EntryState.CLAIMED), ALSO + EntryState.CLAIMED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Author:
    """One commit of one ledger object, as it signs its rows.

    :param scopes: in all of which a call is claimed; the first is the ledger's own.
    :param run: the run that this try belongs to.
    :param owner: the ledger object; only it settles or releases what it has claimed.
    :param turn: the number of the commit, from 1.
    """

    session: SqlSession
    statements: Statements
    scopes: Sequence[Scope]
    run: str
    owner: str
    turn: int

    def text(self, text: str, *, limit: int = MAX_TEXT) -> str:
        """A text as a column can hold it."""
        return storable(text, limit=limit, ascii_only=self.session.ascii_only)

    def has_made(self, row: Row) -> bool:
        """Whether the row was claimed in this very turn."""
        return (row.owner, row.turn) == (self.owner, self.turn)

    def read(self, connection: Connection, ids: Sequence[str]) -> Iterator[Standing]:
        """The rows that stand under the ids."""
        for some in chunks(ids, size=MAX_ROWS):
            yield from fetched(connection, self.statements.read(some))

    def lock(self, connection: Connection, ids: Sequence[str]) -> Iterator[Standing]:
        """Likewise, and nobody else may change them until this transaction ends."""
        for some in chunks(ids, size=MAX_ROWS):
            yield from fetched(connection, self.statements.lock(some))


def fetched(connection: Connection, query: Query) -> Iterator[Standing]:
    """What a statement that reads rows gives."""
    for values in connection.exec_driver_sql(*query).fetchall():
        yield as_standing(values)


def as_standing(values: Any) -> Standing:
    """One row as it was read."""
    *columns, is_young = values
    return Standing(Row._make(columns), bool(is_young))


def read_entry(standing: Standing, *, run: str) -> Entry:
    """What a row says to a try of ``run``: a claim that nobody will settle any more is unknown."""
    row, is_young = standing
    state = EntryState(row.state.removeprefix(ALSO))
    this_run = row.run == run
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
