"""A Callaro campaign, step by step: created as a draft, checked, launched, watched, and exported.

The launch is the only step that calls people, and it never happens twice: a retry reads the campaign's state first. The
health sensor pauses the campaign if too many calls fail, and the last task writes the results when it has ended well.

Connection: ``callaro_default``. Variable ``outreach_reports``: a folder, local or in object storage.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from airflow.providers.common.compat.sdk import DAG

from airflow_provider_callkaro.operators.callaro import (
    CallaroCreateCampaignOperator,
    CallaroExportResultsOperator,
    CallaroLaunchCampaignOperator,
    CallaroPreflightOperator,
)
from airflow_provider_callkaro.sensors.callaro import CallaroCampaignSensor, CallaroDispatchHealthSensor

DAY = "{{ (dag_run.data_interval_end or dag_run.run_after) | ds }}"  # a run started by hand may have no interval

with DAG(
    "callaro_outreach",
    schedule=None,
    start_date=datetime(2026, 1, 1),
    catchup=False,
    default_args={"retries": 3, "retry_delay": timedelta(minutes=2)},
    tags=["callaro"],
) as dag:
    campaign = CallaroCreateCampaignOperator(
        task_id="campaign",
        name=f"Pipeline reactivation {DAY}",
        agent_id=42,
        timezone="Asia/Kolkata",
        campaign_phone_number_ids=[101, 102],
        concurrency_limit=3,
        # Callaro's guide does not name the field of the audience; it is sent as your account's API takes it.
        extra_fields={"segment_id": 17},
    )
    preflight = CallaroPreflightOperator(
        task_id="preflight",
        campaign_id=campaign.output,
        capacity_minimum={"contacts": 1},
        capacity_maximum={"estimated_minutes": 8 * 60},
        timezones_maximum={"outside_window": 0},
    )
    launch = CallaroLaunchCampaignOperator(task_id="launch", campaign_id=campaign.output)
    health = CallaroDispatchHealthSensor(
        task_id="health",
        campaign_id=campaign.output,
        maximum={"failure_rate": 0.3},
        on_degraded="pause",
        mode="reschedule",
        poke_interval=60,
        timeout=timedelta(hours=12).total_seconds(),
    )
    ended = CallaroCampaignSensor(
        task_id="ended",
        campaign_id=campaign.output,
        poke_interval=60,
        timeout=timedelta(hours=12).total_seconds(),
    )
    results = CallaroExportResultsOperator(
        task_id="results",
        campaign_id=campaign.output,
        path=f"{{{{ var.value.outreach_reports }}}}/callaro/{DAY}.csv",
    )

    preflight >> launch >> [health, ended] >> results
