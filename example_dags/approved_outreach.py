"""Approved outreach: a preflight says who would be called, when, and at what cost; a person approves, then calls begin.

The approval is Airflow's own: it waits in the user interface under "Required Actions", without a worker. It needs
Airflow 3.1 or later; on an older Airflow this file defines no DAG.

Connections: ``callkaro_default``, with ``schedule_timezone`` in its extra; ``warehouse``, any SQL database with the
customers; ``call_ledger``, the SQL database that remembers who has been called. Variable ``outreach_reports``: a
folder, local or in object storage.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from airflow.providers.common.compat.sdk import DAG, AirflowOptionalProviderFeatureException

from airflow_provider_callkaro.calls import CallingPolicy, ScheduleWindow
from airflow_provider_callkaro.operators.callkaro import CallKaroFanOutCallsOperator, CallKaroPreflightOperator
from airflow_provider_callkaro.sources import SqlContacts

try:
    from airflow.providers.standard.operators.hitl import ApprovalOperator
except (ImportError, AirflowOptionalProviderFeatureException):  # Airflow before 3.1 has no approvals
    ApprovalOperator = None

DAY = "{{ (dag_run.data_interval_end or dag_run.run_after) | ds }}"  # a run started by hand may have no interval

OUTREACH = {  # the same for both: what was looked at is what is rung
    "contacts": SqlContacts(
        "select phone as to_number, name, city, due_on, priority from renewals where due_on = :day order by id",
        conn_id="warehouse",
        parameters={"day": DAY},
    ),
    "agent_id": "6803fa770b666a64ab1694c1e",
    "policy": CallingPolicy(windows=ScheduleWindow("10:00", "19:00", "mon-sat"), timezone="Asia/Kolkata"),
    "when_closed": "schedule",
    "calls_per_second": 20,
    "ledger_conn_id": "call_ledger",
    "ledger_scope": f"approved renewals due {DAY}",
}

if ApprovalOperator is not None:
    with DAG(
        "approved_outreach",
        schedule=None,
        start_date=datetime(2026, 1, 1),
        catchup=False,
        default_args={"retries": 3, "retry_delay": timedelta(minutes=2)},
        tags=["callkaro"],
    ) as dag:
        preflight = CallKaroPreflightOperator(
            task_id="preflight",
            price_per_minute=6.0,
            minutes_per_call=1.5,
            currency="INR",
            page_path=f"{{{{ var.value.outreach_reports }}}}/preflight/{DAY}.html",
            **OUTREACH,
        )
        approval = ApprovalOperator(
            task_id="approval",
            subject="Ring {{ ti.xcom_pull('preflight')['would_ring'] }} customers?",
            body="{{ ti.xcom_pull('preflight')['markdown'] }}",  # tables, and a link to the page
            response_timeout=timedelta(hours=12),
            retries=0,
        )
        calls = CallKaroFanOutCallsOperator(task_id="calls", **OUTREACH)

        preflight >> approval >> calls
