"""Rehearsals: a fan-out as a dry run, and a preflight of the same list, whose hours are never now."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from airflow.providers.common.compat.sdk import DAG

from airflow_provider_callkaro.calls import CallingPolicy, ScheduleWindow
from airflow_provider_callkaro.operators.callkaro import CallKaroFanOutCallsOperator, CallKaroPreflightOperator

OPENS = datetime.now(UTC) + timedelta(hours=6)

REHEARSED = {
    "contacts": [{"to_number": f"+9198765{row % 60:05d}", "name": "Secret"} for row in range(70)] + ["nonsense"],
    "agent_id": "agent",
    "policy": CallingPolicy(
        windows=ScheduleWindow(f"{OPENS:%H:00}", f"{OPENS + timedelta(hours=4):%H:00}"),
        timezone="UTC",
        suppress=["+919876500007"],
    ),
    "calls_per_second": 1,
    "callkaro_conn_id": "rehearsal_vendor",
}

with DAG("rehearsals", schedule=None, start_date=datetime(2026, 1, 1)) as dag:
    CallKaroFanOutCallsOperator(task_id="dry_run", dry_run=True, **REHEARSED)
    CallKaroPreflightOperator(
        task_id="preflight",
        price_per_minute=2,
        minutes_per_call=1.5,
        currency="INR & more",
        page_path="{{ var.value.outreach_reports }}/preflight/{{ run_id }}.html",
        **REHEARSED,
    )
