"""How many outcomes have come since a moment: for whoever starts work because of new ones."""
# ruff: noqa: S608

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy.engine import Connection

from airflow_provider_callkaro.ledger.sql.names import Names
from airflow_provider_callkaro.ledger.sql.session import execute
from airflow_provider_callkaro.ledger.sql.statements import Statements
from airflow_provider_callkaro.ledger.sql.table import OUTCOMES_TABLE, TABLE
from airflow_provider_callkaro.ledger.sql.values import as_instant, as_text, without_zone
from airflow_provider_callkaro.outcomes.selection import Selection

SETTLING_SECONDS = 5  # a transaction notes the moment of a change before it commits; younger changes are told next time


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What is new.

    :param calls: calls whose final outcome came or changed.
    :param until: up to which moment, by the database's clock, UTC: the next question begins there.
    """

    calls: int
    until: datetime


def changes(
    connection: Connection, *, selection: Selection, since: datetime | None, statements: Statements, names: Names
) -> Changes:
    """What is new since a moment. ``since``: aware; None for nothing yet, but from when to ask."""
    now = execute(connection, f"SELECT {statements.ago(SETTLING_SECONDS)}").scalar_one()
    until = as_instant(now).replace(tzinfo=UTC)
    if since is None or since >= until:
        return Changes(calls=0, until=until if since is None else since)
    condition, values = selection.condition(connection, names=names)
    query = (
        f"SELECT COUNT(*) FROM {OUTCOMES_TABLE} o JOIN {TABLE} l ON l.id = o.ledger_id WHERE o.is_final = 1 "
        f"AND o.changed_at > :since AND o.changed_at <= :until AND {condition}"
    )
    span = {"since": as_text(without_zone(since)), "until": as_text(without_zone(until))}
    return Changes(calls=int(execute(connection, query, **values, **span).scalar_one()), until=until)
