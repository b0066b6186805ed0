"""The calls of some task instances one by one, page by page, in the order of their ids.

A page begins after the last id of the page before it. So any page costs as much as the first, and a call that comes
while somebody reads moves none of the others.
"""
# ruff: noqa: S608

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial

from sqlalchemy.engine import Connection

from airflow_provider_callkaro.board.figures import MAY_RING
from airflow_provider_callkaro.board.ledgers import BoardLedger, ScopeRows
from airflow_provider_callkaro.board.outcomes import CallOutcome, outcome_by_call, without_outcome
from airflow_provider_callkaro.board.task_runs import TaskRun
from airflow_provider_callkaro.calls.masking import mask_number
from airflow_provider_callkaro.ledger.contract import EntryState
from airflow_provider_callkaro.ledger.digests import key_of
from airflow_provider_callkaro.ledger.sql.session import execute
from airflow_provider_callkaro.ledger.sql.statements import LEASE_SECONDS
from airflow_provider_callkaro.ledger.sql.table import OUTCOMES_TABLE
from airflow_provider_callkaro.ledger.sql.values import as_instant

PAGE = 50  # calls
UNRESOLVED = "unresolved"
STATES = (EntryState.ACCEPTED, EntryState.REJECTED, EntryState.UNKNOWN, MAY_RING, UNRESOLVED)
"""By which the calls may be filtered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedCall:
    """One call of the ledger.

    :param id: of its row, by which the commands know it.
    :param number: masked, in full, or nothing: a keyed ledger has no number.
    :param state: an `EntryState`, or `MAY_RING`.
    :param claimed_at: by the database's clock, UTC.
    :param outcome: the final one; None while there is none.
    """

    id: str
    number: str = field(repr=False)
    state: str
    reason: str | None
    call_id: str | None
    detail: str | None
    redials: int
    claimed_at: datetime
    settled_at: datetime | None
    outcome: CallOutcome | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CallPage:
    """One page. ``after``: the id after which the next one begins; None on the last page."""

    calls: Sequence[ListedCall]
    after: str | None


def calls_of(
    ledger: BoardLedger,
    runs: Sequence[TaskRun],
    *,
    unresolved_after: timedelta,
    state: str | None = None,
    after: str | None = None,
    numbers_in_full: bool = False,
) -> CallPage:
    """One page of calls.

    :param unresolved_after: how long after its claim a call may wait for its outcome.
    :param state: one of `STATES`; None lists all.
    :param after: the id that ended the page before; None begins with the first.
    :param numbers_in_full: whether the reader may see numbers.
    """
    has_outcomes = ledger.upkeep.has(OUTCOMES_TABLE)
    if state == UNRESOLVED and not has_outcomes:
        return CallPage(calls=(), after=None)
    found: list[ListedCall] = []
    for place in ledger.rows_of(ledger.known(runs)):
        if len(found) <= PAGE:
            asked = _Asked(
                place=place,
                state=state,
                after=after or "",
                limit=PAGE + 1 - len(found),
                has_outcomes=has_outcomes,
                unresolved_after=unresolved_after,
            )
            found += ledger.upkeep.read(partial(_read, ledger, asked, in_full=numbers_in_full))
    return CallPage(calls=found[:PAGE], after=found[PAGE - 1].id if len(found) > PAGE else None)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """Which calls of one scope are read."""

    place: ScopeRows
    state: str | None
    after: str
    limit: int
    has_outcomes: bool
    unresolved_after: timedelta


def _read(ledger: BoardLedger, asked: _Asked, connection: Connection, *, in_full: bool) -> list[ListedCall]:
    place = asked.place
    old = f"claimed_at <= {ledger.upkeep.statements.ago(LEASE_SECONDS)}"
    where = {
        None: "",
        EntryState.ACCEPTED: " AND state = 'accepted'",
        EntryState.REJECTED: " AND state = 'rejected'",
        EntryState.UNKNOWN: f" AND (state = 'unknown' OR (state = 'claimed' AND {old}))",
        MAY_RING: f" AND state = 'claimed' AND NOT ({old})",
        UNRESOLVED: f" AND {without_outcome(ledger, asked.unresolved_after)}",
    }[asked.state]
    # What is rare is found sooner by reading the table in its own order.
    is_rare = asked.state not in (None, EntryState.ACCEPTED, UNRESOLVED)
    table = ledger.table_for(connection, place) if is_rare else "voice_call_ledger l"
    query = (
        f"SELECT id, number, CASE WHEN state = 'claimed' AND {old} THEN 'unknown' ELSE state END, reason, call_id, "
        f"detail, redials, claimed_at, settled_at FROM {table} WHERE {place.WHERE} AND id > :after "
        f"AND number <> ''{where} ORDER BY id LIMIT :limit"
    )
    rows = execute(connection, query, **place.values, after=asked.after, limit=asked.limit).all()
    outcomes = outcome_by_call(connection, [str(row[0]) for row in rows]) if asked.has_outcomes else {}
    return [
        ListedCall(
            id=str(id_),
            number=_shown(str(number), in_full=in_full),
            state=MAY_RING if found == EntryState.CLAIMED else str(found),
            reason=reason,
            call_id=call_id,
            detail=detail,
            redials=int(redials),
            claimed_at=as_instant(claimed_at).replace(tzinfo=UTC),
            settled_at=None if settled_at is None else as_instant(settled_at).replace(tzinfo=UTC),
            outcome=outcomes.get(str(id_)),
        )
        for id_, number, found, reason, call_id, detail, redials, claimed_at, settled_at in rows
    ]


def _shown(number: str, *, in_full: bool) -> str:
    if key_of(number) is not None:
        return ""
    return f"+{number}" if in_full else mask_number(f"+{number}")
