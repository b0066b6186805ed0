"""The summary of calls, made again from the ledger: by state and reason, and the accepted ones by their outcome."""
# ruff: noqa: S608

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy.engine import Connection

from airflow_provider_callkaro.ledger.sql.names import Names
from airflow_provider_callkaro.ledger.sql.session import execute
from airflow_provider_callkaro.ledger.sql.statements import LEASE_SECONDS, Statements
from airflow_provider_callkaro.ledger.sql.table import TABLE
from airflow_provider_callkaro.outcomes.counting import OutcomeCounts
from airflow_provider_callkaro.outcomes.selection import Selection

UNDER_WAY = "under_way"
"""The state of calls that are claimed, and may be ringing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerSummary:
    """What the ledger knows of calls. Rows that were never sent (skipped, or rejected when read) are not in it.

    :param reasons: how many calls are in which state for which reason; an empty text where there is none.
    :param counts: what became of them.
    """

    reasons: Mapping[str, Mapping[str, int]]
    counts: OutcomeCounts

    def lines(self) -> list[dict[str, object]]:
        """The summary as a table: state, reason or outcome, and calls. Each call is in one line."""
        found: list[dict[str, object]] = [
            _line("accepted", str(word), calls) for word, calls in self.counts.outcomes.items()
        ]
        found += [
            _line("accepted", name, calls)
            for name, calls in (("awaiting", self.counts.awaiting), ("unresolved", self.counts.unresolved))
            if calls
        ]
        for state in sorted(self.reasons.keys() - {"accepted"}):
            found += [_line(state, reason, calls) for reason, calls in sorted(self.reasons[state].items())]
        return found


def reasons_of(
    connection: Connection, *, selection: Selection, statements: Statements, names: Names
) -> dict[str, dict[str, int]]:
    """How many of the selected calls are in which state for which reason. A claim that nobody settled is unknown."""
    condition, values = selection.condition(connection, names=names)
    query = (
        "SELECT l.state, l.reason, "
        f"CASE WHEN l.claimed_at <= (SELECT {statements.ago(LEASE_SECONDS)}) THEN 1 ELSE 0 END AS is_old, "
        f"COUNT(*) FROM {TABLE} l WHERE {condition} GROUP BY l.state, l.reason, is_old"
    )
    found: dict[str, dict[str, int]] = {}
    for state, reason, is_old, calls in execute(connection, query, **values):
        name = str(state) if state != "claimed" else "unknown" if is_old else UNDER_WAY
        why = "interrupted" if state == "claimed" and is_old else str(reason or "")
        reasons = found.setdefault(name, {})
        reasons[why] = reasons.get(why, 0) + int(calls)
    return found


def _line(state: str, reason: str, calls: int) -> dict[str, object]:
    return {"state": state, "reason or outcome": reason, "calls": calls}
