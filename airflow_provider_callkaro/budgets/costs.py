"""What today's calls have taken, as their outcomes say."""
# ruff: noqa: S608

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import inspect
from sqlalchemy.engine import Connection

from airflow_provider_callkaro.ledger.sql.session import execute
from airflow_provider_callkaro.ledger.sql.table import OUTCOMES_TABLE, TABLE
from airflow_provider_callkaro.ledger.sql.values import as_text, without_zone


@dataclass(frozen=True, slots=True, kw_only=True)
class Talked:
    """What outcomes say. ``minutes``: started minutes of all attempts. ``calls``: calls with a final outcome."""

    minutes: float
    calls: int


def talked_since(connection: Connection, *, conn_ids: Sequence[str], since: float) -> Talked:
    """What the calls took that were claimed since a moment, in seconds since 1970 UTC."""
    if not conn_ids or not inspect(connection).has_table(OUTCOMES_TABLE):
        return Talked(minutes=0.0, calls=0)
    whole = "CEIL(o.duration_seconds / 60)"
    if connection.dialect.name == "sqlite":  # which may lack the function
        whole = "CAST((o.duration_seconds + 59.999999) / 60 AS INTEGER)"
    row = execute(
        connection,
        f"SELECT SUM({whole}), SUM(o.is_final) FROM {OUTCOMES_TABLE} o JOIN {TABLE} l ON l.id = o.ledger_id "
        "WHERE o.changed_at >= :since AND l.claimed_at >= :since AND o.conn_id IN :conn_ids",
        since=as_text(without_zone(datetime.fromtimestamp(since, UTC))),
        conn_ids=list(conn_ids),
    ).first()
    return Talked(minutes=float(row[0] or 0), calls=int(row[1] or 0))
