"""Every operator once, with the cases that a user meets. What a run does is said by its conf."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from airflow.providers.common.compat.sdk import DAG, task

from airflow_provider_callkaro.operators.callkaro import (
    CallKaroCreateCampaignOperator,
    CallKaroDeleteScheduledCallOperator,
    CallKaroFanOutCallsOperator,
    CallKaroOutboundCallOperator,
)

START = datetime(2026, 1, 1)


@task
def customers(**context: Any) -> list[dict[str, Any]]:
    """As many customers as the run's conf asks for."""
    count = context["dag_run"].conf["rows"]
    return [{"phone": f"+91 98765 {row:05d}", "name": f"Secret {row}"} for row in range(count)]


class CampaignThatFailsAfterwards(CallKaroCreateCampaignOperator):
    """Creates the campaign, and then its first try breaks."""

    def execute(self, context: Any) -> str:
        batch_id = super().execute(context)
        if context["ti"].try_number == 1:
            raise RuntimeError("the worker broke after the campaign was created")
        return batch_id


with DAG("campaign_and_calls", schedule=None, start_date=START) as campaign_and_calls:
    campaign = CampaignThatFailsAfterwards(
        task_id="campaign",
        name="Campaign of {{ run_id }}",
        callkaro_conn_id="{{ dag_run.conf.callkaro }}",
        retries=1,
        retry_delay=timedelta(seconds=1),
    )
    CallKaroFanOutCallsOperator(
        task_id="calls",
        contacts=customers(),
        column_map={"phone": "to_number"},
        agent_id="agent",
        batch_id=campaign.output,
        call_options={"metadata": {"source": "Secret options"}},
        calls_per_second=20,
        callkaro_conn_id="{{ dag_run.conf.callkaro }}",
    )

with DAG("one_call_and_its_deletion", schedule=None, start_date=START) as one_call_and_its_deletion:
    (
        CallKaroOutboundCallOperator(
            task_id="call",
            to_number="{{ dag_run.conf.number }}",
            metadata={"name": "Secret {{ dag_run.conf.number }}"},
            agent_id="agent",
            schedule_at="2030-01-01T10:30:00",
            number_of_retries=3,
            gap_between_retries=[30, 120],
            priority=-5,
            language="hi",
            callkaro_conn_id="{{ dag_run.conf.callkaro }}",
        )
        >> CallKaroDeleteScheduledCallOperator(
            task_id="deletion",
            to_number="{{ dag_run.conf.number }}",
            agent_id="agent",
            callkaro_conn_id="{{ dag_run.conf.callkaro }}",
        )
    )
