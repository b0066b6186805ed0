"""Lists in three parts, of which one leaves no summary, or all are skipped; and what adds them up, in each way."""

from __future__ import annotations

from datetime import UTC, datetime

from airflow.providers.common.compat.sdk import DAG

from airflow_provider_callkaro.calls import CallingPolicy, ScheduleWindow, shards
from airflow_provider_callkaro.operators.callkaro import CallKaroCombineSummariesOperator, CallKaroFanOutCallsOperator
from airflow_provider_callkaro.sources import FileContacts

PARTS = 3
REPORTS = "{{ var.value.reports }}"
SHARED = {
    "contacts": FileContacts("{{ var.value.reports }}/people.jsonl"),
    "agent_id": "asha",
    "on_none_accepted": "warn",
    "ledger_conn_id": "call_ledger",
    "ledger_scope": "lost parts {{ run_id }}",
}
LATER = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")[(datetime.now(UTC).weekday() + 3) % 7]
CLOSED = CallingPolicy(windows=[ScheduleWindow("10:00", "11:00", LATER)], timezone="UTC")


def combined(calls, name, **arguments):
    CallKaroCombineSummariesOperator(
        task_id=f"{name}_calls",
        summaries=calls.output,
        shards=PARTS,
        report_path=f"{REPORTS}/{name}.jsonl",
        **arguments,
    )


with DAG("lost_part", schedule=None):
    # the second part has nowhere to write its report, so it fails before its first call
    calls = CallKaroFanOutCallsOperator.partial(
        task_id="calls",
        report_path="{{ '/dev/null' if ti.map_index == 1 else var.value.reports }}/part-{{ ti.map_index }}.jsonl",
        **SHARED,
    ).expand(shard=shards(PARTS))
    combined(calls, "usual")
    combined(calls, "strict", trigger_rule="all_done")
    combined(calls, "lenient", trigger_rule="all_done", on_incomplete="warn")

with DAG("skipped_parts", schedule=None):
    calls = CallKaroFanOutCallsOperator.partial(
        task_id="calls",
        report_path=f"{REPORTS}/skipped-{{{{ ti.map_index }}}}.jsonl",
        policy=CLOSED,
        when_closed="stop",
        soft_fail=True,
        **SHARED,
    ).expand(shard=shards(PARTS))
    combined(calls, "usual")
    combined(calls, "strict", trigger_rule="all_done")
