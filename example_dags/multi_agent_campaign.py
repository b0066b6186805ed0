"""One campaign, several agents: every row names the agent that speaks (CallKaro's campaigns v2).

The list is made by a task, which writes it to object storage and returns where it is. If it returned the rows, Airflow
would write every number into the task's log and into its database.

Connections: ``callkaro_default``. Variable ``outreach_lists``: a folder, local or in object storage.
"""

from __future__ import annotations

import json
from datetime import datetime

from airflow.providers.common.compat.sdk import DAG, ObjectStoragePath, task

from airflow_provider_callkaro.operators.callkaro import CallKaroCreateCampaignOperator, CallKaroFanOutCallsOperator
from airflow_provider_callkaro.sources import FileContacts

with DAG("multi_agent_campaign", schedule=None, start_date=datetime(2026, 1, 1), tags=["callkaro"]) as dag:

    @task
    def customers(folder: str, run: str) -> str:
        """Two customers, each spoken to in their own language by their own agent; yours come from somewhere."""
        rows = [
            {"phone": "+91 98765 43210", "agent_id": "agent_sales_id", "language": "hi", "name": "Customer 1"},
            {"phone": "+91 98765 43211", "agent_id": "agent_support_id", "language": "en", "name": "Customer 2"},
        ]
        path = ObjectStoragePath(folder) / f"{run}.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        return str(path)

    campaign = CallKaroCreateCampaignOperator(task_id="campaign", name="Inspection Campaign")

    CallKaroFanOutCallsOperator(
        task_id="calls",
        contacts=FileContacts(customers("{{ var.value.outreach_lists }}", "{{ run_id | replace(':', '') }}")),
        column_map={"phone": "to_number"},
        row_fields=["agent_id", "language"],
        batch_id=campaign.output,
        call_options={"number_of_retries": 2, "gap_between_retries": [30, 120]},
    )
