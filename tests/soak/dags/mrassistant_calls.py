"""MrAssistant under fire: campaigns, in shards too, a single call that is watched and ended, and the outbound hours."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.providers.common.compat.sdk import DAG
from house_rules import DAG_OPTIONS, LEDGER, LISTS, MRASSISTANT_AGENT, contacts, report

from airflow_provider_callkaro.calls import shards
from airflow_provider_callkaro.operators.callkaro import CallKaroCombineSummariesOperator
from airflow_provider_callkaro.operators.mrassistant import (
    MrAssistantConfigureOutboundOperator,
    MrAssistantCreateCampaignOperator,
    MrAssistantEndCallOperator,
    MrAssistantOutboundCallOperator,
    MrAssistantPreflightOperator,
    MrAssistantTransferCallOperator,
)
from airflow_provider_callkaro.sensors.mrassistant import MrAssistantCallSensor
from airflow_provider_callkaro.sensors.mrassistant_outbound import MrAssistantOutboundOpenSensor

SHARDS = 2
CAMPAIGNS: dict[str, Any] = {
    "name": "{{ run_id }}",
    "agent_id": MRASSISTANT_AGENT,
    "targets_per_campaign": 6,
    "concurrent_calls": 2,
    "longest_call": timedelta(minutes=1),
    "calls_per_second": 4,
    **LEDGER,
    **LISTS,
}

with DAG("mrassistant_campaigns", **DAG_OPTIONS):
    configured = MrAssistantConfigureOutboundOperator(
        task_id="configured",
        agent_id=MRASSISTANT_AGENT,
        phone_numbers=[{"phone_number": "+12025550100"}],
        schedules=[
            {
                "name": "always",
                "time_windows": [
                    {"start_time": "00:00", "end_time": "24:00", "days_of_week": list(range(7)), "timezone": "UTC"}
                ],
            }
        ],
    )
    opened = MrAssistantOutboundOpenSensor(
        task_id="opened", agent_id=MRASSISTANT_AGENT, deferrable=True, poke_interval=3
    )
    rehearsal = MrAssistantPreflightOperator(
        task_id="rehearsal",
        contacts=contacts(),
        name="{{ run_id }}",
        agent_id=MRASSISTANT_AGENT,
        ledger_conn_id="call_ledger",
        ledger_scope="{{ run_id }} calls",
    )
    calls = MrAssistantCreateCampaignOperator(task_id="calls", contacts=contacts(), report_path=report(), **CAMPAIGNS)
    configured >> opened >> rehearsal >> calls

with DAG("mrassistant_shards", **DAG_OPTIONS):
    parts = MrAssistantCreateCampaignOperator.partial(
        task_id="calls", contacts=contacts(), report_path=report(mapped=True), **CAMPAIGNS
    ).expand(shard=shards(SHARDS))
    CallKaroCombineSummariesOperator(task_id="together", summaries=parts.output, report_path=report())
    call = MrAssistantOutboundCallOperator(
        task_id="call", to_number="{{ dag_run.conf.numbers[0] }}", agent_id=MRASSISTANT_AGENT, **LEDGER
    )
    handed_over = MrAssistantTransferCallOperator(
        task_id="handed_over", call_id=call.output, transfer_to="tel:+12025550199"
    )
    over = MrAssistantEndCallOperator(task_id="over", call_id=call.output, trigger_rule="all_done")
    ended = MrAssistantCallSensor(task_id="ended", call_id=call.output, deferrable=True, poke_interval=3)
    handed_over >> over >> ended
