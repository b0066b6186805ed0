"""A Callaro campaign from its creation to its end, with a first try that breaks after the campaign was created."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from airflow.providers.common.compat.sdk import DAG

from airflow_provider_callkaro.operators.callaro import (
    CallaroCloneCampaignOperator,
    CallaroCreateCampaignOperator,
    CallaroLaunchCampaignOperator,
    CallaroPreflightOperator,
)
from airflow_provider_callkaro.sensors.callaro import CallaroCampaignSensor, CallaroDispatchHealthSensor


class CampaignThatFailsAfterwards(CallaroCreateCampaignOperator):
    """Creates the campaign, and then its first try breaks."""

    def execute(self, context: Any) -> Any:
        campaign_id = super().execute(context)
        if context["ti"].try_number == 1:
            raise RuntimeError("the worker broke after the campaign was created")
        return campaign_id


CONNECTION = {"callaro_conn_id": "{{ dag_run.conf.callaro }}"}

with DAG("callaro_campaign", schedule=None, start_date=datetime(2026, 1, 1)) as callaro_campaign:
    campaign = CampaignThatFailsAfterwards(
        task_id="campaign",
        name="Campaign of {{ run_id }}",
        agent_id="{{ dag_run.conf.agent }}",
        timezone="Asia/Kolkata",
        campaign_phone_number_ids=[101, 102],
        concurrency_limit=3,
        extra_fields={"contacts": [{"phone_e164": "{{ dag_run.conf.number }}", "first_name": "Secret"}]},
        retries=1,
        retry_delay=timedelta(seconds=1),
        **CONNECTION,
    )
    preflight = CallaroPreflightOperator(
        task_id="preflight",
        campaign_id=campaign.output,
        capacity_maximum={"estimated_minutes": 10},
        timezones_maximum={"unknown": 0},
        **CONNECTION,
    )
    launch = CallaroLaunchCampaignOperator(task_id="launch", campaign_id=campaign.output, **CONNECTION)
    ended = CallaroCampaignSensor(
        task_id="ended",
        campaign_id=campaign.output,
        target_states=["cancelled"],
        failed_states=[],
        deferrable=True,
        poke_interval=2,
        **CONNECTION,
    )
    health = CallaroDispatchHealthSensor(
        task_id="health",
        campaign_id=campaign.output,
        maximum={"failure_rate": 0.2},
        mode="reschedule",
        poke_interval=2,
        **CONNECTION,
    )
    clone = CallaroCloneCampaignOperator(task_id="clone", campaign_id=campaign.output, name="Next time", **CONNECTION)
    preflight >> launch >> [ended, health] >> clone
