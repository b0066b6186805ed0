"""A long list is shared by four tasks, on whichever workers there are, and ends as one summary and one report.

Each person belongs to one of the parts, so nobody is called twice, however many workers there are. If a part fails, the
last task still adds up what there is, and fails with the number of rows that are left.

Connections: ``callkaro_default``; ``warehouse``, any SQL database with the customers; ``call_ledger``, the SQL
database that remembers who has been called. Variable ``outreach_reports``: a folder that all workers reach, such as one
in object storage.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from airflow.providers.common.compat.sdk import DAG

from airflow_provider_callkaro.calls import shards
from airflow_provider_callkaro.operators.callkaro import (
    CallKaroCombineSummariesOperator,
    CallKaroCreateCampaignOperator,
    CallKaroFanOutCallsOperator,
)
from airflow_provider_callkaro.sources import SqlContacts

DAY = "{{ (dag_run.data_interval_end or dag_run.run_after) | ds }}"  # a run started by hand may have no interval
REPORTS = "{{ var.value.outreach_reports }}"
PARTS = 4

with DAG(
    "shared_outreach",
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

    calls = CallKaroFanOutCallsOperator.partial(
        task_id="calls",
        contacts=SqlContacts(
            "select phone as to_number, name, city, due_on, priority from renewals where due_on = :day order by id",
            conn_id="warehouse",
            parameters={"day": DAY},
        ),
        batch_id=campaign.output,
        agent_id="6803fa770b666a64ab1694c1e",
        calls_per_second=25,  # of each part
        on_none_accepted="warn",  # a part of a short list may be empty
        ledger_conn_id="call_ledger",
        ledger_scope=f"shared renewals due {DAY}",
        report_path=f"{REPORTS}/shared/{DAY}-{{{{ ti.map_index }}}}.csv",
        map_index_template="part {{ task.shard[0] + 1 }} of {{ task.shard[1] }}",
    ).expand(shard=shards(PARTS))

    CallKaroCombineSummariesOperator(
        task_id="all_calls",
        summaries=calls.output,
        shards=PARTS,
        report_path=f"{REPORTS}/shared/{DAY}.csv",
        trigger_rule="all_done",
    )
