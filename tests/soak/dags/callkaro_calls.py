"""CallKaro under fire: lists from a warehouse, a function and an upstream task, in shards, within hours, backfilled."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from airflow.providers.common.compat.sdk import DAG, BaseHook, task
from house_rules import AGENT, AGENT_OF_THE_HOURS, DAG_OPTIONS, HOURS, LEDGER, LISTS, START, TRIES, contacts, report

from airflow_provider_callkaro.calls import shards
from airflow_provider_callkaro.operators.call_outcomes import CallOutcomesToFileOperator, CallOutcomesToSqlOperator
from airflow_provider_callkaro.operators.callkaro import (
    CallKaroCombineSummariesOperator,
    CallKaroCreateCampaignOperator,
    CallKaroDeleteScheduledCallOperator,
    CallKaroFanOutCallsOperator,
    CallKaroOutboundCallOperator,
    CallKaroPreflightOperator,
    CallKaroReportToSqlOperator,
)
from airflow_provider_callkaro.sensors.call_outcomes import CallOutcomesSensor
from airflow_provider_callkaro.sensors.schedule_window import ScheduleWindowSensor

SHARDS = 3
NEXT_YEAR = "{{ macros.datetime.now().year + 1 }}-01-02 10:00"
OWN_PACE: dict[str, Any] = {"calls_per_second": 8, "max_concurrency": 8}


def people_of(run_id: str | None, task_id: str) -> list[dict[str, Any]]:
    """A list, read from the warehouse without the package."""
    warehouse = BaseHook.get_connection("warehouse").get_hook()
    rows = warehouse.get_records(
        "select phone, name from contacts where list = %s order by id", parameters=[f"{run_id} {task_id}"]
    )
    return [{"to_number": phone, "name": name} for phone, name in rows]


with DAG("callkaro_list", **DAG_OPTIONS):
    campaign = CallKaroCreateCampaignOperator(task_id="campaign", name="{{ run_id }}", agent_id=AGENT)
    rehearsal = CallKaroPreflightOperator(
        task_id="rehearsal",
        contacts=contacts(),
        agent_id=AGENT,
        ledger_conn_id="call_ledger",
        ledger_scope="{{ run_id }} calls",
    )
    calls = CallKaroFanOutCallsOperator(
        task_id="calls",
        contacts=contacts(),
        batch_id=campaign.output,
        agent_id=AGENT,
        report_path=report(),
        **OWN_PACE,
        **LEDGER,
        **LISTS,
    )
    written = CallKaroReportToSqlOperator(
        task_id="written",
        report_path=report(of="calls"),
        conn_id="warehouse",
        table="reports_of_lists",
        key_columns={"to_number": "phone"},
        fixed_values={"run_id": "{{ run_id }}"},
        create_table=True,
    )
    rehearsal >> calls >> written

with DAG("callkaro_shards", **DAG_OPTIONS):
    parts = CallKaroFanOutCallsOperator.partial(
        task_id="calls",
        contacts=contacts(),
        agent_id=AGENT,
        report_path=report(mapped=True),
        **OWN_PACE,
        **LEDGER,
        **LISTS,
    ).expand(shard=shards(SHARDS))
    CallKaroCombineSummariesOperator(
        task_id="together", summaries=parts.output, shards=SHARDS, report_path=report(), on_incomplete="warn"
    )

with DAG("callkaro_hours", **DAG_OPTIONS):
    opened = ScheduleWindowSensor(task_id="opened", policy=HOURS, deferrable=True, poke_interval=2)
    opened >> CallKaroFanOutCallsOperator(
        task_id="calls",
        contacts=contacts(),
        agent_id=AGENT_OF_THE_HOURS,
        policy=HOURS,
        report_path=report(),
        **OWN_PACE,
        **LEDGER,
        **LISTS,
    )

with DAG("callkaro_task_state", **DAG_OPTIONS):

    @task(show_return_value_in_logs=False)
    def people(run_id: str | None = None) -> list[dict[str, Any]]:
        """A list that an upstream task makes."""
        return people_of(run_id, "calls")

    CallKaroFanOutCallsOperator(
        task_id="calls",
        contacts=people(),
        agent_id=AGENT,
        callkaro_conn_id="callkaro_alone",  # without a SQL ledger it cannot share the budget of the others
        report_path=report(),
        **OWN_PACE,
        **LISTS,
    )

with DAG("callkaro_function", **DAG_OPTIONS):

    @task.callkaro_calls(agent_id=AGENT, report_path=report(), **OWN_PACE, **LEDGER, **LISTS)
    def calls_of_a_function(run_id: str | None = None) -> Iterator[dict[str, Any]]:
        """A list that the task makes itself."""
        yield from people_of(run_id, "calls")

    calls_of_a_function.override(task_id="calls")()

with DAG("callkaro_outcomes", **DAG_OPTIONS):
    told = CallKaroFanOutCallsOperator(
        task_id="calls", contacts=contacts(), agent_id=AGENT, report_path=report(), **OWN_PACE, **LEDGER, **LISTS
    )
    heard = CallOutcomesSensor(
        task_id="heard",
        ledger_conn_id="call_ledger",
        ledger_scope="{{ run_id }} calls",
        share=0.5,  # webhooks are lost, and answers with the ids of calls
        poke_interval=3,
        timeout=60,
        on_timeout="succeed",
        deferrable=True,
    )
    in_a_table = CallOutcomesToSqlOperator(
        task_id="in_a_table",
        ledger_conn_id="call_ledger",
        ledger_scope="{{ run_id }} calls",
        report_path=report(of="calls"),
        conn_id="warehouse",
        table="outcomes_of_lists",
        interval_column=None,
        key_columns={"to_number": "phone"},
        fixed_values={"run_id": "{{ run_id }}"},
        create_table=True,
    )
    in_a_file = CallOutcomesToFileOperator(
        task_id="in_a_file",
        ledger_conn_id="call_ledger",
        ledger_scope="{{ run_id }} calls",
        path=report(),
    )
    told >> heard >> [in_a_table, in_a_file]

with DAG("callkaro_single", **DAG_OPTIONS):
    CallKaroOutboundCallOperator(
        task_id="now", to_number="{{ dag_run.conf.numbers[0] }}", agent_id=AGENT_OF_THE_HOURS, policy=HOURS, **LEDGER
    )
    later = CallKaroOutboundCallOperator(
        task_id="later",
        to_number="{{ dag_run.conf.numbers[1] }}",
        agent_id=AGENT,
        schedule_at=NEXT_YEAR,
        **LEDGER,
    )
    later >> CallKaroDeleteScheduledCallOperator(
        task_id="not_at_all", to_number="{{ dag_run.conf.numbers[1] }}", agent_id=AGENT
    )

with DAG(
    "callkaro_backfilled",
    schedule="0 4 * * *",
    start_date=START,
    end_date=datetime(2026, 1, 20),
    catchup=False,
    default_args=TRIES,
    is_paused_upon_creation=False,
):
    CallKaroFanOutCallsOperator(
        task_id="calls",
        contacts=contacts(),
        agent_id=AGENT,
        stale_runs="dial",
        report_path=report(),
        **OWN_PACE,
        **LEDGER,
        **LISTS,
    )
