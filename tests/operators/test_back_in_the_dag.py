"""Back in the DAG under a real Airflow: a wait, a table, a DAG that outcomes start, and a phone that rings."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing

import pytest
import sqlalchemy
from placed_calls import Ledger, event
from stage import Stage

pytestmark = pytest.mark.airflow

ON_CALL = "+912212345678"
DAG_FILE = """
from datetime import timedelta

from airflow.sdk import DAG, Asset, AssetWatcher, task

from airflow_provider_callkaro.notifications.callkaro import CallKaroNotifier
from airflow_provider_callkaro.operators.call_outcomes import CallOutcomesToSqlOperator
from airflow_provider_callkaro.operators.callkaro import CallKaroFanOutCallsOperator
from airflow_provider_callkaro.sensors.call_outcomes import CallOutcomesSensor
from airflow_provider_callkaro.triggers.new_outcomes import NewOutcomesTrigger

phone = CallKaroNotifier(callkaro_conn_id="vendor_of_the_awaited", ledger_conn_id="call_ledger", agent_id="duty")
LEDGER = {"ledger_conn_id": "call_ledger", "task_ids": "calls"}

with DAG("outcomes_awaited", schedule=None):
    calls = CallKaroFanOutCallsOperator(
        task_id="calls",
        contacts=[{"to_number": f"+9198765000{n:02}", "call_key": f"R-{n}"} for n in range(2)],
        row_fields=["call_key"],
        agent_id="asha",
        ledger_conn_id="call_ledger",
        ledger_scope="outcomes awaited",
        callkaro_conn_id="vendor_of_the_awaited",
    )
    heard = CallOutcomesSensor(
        task_id="heard", deferrable=True, poke_interval=2, timeout=900, outlets=[Asset("outcomes_heard")], **LEDGER
    )
    written = CallOutcomesToSqlOperator(
        task_id="written", conn_id="warehouse", table="outcomes_awaited", create_table=True, **LEDGER
    )

    @task(on_failure_callback=[phone, phone])
    def broken():
        raise ValueError("overdue by 4711")

    calls >> heard >> written >> broken()

watched = Asset(
    "outcomes_came",
    watchers=[
        AssetWatcher(
            name="ledger",
            trigger=NewOutcomesTrigger(
                ledger_conn_id="call_ledger", ledger_scope="outcomes awaited", poll_interval=2
            ),
        )
    ],
)
with DAG("outcomes_came", schedule=[watched]):

    @task
    def look(triggering_asset_events=None):
        ((event,),) = triggering_asset_events.values()
        return event.extra

    look()
with DAG("outcomes_heard", schedule=[Asset("outcomes_heard")]):

    @task
    def read(triggering_asset_events=None):
        ((event,),) = triggering_asset_events.values()
        return event.extra

    read()
"""


def test_a_dag_goes_on_when_outcomes_come_and_phones_when_it_breaks(stage: Stage) -> None:
    airflow = stage.airflow
    with stage.vendor("vendor_of_the_awaited", extra=json.dumps({"on_call_number": ON_CALL})) as sandbox:
        airflow.write_dag_file("outcomes_awaited.py", DAG_FILE)
        for dag_id in ("outcomes_awaited", "outcomes_came", "outcomes_heard"):
            airflow.wait_until_parsed(dag_id)
        run = airflow.trigger("outcomes_awaited")
        airflow.wait_for_task("outcomes_awaited", run, "heard", states={"deferred"})
        engine = sqlalchemy.create_engine(f"sqlite:///{stage.folder / 'ledger.db'}")
        rang = [(ring.call_id, ring.metadata["call_reference"]) for ring in sandbox.rings]
        Ledger(engine).record(
            *(event(n, call_id=id_, reference=reference, number=None) for n, (id_, reference) in enumerate(rang)),
            conn_id="vendor_of_the_awaited",
        )
        engine.dispose()
        airflow.wait_for_task("outcomes_awaited", run, "broken", states={"failed"})
        counts = airflow.xcom("outcomes_awaited", run, "heard")
        assert (counts["complete"], counts["accepted"], counts["outcomes"]) == (True, 2, {"reached": 2})
        with closing(sqlite3.connect(stage.folder / "warehouse.db")) as warehouse:
            written = warehouse.execute("select call_key, outcome from outcomes_awaited order by 1").fetchall()
        assert written == [("R-0", "reached"), ("R-1", "reached")]
        sandbox.wait_for_rings(3)
        assert sandbox.rings_per_number()[ON_CALL] == 1
        said = sandbox.rings[-1].metadata
        assert (said["dag_id"], said["task_id"], said["error"]) == ("outcomes_awaited", "broken", "ValueError")
    for dag_id, task_id in (("outcomes_heard", "read"), ("outcomes_came", "look")):
        (started, *_) = airflow.wait_for_runs(dag_id, 1)
        airflow.wait_for_task(dag_id, started, task_id, states={"success"})
        extra = airflow.xcom(dag_id, started, task_id)
        assert extra.get("event") == "outcomes_complete" or extra["payload"]["calls"] == 2
    assert stage.numbers_logged(["outcomes_awaited", "outcomes_came", "outcomes_heard"]) == []
