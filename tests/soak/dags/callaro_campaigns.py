"""Callaro under fire: a campaign step by step, one in a single task, and an import of contacts."""

from __future__ import annotations

from typing import Any

from airflow.providers.common.compat.sdk import DAG
from house_rules import DAG_OPTIONS, REPORTS, TRIES

from airflow_provider_callkaro.operators.callaro import (
    CallaroCancelCampaignOperator,
    CallaroCloneCampaignOperator,
    CallaroClonePrefillOperator,
    CallaroContactImportOperator,
    CallaroCreateCampaignOperator,
    CallaroExportImportErrorsOperator,
    CallaroExportResultsOperator,
    CallaroImportContactsOperator,
    CallaroLaunchCampaignOperator,
    CallaroPauseCampaignOperator,
    CallaroPreflightOperator,
    CallaroResumeCampaignOperator,
    CallaroRunCampaignOperator,
    CallaroSaveAsTemplateOperator,
    CallaroUpdateCampaignOperator,
)
from airflow_provider_callkaro.sensors.callaro import CallaroCampaignSensor, CallaroDispatchHealthSensor

AUDIENCE = {"contacts": [{"phone_e164": f"{{{{ dag_run.conf.numbers[{place}] }}}}"} for place in range(5)]}
NOBODY_NEW = {"contacts": [{"phone_e164": "{{ dag_run.conf.numbers[5] }}"}]}
CAMPAIGN: dict[str, Any] = {
    "agent_id": 42,
    "timezone": "UTC",
    "campaign_phone_number_ids": [101],
    "concurrency_limit": 3,
}

with DAG("callaro_steps", **DAG_OPTIONS):
    campaign = CallaroCreateCampaignOperator(
        task_id="campaign", name="{{ run_id }} steps", extra_fields=AUDIENCE, **CAMPAIGN
    )
    named = CallaroUpdateCampaignOperator(task_id="named", campaign_id=campaign.output, fields={"concurrency_limit": 2})
    preflight = CallaroPreflightOperator(
        task_id="preflight", campaign_id=campaign.output, capacity_minimum={"contacts": 1}
    )
    launch = CallaroLaunchCampaignOperator(task_id="launch", campaign_id=campaign.output)
    pause = CallaroPauseCampaignOperator(task_id="pause", campaign_id=campaign.output)
    resume = CallaroResumeCampaignOperator(task_id="resume", campaign_id=campaign.output, trigger_rule="all_done")
    health = CallaroDispatchHealthSensor(
        task_id="health", campaign_id=campaign.output, maximum={"failure_rate": 1}, mode="reschedule", poke_interval=3
    )
    ended = CallaroCampaignSensor(task_id="ended", campaign_id=campaign.output, poke_interval=3, deferrable=True)
    results = CallaroExportResultsOperator(
        task_id="results", campaign_id=campaign.output, path=f"{REPORTS}/{{{{ run_id }}}} results.csv"
    )
    prefill = CallaroClonePrefillOperator(task_id="prefill", campaign_id=campaign.output)
    clone = CallaroCloneCampaignOperator(
        task_id="clone", campaign_id=campaign.output, name="{{ run_id }} clone", extra_fields=NOBODY_NEW
    )
    template = CallaroSaveAsTemplateOperator(task_id="template", campaign_id=campaign.output, repeat_unknown=True)
    launch_of_the_clone = CallaroLaunchCampaignOperator(task_id="launch_of_the_clone", campaign_id=clone.output)
    cancel = CallaroCancelCampaignOperator(task_id="cancel", campaign_id=clone.output)
    named >> preflight >> launch >> pause >> resume >> [health, ended] >> results
    launch >> [prefill, template] >> clone >> launch_of_the_clone >> cancel

with DAG("callaro_one_task", **DAG_OPTIONS):
    CallaroRunCampaignOperator(
        task_id="outreach",
        name="{{ run_id }} one task",
        extra_fields=AUDIENCE,
        capacity_minimum={"contacts": 1},
        poll_interval=3,
        export_path=f"{REPORTS}/{{{{ run_id }}}} outreach.jsonl",
        deferrable=True,
        **CAMPAIGN,
    )

with DAG("callaro_import", **DAG_OPTIONS | {"default_args": {**TRIES}}):
    imported = CallaroImportContactsOperator(
        task_id="imported",
        path=f"{REPORTS}/contacts.csv",
        column_mapping={"phone": "phone_e164"},
        repeat_unknown=True,  # to import contacts twice rings nobody
    )
    looked_at = CallaroContactImportOperator(task_id="looked_at", import_id=imported.output)
    errors = CallaroExportImportErrorsOperator(
        task_id="errors", import_id=imported.output, path=f"{REPORTS}/{{{{ run_id }}}} errors.csv"
    )
    looked_at >> errors
