"""What a user sees of the operators in a running Airflow: progress, links, the end of a task, and no private word."""

from __future__ import annotations

import json

import pytest
from real_airflow import PATIENCE
from stage import Stage

pytestmark = pytest.mark.airflow


def everything_shown(stage: Stage, dag_id: str, run: str) -> str:
    """Every word that Airflow shows of a run's tasks: rendered templates, XComs, links, task state and logs."""
    airflow = stage.airflow
    shown = []
    for instance in airflow.tasks(dag_id, run):
        task = instance["task_id"]
        if task == "customers":
            continue  # its XCom is the user's own list
        shown += [airflow.log(dag_id, run, task, number + 1) for number in range(instance["try_number"])]
        shown += [str(airflow.xcom(dag_id, run, task, key)) for key in airflow.xcom_keys(dag_id, run, task)]
        views = (airflow.rendered, airflow.links, airflow.task_state)
        shown += [json.dumps(view(dag_id, run, task)) for view in views]
    return "\n".join(shown)


def assert_nothing_private(shown: str, *, key: str) -> None:
    assert key not in shown
    assert "Secret" not in shown
    for number in ("9876500000", "98765 00000", "9876500007", "98765 00007"):
        assert number not in shown


def test_the_retry_of_a_campaign_finds_it_and_a_run_shows_itself_while_it_goes_on(stage: Stage) -> None:
    with stage.vendor("surface_vendor") as sandbox:
        sandbox.fault("hold_before_accepting", after=30)
        run = stage.airflow.trigger("campaign_and_calls", conf={"callkaro": "surface_vendor", "rows": 60})
        sandbox.wait_for_held(1, timeout=PATIENCE)

        batch_id = stage.airflow.xcom("campaign_and_calls", run, "campaign")
        link = stage.airflow.links("campaign_and_calls", run, "calls")["CallKaro campaign"]
        assert link == f"https://callkaro.ai/dashboard/batch-calls/{batch_id}"
        assert stage.airflow.task("campaign_and_calls", run, "calls")["state"] == "running"
        assert [campaign.batch_id for campaign in sandbox.campaigns] == [batch_id]

        progress = stage.airflow.until(
            "the progress to be seen",
            lambda: stage.airflow.task_state("campaign_and_calls", run, "calls").get("progress"),
        )
        assert progress["total"] == 60
        assert progress["accepted"] <= 30

        sandbox.clear_faults()
        sandbox.release()
        stage.airflow.wait("campaign_and_calls", run, states={"success"})
        assert {ring.batch_id for ring in sandbox.rings} == {batch_id}
        assert stage.airflow.xcom("campaign_and_calls", run, "calls")["accepted"] == 60
        assert_nothing_private(everything_shown(stage, "campaign_and_calls", run), key=sandbox.api_key + '"')


def test_a_task_marked_failed_lets_its_calls_finish_and_leaves_the_rest_to_the_next_try(stage: Stage) -> None:
    with stage.vendor("stopped_vendor") as sandbox:
        run = stage.airflow.trigger("campaign_and_calls", conf={"callkaro": "stopped_vendor", "rows": 400})
        sandbox.wait_for_rings(20, timeout=PATIENCE)
        stage.airflow.set_task_state("campaign_and_calls", run, "calls", "failed")
        stage.airflow.wait("campaign_and_calls", run, states={"failed"})
        log = stage.airflow.until(
            "the task to wind down",
            lambda: (
                text
                if "were sent in this pass" in (text := stage.airflow.log("campaign_and_calls", run, "calls"))
                else None
            ),
        )
        rung = len(sandbox.rings)
        assert "Airflow ended the task" in log
        assert "0 unknown" in log
        assert rung < 400

        stage.airflow.clear("campaign_and_calls", run, "calls")
        stage.airflow.wait("campaign_and_calls", run, states={"success"})
        assert stage.airflow.xcom("campaign_and_calls", run, "calls")["accepted"] == 400
        assert set(sandbox.rings_per_number().values()) == {1}


def test_one_call_is_placed_with_every_field_and_can_be_deleted(stage: Stage) -> None:
    extra = json.dumps({"schedule_timezone": "Asia/Kolkata"})
    with stage.vendor("single_vendor", extra=extra) as sandbox:
        conf = {"callkaro": "single_vendor", "number": "+919876500007"}
        run = stage.airflow.trigger("one_call_and_its_deletion", conf=conf)
        stage.airflow.wait("one_call_and_its_deletion", run, states={"success"})

        (ring,) = sandbox.rings
        assert stage.airflow.xcom("one_call_and_its_deletion", run, "call") == ring.call_id
        assert ring.body == {
            "to_number": "+919876500007",
            "agent_id": "agent",
            "metadata": {"name": "Secret +919876500007"},
            "schedule_at": "2030-01-01T10:30:00",
            "number_of_retries": 3,
            "gap_between_retries": [30, 120],
            "priority": -5,
            "language": "hi",
        }
        assert ring.deleted
        shown = everything_shown(stage, "one_call_and_its_deletion", run)
        assert_nothing_private(shown, key=sandbox.api_key + '"')
        assert "+91••••••0007" in shown
