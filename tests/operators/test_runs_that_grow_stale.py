"""A run that becomes long past while it sleeps, or before it is cleared: whoever it rang before is not rung again."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from task_context import task_context

from airflow_provider_callkaro.operators.callkaro import CallKaroFanOutCallsOperator

CONTACTS = [{"to_number": f"+9198765{row:05d}"} for row in range(8)]


@pytest.fixture
def connections(sandbox, tmp_path, monkeypatch):
    monkeypatch.setenv("AIRFLOW_CONN_CALLKARO_DEFAULT", sandbox.airflow_connection)
    ledger = json.dumps({"conn_type": "sqlite", "host": str(tmp_path / "ledger.db")})
    monkeypatch.setenv("AIRFLOW_CONN_CALL_LEDGER", ledger)


def run(context, *, stale_after, contacts=CONTACTS):
    operator = CallKaroFanOutCallsOperator(
        task_id="calls",
        contacts=contacts,
        agent_id="asha",
        ledger_conn_id="call_ledger",
        stale_runs="dial",
        stale_after=stale_after,
    )
    return operator.execute(context)


@pytest.mark.usefixtures("connections")
def test_a_run_that_has_become_stale_goes_on_where_it_was(sandbox) -> None:
    context = task_context()
    context["dag_run"].data_interval_end = datetime.now(UTC) - timedelta(days=2)
    fresh = run(context, stale_after=timedelta(days=3), contacts=CONTACTS[:5])
    stale = run(context, stale_after=timedelta(days=1))
    assert (fresh["accepted"], stale["accepted"], stale["total"]) == (5, 8, 8)
    assert sandbox.rings_per_number() == {contact["to_number"]: 1 for contact in CONTACTS}


@pytest.mark.usefixtures("connections")
def test_stale_runs_of_different_days_still_share_a_scope(sandbox) -> None:
    for day in ("manual__1", "manual__2"):
        context = task_context(run_id=day)
        context["dag_run"].data_interval_end = datetime.now(UTC) - timedelta(days=2)
        context["data_interval_end"] = datetime.now(UTC) - timedelta(days=2, hours=len(sandbox.rings))
        run(context, stale_after=timedelta(days=1))
    assert sandbox.rings_per_number() == {contact["to_number"]: 1 for contact in CONTACTS}
