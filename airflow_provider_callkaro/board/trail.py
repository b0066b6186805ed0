"""What the audit trail says of runs: the rows of their lists, what came of them, and under which hours they called.

The ledger has no row for a contact that was refused or skipped before it was claimed; the end of a run in the trail has
the counts of those.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy.engine import Connection

from airflow_provider_callkaro.board.ledgers import BoardLedger
from airflow_provider_callkaro.board.task_runs import TaskRun
from airflow_provider_callkaro.ledger.audit.chain import Action
from airflow_provider_callkaro.ledger.audit.trail import AUDIT_TABLE
from airflow_provider_callkaro.ledger.sql.session import execute
from airflow_provider_callkaro.ledger.sql.values import chunks

_AT_ONCE = 40  # runs that are looked for in one pass over the trail
_RECENT = 1_000  # lines; a run leaves two for each of its passes


@dataclass(frozen=True, slots=True, kw_only=True)
class TrailedRun:
    """What the trail says of one task instance of one run.

    :param dag_id: as the trail has it: a long number in it is masked, and so it is in ``task_id``.
    :param run_id: None where somebody else than Airflow has named the run; the trail does not keep such names.
    :param digest: of the run's name.
    :param counts: rows by outcome, of the last pass over the list that has ended; ``total`` are all rows.
    :param reasons: rows by reason, of the same pass.
    :param is_over: whether its last pass has ended.
    :param first_at: of its first line, by the database's clock, UTC; no call was claimed before.
    :param last_at: of its last line, likewise; once it is over, no call was claimed after.
    :param windows: the windows of its policy, such as ``10:00-19:00 mon-sun``; none where it had no policy.
    :param zone: of the windows; None without a policy.
    """

    dag_id: str
    task_id: str
    map_index: int
    run_id: str | None
    digest: str
    counts: Mapping[str, int]
    reasons: Mapping[str, int]
    is_over: bool
    first_at: datetime
    last_at: datetime
    windows: Sequence[str] = ()
    zone: str | None = None


def trailed(ledger: BoardLedger, runs: Iterable[TaskRun]) -> list[TrailedRun]:
    """What the trail says of these runs; those that it does not know are left out."""
    if not ledger.upkeep.has(AUDIT_TABLE):
        return []
    texts = [text for run in runs for text in run.trail_texts(ledger.keys)]

    def read(connection: Connection) -> list[str]:
        found: list[tuple[int, str]] = []
        for some in chunks(texts, size=_AT_ONCE):
            values = {f"run{place}": f'%"{text}"%' for place, text in enumerate(some)}
            any_of = " OR ".join(f"record LIKE :{name}" for name in values)
            query = f"SELECT place, record FROM voice_call_audit WHERE {any_of}"  # noqa: S608
            found += [(int(place), str(record)) for place, record in execute(connection, query, **values)]
        return [record for _, record in sorted(found)]

    asked = frozenset(texts)
    return [run for run in _read_lines(ledger.upkeep.read(read)) if run.digest in asked]


def recent(ledger: BoardLedger) -> list[TrailedRun]:
    """The runs of the last lines of the trail, the latest first."""
    if not ledger.upkeep.has(AUDIT_TABLE):
        return []
    query = f"SELECT record FROM voice_call_audit ORDER BY place DESC LIMIT {_RECENT}"  # noqa: S608
    records = ledger.upkeep.read(lambda connection: [str(one) for one in execute(connection, query).scalars()])
    return sorted(_read_lines(reversed(records)), key=lambda run: run.last_at, reverse=True)


@dataclass(slots=True)
class _Lines:
    """The lines of one run, as far as they were read."""

    who: Mapping[str, Any]
    first_at: datetime
    last_at: datetime
    started: Mapping[str, Any] = field(default_factory=dict)
    ended: Mapping[str, Any] = field(default_factory=dict)
    is_over: bool = False


def _read_lines(records: Iterable[str]) -> list[TrailedRun]:
    """The runs of lines in the order of the trail."""
    runs: dict[str, _Lines] = {}
    for text in records:
        line = json.loads(text)
        who, action = line.get("who", {}), line.get("action")
        digest = who.get("run")
        if action not in (Action.STARTED, Action.ENDED) or not isinstance(digest, str):
            continue
        at = _instant(line["at"])
        lines = runs.setdefault(digest, _Lines(who=who, first_at=at, last_at=at))
        lines.last_at = at
        lines.is_over = action == Action.ENDED
        if action == Action.STARTED:
            lines.started = line
        else:
            lines.ended = line
    return [_run(digest, lines) for digest, lines in runs.items()]


def _run(digest: str, lines: _Lines) -> TrailedRun:
    return TrailedRun(
        dag_id=str(lines.who.get("dag", "")),
        task_id=str(lines.who.get("task", "")),
        map_index=int(lines.who.get("map_index", -1)),
        run_id=lines.who.get("run_id"),
        digest=digest,
        counts=lines.ended.get("counts", {}),
        reasons=lines.ended.get("reasons", {}),
        is_over=lines.is_over,
        first_at=lines.first_at,
        last_at=lines.last_at,
        windows=tuple(lines.started.get("windows", ())),
        zone=lines.started.get("zone"),
    )


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text.removesuffix(" UTC")).replace(tzinfo=UTC)


def counted(runs: Iterable[TrailedRun]) -> tuple[Counter[str], Counter[str]]:
    """The rows of all these runs by outcome, and by reason."""
    counts: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    for run in runs:
        counts.update(run.counts)
        reasons.update(run.reasons)
    return counts, reasons
