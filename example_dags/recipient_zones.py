"""Outreach over the United States: one task, and every phone rings within the calling hours of its place.

Those who may be called now are called. Then the task sleeps, without a worker slot, and goes on as the country wakes
up, zone by zone. Numbers that may belong to several zones ring when all of them are open. Connections:
``callkaro_default`` with ``schedule_timezone`` in its extra, ``warehouse``, ``call_ledger``.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from airflow.providers.common.compat.sdk import DAG

from airflow_provider_callkaro.calls import CallingPolicy
from airflow_provider_callkaro.operators.callkaro import CallKaroFanOutCallsOperator
from airflow_provider_callkaro.sources import SqlContacts

DAY = "{{ (dag_run.data_interval_end or dag_run.run_after) | ds }}"  # a run started by hand may have no interval

with DAG(
    "recipient_zones",
    schedule="0 12 * * mon-fri",
    start_date=datetime(2026, 1, 1),
    catchup=False,
    tags=["callkaro"],
) as dag:
    CallKaroFanOutCallsOperator(
        task_id="calls",
        contacts=SqlContacts(
            "select phone as to_number, timezone, name from appointments where day = :day order by id",
            conn_id="warehouse",
            parameters={"day": DAY},
        ),
        agent_id="agent_sales_id",
        policy=CallingPolicy.rules("us-federal", mobile_margin=timedelta(hours=1)),
        expires_after=timedelta(hours=14),
        calls_per_second=10,
        ledger_conn_id="call_ledger",
        ledger_scope=f"appointments of {DAY}",
        retries=3,
    )
