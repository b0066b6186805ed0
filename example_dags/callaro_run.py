"""A Callaro campaign in one task: create, check, launch, wait, export. It may die at any moment; the retry goes on.

Connection: ``callaro_default``. Variable ``outreach_reports``: a folder, local or in object storage.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from airflow.providers.common.compat.sdk import DAG

from airflow_provider_callkaro.operators.callaro import CallaroRunCampaignOperator

DAY = "{{ (dag_run.data_interval_end or dag_run.run_after) | ds }}"  # a run started by hand may have no interval

with DAG(
    "callaro_run",
    schedule=None,
    start_date=datetime(2026, 1, 1),
    catchup=False,
    default_args={"retries": 3, "retry_delay": timedelta(minutes=2)},
    tags=["callaro"],
) as dag:
    CallaroRunCampaignOperator(
        task_id="outreach",
        name=f"Winback {DAY}",
        agent_id=42,
        timezone="Asia/Kolkata",
        campaign_phone_number_ids=[101, 102],
        concurrency_limit=3,
        extra_fields={"segment_id": 17},  # the audience: Callaro's guide does not name its field
        capacity_minimum={"contacts": 1},
        timezones_maximum={"outside_window": 0},
        export_path=f"{{{{ var.value.outreach_reports }}}}/callaro/winback-{DAY}.jsonl",
        wait_timeout=timedelta(hours=12),
        on_kill="pause",
    )
