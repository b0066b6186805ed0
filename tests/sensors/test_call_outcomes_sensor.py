"""A DAG goes on once it is known what became of its calls, or when nobody expects to learn it any more."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy
from ageing_ledger import let_time_pass
from airflow.providers.common.compat.sdk import (
    DAG,
    AirflowFailException,
    AirflowSensorTimeout,
    AirflowSkipException,
    Asset,
    AssetAlias,
    TaskDeferred,
)
from fanning_out import connect, context_of, people
from outlets import OutletEvents
from placed_calls import SCOPE, Ledger, event

from airflow_provider_callkaro.calls.disposition import Disposition
from airflow_provider_callkaro.exceptions import ConfigurationError
from airflow_provider_callkaro.ledger.contract import EntryState
from airflow_provider_callkaro.operators.callkaro import CallKaroFanOutCallsOperator
from airflow_provider_callkaro.sandbox import Sandbox
from airflow_provider_callkaro.sensors.call_outcomes import CallOutcomesSensor
from airflow_provider_callkaro.sensors.rescheduling import AirflowRescheduleException
from airflow_provider_callkaro.triggers.call_outcomes import CallOutcomesTrigger

HOUR = timedelta(hours=1)
MODES = {
    "poke": {"mode": "poke", "deferrable": False},
    "reschedule": {"mode": "reschedule", "deferrable": False},
    "deferrable": {"mode": "poke", "deferrable": True},
}
every_mode = pytest.mark.parametrize("mode", MODES.values(), ids=MODES)


@pytest.fixture
def ledger(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Ledger]:
    """A ledger that DAGs reach as ``call_ledger``."""
    path = tmp_path / "ledger.db"
    monkeypatch.setenv("AIRFLOW_CONN_CALL_LEDGER", json.dumps({"conn_type": "sqlite", "host": str(path)}))
    engine = sqlalchemy.create_engine(f"sqlite:///{path}")
    yield Ledger(engine)
    engine.dispose()


def sensor(**arguments: Any) -> CallOutcomesSensor:
    given = {"ledger_conn_id": "call_ledger", "ledger_scope": SCOPE, "poke_interval": 1, "timeout": 20}
    return CallOutcomesSensor(task_id="outcomes", **{**given, **arguments})


def context() -> dict[str, Any]:
    made = context_of()
    made["ti"].get_first_reschedule_date = lambda context: None
    return made | {"outlet_events": OutletEvents()}


def run(given: CallOutcomesSensor, using: dict[str, Any] | None = None) -> dict[str, Any]:
    """Run a sensor to its end, with the triggerer's part in between."""
    using = using or context()
    try:
        return given.execute(using)
    except TaskDeferred as deferred:
        path, arguments = deferred.trigger.serialize()
        assert path == "airflow_provider_callkaro.triggers.call_outcomes.CallOutcomesTrigger"
        fired = asyncio.run(anext(aiter(CallOutcomesTrigger(**arguments).run())))
        return getattr(given, deferred.method_name)(using, event=json.loads(json.dumps(fired.payload)))


def later(do: Callable[[], Any]) -> threading.Timer:
    """Have something done while the sensor waits."""
    timer = threading.Timer(0.3, do)
    timer.start()
    return timer


@every_mode
def test_a_run_whose_outcomes_are_all_there_is_not_waited_for(ledger, mode):
    ledger.place(range(4))
    ledger.place([9], state=EntryState.UNKNOWN)
    ledger.record(event(0, converted=True), event(1), event(2), event(3, disposition=Disposition.VOICEMAIL))
    assert run(sensor(**mode)) == {
        "complete": True,
        "accepted": 4,
        "with_outcome": 4,
        "awaiting": 0,
        "unresolved": 0,
        "converted": 1,
        "unknown": 1,
        "outcomes": {"reached": 3, "voicemail": 1},
    }


@pytest.mark.parametrize("mode", [MODES["poke"], MODES["deferrable"]], ids=["poke", "deferrable"])
def test_it_waits_until_the_share_has_an_outcome(ledger, mode):
    ledger.place(range(4))
    ledger.record(event(0))
    coming = later(lambda: ledger.record(event(1), event(2)))
    counts = run(sensor(share=0.75, **mode))
    coming.join()
    assert (counts["complete"], counts["with_outcome"], counts["awaiting"]) == (True, 3, 1)


def test_a_call_that_is_being_placed_is_waited_for_as_an_accepted_one(ledger):
    ledger.place([0])
    ledger.place([1], state=None)
    ledger.record(event(0))
    with pytest.raises(AirflowRescheduleException):
        run(sensor(**MODES["reschedule"]))
    assert run(sensor(share=0.5, **MODES["reschedule"]))["complete"]


def test_rescheduled_it_comes_back_at_the_next_poke(ledger):
    ledger.place(range(2))
    before = datetime.now(UTC)
    with pytest.raises(AirflowRescheduleException) as left:
        run(sensor(poke_interval=600, timeout=3600, **MODES["reschedule"]))
    assert before + timedelta(seconds=600) <= left.value.reschedule_date <= datetime.now(UTC) + timedelta(seconds=600)


@every_mode
@pytest.mark.parametrize("on_timeout", ["fail", "skip", "succeed"])
def test_where_no_outcome_is_expected_any_more_the_author_says_what_then(ledger, mode, on_timeout):
    ledger.place(range(3))
    ledger.record(event(0))
    let_time_pass(ledger.engine, 2 * HOUR)
    given, using = sensor(unresolved_after=HOUR, on_timeout=on_timeout, **mode), context()
    if on_timeout == "succeed":
        counts = run(given, using)
    else:
        with pytest.raises(AirflowSensorTimeout if on_timeout == "fail" else AirflowSkipException, match="1 of 3"):
            run(given, using)
        counts = using["ti"].xcoms["return_value"]
    assert (counts["complete"], counts["with_outcome"], counts["unresolved"]) == (False, 1, 2)


@pytest.mark.parametrize("mode", [MODES["poke"], MODES["deferrable"]], ids=["poke", "deferrable"])
def test_the_wait_ends_with_the_timeout(ledger, mode):
    ledger.place(range(3))
    with pytest.raises(AirflowSensorTimeout, match="0 of 3 calls have an outcome, 3 wait for one"):
        run(sensor(timeout=1.2, **mode))


def test_a_late_outcome_ends_what_was_unresolved(ledger):
    ledger.place(range(2))
    let_time_pass(ledger.engine, 2 * HOUR)
    ledger.record(event(0), event(1))
    assert run(sensor(unresolved_after=HOUR))["complete"]


def test_without_a_name_it_waits_for_the_calls_of_the_tasks_before_it(ledger, monkeypatch, tmp_path):
    with Sandbox() as vendor:
        connect(vendor, monkeypatch, tmp_path)
        with DAG("outreach", schedule=None):
            calls = CallKaroFanOutCallsOperator(
                task_id="calls", contacts=people(3), agent_id="asha", ledger_conn_id="call_ledger"
            )
            waits = sensor(ledger_scope=None, unresolved_after=timedelta(days=2), timeout=1)
            calls >> waits
        calls.execute(context())
        ids = [ring.call_id for ring in vendor.rings]
    ledger.place(range(5))  # another scope's calls are no business of it
    ledger.record(*(event(place, call_id=id_, number=None) for place, id_ in enumerate(ids)))
    assert run(waits)["accepted"] == 3
    assert run(sensor(ledger_scope=None, task_ids="calls"))["with_outcome"] == 3


@pytest.mark.parametrize("task_ids", [None, ["calls", "others"]], ids=["before", "named"])
def test_where_no_task_has_placed_calls_it_says_so(ledger, task_ids):
    with DAG("outreach", schedule=None):
        given = sensor(ledger_scope=None, task_ids=task_ids)
    with pytest.raises(AirflowFailException, match=r"placed calls .*task_ids"):
        run(given)


def test_its_outlets_get_the_counts_and_no_number(ledger):
    ledger.place(range(2))
    ledger.record(event(0), event(1))
    asset, alias = Asset("renewals"), AssetAlias("campaigns of the night")
    using = context()
    with DAG("outreach", schedule=None):
        counts = run(sensor(outlets=[asset, alias], campaign_id="call-0", share=1.0), using)
    assert counts["accepted"] == 1  # of the campaign
    told = {"event": "outcomes_complete", **counts}
    assert using["outlet_events"][asset].extra == told
    assert using["outlet_events"][alias].added == [
        ("callkaro://campaigns/call-0", {**told, "campaign_id": "call-0"}),
    ]


@pytest.mark.parametrize("mode", [MODES["poke"], MODES["deferrable"]], ids=["poke", "deferrable"])
def test_a_connection_that_is_no_database_fails_for_good(monkeypatch, mode):
    monkeypatch.setenv("AIRFLOW_CONN_CALL_LEDGER", json.dumps({"conn_type": "http", "host": "example.org"}))
    with pytest.raises(AirflowFailException, match="no SQL database"):
        run(sensor(**mode))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"share": 1.1}, "share"),
        ({"share": True}, "share"),
        ({"on_timeout": "stop"}, "on_timeout"),
        ({"unresolved_after": 60}, "unresolved_after"),
        ({"vendor": "nobody"}, "vendor"),
        ({"task_ids": "calls"}, "leave one out"),
        ({"ledger_scope": None, "task_ids": []}, "task_ids"),
        ({"ledger_conn_id": ""}, "ledger_conn_id"),
    ],
)
def test_what_cannot_work_is_refused_when_the_dag_is_parsed(arguments, words):
    with pytest.raises(ConfigurationError, match=words):
        sensor(**arguments)
