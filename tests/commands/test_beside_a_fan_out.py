"""A ledger is pruned, people are erased, and its key is changed, while a fan-out runs: nobody twice, nothing lost."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy
from ageing_ledger import let_time_pass
from connection_keys import keys
from fanning_out import context_of, fan_out, people

from airflow_provider_callkaro.ledger.contract import Claim, EntryState, Settlement
from airflow_provider_callkaro.ledger.sql.ledger import SqlLedger
from airflow_provider_callkaro.sandbox import Sandbox

PEOPLE = people(200)
OUTCOMES = ("accepted", "rejected", "skipped", "unknown", "pending")
ERASED = [0, 40, 60, 61, *range(196, 200)]  # rung long ago, just now, and not yet


@pytest.fixture
def vendor(monkeypatch: pytest.MonkeyPatch) -> Any:
    with Sandbox() as sandbox:
        given = json.loads(sandbox.airflow_connections["callkaro_default"])
        connection = {**given, "extra": {"schedule_timezone": "UTC"}}
        monkeypatch.setenv("AIRFLOW_CONN_CALLKARO_DEFAULT", json.dumps(connection))
        yield sandbox


def an_old_list(engine: sqlalchemy.Engine, count: int) -> None:
    """A list of long ago, in a scope that nobody uses any more."""
    numbers = [f"+9190000{row:05d}" for row in range(count)]
    with SqlLedger(engine, scope="of old", run="of old", keys=keys("k1")) as ledger:
        ledger.commit(claim=[Claim(key=number, number=number) for number in numbers])
        ledger.commit(settle=[Settlement(key=number, state=EntryState.ACCEPTED) for number in numbers])
    let_time_pass(engine, timedelta(days=500))
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE voice_call_scopes SET used_at = '2020-01-01 00:00:00'")


def test_nobody_is_rung_twice_and_nothing_is_lost_beside_prune_erase_and_a_change_of_key(
    engine, keyed, command, vendor
) -> None:
    an_old_list(engine, 1200)
    arguments = {"ledger_conn_id": "call_ledger", "contacts": PEOPLE, "calls_per_second": 50, "max_concurrency": 8}
    vendor.fault("hold_before_accepting", after=150)  # however slow the commands are, the run is not over before them
    with ThreadPoolExecutor(1) as pool:
        run = pool.submit(fan_out, context_of(), ledger_scope="renewals", **arguments)
        pause = threading.Event()
        while len(vendor.rings) < 55 and not run.done():
            pause.wait(0.01)
        first, *others = ERASED
        assert command("erase", "-", typed=PEOPLE[first]["to_number"])["calls"] == 1
        keyed("k2", "k1")
        assert command("prune", "--older-than", "400d")["rows"] == 1200
        for index in others:
            command("erase", "-", typed=PEOPLE[index]["to_number"])
        assert not run.done()
        vendor.clear_faults()
        vendor.release()
        summary = run.result(timeout=120)
    assert sum(summary[outcome] for outcome in OUTCOMES) == summary["total"] == len(PEOPLE)
    assert summary["reasons"].get("erased", 0) > 0
    rung = vendor.rings_per_number()
    assert set(rung.values()) == {1}
    assert len(rung) == summary["accepted"] == len(PEOPLE) - summary["reasons"]["erased"]

    arguments.update(calls_per_second=None, on_none_accepted="warn")
    for scope, expected in (("renewals", 0), ("renewals of another day", len(PEOPLE) - len(ERASED))):
        again = fan_out(context_of(f"another run for {scope}"), ledger_scope=scope, **arguments)
        assert (again["accepted"], again["reasons"]["erased"]) == (expected, len(ERASED))
    twice = vendor.rings_per_number()
    for index, person in enumerate(PEOPLE):
        number = person["to_number"]
        before = rung.get(number, 0)
        assert twice.get(number, 0) == (before if index in ERASED else before + 1)
    for index in ERASED:
        assert command("show", "--person", typed=PEOPLE[index]["to_number"]) == []
    assert command("audit", "verify")["whole"]
    command("check")
