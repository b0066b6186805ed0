"""Retention: whole scopes that are no longer in use are deleted, in batches, while runs go on.

A row keeps its person from being rung twice in its scope, and counts for caps. So a scope is deleted only if all of it
is older than the retention, and never if a cap still counts it. A pruned scope is marked for good: a run that is
cleared long after it would find no entries in its scope, and is refused.
"""
# ruff: noqa: S608

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from sqlalchemy.engine import Connection

from airflow_provider_callkaro.exceptions import ConfigurationError, RetentionTooShort
from airflow_provider_callkaro.ledger.run_record import RunRecord
from airflow_provider_callkaro.ledger.sql.scopes import CREATE_SCOPES, SCOPES_TABLE, scopes_of
from airflow_provider_callkaro.ledger.sql.session import execute
from airflow_provider_callkaro.ledger.sql.table import RUNS_TABLE
from airflow_provider_callkaro.ledger.upkeep.contents import AFTER_EVERY_ID, scope_ids
from airflow_provider_callkaro.ledger.upkeep.database import Upkeep
from airflow_provider_callkaro.ledger.upkeep.outcome_rows import OutcomeRows

SHORTEST = timedelta(days=1)  # younger rows may be under way, be retried, or count for a cap of a day
LONGEST = timedelta(days=3652)  # what is before a database's calendar counts as later than all, and all would go
BATCH = 500  # rows a transaction
_LONG_AGO = "1970-01-01 00:00:00"


@dataclass(frozen=True, slots=True, kw_only=True)
class ScopeUse:
    """One scope of the ledger.

    :param id: 12 hexadecimal digits, with which the ids of its rows begin.
    :param old: how many of them are older than the retention.
    :param is_used: whether it was used within the retention.
    :param is_pruned: a prune has marked it, and was interrupted.
    """

    id: str
    name: str
    rows: int
    old: int
    is_used: bool
    is_pruned: bool

    @property
    def is_open(self) -> bool:
        """Whether its old rows still keep people from being rung twice, because runs still use it."""
        return self.old > 0 and self.is_used and not self.is_pruned

    @property
    def may_go(self) -> bool:
        """Whether all of it may be deleted."""
        return self.is_pruned or not self.is_used


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a prune would do. ``kept``: scopes in use with old rows, which stay. ``kept_rows``: old rows that stay."""

    scopes: tuple[ScopeUse, ...]
    rows: int
    kept: tuple[ScopeUse, ...]
    kept_rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Pruned:
    """What was deleted: scopes, their rows, the records of runs in them, and outcomes: of their calls and of none."""

    scopes: int
    rows: int
    runs: int
    outcomes: int = 0


class Retention:
    """Deletes what is older than a span of time, by the database's clock. ``older_than``: from one day to
    3652. Raises ConfigurationError if it is another."""

    def __init__(self, upkeep: Upkeep, *, older_than: timedelta) -> None:
        if older_than < SHORTEST:
            raise ConfigurationError("--older-than must be a day or more: what is younger may still be under way")
        if older_than > LONGEST:
            raise ConfigurationError(f"--older-than must be at most {LONGEST.days} days")
        self._upkeep = upkeep
        self._older_than = older_than
        self._cutoff = upkeep.statements.ago(int(older_than.total_seconds()))

    def create(self) -> None:
        """Create the table of scopes, if it is missing."""
        self._upkeep.create(SCOPES_TABLE, [self._upkeep.statements.suited(CREATE_SCOPES)])

    def plan(self, *, keep_open: bool = False, longest_cap: timedelta | None = None) -> Plan:
        """Plan what to delete. ``keep_open``: keep the old rows of scopes in use, and prune the others.
        ``longest_cap``: how far back the caps of all DAGs look; None takes what the runs have recorded. Raises
        RetentionTooShort if a cap looks further back, or a scope in use has older rows."""
        cap = longest_cap if longest_cap is not None else self._recorded_cap()
        if cap > self._older_than:
            raise RetentionTooShort(
                f"a cap counts calls over {_days(cap)}, so rows that are younger must stay: nothing was pruned; prune "
                "what is older than that, or say with --longest-cap how far back the caps look today"
            )
        scopes = list(self._scopes())
        kept = tuple(scope for scope in scopes if scope.is_open)
        if kept and not keep_open:
            names = ", ".join(f'"{scope.name}"' for scope in kept[:5]) + (", …" if len(kept) > 5 else "")
            raise RetentionTooShort(
                f"scopes in use: {len(kept)}, with older rows ({names}), and the people in them would be rung again: "
                "nothing was pruned; --keep-open-scopes leaves these and prunes the others"
            )
        going = tuple(scope for scope in scopes if scope.may_go)
        return Plan(
            scopes=going, rows=sum(scope.rows for scope in going), kept=kept, kept_rows=sum(scope.old for scope in kept)
        )

    def prune(self, plan: Plan) -> Pruned:
        """Carry the plan out, scope by scope, except for scopes that have come into use meanwhile."""
        scopes = rows = outcomes = 0
        beside = self._upkeep.read(OutcomeRows.of)
        for scope in plan.scopes:
            if self._upkeep.write(partial(self._mark, id_=scope.id)):
                scopes += 1
                while (removed := self._upkeep.write(partial(_remove_some, id_=scope.id, beside=beside)))[0]:
                    rows, outcomes = rows + removed[0], outcomes + removed[1]
                self._upkeep.write(partial(beside.forget_scope, scope=scope.id))
        outcomes += beside.remove_unmatched(self._upkeep, before=self._cutoff)
        return Pruned(scopes=scopes, rows=rows, runs=self._prune_runs(), outcomes=outcomes)

    def _prune_runs(self) -> int:
        """Delete the records of runs that began before the cutoff and whose scopes are all pruned."""
        if not self._upkeep.has(RUNS_TABLE):
            return 0
        runs, last = 0, ""
        marked: dict[str, bool] = {}
        while page := self._upkeep.read(partial(self._old_runs, after=last)):
            last = page[-1][0]
            gone = [id_ for id_, record in page if self._all_marked(record, marked)]
            if gone:
                self._upkeep.write(partial(execute, statement="DELETE FROM voice_call_runs WHERE id IN :ids", ids=gone))
            runs += len(gone)
        return runs

    def _old_runs(self, connection: Connection, *, after: str) -> list[tuple[str, str]]:
        query = (
            f"SELECT id, record FROM voice_call_runs WHERE begun_at < {self._cutoff} AND id > :after "
            f"ORDER BY id LIMIT {BATCH}"
        )
        return [(str(id_), str(record)) for id_, record in execute(connection, query, after=after)]

    def _all_marked(self, record: str, marked: dict[str, bool]) -> bool:
        """Whether all scopes of a run are marked as pruned, so that it could not claim again if it was cleared."""
        try:
            scopes = scopes_of(RunRecord.from_state(json.loads(record)).scopes)
        except ValueError:
            return False  # a run that finds this record refuses to ring
        for scope in scopes:
            if scope.digits not in marked:
                marked[scope.digits] = self._upkeep.write(partial(self._mark, id_=scope.digits))
        return all(marked[scope.digits] for scope in scopes)

    def _recorded_cap(self) -> timedelta:
        """The longest cap that runs have recorded, in scopes that are not pruned. Raises RetentionTooShort if no run
        has recorded anything."""
        noted, seconds = self._upkeep.read(
            lambda connection: execute(
                connection,
                "SELECT COUNT(*), MAX(CASE WHEN pruned_at IS NULL THEN cap_seconds ELSE 0 END) "
                "FROM voice_call_scopes WHERE used_at > :long_ago",
                long_ago=_LONG_AGO,
            ).one()
        )
        if not noted:
            raise RetentionTooShort(
                "no run has told this ledger yet how far back its caps look: nothing was pruned; say it with "
                "--longest-cap, 0d where no policy has max_calls or min_gap"
            )
        return timedelta(seconds=seconds)

    def _scopes(self) -> Iterator[ScopeUse]:
        """Every scope that has rows, each in a short read of its own: its rows are adjacent in the index."""
        for id_ in scope_ids(self._upkeep):
            yield self._upkeep.read(partial(self._use_of, id_=id_))

    def _use_of(self, connection: Connection, id_: str) -> ScopeUse:
        rows, name, old, young = execute(
            connection,
            f"SELECT COUNT(*), MIN(scope), SUM(CASE WHEN claimed_at < {self._cutoff} THEN 1 ELSE 0 END), "
            f"SUM(CASE WHEN claimed_at >= {self._cutoff} OR settled_at >= {self._cutoff} THEN 1 ELSE 0 END) "
            "FROM voice_call_ledger WHERE id >= :start AND id < :end",
            start=id_,
            end=id_ + AFTER_EVERY_ID,
        ).one()
        noted = execute(
            connection,
            f"SELECT CASE WHEN used_at >= {self._cutoff} THEN 1 ELSE 0 END, pruned_at FROM voice_call_scopes "
            "WHERE id = :id",
            id=id_,
        ).first()
        used, pruned_at = noted or (0, None)
        return ScopeUse(
            id=id_,
            name=name or "",
            rows=int(rows),
            old=int(old or 0),
            is_used=bool(used or young),
            is_pruned=pruned_at is not None,
        )

    def _mark(self, connection: Connection, id_: str) -> bool:
        """Mark a scope as pruned, unless it has come into use. A run that claims in it waits for this, or is seen."""
        statements = self._upkeep.statements
        connection.exec_driver_sql(*statements.lock_scope(id_, used_at=_LONG_AGO)).close()
        use = self._use_of(connection, id_)
        if use.may_go and not use.is_pruned:
            execute(connection, f"UPDATE voice_call_scopes SET pruned_at = {statements.now} WHERE id = :id", id=id_)
        return use.may_go


def _remove_some(connection: Connection, *, id_: str, beside: OutcomeRows) -> tuple[int, int]:
    """Remove a batch of a scope's rows, with their outcomes. Returns how many of both."""
    query = f"SELECT id FROM voice_call_ledger WHERE id >= :start AND id < :end LIMIT {BATCH}"
    found = execute(connection, query, start=id_, end=id_ + AFTER_EVERY_ID).scalars()
    ids = [str(each) for each in found]
    if not ids:
        return 0, 0
    execute(connection, "DELETE FROM voice_call_ledger WHERE id IN :ids", ids=ids)
    return len(ids), beside.remove_of(connection, ids)


def _days(span: timedelta) -> str:
    return f"{span.days} days" if span.days >= 2 else f"{span.total_seconds() / 3600:.0f} hours"
