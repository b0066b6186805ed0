"""The calls of one person, or the call with one id: shown, resolved and erased.

A call is one row, and a further row for each further scope that it blocks; these have no number. They are found by what
they share with the call: its key, and the commit that made them.
"""

# ruff: noqa: S608
from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy.engine import Connection

from airflow_provider_callkaro.exceptions import ConfigurationError, NotAllowed
from airflow_provider_callkaro.ledger.contract import EntryState
from airflow_provider_callkaro.ledger.sql.names import Names, tombstones_among
from airflow_provider_callkaro.ledger.sql.rows import OPEN, as_stored_row
from airflow_provider_callkaro.ledger.sql.session import execute
from airflow_provider_callkaro.ledger.sql.statements import LEASE_SECONDS, MAX_ROWS
from airflow_provider_callkaro.ledger.sql.table import (
    ALSO,
    CLEAR_COLUMNS,
    ERASURES_TABLE,
    KEYED_COLUMNS,
    TABLE,
    Row,
    StoredRow,
)
from airflow_provider_callkaro.ledger.sql.values import as_instant, chunks
from airflow_provider_callkaro.ledger.upkeep.database import Upkeep
from airflow_provider_callkaro.ledger.upkeep.outcome_rows import OutcomeRows

RESOLVED = "resolved"
"""The reason of an entry that a person has settled by hand."""
_RESOLVABLE = (EntryState.UNKNOWN, EntryState.CLAIMED)


class Resolution(StrEnum):
    """What a person has found out about an unknown call."""

    CALLED = "called"
    """The phone rang, or will: never again in this scope."""
    FREE = "free"
    """It did not, and will not: the next run may ring them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldCall:
    """One call of the ledger, without anything that identifies the person.

    :param state: an open claim that is older than the lease is unknown.
    :param may_be_ringing: it is not settled, and within its lease.
    :param claimed_at: by the database's clock, UTC without an offset.
    """

    id: str
    scope: str
    state: EntryState
    may_be_ringing: bool
    reason: str | None
    call_id: str | None
    redials: int
    claimed_at: datetime
    settled_at: datetime | None


class Persons:
    """Looks at the calls of a ledger one by one. ``upkeep``: the ledger's database."""

    def __init__(self, upkeep: Upkeep) -> None:
        self._upkeep = upkeep

    def calls_to(self, numbers: Sequence[str], *, scope: str | None = None) -> list[HeldCall]:
        """The calls to a number, the newest first. ``numbers``: every text that may represent the number in the table.
        ``scope``: the name of the only scope to look in; None looks in all."""
        found = self._upkeep.read(lambda connection: self.rows_in(connection, numbers))
        calls = [_held(stored) for stored in found if scope is None or stored.row.scope == scope]
        return sorted(calls, key=lambda call: call.claimed_at, reverse=True)

    def calls_that_are(self, state: EntryState, *, scope: str | None = None, limit: int = 100) -> list[HeldCall]:
        """The newest calls in a state; an open claim that is older than the lease is unknown. ``limit``: at most so
        many."""
        old = f"claimed_at <= {self._upkeep.statements.ago(LEASE_SECONDS)}"
        claimed = {EntryState.UNKNOWN: f"(state = 'claimed' AND {old})", EntryState.CLAIMED: "state = 'claimed'"}
        asked = " OR ".join(
            ["(state = :state AND state <> 'claimed')", *([claimed[state]] if state in claimed else [])]
        )
        values = {"state": str(state), "limit": limit, **({"scope": scope} if scope is not None else {})}
        query = (
            f"SELECT {self._columns} FROM voice_call_ledger WHERE ({asked})"
            f"{' AND scope = :scope' if scope is not None else ''} ORDER BY claimed_at DESC LIMIT :limit"
        )
        found = self._upkeep.read(lambda connection: execute(connection, query, **values).all())
        calls = [_held(as_stored_row(values)) for values in found]
        return [call for call in calls if call.state is state]

    def resolve_in(self, connection: Connection, id_: str, resolution: Resolution) -> HeldCall:
        """Settle an unknown call with what a person has found out, in every scope that it blocks, within a transaction.
        Returns the call as it was. Raises ConfigurationError if there is no such call. Raises NotAllowed if it is not
        unknown, or may be ringing."""
        found = self._rows(connection, "id = :id", id=id_, lock=True)
        if not found or found[0].row.state.startswith(ALSO):
            raise ConfigurationError(f"the ledger has no call {id_}: look it up with ledger show")
        row, is_young = found[0]
        call = _held(found[0])
        if call.reason == RESOLVED and call.state is EntryState.ACCEPTED and resolution is Resolution.CALLED:
            return call  # this very commit lost its answer before, or another person has resolved it alike
        if row.state in OPEN and is_young:
            raise NotAllowed(
                f"call {id_} may be ringing right now: it was claimed less than an hour ago and nobody has settled it; "
                "resolve it after that"
            )
        if call.state not in _RESOLVABLE:
            raise NotAllowed(f"call {id_} is {call.state}, and only what is unknown can be resolved")
        ids = [row.id, *(also.id for also in self.further_rows(connection, [row]))]
        if resolution is Resolution.FREE:
            execute(connection, "DELETE FROM voice_call_ledger WHERE id IN :ids", ids=ids)
            return call
        settled = f"reason = :reason, detail = NULL, owner = :owner, settled_at = {self._upkeep.statements.now}"
        for state, some in ((str(EntryState.ACCEPTED), ids[:1]), (ALSO + EntryState.ACCEPTED, ids[1:])):
            if some:  # a new owner, so that a frozen try that wakes up does not settle it
                execute(
                    connection,
                    f"UPDATE voice_call_ledger SET state = :state, {settled} WHERE id IN :ids",
                    state=state,
                    reason=RESOLVED,
                    owner=RESOLVED,
                    ids=some,
                )
        return call

    def rows_in(self, connection: Connection, numbers: Sequence[str]) -> list[StoredRow]:
        """The rows of calls to a number; those in further scopes are not among them."""
        query = f"SELECT {self._columns} FROM voice_call_ledger WHERE number IN :numbers"
        return [as_stored_row(values) for values in execute(connection, query, numbers=list(numbers))]

    def further_rows(self, connection: Connection, calls: Iterable[Row]) -> list[Row]:
        """The rows that the same commits made for the same keys in further scopes."""
        key = (KEYED_COLUMNS if self._upkeep.is_keyed else CLEAR_COLUMNS)[TABLE]
        query = (
            f"SELECT {self._columns} FROM voice_call_ledger WHERE number = '' AND {key} = :key AND owner = :owner "
            "AND turn = :turn"
        )
        found: list[Row] = []
        for call in calls:
            rows = execute(connection, query, key=call.call_key, owner=call.owner, turn=call.turn)
            found += [row for row, _ in map(as_stored_row, rows) if row.state.startswith(ALSO)]
        return found

    @property
    def _columns(self) -> str:
        return f"{self._upkeep.statements.columns}, claimed_at > {self._upkeep.statements.ago(LEASE_SECONDS)}"

    def _rows(self, connection: Connection, where: str, *, lock: bool = False, **values: str) -> list[StoredRow]:
        locked = self._upkeep.statements.for_update if lock else ""
        query = f"SELECT {self._columns} FROM voice_call_ledger WHERE {where}{locked}"
        return [as_stored_row(values) for values in execute(connection, query, **values)]


def _held(stored: StoredRow) -> HeldCall:
    row, is_young = stored
    state = EntryState(row.state.removeprefix(ALSO))
    is_open = state is EntryState.CLAIMED
    return HeldCall(
        id=row.id,
        scope=row.scope,
        state=EntryState.UNKNOWN if is_open and not is_young else state,
        may_be_ringing=is_open and is_young,
        reason=row.reason,
        call_id=row.call_id,
        redials=row.redials,
        claimed_at=as_instant(row.claimed_at),
        settled_at=None if row.settled_at is None else as_instant(row.settled_at),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Erased:
    """The result of an erasure.

    :param calls: that were deleted.
    :param rows: that were deleted, those in further scopes included.
    :param under_way: deleted calls that may be ringing at this moment.
    :param is_new: the person was not erased before.
    """

    calls: int
    rows: int
    under_way: int
    is_new: bool


class Erasures:
    """Erases people: the ledger keeps nothing of them but a digest, the tombstone, and refuses every claim under it.

    Only a keyed ledger can do that, because an unkeyed digest of a number gives the number away. Every claim of a keyed
    ledger locks the row of its key. An erasure locks the rows of all keys, and marks them before it writes the
    tombstone: either it sees the claim and deletes it, or the claim sees the tombstone. While no person was erased, a
    claim costs no more. ``names``: those that rows have in the ledger.
    """

    def __init__(self, upkeep: Upkeep, *, names: Names) -> None:
        self._upkeep = upkeep
        self._names = names

    def erase_in(self, connection: Connection, digits: Sequence[str]) -> Erased:
        """Delete a person's rows and leave a tombstone, within a transaction. Calls under way settle without a trace.
        ``digits``: every spelling of the number; today's first."""
        statements = self._upkeep.statements
        execute(connection, f"SELECT place FROM voice_call_keys{statements.for_update}").all()
        execute(connection, "UPDATE voice_call_keys SET erased = 1")
        tombstones = self._names.numbers(digits[0])
        known = tombstones_among(connection, tombstones)
        if not known:
            values = {"number": tombstones[0]}
            execute(
                connection,
                f"INSERT INTO {ERASURES_TABLE} (number, erased_at) VALUES (:number, {statements.now})",
                **values,
            )
        texts = [text for each in digits for text in self._names.numbers(each)]
        persons = Persons(self._upkeep)
        calls = persons.rows_in(connection, texts)
        further = persons.further_rows(connection, [stored.row for stored in calls])
        ids = [*(stored.row.id for stored in calls), *(row.id for row in further)]
        for some in chunks(ids, size=MAX_ROWS):
            execute(connection, "DELETE FROM voice_call_ledger WHERE id IN :ids", ids=list(some))
        OutcomeRows.of(connection).erase(connection, numbers=texts, ledger_ids=ids)
        under_way = sum(stored.is_young and stored.row.state == EntryState.CLAIMED for stored in calls)
        return Erased(calls=len(calls), rows=len(ids), under_way=under_way, is_new=not known)
