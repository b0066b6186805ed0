"""The tables of the budgets, beside those of the ledger, and made on first use like them.

``voice_call_budgets`` has one row per budget: what the connection's extra says, what the command line says instead, and
the `Book` without its leases. ``voice_call_budget_leases`` has one row per worker that holds a lease. Every renewal
locks the budget's row first.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Column, Float, MetaData, String, Table, Text
from sqlalchemy.dialects.mysql import MEDIUMTEXT

from airflow_provider_callkaro.ledger.sql.table import BUDGET_LEASES_TABLE, BUDGETS_TABLE

_MYSQL: dict[str, Any] = {
    f"{dialect}_{option}": value
    for dialect in ("mysql", "mariadb")
    for option, value in (("engine", "InnoDB"), ("charset", "utf8mb4"), ("collate", "utf8mb4_bin"))
}


def _long_text() -> Any:
    return Text().with_variant(MEDIUMTEXT(), "mysql").with_variant(MEDIUMTEXT(), "mariadb")


metadata = MetaData()
budgets = Table(
    BUDGETS_TABLE,
    metadata,
    Column("name", String(200), primary_key=True),
    Column("settings", _long_text(), nullable=False),
    Column("settings_read_at", Float(53), nullable=False),
    Column("overrides", _long_text(), nullable=False),
    Column("book", _long_text(), nullable=False),
    **_MYSQL,
)
leases = Table(
    BUDGET_LEASES_TABLE,
    metadata,
    Column("budget", String(200), primary_key=True),
    Column("id", String(32), primary_key=True),
    Column("lease", _long_text(), nullable=False),
    **_MYSQL,
)

CLOCKS = {
    "postgresql": "SELECT EXTRACT(EPOCH FROM clock_timestamp())",
    "mysql": "SELECT TIMESTAMPDIFF(MICROSECOND, '1970-01-01', UTC_TIMESTAMP(6)) / 1000000",
    "mariadb": "SELECT TIMESTAMPDIFF(MICROSECOND, '1970-01-01', UTC_TIMESTAMP(6)) / 1000000",
    "sqlite": "SELECT (julianday('now') - 2440587.5) * 86400.0",
}
"""What the database's clock shows, in seconds since 1970 UTC, when the statement runs."""

SETTINGS = {
    "postgresql": (
        "SET lock_timeout = '1s'",
        "SET statement_timeout = '2s'",
        "SET idle_in_transaction_session_timeout = '500ms'",
    ),
    "mysql": ("SET SESSION innodb_lock_wait_timeout = 1", "SET SESSION wait_timeout = 1"),
    "mariadb": ("SET SESSION innodb_lock_wait_timeout = 1", "SET SESSION wait_timeout = 1"),
    "sqlite": ("PRAGMA busy_timeout = 1000",),
}
"""For each connection: wait for a short time, and let no frozen worker keep the others waiting. (A frozen worker that
has locked a SQLite file keeps it.)"""
