"""Nightly outreach: whoever has a renewal due on the day of the run is called once, whatever happens to the run.

Connections: ``callkaro_default``; ``warehouse``, any SQL database with the customers; ``call_ledger``, the SQL
database that remembers who has been called. Variable ``outreach_reports``: a folder, local or in object storage.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from airflow.providers.common.compat.sdk import DAG

from airflow_provider_callkaro.operators.callkaro import CallKaroCreateCampaignOperator, CallKaroFanOutCallsOperator
from airflow_provider_callkaro.sources import SqlContacts

DAY = "{{ (dag_run.data_interval_end or dag_run.run_after) | ds }}"  # a run started by hand may have no interval

with DAG(
    "nightly_outreach",
    schedule="0 4 * * *",
    start_date=datetime(2026, 1, 1),
    catchup=False,
    default_args={"retries": 3, "retry_delay": timedelta(minutes=2)},
    tags=["callkaro"],
) as dag:
    campaign = CallKaroCreateCampaignOperator(
        task_id="campaign",
        name=f"Renewals due {DAY}",
    )

    CallKaroFanOutCallsOperator(
        task_id="calls",
        contacts=SqlContacts(
            "select phone as to_number, name, city, due_on, priority from renewals where due_on = :day order by id",
            conn_id="warehouse",
            parameters={"day": DAY},
        ),
        batch_id=campaign.output,
        agent_id="6803fa770b666a64ab1694c1e",
        calls_per_second=50,
        ledger_conn_id="call_ledger",
        ledger_scope=f"renewals due {DAY}",
        report_path=f"{{{{ var.value.outreach_reports }}}}/{DAY}.csv",
    )
