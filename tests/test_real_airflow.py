"""Whether the harness can be believed: each test is something that the tests of the package take for granted."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import psutil
import pytest
import real_airflow
from real_airflow import AirflowStuck, RealAirflow, dag_test, wait_until
from real_airflow.running import KEEPER
from spreading import AIRFLOWS

SMOKE_DAGS = Path(real_airflow.__file__).with_name("dags") / "smoke_dags.py"


@pytest.fixture(scope="module")
def airflow(running_airflow: RealAirflow) -> RealAirflow:
    """The shared Airflow, knowing the smoke DAGs."""
    running_airflow.add_dag_file(SMOKE_DAGS)
    running_airflow.wait_until_parsed("smoke_killed")
    return running_airflow


@pytest.mark.airflow
def test_a_task_killed_with_sigkill_is_retried_and_remembers(airflow: RealAirflow) -> None:
    run = airflow.trigger("smoke_killed", conf={"deaths": 1})
    airflow.until("the first try to be remembered", lambda: airflow.task_state("smoke_killed", run, "patient") or None)

    killed = airflow.kill_task("smoke_killed", run, "patient")

    assert airflow.wait("smoke_killed", run) == "success"
    assert airflow.task("smoke_killed", run, "patient")["try_number"] == 2
    assert airflow.task_state("smoke_killed", run, "patient") == {"tries": [1, 2]}
    assert airflow.xcom("smoke_killed", run, "patient")["process"] not in (killed, None)
    assert "SIGKILL" in airflow.log("smoke_killed", run, "patient", 1)


@pytest.mark.airflow
def test_a_lost_worker_is_noticed_and_its_task_retried(airflow: RealAirflow) -> None:
    run = airflow.trigger("smoke_killed", conf={"deaths": 1})
    airflow.until("the first try to be remembered", lambda: airflow.task_state("smoke_killed", run, "patient") or None)
    supervisor = airflow.supervisor_pid("smoke_killed", run, "patient")

    airflow.kill_worker("smoke_killed", run, "patient")

    assert airflow.wait("smoke_killed", run) == "success"
    assert airflow.task_state("smoke_killed", run, "patient") == {"tries": [1, 2]}
    assert not psutil.pid_exists(supervisor)


@pytest.mark.airflow
def test_a_cleared_task_runs_again_and_still_remembers(airflow: RealAirflow) -> None:
    run = airflow.trigger("smoke_killed", conf={"deaths": 0}, run_id="cleared")
    assert airflow.wait("smoke_killed", run) == "success"

    airflow.clear("smoke_killed", run, "patient")

    airflow.wait_for_try("smoke_killed", run, "patient", 2)
    assert airflow.wait("smoke_killed", run) == "success"
    assert airflow.task_state("smoke_killed", run, "patient") == {"tries": [1, 2]}
    airflow.forget_task_state("smoke_killed", run, "patient")
    assert airflow.task_state("smoke_killed", run, "patient") == {}


@pytest.mark.airflow
def test_a_task_marked_failed_is_told_to_stop(airflow: RealAirflow) -> None:
    run = airflow.trigger("smoke_stopped", conf={"name": "Asha"})
    airflow.until("it to wait", lambda: "now we wait" in airflow.log("smoke_stopped", run, "waits") or None)

    airflow.set_task_state("smoke_stopped", run, "waits", "failed")

    assert airflow.wait("smoke_stopped", run) == "failed"
    airflow.until("its on_kill", lambda: "told to stop" in airflow.log("smoke_stopped", run, "waits") or None)
    assert airflow.rendered("smoke_stopped", run, "waits") == {"greeting": "Good day, Asha"}
    assert list(airflow.links("smoke_stopped", run, "waits")) == ["Page"]


@pytest.mark.airflow
def test_a_backfill_runs_every_day_once(airflow: RealAirflow) -> None:
    days = (datetime(2020, 1, 1, tzinfo=UTC), datetime(2020, 1, 2, tzinfo=UTC))
    runs = airflow.backfill("smoke_daily", *days)
    assert [airflow.wait("smoke_daily", run) for run in runs] == ["success", "success"]
    assert [airflow.xcom("smoke_daily", run, "day") for run in runs] == ["2020-01-01", "2020-01-02"]


@pytest.mark.airflow
def test_an_asset_event_starts_the_dag_that_waits_for_it(airflow: RealAirflow) -> None:
    airflow.asset_event("file:///arrivals", extra={"path": "/today.csv"})
    (run,) = airflow.wait_for_runs("smoke_arrivals", 1)
    assert airflow.wait("smoke_arrivals", run) == "success"
    assert airflow.xcom("smoke_arrivals", run, "path") == "/today.csv"


@pytest.mark.airflow
def test_a_deferred_task_is_resumed(airflow: RealAirflow) -> None:
    run = airflow.trigger("smoke_deferred")
    assert airflow.wait("smoke_deferred", run) == "success"
    assert airflow.xcom("smoke_deferred", run, "later") == "resumed"


@pytest.mark.airflow
def test_mapped_instances_are_told_apart(airflow: RealAirflow) -> None:
    run = airflow.trigger("smoke_mapped")
    assert airflow.wait("smoke_mapped", run) == "success"
    assert [airflow.xcom("smoke_mapped", run, "shout", map_index=index) for index in (0, 1)] == ["A", "B"]
    assert airflow.task("smoke_mapped", run, "shout", map_index=1)["state"] == "success"


@pytest.mark.airflow
def test_a_connection_can_be_replaced_while_airflow_runs(airflow: RealAirflow) -> None:
    airflow.set_connection("smoke", conn_type="http", host="one.example")
    airflow.set_connection("smoke", conn_type="http", host="two.example", password="not shown")
    assert airflow.rest.get("connections", "smoke")["host"] == "two.example"


@pytest.mark.airflow
def test_waiting_in_vain_ends_with_the_logs(airflow: RealAirflow) -> None:
    with pytest.raises(AirflowStuck, match=r"waited 0 s for the moon(.|\n)*scheduler\.log"):
        airflow.until("the moon", lambda: None, timeout=0)


@pytest.mark.airflow
def test_a_run_that_ends_otherwise_says_so_at_once_with_its_log(airflow: RealAirflow) -> None:
    run = airflow.trigger("smoke_mapped")
    with pytest.raises(AirflowStuck, match=r"ended in success(.|\n)*shout\[1\]: success"):
        airflow.wait("smoke_mapped", run, states={"failed"})


@pytest.mark.airflow
def test_a_dag_runs_without_a_scheduler(tmp_path: Path) -> None:
    day = datetime(2026, 3, 1, tzinfo=UTC)
    result = dag_test(SMOKE_DAGS, "smoke_killed", home=tmp_path / "home", run_conf={"deaths": 0}, logical_date=day)
    assert result.state == "success", result.stdout + result.stderr
    assert result.task("patient").task_state == {"tries": [1]}
    assert result.xcom("patient")["process"] > 0


def test_every_file_that_needs_a_stage_says_which_so_that_no_worker_starts_an_airflow_for_it_alone(
    request: pytest.FixtureRequest,
) -> None:
    staged = {item.path.name for item in request.session.items if "stage" in getattr(item, "fixturenames", ())}
    assert staged <= set(AIRFLOWS)


def test_nothing_outlives_a_test_that_was_killed(tmp_path: Path) -> None:
    component = tmp_path / "component.py"
    component.write_text(
        "import os, pathlib, subprocess, sys, threading\n"
        "role, folder = sys.argv[1:]\n"
        "below = {'component': 'worker', 'worker': 'orphan'}.get(role)\n"
        "if below is not None:\n"
        "    subprocess.Popen([sys.executable, __file__, below, folder], start_new_session=True)\n"
        "if role != 'worker':\n"
        "    pathlib.Path(folder, role).write_text(str(os.getpid()))\n"
        "    threading.Event().wait()\n"
    )
    plan = tmp_path / "plan.json"
    command = [sys.executable, str(component), "component", str(tmp_path)]
    plan.write_text(json.dumps({"logs": str(tmp_path), "components": {"component": command}}))
    hold = (
        "import subprocess, sys\nsubprocess.Popen(sys.argv[1:], stdin=subprocess.PIPE, start_new_session=True).wait()\n"
    )
    holder = subprocess.Popen([sys.executable, "-c", hold, sys.executable, str(KEEPER), str(plan)])
    started = [tmp_path / "component", tmp_path / "orphan"]
    wait_until("both", lambda: all(file.exists() and file.read_text() for file in started) or None, timeout=60)
    processes = [psutil.Process(int(file.read_text())) for file in started]

    holder.kill()
    holder.wait()

    alive = psutil.wait_procs(processes, timeout=60)[1]
    for process in alive:
        process.kill()
    assert alive == []
