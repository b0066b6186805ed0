"""The figures of the calls of some task instances: what the ledger, the audit trail and the outcomes say of them."""
# ruff: noqa: S608

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from functools import partial

from sqlalchemy.engine import Connection

from airflow_provider_callkaro.board.chart import Chart, chart_of
from airflow_provider_callkaro.board.ledgers import BoardLedger, ScopeRows
from airflow_provider_callkaro.board.outcomes import RunOutcomes, outcomes_of
from airflow_provider_callkaro.board.task_runs import TaskRun
from airflow_provider_callkaro.board.trail import TrailedRun, counted, trailed
from airflow_provider_callkaro.calls.described import policy_from_json
from airflow_provider_callkaro.calls.policy import CallingPolicy
from airflow_provider_callkaro.calls.zones import named_zone
from airflow_provider_callkaro.exceptions import ConfigurationError
from airflow_provider_callkaro.ledger.contract import CLAIM_LEASE, EntryState
from airflow_provider_callkaro.ledger.sql.session import execute
from airflow_provider_callkaro.ledger.sql.values import as_instant, as_text, without_zone
from airflow_provider_callkaro.ledger.upkeep.contents import AFTER_EVERY_ID

MAY_RING = "may be ringing"
"""Beside the states of an entry: it is claimed, within its lease, and not settled."""
_MOST_IN_CHART = 20_000  # instants that are read for the chart; of more calls it draws a sample
_SLICES = 256  # equal parts of a scope, by two digits of a digest


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFigures:
    """What became of the calls of some task instances.

    :param runs: those of them that have begun with this ledger.
    :param scopes: in which they call, by the user's names.
    :param states: calls in the ledger by state; a claim that nobody settles any more is unknown.
    :param reasons: calls in the ledger by state and reason, but for the accepted ones.
    :param rows: contact rows by outcome, as the last pass over each list has counted them; empty before its end.
    :param row_reasons: contact rows by reason, likewise.
    :param outcomes: of the accepted calls; None where the database keeps none.
    :param is_over: whether the last pass of each has ended; None where the trail does not say.
    """

    runs: Sequence[TaskRun]
    scopes: Sequence[str]
    states: Mapping[str, int]
    reasons: Mapping[tuple[str, str], int]
    rows: Mapping[str, int]
    row_reasons: Mapping[str, int]
    outcomes: RunOutcomes | None
    is_over: bool | None
    chart: Chart | None

    @property
    def calls(self) -> int:
        """All calls in the ledger."""
        return sum(self.states.values())


def figures_of(ledger: BoardLedger, runs: Sequence[TaskRun], *, unresolved_after: timedelta) -> RunFigures | None:
    """The figures of these task instances; None where none of them has begun with this ledger.

    :param unresolved_after: how long after its claim a call may wait for its outcome.
    :raises LedgerError: the database could not be read.
    """
    records = ledger.known(runs)
    if not records:
        return None
    places = ledger.rows_of(records)
    trail = trailed(ledger, records)
    now = ledger.now
    held = _held(ledger, places, now=now)
    rows, row_reasons = counted(trail)
    policy, zone = _hours(trail)
    instants, weight = _instants(ledger, places, calls=sum(held.states.values()))
    return RunFigures(
        runs=sorted(records, key=lambda run: (run.task_id, run.map_index)),
        scopes=[place.scope.name for place in places],
        states=held.states,
        reasons=held.reasons,
        rows=rows,
        row_reasons=row_reasons,
        outcomes=outcomes_of(
            ledger,
            places,
            shared=held.shared,
            open_calls=held.open_calls,
            accepted=held.states[EntryState.ACCEPTED],
            unresolved_after=unresolved_after,
            all_due=_all_due(trail, deadline=now - unresolved_after),
        ),
        is_over=all(run.is_over for run in trail) if trail else None,
        chart=chart_of(instants, weight=weight, policy=policy, zone=zone),
    )


@dataclass(slots=True)
class _Held:
    """What the ledger holds of some runs. ``shared``: it holds accepted calls of others in the same scopes.
    ``open_calls``: it holds calls there that are not accepted."""

    states: Counter[str] = field(default_factory=Counter)
    reasons: Counter[tuple[str, str]] = field(default_factory=Counter)
    shared: bool = False
    open_calls: bool = False


def _held(ledger: BoardLedger, places: Sequence[ScopeRows], *, now: datetime) -> _Held:
    """What the ledger holds. Most calls are accepted and have no reason: to count them without grouping takes half the
    time. The end of the lease is a value here: PostgreSQL reads a table in parallel only for what is constant."""
    lease = {"lease": as_text(without_zone(now - CLAIM_LEASE))}
    state = "CASE WHEN state = 'claimed' AND claimed_at <= :lease THEN 'unknown' ELSE state END"
    within = "id >= :start AND id < :end AND number <> ''"

    def accepted(place: ScopeRows, connection: Connection) -> tuple[int, int]:
        query = (
            "SELECT COUNT(*), COUNT(CASE WHEN run IN :runs THEN 1 END) "
            f"FROM {ledger.table_for(connection, place)} WHERE {within} AND state = 'accepted'"
        )
        of_all, own = execute(connection, query, **place.values).one()
        return int(of_all), int(own)

    def others(place: ScopeRows, connection: Connection) -> list[tuple[str, str | None, bool, int]]:
        query = (
            f"SELECT {state}, reason, CASE WHEN run IN :runs THEN 1 ELSE 0 END, COUNT(*) "
            f"FROM {ledger.table_for(connection, place)} WHERE {within} AND state <> 'accepted' GROUP BY 1, 2, 3"
        )
        rows = execute(connection, query, **place.values, **lease)
        return [(str(one), reason, bool(is_own), int(count)) for one, reason, is_own, count in rows]

    held = _Held()
    for place in places:
        of_all, own = ledger.upkeep.read(partial(accepted, place))
        held.shared = held.shared or of_all > own
        if own:
            held.states[EntryState.ACCEPTED] += own
        for found, reason, is_own, count in ledger.upkeep.read(partial(others, place)):
            held.open_calls = True
            if is_own:
                name = MAY_RING if found == EntryState.CLAIMED else found
                held.states[name] += count
                if reason:
                    held.reasons[name, reason] += count
    return held


def _all_due(trail: Sequence[TrailedRun], *, deadline: datetime) -> bool | None:
    """Whether all calls were claimed before the deadline, or all after it; None where the trail does not tell."""
    if trail and all(run.is_over and run.last_at <= deadline for run in trail):
        return True
    return False if trail and all(run.first_at > deadline for run in trail) else None


def _instants(ledger: BoardLedger, places: Sequence[ScopeRows], *, calls: int) -> tuple[list[datetime], int]:
    """When calls were claimed, and how many calls each instant stands for.

    The digits of an id after those of the scope are a digest: the ids that begin with some of them are a fair sample.
    """
    weight = 1
    while calls > weight * _MOST_IN_CHART and weight < _SLICES:
        weight *= 2

    def read(place: ScopeRows, connection: Connection) -> list[datetime]:
        table, values = ledger.table_for(connection, place), place.values
        if weight > 1:
            table = "voice_call_ledger"
            values["end"] = f"{place.scope.digits}{_SLICES // weight - 1:02x}{AFTER_EVERY_ID}"
        query = f"SELECT claimed_at FROM {table} WHERE {place.WHERE} AND number <> ''"
        claimed = execute(connection, query, **values).scalars()
        return [as_instant(instant).replace(tzinfo=UTC) for instant in claimed]

    found = [instant for place in places for instant in ledger.upkeep.read(partial(read, place))]
    return found, weight


def _hours(trail: Sequence[TrailedRun]) -> tuple[CallingPolicy | None, tzinfo]:
    """The policy of the windows, where all runs had the same and it has a zone of its own; and the reader's zone."""
    hours = {(tuple(run.windows), run.zone) for run in trail}
    windows, name = next(iter(hours)) if len(hours) == 1 else ((), None)
    zone = named_zone(name) if name else None
    if zone is None:
        return None, UTC
    described = []
    for window in windows:
        span, _, days = window.partition(" ")
        start, _, end = span.partition("-")
        described.append({"start": start, "end": end, "days": days})
    try:
        return policy_from_json(described, timezone=str(name)), zone
    except ConfigurationError:
        return None, zone
