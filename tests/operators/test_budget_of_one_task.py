"""One task with a budget: it ends in order when the day's calls are spent, and says where nothing is shared."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import pytest
from airflow_task_state import TaskStateInMemory, needs_task_state
from fanning_out import context_of, fan_out, people
from sharing_a_budget import most_in_a_second, starts

from airflow_provider_callkaro.exceptions import ConfigurationError, RunIncomplete
from airflow_provider_callkaro.operators.callkaro import CallKaroOutboundCallOperator
from airflow_provider_callkaro.operators.mrassistant import MrAssistantCreateCampaignOperator
from airflow_provider_callkaro.sandbox import Sandbox

UUID_AGENT = "3c90c3cc-0d44-4b50-8888-8dd25736052a"


@pytest.fixture
def connect(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """Connects to the sandbox with a budget; the ledger is in SQLite."""
    ledger = {"conn_type": "sqlite", "host": str(tmp_path / "ledger.db")}
    monkeypatch.setenv("AIRFLOW_CONN_CALL_LEDGER", json.dumps(ledger))

    def connect(budget: Any) -> None:
        for name, text in sandbox.airflow_connections.items():
            extra = {**json.loads(text).get("extra", {}), "budget": budget}
            monkeypatch.setenv(f"AIRFLOW_CONN_{name.upper()}", json.dumps({**json.loads(text), "extra": extra}))

    return connect


def reasons(context: dict[str, Any]) -> dict[str, int]:
    return context["ti"].xcoms["return_value"]["reasons"]


def test_the_calls_of_the_day_end_the_run_and_a_retry_goes_on_with_the_rest(connect: Any, sandbox: Sandbox) -> None:
    connect({"calls_per_day": 5})
    context = context_of()
    with pytest.raises(RunIncomplete, match='7 of 12 rows are pending: the calls of the day in the budget "callkaro_d'):
        fan_out(context, contacts=people(12), ledger_conn_id="call_ledger")
    assert reasons(context) == {"budget_spent": 7}
    connect({"calls_per_day": 100})
    second = fan_out(context_of(try_number=2), contacts=people(12), ledger_conn_id="call_ledger")
    assert (second["accepted"], second["pending"]) == (12, 0)
    assert max(sandbox.rings_per_number().values()) == 1


def test_a_single_call_keeps_to_the_budget_too(connect: Any, sandbox: Sandbox) -> None:
    connect({"calls_per_day": 1})

    def call(number: int) -> str:
        operator = CallKaroOutboundCallOperator(
            task_id="call", to_number=f"+9198765{number:05d}", agent_id="asha", ledger_conn_id="call_ledger"
        )
        return operator.execute(context_of(f"scheduled__{number}"))

    assert call(1)
    with pytest.raises(RunIncomplete, match="the calls of the day"):
        call(2)
    assert len(sandbox.rings) == 1


def test_a_campaign_counts_each_of_its_targets(connect: Any, sandbox: Sandbox) -> None:
    connect({"calls_per_second": 30, "calls_per_day": 30})
    operator = MrAssistantCreateCampaignOperator(
        task_id="calls",
        name="Renewals",
        contacts=people(40),
        agent_id=UUID_AGENT,
        targets_per_campaign=10,
        ledger_conn_id="call_ledger",
    )
    context = context_of()
    with pytest.raises(RunIncomplete):
        operator.execute(context)
    assert reasons(context) == {"budget_spent": 10}
    assert len(sandbox.mrassistant_campaigns) == 3


def test_a_campaign_that_no_hour_has_room_for_is_refused_and_not_waited_for(connect: Any, sandbox: Sandbox) -> None:
    connect({"calls_per_hour": 8})
    operator = MrAssistantCreateCampaignOperator(
        task_id="calls",
        name="Renewals",
        contacts=people(5),
        agent_id=UUID_AGENT,
        targets_per_campaign=10,
        ledger_conn_id="call_ledger",
    )
    with pytest.raises(ConfigurationError, match=r'"calls_per_hour" in .* allows 8 calls, .*targets_per_campaign=8'):
        operator.execute(context_of())
    assert not sandbox.mrassistant_campaigns


@needs_task_state
def test_without_a_sql_ledger_the_budget_holds_per_task_and_the_log_says_so(
    connect: Any, sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    connect({"calls_per_second": 20, "max_concurrency": 2, "calls_per_day": 5})
    sandbox.fault("latency", seconds=0.02)
    with caplog.at_level(logging.WARNING):
        ended = fan_out(context_of(store=TaskStateInMemory()), contacts=people(12))
    assert ended["accepted"] == 12
    assert sandbox.most_in_flight <= 2
    assert most_in_a_second(starts(sandbox.requests)) <= 21  # evenly spaced, give or take what the way varies
    assert (
        'The budget "callkaro_default" holds for this task alone: other tasks do not see it without a SQL ledger '
        "(ledger_conn_id), and calls_per_day does not hold"
    ) in caplog.messages


def test_a_budget_that_cannot_be_ends_the_task_before_the_first_call(connect: Any, sandbox: Sandbox) -> None:
    connect({"calls_per_minute": 5})
    with pytest.raises(ConfigurationError, match='has the unknown key "calls_per_minute"'):
        fan_out(context_of(), ledger_conn_id="call_ledger")
    assert sandbox.requests == []


def test_a_dry_run_asks_no_budget(connect: Any) -> None:
    connect({"calls_per_day": 1})
    ended = fan_out(context_of(), contacts=people(3), ledger_conn_id="call_ledger", dry_run=True)
    assert ended["reasons"] == {"dry_run": 3}
