"""How many calls have which outcome: each call in exactly one count."""
# ruff: noqa: S608

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from sqlalchemy.engine import Connection

from airflow_provider_callkaro.calls.disposition import Disposition
from airflow_provider_callkaro.ledger.sql.names import Names
from airflow_provider_callkaro.ledger.sql.session import execute
from airflow_provider_callkaro.ledger.sql.statements import LEASE_SECONDS, Statements
from airflow_provider_callkaro.ledger.sql.table import OUTCOMES_TABLE, TABLE
from airflow_provider_callkaro.outcomes.selection import Selection


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeCounts:
    """What became of calls, counted: ``accepted`` is the sum of `outcomes`, ``awaiting`` and ``unresolved``.

    :param accepted: calls that the vendor took.
    :param outcomes: accepted calls by what became of them; words that no call has are left out.
    :param awaiting: accepted calls without a final outcome, younger than the deadline.
    :param unresolved: accepted calls without a final outcome, older than that.
    :param converted: calls among the outcomes that reached their goal.
    :param unknown: calls of which nobody knows whether they rang.
    :param rejected: calls that the vendor refused to take.
    :param under_way: calls that are claimed and may be ringing.
    """

    accepted: int = 0
    outcomes: Mapping[Disposition, int] = field(default_factory=dict)
    awaiting: int = 0
    unresolved: int = 0
    converted: int = 0
    unknown: int = 0
    rejected: int = 0
    under_way: int = 0

    @property
    def with_outcome(self) -> int:
        """Accepted calls with a final outcome."""
        return sum(self.outcomes.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Of which calls the counts are asked.

    :param unresolved_after: how long after its claim a call may wait for its outcome.
    """

    selection: Selection
    unresolved_after: timedelta


def count(
    connection: Connection, *, questions: Sequence[Question], statements: Statements, names: Names
) -> list[OutcomeCounts]:
    """Count what became of the calls of each question, all of them in one statement."""
    queries, values = [], dict[str, Any]()
    for place, question in enumerate(questions):
        condition, own = question.selection.condition(connection, names=names, mark=f"q{place}_")
        bounds = question.selection.bounds(own, mark=f"q{place}_")
        queries.append(_query(place, condition, bounds, question, statements))
        values |= own
    rows: list[list[Any]] = [[] for _ in questions]
    for place, *row in execute(connection, " UNION ALL ".join(queries), **values):
        rows[place].append(row)
    return [_folded(some) for some in rows]


def _query(place: int, condition: str, bounds: str, question: Question, statements: Statements) -> str:
    deadline = statements.ago(int(question.unresolved_after.total_seconds()))
    return (
        f"SELECT {place} AS place, l.state, o.disposition, o.converted, "
        f"CASE WHEN l.claimed_at <= (SELECT {deadline}) THEN 1 ELSE 0 END AS is_due, "
        f"CASE WHEN l.claimed_at <= (SELECT {statements.ago(LEASE_SECONDS)}) THEN 1 ELSE 0 END AS is_old, COUNT(*) "
        f"FROM {TABLE} l LEFT JOIN {OUTCOMES_TABLE} o ON o.ledger_id = l.id AND o.is_final = 1{bounds} "
        f"WHERE {condition} GROUP BY l.state, o.disposition, o.converted, is_due, is_old"
    )


def _folded(rows: Iterable[Any]) -> OutcomeCounts:
    outcomes: dict[Disposition, int] = {}
    totals = dict.fromkeys(("accepted", "awaiting", "unresolved", "converted", "unknown", "rejected", "under_way"), 0)
    for state, disposition, converted, is_due, is_old, calls in rows:
        name = ("unknown" if is_old else "under_way") if state == "claimed" else str(state)
        totals[name] += calls
        if name != "accepted":
            continue
        if disposition is None:
            totals["unresolved" if is_due else "awaiting"] += calls
        else:
            word = Disposition(disposition)
            outcomes[word] = outcomes.get(word, 0) + calls
            totals["converted"] += calls if converted else 0
    return OutcomeCounts(outcomes={word: outcomes[word] for word in Disposition if word in outcomes}, **totals)
