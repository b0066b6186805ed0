"""One campaign, several agents: every row names the agent that speaks (CallKaro's campaigns v2).

Connections: ``callkaro_default``. The rows come from an upstream task; your own task would read them from somewhere.
"""

from __future__ import annotations

from datetime import datetime

from airflow.providers.common.compat.sdk import DAG, task

from airflow_provider_callkaro.operators.callkaro import CallKaroCreateCampaignOperator, CallKaroFanOutCallsOperator

with DAG("multi_agent_campaign", schedule=None, start_date=datetime(2026, 1, 1), tags=["callkaro"]) as dag:

    @task
    def customers() -> list[dict[str, str]]:
        """Two customers, each spoken to in their own language by their own agent."""
        return [
            {"phone": "+91 98765 43210", "agent_id": "agent_sales_id", "language": "hi", "name": "Customer 1"},
            {"phone": "+91 98765 43211", "agent_id": "agent_support_id", "language": "en", "name": "Customer 2"},
        ]

    campaign = CallKaroCreateCampaignOperator(task_id="campaign", name="Inspection Campaign")

    CallKaroFanOutCallsOperator(
        task_id="calls",
        contacts=customers(),
        column_map={"phone": "to_number"},
        row_fields=["agent_id", "language"],
        batch_id=campaign.output,
        call_options={"number_of_retries": 2, "gap_between_retries": [30, 120]},
    )
