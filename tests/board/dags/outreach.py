"""A fan-out that two teams have, each in a folder of its own: the name of the folder is that of the team."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from airflow.providers.common.compat.sdk import DAG

from airflow_provider_callkaro.calls import CallingPolicy, ScheduleWindow
from airflow_provider_callkaro.operators.callkaro import CallKaroCreateCampaignOperator, CallKaroFanOutCallsOperator

TEAM = Path(__file__).parent.name
PEOPLE = [{"to_number": f"+9198765{place:05d}"} for place in range(60)]
ODD = [{"to_number": "+9198765"}, {"to_number": "nobody"}, PEOPLE[0], PEOPLE[1], PEOPLE[2]]

with DAG(f"{TEAM}_outreach", schedule=None, start_date=datetime(2026, 1, 1)) as dag:
    campaign = CallKaroCreateCampaignOperator(task_id="campaign", name=TEAM)
    calls = CallKaroFanOutCallsOperator(
        task_id="calls",
        contacts=[*PEOPLE, *ODD],
        agent_id="agent",
        batch_id=campaign.output,
        ledger_conn_id="call_ledger",
        ledger_scope="{{ dag.dag_id }} {{ run_id }}",
        policy=CallingPolicy(timezone="Asia/Kolkata", windows=ScheduleWindow("00:00", "24:00")),
        stop_after_unknown=100,
    )
