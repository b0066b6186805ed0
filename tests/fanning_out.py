"""How these tests fan calls out: the real operator with a real connection, try after try, without a whole Airflow."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import jinja2
import pytest
from airflow_task_state import TaskStateInMemory
from task_context import task_context

from airflow_provider_callkaro.operators.callkaro import CallKaroFanOutCallsOperator
from airflow_provider_callkaro.sandbox import Sandbox

FanOut = Callable[..., Any]


def people(count: int, *, start: int = 0) -> list[dict[str, Any]]:
    """As many contact rows, each of another person."""
    return [{"to_number": f"+9198765{row:05d}", "name": "Asha"} for row in range(start, start + count)]


def connect(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Connections to the sandbox and to a ledger in SQLite."""
    given = json.loads(sandbox.airflow_connections["callkaro_default"])
    connection = {**given, "extra": {"schedule_timezone": "UTC"}}
    monkeypatch.setenv("AIRFLOW_CONN_CALLKARO_DEFAULT", json.dumps(connection))
    ledger = json.dumps({"conn_type": "sqlite", "host": str(folder / "ledger.db")})
    monkeypatch.setenv("AIRFLOW_CONN_CALL_LEDGER", ledger)


def context_of(
    run_id: str = "scheduled__1",
    *,
    start: datetime | None = None,
    end: datetime | None = None,
    try_number: int = 1,
    map_index: int = -1,
    store: TaskStateInMemory | None = None,
) -> dict[str, Any]:
    """The context of one try of one run.

    :param start: of its data interval; None leaves the one of `task_context`.
    """
    context = task_context(run_id=run_id, try_number=try_number, store=store)
    context["ti"].map_index = map_index
    if end is not None:
        context["dag_run"].data_interval_start = context["data_interval_start"] = start or end
        context["dag_run"].data_interval_end = context["data_interval_end"] = end
        context["dag_run"].run_after = end
    return context


def rendered(operator: Any, context: dict[str, Any], **variables: Any) -> Any:
    """The operator as it is when Airflow has rendered it."""
    operator.render_template_fields({**context, **variables}, jinja2.Environment(autoescape=False))
    return operator


def fan_out(context: dict[str, Any], **arguments: Any) -> dict[str, Any]:
    """One try of a fan-out."""
    return CallKaroFanOutCallsOperator(
        **{"task_id": "calls", "contacts": people(5), "agent_id": "asha", **arguments}
    ).execute(context)
