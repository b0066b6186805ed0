"""Functions as lists: whole, in parts, from an upstream task, and one that fails once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from airflow.providers.common.compat.sdk import DAG, get_current_context, task

PARTS = 3


def people(count: int, *, start: int = 0) -> Iterator[dict[str, Any]]:
    for row in range(start, start + count):
        yield {"to_number": f"+9198765{row:05d}", "name": "Secret"}


with DAG("function_calls", schedule=None, start_date=datetime(2026, 1, 1), catchup=False, default_args={"retries": 0}):

    @task.callkaro_calls(agent_id="agent", ledger_conn_id="call_ledger", ledger_scope="whole")
    def whole(day: str) -> Iterator[dict[str, Any]]:
        assert day.startswith("20")
        yield from people(6)

    @task.mrassistant_calls(
        name="Renewals",
        agent_id="6f2c0a56-6a64-4b0e-9f0c-2a4f4c1a7d10",
        ledger_conn_id="call_ledger",
        ledger_scope="campaign",
    )
    def campaign() -> list[str]:
        return [person["to_number"] for person in people(6, start=100)]

    @task.callkaro_calls(
        agent_id="agent",
        ledger_conn_id="call_ledger",
        ledger_scope="parts",
        shard_argument="part",
        map_index_template="part {{ part }}",
    )
    def in_parts(part: list[int]) -> Iterator[dict[str, Any]]:
        get_current_context()["part"] = f"{part[0] + 1} of {part[1]}"
        yield from people(30, start=200)

    @task.callkaro_calls(
        agent_id="agent",
        ledger_conn_id="call_ledger",
        ledger_scope="again",
        on_unknown="fail",
        retries=1,
        retry_delay=timedelta(0),
    )
    def again() -> Iterator[dict[str, Any]]:
        yield from people(5, start=300)
        if get_current_context()["ti"].try_number == 1:
            raise OSError("the database went away")

    @task
    def braces() -> list[str]:
        return ["{{ dag.dag_id }}"]

    @task.callkaro_calls(agent_id="agent", ledger_conn_id="call_ledger", ledger_scope="braces")
    def from_upstream(name: str) -> Iterator[dict[str, Any]]:
        yield {"to_number": "+919876500400", "name": name}

    whole("{{ dag.start_date.year }}") >> campaign()
    in_parts.expand(part=[[index, PARTS] for index in range(PARTS)])
    again()
    from_upstream.expand(name=braces())
