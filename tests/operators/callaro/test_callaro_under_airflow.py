"""A Callaro campaign in a running Airflow: made once, launched once, watched without a worker, and no private word."""

from __future__ import annotations

import json
import urllib.request

import pytest
from stage import Stage

from airflow_provider_callkaro.sandbox import Sandbox

pytestmark = pytest.mark.airflow

DAG_ID = "callaro_campaign"


def cancel_by_hand(sandbox: Sandbox, campaign_id: int) -> None:
    """Cancel a campaign as a person would in the vendor's own pages."""
    urllib.request.urlopen(
        urllib.request.Request(
            f"{sandbox.url}/api/v1/bulk_call_campaigns/{campaign_id}/cancel",
            method="POST",
            headers={"X-Api-Key": sandbox.api_key},
        ),
        timeout=10,
    ).close()


def everything_shown(stage: Stage, run: str) -> str:
    """Every word that Airflow shows of a run's tasks."""
    airflow = stage.airflow
    shown = []
    for instance in airflow.tasks(DAG_ID, run):
        task = instance["task_id"]
        shown += [airflow.log(DAG_ID, run, task, number + 1) for number in range(instance["try_number"])]
        shown += [str(airflow.xcom(DAG_ID, run, task, key)) for key in airflow.xcom_keys(DAG_ID, run, task)]
        shown += [json.dumps(view(DAG_ID, run, task)) for view in (airflow.rendered, airflow.task_state)]
    return "\n".join(shown)


def test_a_campaign_is_made_and_launched_once_and_waited_for_without_a_worker(stage: Stage) -> None:
    airflow = stage.airflow
    with Sandbox(callaro_dial_seconds=3_600, api_key="the-key-of-the-sandbox") as sandbox:
        airflow.set_connection("callaro_vendor", **json.loads(sandbox.airflow_connections["callaro_default"]))
        conf = {"callaro": "callaro_vendor", "agent": 42, "number": "+919876500007"}
        run = airflow.trigger(DAG_ID, conf=conf)
        airflow.wait_for_task(DAG_ID, run, "ended", states={"deferred"})
        airflow.wait_for_task(DAG_ID, run, "health", states={"up_for_reschedule"})

        ((campaign,),) = [sandbox.callaro_campaigns]
        assert (campaign.status, campaign.launches) == ("running", 1)
        assert campaign.fields["agent_id"] == 42
        assert airflow.task(DAG_ID, run, "campaign")["try_number"] == 2
        assert airflow.xcom(DAG_ID, run, "campaign") == airflow.xcom(DAG_ID, run, "launch") == campaign.id
        assert airflow.xcom(DAG_ID, run, "preflight")["timezones"] == {
            "by_timezone.Asia/Kolkata": 1,
            "outside_window": 0,
            "total": 1,
            "unknown": 0,
        }

        airflow.clear(DAG_ID, run, "launch")
        airflow.wait_for_task(DAG_ID, run, "launch", states={"success"})
        assert sandbox.callaro_campaigns[0].launches == 1

        cancel_by_hand(sandbox, campaign.id)
        airflow.wait(DAG_ID, run, states={"success"})
        assert airflow.xcom(DAG_ID, run, "ended") == airflow.xcom(DAG_ID, run, "health") == "cancelled"
        _, clone = sandbox.callaro_campaigns
        assert airflow.xcom(DAG_ID, run, "clone") == clone.id
        assert (clone.status, clone.name.startswith("Next time [")) == ("draft", True)

        shown = everything_shown(stage, run)
        for private in (sandbox.api_key, "Secret", "9876500007"):
            assert private not in shown
