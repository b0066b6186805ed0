"""A worker is killed at every step, Airflow tries again: nobody is rung twice, and every row is accounted for."""

from __future__ import annotations

from collections import Counter
from typing import Any
from uuid import uuid4

import pytest
from real_airflow import PATIENCE
from stage import Stage

from airflow_provider_callkaro.sandbox import Sandbox

pytestmark = pytest.mark.airflow

ROWS = 60
WINDOW = 8  # max_concurrency of the DAGs
LEDGERS = {"task state": "", "sqlite": "sqlite_ledger", "postgresql": "postgresql_ledger"}
OUTCOMES = ("accepted", "rejected", "skipped", "unknown", "pending")


@pytest.fixture(params=LEDGERS)
def ledger(request: pytest.FixtureRequest, stage: Stage) -> str:
    """The connection id of a ledger; empty for the task's own state."""
    if request.param == "postgresql":
        server = request.getfixturevalue("postgresql")
        stage.airflow.set_connection(
            "postgresql_ledger",
            conn_type="postgres",
            host=server.host,
            port=server.port,
            login=server.user,
            schema=server.database,
        )
    return LEDGERS[request.param]


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    """A name that only this test of this session uses: for connections, scopes and reports."""
    words = "".join(character if character.isalnum() else "_" for character in request.node.name)
    return f"{words[:60]}_{uuid4().hex[:8]}"  # a database server outlives the session


def conf(name: str, *, ledger: str, step: str = "none", turn: int = 3, report: str) -> dict[str, Any]:
    return {
        "callkaro": name,
        "ledger": ledger,
        "scope": name,
        "rows": ROWS,
        "step": step,
        "turn": turn,
        "report": report,
    }


def assert_accounted_for(summary: dict[str, Any], report: list[dict[str, str]]) -> None:
    """Rows out are rows in, in the summary and in the report alike."""
    assert summary["total"] == ROWS == sum(summary[outcome] for outcome in OUTCOMES)
    assert summary["rejected"] == 1
    assert [int(line["row"]) for line in sorted(report, key=lambda line: int(line["row"]))] == list(range(1, ROWS + 1))
    states = Counter(line["state"] for line in report)
    assert {outcome: states[outcome] for outcome in OUTCOMES} == {outcome: summary[outcome] for outcome in OUTCOMES}


def assert_rung_once(sandbox: Sandbox, summary: dict[str, Any]) -> None:
    """Nobody rang twice; all who were accepted rang, and at most those besides who are unknown."""
    rings = sandbox.rings_per_number()
    assert set(rings.values()) == {1}
    assert summary["accepted"] <= len(rings) <= summary["accepted"] + summary["unknown"]


@pytest.mark.parametrize("step", ["after_claim", "before_settle", "after_settle"])
def test_a_worker_killed_while_it_keeps_the_books_rings_nobody_twice(
    stage: Stage, ledger: str, name: str, step: str
) -> None:
    report = f"{name}.csv"
    with stage.vendor(name) as sandbox:
        run = stage.airflow.trigger(
            "killed_and_retried",
            conf=conf(name, ledger=ledger, step=step, report=str(stage.folder / "reports" / report)),
        )
        stage.airflow.wait("killed_and_retried", run, states={"success"})
        summary = stage.airflow.xcom("killed_and_retried", run, "calls")

        assert stage.airflow.task("killed_and_retried", run, "calls")["try_number"] == 2
        assert summary["unknown"] <= 2 * WINDOW
        assert_accounted_for(summary, stage.report(report))
        assert_rung_once(sandbox, summary)


@pytest.mark.parametrize("fault", ["hold_before_accepting", "hold_after_accepting"])
def test_a_worker_killed_while_calls_are_under_way_rings_nobody_twice(
    stage: Stage, ledger: str, name: str, fault: str
) -> None:
    report = f"{name}.csv"
    with stage.vendor(name) as sandbox:
        sandbox.fault(fault, after=20)
        run = stage.airflow.trigger(
            "killed_and_retried", conf=conf(name, ledger=ledger, report=str(stage.folder / "reports" / report))
        )
        sandbox.wait_for_held(WINDOW, timeout=PATIENCE)
        stage.airflow.kill_task("killed_and_retried", run, "calls")
        sandbox.clear_faults()
        sandbox.release()  # what was on its way is accepted now, after the death of its sender
        stage.airflow.wait("killed_and_retried", run, states={"success"})
        summary = stage.airflow.xcom("killed_and_retried", run, "calls")

        assert WINDOW <= summary["unknown"] <= 2 * WINDOW
        assert_accounted_for(summary, stage.report(report))
        assert_rung_once(sandbox, summary)


def test_a_machine_that_is_lost_with_its_worker_rings_nobody_twice(stage: Stage, name: str) -> None:
    report = f"{name}.csv"
    with stage.vendor(name) as sandbox:
        sandbox.fault("hold_after_accepting", after=20)
        run = stage.airflow.trigger(
            "killed_and_retried", conf=conf(name, ledger="", report=str(stage.folder / "reports" / report))
        )
        sandbox.wait_for_held(WINDOW, timeout=PATIENCE)
        stage.airflow.kill_worker("killed_and_retried", run, "calls")
        sandbox.clear_faults()
        sandbox.release()
        stage.airflow.wait("killed_and_retried", run, states={"success"})
        summary = stage.airflow.xcom("killed_and_retried", run, "calls")

        assert_accounted_for(summary, stage.report(report))
        assert_rung_once(sandbox, summary)


def test_a_new_run_after_a_killed_one_rings_only_those_who_were_not(stage: Stage, name: str) -> None:
    first_report, second_report = f"{name}_1.csv", f"{name}_2.csv"
    reports = stage.folder / "reports"
    with stage.vendor(name) as sandbox:
        first = stage.airflow.trigger(
            "killed_for_good",
            conf=conf(name, ledger="sqlite_ledger", step="before_settle", report=str(reports / first_report)),
        )
        stage.airflow.wait("killed_for_good", first, states={"failed"})
        rung_at_first = len(sandbox.rings)
        second = stage.airflow.trigger(
            "killed_for_good", conf=conf(name, ledger="sqlite_ledger", report=str(reports / second_report))
        )
        stage.airflow.wait("killed_for_good", second, states={"success"})
        summary = stage.airflow.xcom("killed_for_good", second, "calls")

        assert 0 < rung_at_first < ROWS
        assert_accounted_for(summary, stage.report(second_report))
        assert set(sandbox.rings_per_number().values()) == {1}
        assert len(sandbox.rings) == rung_at_first + summary["accepted"]
        assert set(summary["reasons"]) <= {"already_accepted", "claimed_by_another_run", "bad_number"}


def test_two_runs_at_once_share_the_list_and_ring_everybody_once(stage: Stage, name: str) -> None:
    with stage.vendor(name) as sandbox:
        sandbox.fault("latency", seconds=0.2)
        runs = {
            report: stage.airflow.trigger(
                "killed_for_good",
                conf=conf(name, ledger="sqlite_ledger", report=str(stage.folder / "reports" / report)),
            )
            for report in (f"{name}_1.csv", f"{name}_2.csv")
        }
        for run in runs.values():
            stage.airflow.wait("killed_for_good", run, states={"success"})
        summaries = {report: stage.airflow.xcom("killed_for_good", run, "calls") for report, run in runs.items()}

        for report, summary in summaries.items():
            assert_accounted_for(summary, stage.report(report))
        assert sum(summary["accepted"] for summary in summaries.values()) == ROWS - 1
        assert set(sandbox.rings_per_number().values()) == {1}
        assert len(sandbox.rings) == ROWS - 1


def test_clearing_a_task_that_is_done_rings_nobody(stage: Stage, name: str) -> None:
    report = f"{name}.csv"
    with stage.vendor(name) as sandbox:
        run = stage.airflow.trigger(
            "killed_and_retried", conf=conf(name, ledger="", report=str(stage.folder / "reports" / report))
        )
        stage.airflow.wait("killed_and_retried", run, states={"success"})
        stage.airflow.clear("killed_and_retried", run, "calls")
        stage.airflow.wait_for_try("killed_and_retried", run, "calls", 2)
        stage.airflow.wait("killed_and_retried", run, states={"success"})
        summary = stage.airflow.xcom("killed_and_retried", run, "calls")

        assert len(sandbox.rings) == ROWS - 1
        assert_accounted_for(summary, stage.report(report))
        assert summary["accepted"] == ROWS - 1
