"""What all DAGs of the soak share. The soak says in the environment where reports go and when phones may ring."""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from typing import Any

from airflow_provider_callkaro.calls import CallingPolicy, ScheduleWindow
from airflow_provider_callkaro.sources import SqlContacts

START = datetime(2026, 1, 1)
AGENT = "agent"
AGENT_OF_THE_HOURS = "agent-of-the-hours"  # by it the account knows who may ring within the hours alone
MRASSISTANT_AGENT = "3c90c3cc-0d44-4b50-8888-8dd25736052a"
REPORTS = os.environ["SOAK_REPORTS"]
HOURS = CallingPolicy(
    windows=[ScheduleWindow(*span.split("-")) for span in os.environ["SOAK_HOURS"].split(",")], timezone="UTC"
)
TRIES: dict[str, Any] = {"retries": 40, "retry_delay": timedelta(seconds=1)}
"""Enough that no number of kills uses them up."""
DAG_OPTIONS: dict[str, Any] = {
    "schedule": None,
    "start_date": START,
    "catchup": False,
    "default_args": TRIES,
    "max_active_runs": 100,
}
LEDGER: dict[str, Any] = {"ledger_conn_id": "call_ledger", "ledger_scope": "{{ run_id }} {{ task.task_id }}"}
LISTS: dict[str, Any] = {
    "report_columns": ["to_number"],
    "metadata_columns": ["name"],
    "on_none_accepted": "warn",
    "stop_after_unknown": None,
}
"""A list ends with whoever was reached: the account asks what became of each row, whatever it was."""


def contacts() -> SqlContacts:
    """The rows of the task's own list."""
    return SqlContacts(
        "select phone as to_number, name from contacts where list = :list order by id",
        conn_id="warehouse",
        parameters={"list": "{{ run_id }} {{ task.task_id }}"},
    )


def report(*, of: str = "{{ task.task_id }}", mapped: bool = False) -> str:
    """Where a task writes its report. ``of``: another task's."""
    place = " {{ ti.map_index }}" if mapped else ""
    return f"{REPORTS}/{{{{ run_id }}}} {of}{place}.csv"
