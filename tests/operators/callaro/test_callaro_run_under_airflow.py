"""Whole Callaro campaigns under a real scheduler, triggerer and worker: no slot is held, an ended task stops them."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import pytest
from stage import Stage

from airflow_provider_callkaro.sandbox import Sandbox

pytestmark = pytest.mark.airflow

CAMPAIGNS = "/api/v1/bulk_call_campaigns"


@contextmanager
def vendor(stage: Stage, *, dial_seconds: float) -> Iterator[tuple[Sandbox, str]]:
    """A sandbox, and the connection through which DAGs reach it."""
    conn_id = f"callaro_{uuid4().hex[:8]}"
    with Sandbox(callaro_dial_seconds=dial_seconds) as sandbox:
        stage.airflow.set_connection(conn_id, **json.loads(sandbox.airflow_connections["callaro_default"]))
        yield sandbox, conn_id


def ask(sandbox: Sandbox, path: str, fields: dict[str, Any] | None = None) -> Any:
    """What somebody does in Callaro's dashboard."""
    connection = http.client.HTTPConnection(sandbox.url.removeprefix("http://"), timeout=30)
    body = None if fields is None else json.dumps(fields)
    connection.request("POST", f"{CAMPAIGNS}{path}", body=body, headers={"X-Api-Key": sandbox.api_key})
    answer = json.loads(connection.getresponse().read())
    connection.close()
    return answer["data"]


@pytest.fixture(scope="module", autouse=True)
def one_slot(stage: Stage) -> None:
    """The pool in which nothing else runs while one task does."""
    stage.airflow.rest.call("POST", "/pools", body={"name": "one_slot", "slots": 1, "include_deferred": False})


def state_of(stage: Stage, sandbox: Sandbox, state: str) -> None:
    """Wait until the one campaign is in that state."""
    stage.airflow.until(
        f"the campaign to be {state}",
        lambda: True if [campaign.status for campaign in sandbox.callaro_campaigns] == [state] else None,
    )


def test_a_run_and_a_sensor_hold_no_slot_while_they_wait(stage: Stage) -> None:
    airflow = stage.airflow
    with vendor(stage, dial_seconds=2.0) as (sandbox, conn_id):
        watched = ask(sandbox, "", {"name": "Of the dashboard", "agent_id": 42})["id"]
        conf = {"callaro": conn_id, "watched": watched}
        sensor = airflow.trigger("callaro_watch_deferred", conf=conf)
        airflow.wait_for_task("callaro_watch_deferred", sensor, "watch", states={"deferred"})
        run = airflow.trigger("callaro_run_deferred", conf=conf)
        airflow.wait_for_task("callaro_run_deferred", run, "run", states={"deferred"})

        neighbour = airflow.trigger("callaro_neighbour")
        airflow.wait("callaro_neighbour", neighbour, states={"success"})
        assert airflow.task("callaro_watch_deferred", sensor, "watch")["state"] == "deferred"
        assert airflow.task("callaro_run_deferred", run, "run")["state"] == "deferred"

        ask(sandbox, f"/{watched}/launch")
        airflow.wait("callaro_watch_deferred", sensor, states={"success"})
        airflow.wait("callaro_run_deferred", run, states={"success"})
        assert airflow.xcom("callaro_watch_deferred", sensor, "watch") == "completed"
        campaign_id = next(each.id for each in sandbox.callaro_campaigns if each.id != watched)
        assert airflow.xcom("callaro_run_deferred", run, "run") == {
            "campaign_id": campaign_id,
            "state": "completed",
            "export": None,
            "rows": None,
        }
        assert [campaign.launches for campaign in sandbox.callaro_campaigns] == [1, 1]


def test_a_deferred_run_that_is_marked_failed_pauses_its_campaign(stage: Stage) -> None:
    with vendor(stage, dial_seconds=3_600) as (sandbox, conn_id):
        run = stage.airflow.trigger("callaro_run_deferred", conf={"callaro": conn_id})
        stage.airflow.wait_for_task("callaro_run_deferred", run, "run", states={"deferred"})
        state_of(stage, sandbox, "running")
        stage.airflow.until(
            "a triggerer to take up the wait",
            lambda: (stage.airflow.task("callaro_run_deferred", run, "run")["trigger"] or {}).get("triggerer_id"),
        )
        stage.airflow.set_task_state("callaro_run_deferred", run, "run", "failed")
        state_of(stage, sandbox, "paused")


def test_a_run_that_is_marked_failed_pauses_its_campaign_and_goes_on_when_it_is_cleared(stage: Stage) -> None:
    with vendor(stage, dial_seconds=3_600) as (sandbox, conn_id):
        run = stage.airflow.trigger("callaro_run_on_a_worker", conf={"callaro": conn_id})
        state_of(stage, sandbox, "running")
        stage.airflow.set_task_state("callaro_run_on_a_worker", run, "run", "failed")
        state_of(stage, sandbox, "paused")
        stage.airflow.until(
            "the pause to be remembered",
            lambda: stage.airflow.task_state("callaro_run_on_a_worker", run, "run").get("callaro_run"),
        )
        stage.airflow.clear("callaro_run_on_a_worker", run, "run")
        state_of(stage, sandbox, "running")
        ((campaign),) = sandbox.callaro_campaigns
        assert (campaign.launches, campaign.resumes) == (1, 1)
        ask(sandbox, f"/{campaign.id}/cancel")
        stage.airflow.wait("callaro_run_on_a_worker", run, states={"failed"})
        log = stage.airflow.log("callaro_run_on_a_worker", run, "run", 2)
        assert f"campaign {campaign.id} is cancelled" in log


def test_a_worker_killed_while_it_waits_is_followed_by_one_that_goes_on(stage: Stage) -> None:
    with vendor(stage, dial_seconds=3_600) as (sandbox, conn_id):
        run = stage.airflow.trigger("callaro_run_on_a_worker", conf={"callaro": conn_id})
        state_of(stage, sandbox, "running")
        stage.airflow.kill_task("callaro_run_on_a_worker", run, "run")
        stage.airflow.until(
            "a second try",
            lambda: (
                True
                if stage.airflow.task("callaro_run_on_a_worker", run, "run")["try_number"] == 2
                and "waiting for its end" in stage.airflow.log("callaro_run_on_a_worker", run, "run", 2)
                else None
            ),
        )
        ((campaign),) = sandbox.callaro_campaigns
        assert (campaign.status, campaign.launches) == ("running", 1)
        ask(sandbox, f"/{campaign.id}/cancel")
        stage.airflow.wait("callaro_run_on_a_worker", run, states={"failed"})
