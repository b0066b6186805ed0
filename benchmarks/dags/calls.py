"""The same calls in three ways: by this package, by a loop over HttpHook, and by one mapped HttpOperator per call.

The benchmark puts this file into the DAG folder of a real Airflow. The connection of HttpHook is in the
environment, which is its fastest case: one in the metadata database is read again for every call. Every task has one
retry, as most do; a second loop over HttpHook has the retries of the hook's own documentation, call by call.
"""

from __future__ import annotations

import json
import os
from datetime import timedelta
from typing import Any

import tenacity
from airflow.providers.common.compat.sdk import DAG, task
from airflow.providers.http.hooks.http import HttpHook
from airflow.providers.http.operators.http import HttpOperator

from airflow_provider_callkaro.operators.callkaro import CallKaroFanOutCallsOperator
from airflow_provider_callkaro.sources import FileContacts
from airflow_provider_callkaro.vendors.callkaro.api import CallKaro
from benchmarks.workload import AGENT, KEY, contact_rows

MAPPED = int(os.environ["BENCHMARK_MAPPED"])
HEADERS = CallKaro.headers(KEY)
RETRIED = {"retries": 1, "retry_delay": timedelta(0)}
RETRIED_BY_HOOK = {  # as the docstring of `HttpHook.run_with_advanced_retry` has it
    "wait": tenacity.wait_exponential(),
    "stop": tenacity.stop_after_attempt(10),
    "retry": tenacity.retry_if_exception_type(Exception),
}


def body(row: dict[str, Any]) -> str:
    """What a user would post for a contact row."""
    metadata = {name: value for name, value in row.items() if name != "to_number"}
    return json.dumps({"to_number": row["to_number"], "agent_id": AGENT, "metadata": metadata})


for name, ledger in (("fan_out", "benchmark_ledger"), ("fan_out_task_state", None)):
    with DAG(name, schedule=None, default_args=RETRIED):
        CallKaroFanOutCallsOperator(
            task_id="calls",
            contacts=FileContacts("{{ dag_run.conf['contacts'] }}"),
            agent_id=AGENT,
            ledger_conn_id=ledger,
            ledger_scope="{{ run_id }}",
            report_path="{{ dag_run.conf['report'] }}",
        )

with DAG("http_hook_loop", schedule=None, default_args=RETRIED):

    @task
    def calls(calls: str) -> None:
        """Place the calls one after another."""
        hook = HttpHook(method="POST", http_conn_id="benchmark_http")
        for row in contact_rows(int(calls)):
            hook.run("call/outbound", data=body(row), headers=HEADERS)

    calls("{{ dag_run.conf['calls'] }}")

with DAG("http_hook_retries", schedule=None, default_args=RETRIED):

    @task(task_id="calls")
    def retried_calls(calls: str) -> None:
        """Place the calls one after another, and each again while it fails."""
        hook = HttpHook(method="POST", http_conn_id="benchmark_http")
        for row in contact_rows(int(calls)):
            hook.run_with_advanced_retry(RETRIED_BY_HOOK, "call/outbound", data=body(row), headers=HEADERS)

    retried_calls("{{ dag_run.conf['calls'] }}")

with DAG("mapped_http_operator", schedule=None, default_args=RETRIED):
    HttpOperator.partial(
        task_id="calls", http_conn_id="benchmark_http", endpoint="call/outbound", method="POST", headers=HEADERS
    ).expand(data=[body(row) for row in contact_rows(MAPPED)])
