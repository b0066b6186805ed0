"""One CallKaro call as a task: placed once through retries, with every field that was given."""

from __future__ import annotations

import json

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException, AirflowSkipException
from airflow_task_state import TaskStateInMemory
from task_context import task_context

from airflow_provider_callkaro.exceptions import ConfigurationError
from airflow_provider_callkaro.operators.callkaro import CallKaroOutboundCallOperator

NUMBER = "+919876543210"


@pytest.fixture
def connected(sandbox, monkeypatch):
    given = json.loads(sandbox.airflow_connections["callkaro_default"])
    extra = {"schedule_timezone": "Asia/Kolkata"}
    monkeypatch.setenv("AIRFLOW_CONN_CALLKARO_DEFAULT", json.dumps({**given, "extra": extra}))
    return sandbox


def call(**arguments):
    return CallKaroOutboundCallOperator(**{"task_id": "call", "to_number": NUMBER, "agent_id": "agent", **arguments})


def context(store, **arguments):
    return task_context(task_id="call", store=store, **arguments)


def test_a_call_is_placed_with_every_field_and_a_retry_returns_it(connected):
    store = TaskStateInMemory()
    fields = {
        "batch_id": "68433b7b0dee98e59245ebab",
        "metadata": {"name": "Asha"},
        "schedule_at": "2030-01-01T10:30:00",
        "min_trigger_time": "09:00",
        "max_trigger_time": "20:30",
        "carry_over": True,
        "number_of_retries": 3,
        "gap_between_retries": [30, 60, 120],
        "priority": -5,
        "language": "hi",
    }
    call_id = call(**{**fields, "batch_id": None}).execute(context(store))
    (ring,) = connected.rings
    assert (ring.call_id, ring.metadata) == (call_id, {"name": "Asha"})
    given = {name: value for name, value in fields.items() if name != "batch_id"}
    assert ring.body == {"to_number": NUMBER, "agent_id": "agent", **given}
    assert call(**{**fields, "batch_id": None}).execute(context(store, try_number=2)) == call_id
    assert connected.rings_per_number() == {NUMBER: 1}


def test_a_call_may_belong_to_a_campaign(connected):
    campaign = call().hook.create_campaign("Renewals")
    instance = context(TaskStateInMemory())
    call(batch_id=campaign).execute(instance)
    assert connected.rings[0].batch_id == campaign
    assert campaign in str(instance["ti"].xcoms)  # the link is there while the call is placed


def test_a_field_that_cannot_be_is_refused_before_anything_is_sent(connected):
    with pytest.raises(ConfigurationError, match="given for all calls: priority"):
        call(priority=101).execute(context(TaskStateInMemory()))
    assert connected.requests == []


def test_a_call_that_an_earlier_try_settled_says_so_and_how_to_go_on(connected):
    """Whoever has mended the agent and clears the task must not read that the agent does not exist."""
    store = TaskStateInMemory()
    with pytest.raises(AirflowFailException, match=r"ended rejected: .*Agent does not exist$"):
        call(agent_id="unknown").execute(context(store))
    with pytest.raises(AirflowFailException, match=r"in an earlier try, and nothing was sent now: .*redial=.rejected"):
        call().execute(context(store, try_number=2))
    assert connected.rings == []
    call(redial="rejected").execute(context(store, try_number=3))
    assert connected.rings_per_number() == {NUMBER: 1}


def test_a_person_whose_call_another_run_has_seen_rejected_is_skipped_with_a_way_on(connected, monkeypatch, tmp_path):
    ledger = {"conn_type": "sqlite", "host": str(tmp_path / "ledger.db")}
    monkeypatch.setenv("AIRFLOW_CONN_CALL_LEDGER", json.dumps(ledger))
    shared = {"ledger_conn_id": "call_ledger", "ledger_scope": "welcome calls"}
    with pytest.raises(AirflowFailException):
        call(agent_id="unknown", **shared).execute(context(None, run_id="manual__1"))
    with pytest.raises(AirflowSkipException, match=r"already_rejected; once that is mended, redial=.rejected"):
        call(**shared).execute(context(None, run_id="manual__2"))


def test_a_refused_key_fails_the_task_for_good(connected):
    connected.fault("key_refused")
    with pytest.raises(AirflowFailException, match="refused the key or token"):
        call().execute(context(TaskStateInMemory()))
