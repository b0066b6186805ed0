"""What an Airflow with StatsD, OpenLineage and tracing has to tell: every vendor that takes a list, and a failure."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from airflow.providers.common.compat.sdk import DAG, TriggerRule, task

from airflow_provider_callkaro.calls import CallingPolicy, ScheduleWindow
from airflow_provider_callkaro.operators.callaro import CallaroImportContactsOperator, CallaroRunCampaignOperator
from airflow_provider_callkaro.operators.callkaro import (
    CallKaroCreateCampaignOperator,
    CallKaroFanOutCallsOperator,
    CallKaroPreflightOperator,
    CallKaroReportToSqlOperator,
)
from airflow_provider_callkaro.operators.mrassistant import MrAssistantCreateCampaignOperator
from airflow_provider_callkaro.sources import FileContacts, SqlContacts

FOLDER = os.environ["OBSERVED_FOLDER"]
QUERY = "select phone as to_number, name from renewals join customers using (id) where name <> :name"
LEDGER = {"ledger_conn_id": "call_ledger"}

with DAG("observed_calls", schedule=None, start_date=datetime(2026, 1, 1), catchup=False):
    arguments: dict[str, Any] = {
        "contacts": SqlContacts(QUERY, conn_id="warehouse", parameters={"name": "+919876599999"}),
        "agent_id": "agent",
        "call_options": {"metadata": {"note": "Secret"}},
        **LEDGER,
    }
    preflight = CallKaroPreflightOperator(task_id="preflight", **arguments, ledger_scope="warehouse")
    campaign = CallKaroCreateCampaignOperator(task_id="campaign", name="Renewals")
    calls = CallKaroFanOutCallsOperator(
        task_id="calls",
        **arguments,
        ledger_scope="warehouse",
        batch_id=campaign.output,
        report_path=f"{FOLDER}/report.csv",
        report_columns={"to_number": "phone"},
        policy=CallingPolicy(
            windows=[ScheduleWindow("00:00", "24:00")],
            timezone="UTC",
            suppress=FileContacts(f"{FOLDER}/do_not_call.csv"),
        ),
    )
    outcomes = CallKaroReportToSqlOperator(
        task_id="outcomes",
        report_path=calls.output,
        conn_id="warehouse",
        table="outcomes",
        key_columns=["phone"],
        create_table=True,
    )
    campaigns = MrAssistantCreateCampaignOperator(
        task_id="campaigns",
        name="Renewals",
        agent_id="6f2c0a56-6a64-4b0e-9f0c-2a4f4c1a7d10",
        contacts=FileContacts(f"{FOLDER}/list.csv"),
        targets_per_campaign=2,
        ledger_scope="file",
        **LEDGER,
    )

    imported = CallaroImportContactsOperator(
        task_id="imported", path=f"{FOLDER}/list.csv", column_mapping={"to_number": "phone_e164"}, metadata_columns=[]
    )
    dialled = CallaroRunCampaignOperator(
        task_id="dialled",
        name="Renewals",
        agent_id=42,
        timezone="Asia/Kolkata",
        campaign_phone_number_ids=[101],
        extra_fields={"contacts": [{"phone_e164": "+919876500777", "name": "Secret"}]},
        export_path=f"{FOLDER}/results.csv",
        poll_interval=0.05,
    )

    @task.callkaro_calls(agent_id="agent", ledger_scope="function", trigger_rule=TriggerRule.ALL_DONE, **LEDGER)
    def breaks_off(name: str) -> Iterator[dict[str, Any]]:
        yield {"to_number": "+919876500900", "name": name}
        raise ValueError("the function's own words")

    preflight >> campaign >> calls >> outcomes >> campaigns >> imported >> dialled >> breaks_off("Secret")
