"""What a run tells a StatsD through Airflow's own metrics: exact counts over all tries, and nothing of a person."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from fanning_out import connect, context_of, fan_out, people
from statsd_listener import StatsdListener, stats_as_configured

from airflow_provider_callkaro.exceptions import RunIncomplete
from airflow_provider_callkaro.operators.callkaro import CallKaroOutboundCallOperator
from airflow_provider_callkaro.sandbox import Sandbox

pytest.importorskip("statsd")

LEDGER = {"ledger_conn_id": "call_ledger", "ledger_scope": "renewals"}


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as vendor:
        yield vendor


@pytest.fixture
def statsd(monkeypatch: pytest.MonkeyPatch, sandbox: Sandbox, tmp_path: Any) -> Iterator[StatsdListener]:
    """A StatsD that Airflow's own `Stats` sends to, set up as a worker does."""
    connect(sandbox, monkeypatch, tmp_path)
    with StatsdListener() as listener:
        for name, value in listener.environment.items():
            monkeypatch.setenv(name, value)
        with stats_as_configured():
            yield listener


def counts(statsd: StatsdListener) -> dict[str, float]:
    names = ("sent", "accepted", "rejected", "skipped", "unknown", "pending", "rate")
    assert {name: statsd.total(f"airflow.voice_calls.{name}") for name in names} == {
        name: statsd.total(f"airflow.voice_calls.callkaro_default.{name}") for name in names
    }
    return {name: value for name in names if (value := statsd.total(f"airflow.voice_calls.{name}"))}


def test_each_row_is_counted_by_its_outcome_under_the_connection(statsd):
    rows = [*people(4), people(1)[0], {"to_number": "nobody's", "name": "Asha"}]
    fan_out(context_of(), contacts=rows, **LEDGER)
    assert counts(statsd) == {"sent": 4, "accepted": 4, "rejected": 1, "skipped": 1}
    tags = "conn_id=callkaro_default,dag_id=outreach,task_id=calls"
    assert f"airflow.voice_calls.accepted,{tags}:4|c" in statsd.lines()
    assert "airflow.voice_calls.callkaro_default.duration" in statsd.names()


def test_another_try_counts_no_call_again(statsd):
    context = context_of()
    fan_out(context, contacts=people(3), **LEDGER)
    assert fan_out(context, contacts=people(5), **LEDGER)["accepted"] == 5
    assert counts(statsd) == {"sent": 5, "accepted": 5}


def test_lost_answers_and_waiting_rows_are_counted_too(statsd, sandbox):
    sandbox.fault("drop_answer_after_accepting")
    with pytest.raises(RunIncomplete):
        fan_out(context_of(), contacts=people(5), stop_after_unknown=2, max_concurrency=1, **LEDGER)
    assert counts(statsd) == {"sent": 2, "unknown": 2, "pending": 3}


def test_a_rehearsal_is_no_metric(statsd):
    fan_out(context_of(), dry_run=True, **LEDGER)
    assert statsd.lines() == []


def test_a_single_call_is_counted_as_a_list_of_one(statsd):
    CallKaroOutboundCallOperator(task_id="call", to_number="+919876500000", agent_id="asha", **LEDGER).execute(
        context_of()
    )
    assert counts(statsd) == {"sent": 1, "accepted": 1}


def test_a_metric_that_cannot_be_sent_ends_no_run(statsd, sandbox, monkeypatch):
    monkeypatch.setenv("AIRFLOW__METRICS__STATSD_PORT", "no port")
    stats_as_configured().__enter__()
    assert fan_out(context_of(), **LEDGER)["accepted"] == 5
    assert statsd.lines() == []


def test_a_connection_whose_name_is_no_name_of_a_metric_is_one_segment(statsd, sandbox, monkeypatch):
    monkeypatch.setenv("AIRFLOW_CONN_CALL.KARO:INDIA", sandbox.airflow_connections["callkaro_default"])
    fan_out(context_of(), callkaro_conn_id="call.karo:india", **LEDGER)
    assert statsd.total("airflow.voice_calls.call_karo_india.accepted") == 5


def test_no_metric_says_anything_of_a_person(statsd, sandbox):
    fan_out(context_of(), **LEDGER)
    told = "\n".join(statsd.lines())
    assert "accepted" in told
    for private in ("98765", "Asha", sandbox.api_key):
        assert private not in told
