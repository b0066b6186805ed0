"""Webhooks that a message queue brings: in whatever shape its provider hands them on, each is one outcome."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from types import SimpleNamespace

import pytest
from airflow.exceptions import AirflowFailException
from task_context import task_context

from airflow_provider_callkaro.exceptions import ConfigurationError
from airflow_provider_callkaro.operators.queued_webhooks import CallOutcomesFromQueueOperator


def call_ended(call_id):
    return {
        "event": "call_ended",
        "data": {"callSid": call_id, "to": "919876543210", "hangup_reason": "CLIENT_INITIATED"},
    }


TEXTS = [json.dumps(call_ended(f"call-{number}")) for number in range(3)]
SHAPES = {
    "text": TEXTS[0],
    "object": call_ended("call-0"),
    "redis": {"type": "message", "pattern": None, "channel": "outcomes", "data": TEXTS[0]},
    "kafka": {"value": TEXTS[0]},
    "sqs": {"message_batch": [{"MessageId": str(number), "Body": text} for number, text in enumerate(TEXTS)]},
    "list": [{"body": text} for text in TEXTS],
}


@pytest.fixture
def ledger(tmp_path, monkeypatch):
    import sqlalchemy

    from airflow_provider_callkaro.ledger.sql.ledger import SqlLedger

    path = tmp_path / "ledger.db"
    webhooks = {"ledger_conn_id": "call_ledger", "secret": "a-secret-that-is-long-enough"}
    monkeypatch.setenv("AIRFLOW_CONN_CALL_LEDGER", json.dumps({"conn_type": "sqlite", "host": str(path)}))
    connection = {"conn_type": "callkaro", "password": "key", "extra": {"webhooks": webhooks}}
    monkeypatch.setenv("AIRFLOW_CONN_CALLKARO_DEFAULT", json.dumps(connection))
    with SqlLedger(sqlalchemy.create_engine(f"sqlite:///{path}"), scope="scope", run="run"):
        pass
    return path


def record(*payloads, conn_id="callkaro_default"):
    """Run the operator in a run that these messages have started."""
    events = [SimpleNamespace(extra={"from_trigger": True, "payload": payload}) for payload in payloads]
    operator = CallOutcomesFromQueueOperator(task_id="record", conn_id=conn_id)
    return operator.execute(task_context() | {"triggering_asset_events": {"asset": events, "alias": events}})


def written(path):
    with closing(sqlite3.connect(path)) as database:
        return sorted(call_id for (call_id,) in database.execute("select call_id from voice_call_outcomes"))


@pytest.mark.parametrize("payload", SHAPES.values(), ids=SHAPES)
def test_every_shape_of_a_message_is_read(ledger, payload):
    counts = record(payload)
    assert counts["recorded"] == counts["messages"] == len(written(ledger)) > 0


def test_the_same_messages_again_change_nothing(ledger):
    assert record(*TEXTS)["recorded"] == 3
    again = record(*TEXTS, json.dumps({"event": "message_sent"}))
    assert again == {"messages": 4, "recorded": 0, "unchanged": 3, "ignored": 1, "unreadable": 0}


@pytest.mark.parametrize(
    "payload", ["{", None, 7, {"data": None}, {"a": "b"}, {"data": "x" * 1_000_001}, [[]], {"data": {"data": {}}}]
)
def test_what_is_no_webhook_fails_the_task_once_the_others_are_written(ledger, payload):
    if payload == [[]]:
        assert record(TEXTS[0], payload)["messages"] == 1  # there is nothing in it
        return
    with pytest.raises(AirflowFailException, match="1 of 2 messages are no webhooks") as refused:
        record(payload, TEXTS[0])
    assert "919876543210" not in str(refused.value)
    assert written(ledger) == ["call-0"]


def test_a_run_that_no_message_started_says_so(ledger):
    with pytest.raises(ConfigurationError, match="no message of a queue started this run"):
        record()


def test_a_connection_without_webhooks_says_so(ledger, monkeypatch):
    monkeypatch.setenv("AIRFLOW_CONN_PLAIN", json.dumps({"conn_type": "callkaro", "password": "key"}))
    with pytest.raises(ConfigurationError, match='connection "plain" has no "webhooks"'):
        record(TEXTS[0], conn_id="plain")
