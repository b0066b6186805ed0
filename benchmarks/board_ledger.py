"""A ledger as one large night leaves it, for the board's figures: calls, their outcomes, the trail of the run.

It is written by the statements of the databases, because a fan-out of a million calls would take an hour. The tables
are made by the package itself.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

from sqlalchemy import column, insert, table
from sqlalchemy.engine import Engine

from airflow_provider_callkaro.board.task_runs import TaskRun
from airflow_provider_callkaro.ledger.audit.chain import Action
from airflow_provider_callkaro.ledger.audit.trail import SqlAudit, entry
from airflow_provider_callkaro.ledger.run_record import RunRecord
from airflow_provider_callkaro.ledger.sql.run_records import SqlRunRecords
from airflow_provider_callkaro.ledger.sql.scopes import scopes_of
from airflow_provider_callkaro.ledger.sql.table import TABLE, Row
from airflow_provider_callkaro.ledger.sql.values import digest
from airflow_provider_callkaro.ledger.upkeep.database import Upkeep
from airflow_provider_callkaro.outcomes.store import OutcomeStore
from airflow_provider_callkaro.outcomes.tables import outcomes

_AT_ONCE = 10_000  # rows of one insert
_OPEN_HOURS, _BREAK_AFTER = 8, 3  # hours; the break is one hour long
_STATES = (("accepted", None, 955), ("unknown", "no_answer", 12), ("rejected", "do_not_disturb", 33))
_DISPOSITIONS = (
    ("reached", 520), ("not_reached", 300), ("voicemail", 90), ("refused", 60), ("invalid_number", 20), ("other", 10),
)  # fmt: skip


def fill(engine: Engine, *, run: TaskRun, calls: int, ended_at: datetime, seed: int = 1) -> None:
    """Fill an empty database with a run that placed so many calls in nine hours, and an outcome for nine in ten.

    :param ended_at: with a time zone; by the database's clock.
    """
    chance = random.Random(seed)
    scope = f"{run.dag_id}/{run.task_id}@{ended_at:%Y-%m-%d}"
    begun_at = ended_at - timedelta(hours=9)
    SqlRunRecords(engine, run=run.name).begin(RunRecord(scopes=(scope,), due=begun_at))
    with OutcomeStore(engine):
        pass
    rows = _calls(run, scope=scope, calls=calls, begun_at=begun_at, ended_at=ended_at, chance=chance)
    counts = {"accepted": 0, "unknown": 0, "rejected": 0}
    ledger = table(TABLE, *map(column, Row._fields))
    with engine.begin() as connection:
        for some in _batches(rows):
            connection.execute(insert(ledger), [row._asdict() for row in some])
            for row in some:
                counts[row.state] += 1
            connection.execute(
                insert(outcomes),
                [_outcome(row, chance) for row in some if row.state == "accepted" and chance.random() < 0.9],
            )
    _trail(engine, run=run, scope=scope, counts=counts, begun_at=begun_at, ended_at=ended_at)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql({"postgresql": "VACUUM ANALYZE"}.get(engine.dialect.name, "ANALYZE"))


def _calls(
    run: TaskRun, *, scope: str, calls: int, begun_at: datetime, ended_at: datetime, chance: random.Random
) -> Iterator[Row]:
    (of_scope,) = scopes_of([scope])
    kinds = [(state, reason) for state, reason, _ in _STATES]
    weights = [weight for *_, weight in _STATES]
    for place in range(calls):
        number = f"91987{place:07d}"
        state, reason = chance.choices(kinds, weights)[0]
        done = (place / calls) ** 1.2 * _OPEN_HOURS  # the vendor grows slower in the course of the day
        at = begun_at + timedelta(hours=done + (done > _BREAK_AFTER))
        at = min(at, ended_at).astimezone(UTC).replace(tzinfo=None)
        yield Row(
            id=of_scope.id_of(f"+{number}"), scope=scope, call_key=f"+{number}", number=number, state=state,
            call_id=f"call_{digest(number)[:24]}" if state == "accepted" else None, reason=reason, detail=None,
            run=run.name, owner="0" * 32, turn=place // 100 + 1, redials=0, claimed_at=at, settled_at=at,
        )  # fmt: skip


def _outcome(row: Row, chance: random.Random) -> dict[str, Any]:
    disposition = chance.choices([word for word, _ in _DISPOSITIONS], [weight for _, weight in _DISPOSITIONS])[0]
    return {
        "vendor_call": digest(str(row.call_id)), "attempt": 0, "vendor": "callkaro", "conn_id": "callkaro_default",
        "call_id": row.call_id, "number": row.number, "ledger_id": row.id, "matched_by": "reference", "is_over": 1,
        "is_last": 1, "is_final": 1, "disposition": disposition, "vendor_word": disposition,
        "duration_seconds": 31.0, "converted": int(disposition == "reached" and chance.random() < 0.2),
        "asked_not_to_be_called": 0, "happened_at": row.claimed_at, "fields": "{}",
        "received_at": row.claimed_at, "changed_at": row.claimed_at,
    }  # fmt: skip


def _trail(
    engine: Engine, *, run: TaskRun, scope: str, counts: dict[str, int], begun_at: datetime, ended_at: datetime
) -> None:
    calls = sum(counts.values())
    odd = {"duplicate": calls // 60, "suppressed": calls // 90, "bad_number": calls // 200}
    rows = {
        "total": calls + sum(odd.values()),
        "accepted": counts["accepted"],
        "rejected": counts["rejected"] + odd["bad_number"],
        "skipped": odd["duplicate"] + odd["suppressed"],
        "unknown": counts["unknown"],
        "pending": 0,
        "dialled": calls,
    }
    reasons = {**odd, "do_not_disturb": counts["rejected"], "no_answer": counts["unknown"]}
    who = {
        "dag": run.dag_id,
        "task": run.task_id,
        "map_index": run.map_index,
        "run": digest(run.name),
        "run_id": run.run_id,
    }
    windows = {"windows": ["10:00-13:00 mon-sun", "14:00-19:00 mon-sun"], "zone": "Asia/Kolkata"}
    with Upkeep(engine) as upkeep:
        audit = SqlAudit(upkeep)
        audit.create()
        for at, action, what in (
            (begun_at, Action.STARTED, windows),
            (ended_at, Action.ENDED, {"counts": rows, "reasons": reasons}),
        ):
            moment = f"{at.astimezone(UTC).replace(tzinfo=None).isoformat(' ', 'microseconds')} UTC"
            audit.append(entry(action, who=who, scopes=[scopes_of([scope])[0].digits], **what, at=moment))


def _batches(rows: Iterator[Row]) -> Iterator[list[Row]]:
    while some := list(islice(rows, _AT_ONCE)):
        yield some
