"""The receiver where Airflow's plugin mounts it, and the webhooks that a message queue brings to a DAG."""

from __future__ import annotations

import json
import socket
import sqlite3
from contextlib import closing
from pathlib import Path
from uuid import uuid4

import pytest
from airflow import __version__ as airflow_version
from delivering import SECRET, Vendor, call_ended, make_ledger
from packaging.version import Version

pytestmark = [
    pytest.mark.airflow,
    pytest.mark.services,
    pytest.mark.skipif(Version(airflow_version) < Version("3.1"), reason="plugins have applications from 3.1"),
]
NUMBER = "919876543299"
DAG = """
from airflow.providers.common.messaging.triggers.msg_queue import MessageQueueTrigger
from airflow.sdk import DAG, Asset, AssetWatcher

from airflow_provider_callkaro.operators.queued_webhooks import CallOutcomesFromQueueOperator

trigger = MessageQueueTrigger(scheme="redis+pubsub", channels=[{channel!r}], poll_interval=0.1)
webhooks = Asset({channel!r}, watchers=[AssetWatcher(name="queue", trigger=trigger)])
with DAG({channel!r}, schedule=[webhooks]):
    CallOutcomesFromQueueOperator(task_id="record", conn_id="callkaro_webhooks")
"""


@pytest.fixture(scope="module")
def ledger(stage) -> Path:
    """The ledger of the stage, and a connection whose webhooks name it."""
    webhooks = {"ledger_conn_id": "call_ledger", "secret": SECRET}
    stage.airflow.set_connection(
        "callkaro_webhooks", conn_type="callkaro", password="key", extra=json.dumps({"webhooks": webhooks})
    )
    path = stage.folder / "ledger.db"
    make_ledger(f"sqlite:///{path}")
    return path


@pytest.fixture
def vendor(stage, ledger):
    return Vendor(f"http://127.0.0.1:{stage.airflow.rest.port}/callkaro/webhooks")


def written(ledger: Path, call_id: str) -> list[str]:
    with closing(sqlite3.connect(ledger)) as database:
        found = database.execute("select disposition from voice_call_outcomes where call_id = ?", (call_id,))
        return [disposition for (disposition,) in found]


def test_a_delivery_to_airflow_itself_is_written(stage, vendor, ledger):
    """Without Airflow's own login, by the secret alone; and no log of the API server has the secret or the number."""
    call_id = uuid4().hex
    body = call_ended(call_id, to=NUMBER, hangup_reason="VOICEMAIL_DETECTED")
    answer = vendor.deliver(body, to=f"callkaro/callkaro_webhooks/{SECRET}", secret=None)
    assert (answer.status_code, answer.json()) == (200, {"status": "recorded"})
    assert vendor.deliver(body, to="callkaro/callkaro_webhooks").status_code == 200
    assert written(ledger, call_id) == ["voicemail"]
    assert vendor.deliver(body, to="callkaro/callkaro_webhooks/another-secret-than-it").status_code == 401
    assert vendor.session.get(f"{vendor.address}/callkaro/callkaro_webhooks", timeout=30).status_code == 405
    log = (stage.airflow.logs / "api-server.log").read_text()
    assert "/callkaro/webhooks/callkaro/callkaro_webhooks/***" in log
    for word in (SECRET, "another-secret-than-it", NUMBER):
        assert word not in log


def test_a_message_of_a_queue_starts_a_dag_that_records_it(stage, ledger, tmp_path):
    for package in ("common.messaging", "redis"):
        pytest.importorskip(f"airflow.providers.{package}")
    airflow, channel, call_id = stage.airflow, f"webhooks_{uuid4().hex[:8]}", uuid4().hex
    airflow.set_connection("redis_default", conn_type="redis", host="127.0.0.1", port=6379)
    file = tmp_path / f"{channel}.py"
    file.write_text(DAG.format(channel=channel))
    airflow.add_dag_file(file)
    airflow.wait_until_parsed(channel)
    message = json.dumps(call_ended(call_id, to=NUMBER))
    # Redis keeps nothing for who has not subscribed yet, so it is told until somebody hears it.
    airflow.until("the trigger to listen", lambda: publish(channel, message) or None)
    airflow.until("the outcome", lambda: written(ledger, call_id) or None)
    assert written(ledger, call_id) == ["reached"]
    run = airflow.rest.entries("dags", channel, "dagRuns", of="dag_runs")[0]["dag_run_id"]
    assert airflow.wait(channel, run) == "success"
    told = {"messages": 1, "recorded": 1, "unchanged": 0, "ignored": 0, "unreadable": 0}
    assert airflow.xcom(channel, run, "record") == told
    assert NUMBER not in airflow.log(channel, run, "record")


def publish(channel: str, message: str) -> int:
    """Publish to Redis: how many have heard it."""
    words = ("PUBLISH", channel, message)
    with socket.create_connection(("127.0.0.1", 6379), timeout=30) as redis:
        redis.sendall(f"*{len(words)}\r\n".encode() + b"".join(b"$%d\r\n%s\r\n" % (len(w), w.encode()) for w in words))
        return int(redis.recv(100).strip().removeprefix(b":"))
