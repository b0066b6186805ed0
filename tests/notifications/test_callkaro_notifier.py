"""Whoever is on call is phoned once about what broke, and no callback ever fails because of it."""

from __future__ import annotations

import asyncio
import json
import logging
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import sqlalchemy
from airflow.providers.common.compat.sdk import DAG
from ledger_databases import database_on

from airflow_provider_callkaro.exceptions import ConfigurationError
from airflow_provider_callkaro.ledger.digests import read_keys
from airflow_provider_callkaro.ledger.sql.quiet_periods import ALERTS_TABLE, SqlQuietPeriods
from airflow_provider_callkaro.notifications.callkaro import CallKaroNotifier
from airflow_provider_callkaro.notifications.quiet import ProcessQuietPeriods
from airflow_provider_callkaro.sandbox import Sandbox

ON_CALL = "+912212345678"
SECRET_OF_A_CUSTOMER = "overdue by 4711"
QUIET = timedelta(minutes=15)


@pytest.fixture
def sandbox(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Sandbox]:
    with Sandbox() as vendor:
        connect(monkeypatch, vendor)
        ledger = {"conn_type": "sqlite", "host": str(tmp_path / "ledger.db")}
        monkeypatch.setenv("AIRFLOW_CONN_CALL_LEDGER", json.dumps(ledger))
        yield vendor


def connect(monkeypatch: pytest.MonkeyPatch, sandbox: Sandbox, **extra: Any) -> None:
    given = json.loads(sandbox.airflow_connections["callkaro_default"])
    monkeypatch.setenv("AIRFLOW_CONN_CALLKARO_DEFAULT", json.dumps(given | {"extra": {"agent_id": "duty", **extra}}))


def failure(task: str = "load", *, run: str = "scheduled__1", map_index: int = -1, dag: str = "nightly") -> dict:
    """What Airflow hands to on_failure_callback, as far as anybody looks."""
    instance = SimpleNamespace(dag_id=dag, run_id=run, task_id=task, map_index=map_index, try_number=2)
    return {
        "ti": instance,
        "run_id": run,
        "exception": ValueError(SECRET_OF_A_CUSTOMER),
        "params": {"on_call": ON_CALL},
    }


def notifier(**arguments: Any) -> CallKaroNotifier:
    return CallKaroNotifier(**{"to_number": ON_CALL, "ledger_conn_id": "call_ledger", **arguments})


def rings(sandbox: Sandbox) -> int:
    return sandbox.rings_per_number().get(ON_CALL, 0)


def test_the_agent_learns_which_task_failed_and_of_what_but_not_the_message(sandbox):
    notifier(metadata={"runbook": "billing"})(failure())
    (ring,) = sandbox.rings
    assert (ring.to_number, ring.agent_id) == (ON_CALL, "duty")
    assert ring.metadata == {
        "runbook": "billing",
        "dag_id": "nightly",
        "task_id": "load",
        "run_id": "scheduled__1",
        "try_number": 2,
        "error": "ValueError",
    }


@pytest.mark.parametrize(
    ("context", "facts"),
    [
        ({"dag_run": {"dag_id": "d", "run_id": "r"}, "deadline": {"id": 1}}, ("d", "r", "deadline_missed")),
        ({"dag": DAG("d", schedule=None), "run_id": "r", "reason": "task_failure"}, ("d", "r", "task_failure")),
        ({"dag": DAG("d", schedule=None), "reason": "overdue by 4711", "exception": "x"}, ("d", None, "failed")),
        ({}, (None, None, "failed")),
    ],
    ids=["deadline", "run", "words", "nothing"],
)
def test_whatever_airflow_says_of_it_is_enough(sandbox, context, facts):
    notifier()(context)
    (sent,) = [ring.metadata for ring in sandbox.rings]
    assert (sent.get("dag_id"), sent.get("run_id"), sent["error"]) == facts


@pytest.mark.parametrize("ledger", ["call_ledger", None], ids=["ledger", "process"])
def test_an_incident_rings_once_and_others_ring_too(sandbox, ledger):
    run = f"of {ledger}"
    for context in (failure(run=run), failure(run=run), failure(run=run, map_index=1)):
        notifier(ledger_conn_id=ledger)(context)
    assert rings(sandbox) == 1
    notifier(ledger_conn_id=ledger)(failure("report", run=run))
    notifier(ledger_conn_id=ledger)(failure(run=f"{run} later"))
    assert rings(sandbox) == 3


@pytest.mark.parametrize(("once_per", "count"), [("task_instance", 3), ("dag_run", 2), ("dag", 1)])
def test_what_counts_as_one_incident_is_the_authors_choice(sandbox, once_per, count):
    for context in (failure("load"), failure("report"), failure("load", run="scheduled__2")):
        notifier(once_per=once_per)(context)
    assert rings(sandbox) == count


def test_two_people_on_call_are_both_called(sandbox):
    for number in (ON_CALL, "+912212345679", ON_CALL):
        notifier(to_number=number)(failure())
    assert sandbox.rings_per_number() == {ON_CALL: 1, "+912212345679": 1}


def test_a_lost_answer_is_not_sent_again_now_nor_within_the_quiet_period(sandbox, caplog):
    sandbox.fault("drop_answer_after_accepting", first=1)
    for _ in range(2):
        notifier()(failure())
    assert rings(sandbox) == 1
    assert "may ring, and is not sent again" in caplog.text


def test_a_call_that_was_not_taken_leaves_the_next_failure_free_to_ring(sandbox, caplog):
    sandbox.fault("key_refused", first=1)
    notifier()(failure())
    assert rings(sandbox) == 0
    assert "Nobody was called for nightly/scheduled__1/load" in caplog.text
    notifier()(failure())
    assert rings(sandbox) == 1


def broken(monkeypatch: pytest.MonkeyPatch, sandbox: Sandbox, how: str, tmp_path: Path) -> CallKaroNotifier:
    match how:
        case "no ledger":
            folder = tmp_path / "folder"
            folder.mkdir()
            monkeypatch.setenv("AIRFLOW_CONN_CALL_LEDGER", json.dumps({"conn_type": "sqlite", "host": str(folder)}))
        case "no ledger's connection":
            return notifier(ledger_conn_id="nowhere")
        case "no connection":
            return notifier(callkaro_conn_id="nowhere")
        case "no number":
            return CallKaroNotifier(ledger_conn_id="call_ledger")
        case "template":
            return notifier(to_number="{{ params.on_call.missing.deep }}")
        case "empty template":
            return notifier(to_number="{{ params.nobody }}")
        case "metadata":
            return notifier(metadata={"runbook": "x" * 100_000})
        case "stopped vendor":
            sandbox.stop()
    return notifier()


WAYS = [
    *("no ledger", "no ledger's connection", "no connection", "no number", "template", "empty template", "metadata"),
    "stopped vendor",
]


@pytest.mark.parametrize("how", WAYS)
@pytest.mark.parametrize("in_triggerer", [False, True], ids=["callback", "triggerer"])
def test_no_callback_fails_and_the_log_says_why_nobody_was_called(
    sandbox, monkeypatch, tmp_path, caplog, how, in_triggerer
):
    given = broken(monkeypatch, sandbox, how, tmp_path)
    monkeypatch.setattr("airflow_provider_callkaro.hooks.vendor.time.sleep", lambda seconds: None)
    given.context = failure()
    with caplog.at_level(logging.DEBUG):
        asyncio.run(_awaited(given)) if in_triggerer else given(failure())
    assert "Nobody was called for nightly/scheduled__1/load" in caplog.text
    assert ON_CALL not in caplog.text
    assert SECRET_OF_A_CUSTOMER not in caplog.text
    assert "sandbox" not in [record.getMessage() for record in caplog.records if "key" in record.getMessage()]


async def _awaited(given: CallKaroNotifier) -> None:
    await given


def test_a_deadline_calls_from_the_triggerer_and_twice_is_once(sandbox, monkeypatch):
    connect(monkeypatch, sandbox, on_call_number=ON_CALL)
    context = {"dag_run": {"dag_id": "nightly", "run_id": "r"}, "deadline": {"id": "1"}}
    for _ in range(2):  # a triggerer that restarts runs the callback again
        asyncio.run(_awaited(CallKaroNotifier(ledger_conn_id="call_ledger", quiet_period=600, context=context)))
    assert rings(sandbox) == 1
    assert [ring.metadata["error"] for ring in sandbox.rings] == ["deadline_missed"]


def test_airflow_takes_it_as_the_callback_of_a_deadline(sandbox):
    callback = pytest.importorskip("airflow.sdk.definitions.callback", reason="deadlines came with Airflow 3.1")
    made = callback.AsyncCallback(CallKaroNotifier, kwargs={"ledger_conn_id": "call_ledger"})
    assert made.path == "airflow_provider_callkaro.notifications.callkaro.CallKaroNotifier"


def test_the_number_may_come_from_a_template_and_the_dags_own_notifier_keeps_it(sandbox):
    shared = notifier(to_number="{{ params.on_call }}")
    shared(failure())
    shared(failure("report") | {"params": {"on_call": "+912212345679"}})
    assert sandbox.rings_per_number() == {ON_CALL: 1, "+912212345679": 1}


def test_the_context_that_other_callbacks_get_has_no_number(sandbox):
    context = failure()
    del context["params"]
    notifier()(context)
    assert ON_CALL not in str(context)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"to_number": "98765"}, "E.164"),
        ({"to_number": ""}, "to_number"),
        ({"once_per": "task"}, "once_per"),
        ({"quiet_period": timedelta(0)}, "quiet_period"),
        ({"quiet_period": True}, "quiet_period"),
        ({"quiet_period": timedelta(days=8)}, "quiet_period"),
        ({"metadata": ["billing"]}, "metadata"),
        ({"ledger_conn_id": 7}, "ledger_conn_id"),
    ],
)
def test_what_cannot_work_is_refused_when_the_dag_is_parsed(arguments, words):
    with pytest.raises(ConfigurationError, match=words) as refused:
        notifier(**arguments)
    assert "98765" not in str(refused.value)


def test_it_shows_no_number(sandbox):
    assert ON_CALL not in repr(notifier())


def test_parsing_a_dag_with_it_imports_no_heavy_library():
    script = (
        "import sys\nfrom airflow.providers.common.compat.sdk import BaseHook, BaseNotifier\n(BaseHook, BaseNotifier)\n"
        "before = set(sys.modules)\nfrom airflow_provider_callkaro.notifications.callkaro import CallKaroNotifier\n"
        "CallKaroNotifier(to_number='+912212345678')\n"
        "print(*{name.partition('.')[0] for name in set(sys.modules) - before})\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert not {"aiohttp", "requests", "sqlalchemy", "phonenumbers"} & set(done.stdout.splitlines()[-1].split())


class TestQuietPeriods:
    """Where it is kept who was alerted, in each kind of database."""

    @pytest.fixture(params=["sqlite", "postgresql", "mariadb"])
    def engine(self, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[sqlalchemy.Engine]:
        if request.param == "sqlite":
            engine = sqlalchemy.create_engine(f"sqlite:///{tmp_path / 'ledger.db'}")
            yield engine
            engine.dispose()
            return
        with database_on(request.getfixturevalue(request.param)) as url:
            engine = sqlalchemy.create_engine(url)
            yield engine
            engine.dispose()

    def test_one_of_many_processes_at_once_may_call(self, engine):
        won: list[str] = []
        start = threading.Barrier(6)

        def alert(owner: str) -> None:
            start.wait()
            with SqlQuietPeriods(engine) as quiet:
                if quiet.begin("a task", number=ON_CALL, period=QUIET, owner=owner):
                    won.append(owner)

        threads = [threading.Thread(target=alert, args=(f"owner {n}",)) for n in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(won) == 1
        with SqlQuietPeriods(engine) as quiet:  # the transaction whose answer got lost runs again
            assert quiet.begin("a task", number=ON_CALL, period=QUIET, owner=won[0])

    def test_quiet_ends_with_the_period_and_with_a_withdrawal(self, engine):
        with SqlQuietPeriods(engine) as quiet:
            assert quiet.begin("a task", number=ON_CALL, period=QUIET, owner="a")
            quiet.withdraw("a task", number=ON_CALL, owner="of another alert")
            assert not quiet.begin("a task", number=ON_CALL, period=QUIET, owner="b")
            _age(engine, minutes=16)
            assert quiet.begin("a task", number=ON_CALL, period=QUIET, owner="c")
            quiet.withdraw("a task", number=ON_CALL, owner="c")
            assert quiet.begin("a task", number=ON_CALL, period=QUIET, owner="d")

    def test_what_is_long_over_is_removed(self, engine):
        with SqlQuietPeriods(engine) as quiet:
            quiet.begin("a task", number=ON_CALL, period=QUIET, owner="a")
            _age(engine, minutes=9 * 24 * 60)
            quiet.begin("another task", number=ON_CALL, period=QUIET, owner="b")
        with engine.connect() as connection:
            assert connection.exec_driver_sql(f"select owner from {ALERTS_TABLE}").scalars().all() == ["b"]

    def test_beside_a_keyed_ledger_a_row_depends_on_the_secret(self, engine):
        keys = read_keys("k1:" + "s" * 40, where="here")
        with SqlQuietPeriods(engine) as clear, SqlQuietPeriods(engine, keys=keys) as keyed:
            assert clear.begin("a task", number=ON_CALL, period=QUIET, owner="a")
            assert keyed.begin("a task", number=ON_CALL, period=QUIET, owner="b")
            assert not keyed.begin("a task", number=ON_CALL, period=QUIET, owner="c")


def _age(engine: sqlalchemy.Engine, *, minutes: int) -> None:
    """Make every alert that much older."""
    older = {
        "sqlite": f"strftime('%Y-%m-%d %H:%M:%f000', begun_at, '-{minutes} minutes')",
        "postgresql": f"begun_at - interval '{minutes} minutes'",
    }.get(engine.dialect.name, f"begun_at - interval {minutes} minute")
    with engine.begin() as connection:
        connection.execute(sqlalchemy.text(f"update {ALERTS_TABLE} set begun_at = {older}".replace(":", r"\:")))


def test_the_process_remembers_for_as_long_as_the_period():
    now = [0.0]
    quiet = ProcessQuietPeriods(clock=lambda: now[0])
    assert quiet.begin("a task", number=ON_CALL, period=QUIET, owner="a")
    now[0] = 899.0
    assert not quiet.begin("a task", number=ON_CALL, period=QUIET, owner="b")
    now[0] = 900.0
    assert quiet.begin("a task", number=ON_CALL, period=QUIET, owner="c")
    quiet.withdraw("a task", number=ON_CALL, owner="a")
    assert not quiet.begin("a task", number=ON_CALL, period=QUIET, owner="d")
    quiet.withdraw("a task", number=ON_CALL, owner="c")
    assert quiet.begin("a task", number=ON_CALL, period=QUIET, owner="e")
