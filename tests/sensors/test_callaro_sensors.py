"""What a DAG gets from watching a Callaro campaign: one answer in every mode, no vain wait, a pause when it is bad."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import (
    AirflowFailException,
    AirflowSensorTimeout,
    AirflowSkipException,
    TaskDeferred,
)

from airflow_provider_callkaro.exceptions import ConfigurationError, OutcomeUnknown
from airflow_provider_callkaro.hooks.callaro import CallaroHook
from airflow_provider_callkaro.sandbox import Sandbox
from airflow_provider_callkaro.sensors.callaro import CallaroCampaignSensor, CallaroDispatchHealthSensor
from airflow_provider_callkaro.sensors.rescheduling import AirflowRescheduleException

CAMPAIGN = "/api/v1/bulk_call_campaigns/{id}"
FIELDS = {"name": "Q2", "agent_id": 42, "campaign_phone_number_ids": [101, 102]}
MODES = {
    "poke": {"mode": "poke", "deferrable": False},
    "reschedule": {"mode": "reschedule", "deferrable": False},
    "deferrable": {"mode": "poke", "deferrable": True},
}
PATIENCE = {"poke_interval": 0.2, "timeout": 20}  # seconds
every_mode = pytest.mark.parametrize("mode", MODES.values(), ids=MODES)


@dataclass
class Instance:
    """The task instance, as far as a sensor asks: when it was first rescheduled."""

    first: datetime | None = None

    def get_first_reschedule_date(self, context: Any) -> datetime | None:
        return self.first


@pytest.fixture(scope="module")
def quick_sandbox():
    """A vendor whose campaigns end within a second."""
    with Sandbox(callaro_dial_seconds=0.5) as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def slow_sandbox():
    """A vendor whose campaigns do not end while a test looks at them."""
    with Sandbox(callaro_dial_seconds=3_600) as sandbox:
        yield sandbox


def connected(sandbox, monkeypatch):
    sandbox.reset()
    monkeypatch.setenv("AIRFLOW_CONN_CALLARO_DEFAULT", sandbox.airflow_connections["callaro_default"])
    return sandbox


@pytest.fixture
def quick(quick_sandbox, monkeypatch):
    return connected(quick_sandbox, monkeypatch)


@pytest.fixture
def slow(slow_sandbox, monkeypatch):
    return connected(slow_sandbox, monkeypatch)


def launched():
    """The id of a campaign that dials."""
    hook = CallaroHook()
    return hook.launch(hook.create_campaign(FIELDS).id).id


def waiting(campaign_id, **arguments):
    return CallaroCampaignSensor(task_id="wait", campaign_id=campaign_id, **{**PATIENCE, **arguments})


def watching(campaign_id, **arguments):
    return CallaroDispatchHealthSensor(task_id="watch", campaign_id=campaign_id, **{**PATIENCE, **arguments})


def outcome(sensor):
    """What a sensor comes to, woken by the scheduler or the triggerer as often as it asks."""
    context = {"ti": Instance()}
    while True:
        try:
            return sensor.execute(context)
        except AirflowRescheduleException:
            continue
        except TaskDeferred as deferred:
            event = asyncio.run(asyncio.wait_for(anext(deferred.trigger.run()), PATIENCE["timeout"]))
            return getattr(sensor, deferred.method_name)(context, event=event.payload)


class TestWaiting:
    @every_mode
    def test_a_campaign_is_waited_for_and_its_state_returned(self, quick, mode):
        assert outcome(waiting(launched(), **mode)) == "completed"
        assert len(quick.rings) > 0

    @every_mode
    def test_what_is_there_already_is_not_waited_for(self, slow, mode):
        campaign_id = launched()
        asked = len(slow.requests)
        assert outcome(waiting(str(campaign_id), target_states=["Running"], **mode)) == "running"
        assert len(slow.requests) == asked + 1

    @every_mode
    @pytest.mark.parametrize("targets", [["completed"], ["running", "paused"]])
    def test_a_campaign_that_was_cancelled_fails_without_a_retry(self, slow, mode, targets):
        campaign_id = launched()
        CallaroHook().cancel(campaign_id)
        with pytest.raises(AirflowFailException, match=f"campaign {campaign_id} is cancelled"):
            outcome(waiting(campaign_id, target_states=targets, **mode))

    @every_mode
    def test_a_campaign_that_was_cancelled_skips_where_failing_is_not_wanted(self, slow, mode):
        campaign_id = launched()
        CallaroHook().cancel(campaign_id)
        with pytest.raises(AirflowSkipException):
            outcome(waiting(campaign_id, soft_fail=True, **mode))

    @every_mode
    def test_a_state_that_cannot_come_any_more_is_not_waited_for(self, quick, mode):
        campaign_id = launched()
        assert outcome(waiting(campaign_id, **MODES["poke"])) == "completed"
        with pytest.raises(AirflowFailException, match=f"campaign {campaign_id} is completed: running will not come"):
            outcome(waiting(campaign_id, target_states=["running"], **mode))

    @every_mode
    def test_a_state_may_be_made_a_failure(self, slow, mode):
        campaign_id = launched()
        CallaroHook().pause(campaign_id)
        with pytest.raises(AirflowFailException, match="is paused"):
            outcome(waiting(campaign_id, failed_states=["paused"], **mode))

    @every_mode
    def test_an_answer_that_is_lost_is_asked_for_again(self, quick, mode):
        campaign_id = launched()
        for fault in ("drop_answer_after_accepting", "throttled", "unreadable_answer"):
            quick.fault(fault, path=f"GET {CAMPAIGN}", first=1)
        assert outcome(waiting(campaign_id, **mode)) == "completed"

    @every_mode
    @pytest.mark.parametrize("fault", ["key_refused", "rejected"])
    def test_what_no_further_question_would_change_fails_without_a_retry(self, slow, mode, fault):
        campaign_id = launched()
        slow.fault(fault, path=f"GET {CAMPAIGN}", after=1)
        with pytest.raises(AirflowFailException, match="Callaro re"):
            outcome(waiting(campaign_id, **mode))

    def test_while_it_waits_the_triggerer_has_it(self, slow):
        campaign_id = launched()
        with pytest.raises(TaskDeferred) as deferred:
            waiting(campaign_id, deferrable=True, poke_interval=45, timeout=600).execute({"ti": Instance()})
        path, arguments = deferred.value.trigger.serialize()
        assert path == "airflow_provider_callkaro.triggers.status.StatusTrigger"
        assert arguments["conn_id"] == "callaro_default"
        assert (arguments["subject"], arguments["poll_interval"]) == (str(campaign_id), 45)
        assert set(arguments["statuses"]) == {"completed", "cancelled", "failed"}
        assert deferred.value.timeout.total_seconds() == 600

    @pytest.mark.parametrize("mode", [MODES["poke"], MODES["reschedule"]], ids=["poke", "reschedule"])
    def test_patience_ends(self, slow, mode):
        sensor = waiting(launched(), timeout=0, **mode)
        with pytest.raises(AirflowSensorTimeout):
            sensor.execute({"ti": Instance()})

    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            ({"target_states": "completed"}, "target_states must be a list"),
            ({"target_states": []}, "at least one state"),
            ({"target_states": [" "]}, "target_states must be a list"),
            ({"failed_states": "failed"}, "failed_states must be a list"),
            ({"target_states": ["canceled"]}, "cancelled stands in"),
        ],
    )
    def test_what_cannot_work_is_refused_when_the_dag_is_parsed(self, arguments, words):
        with pytest.raises(ConfigurationError, match=words):
            waiting(1, **arguments)

    def test_a_campaign_may_be_waited_for_until_it_is_cancelled(self, slow):
        campaign_id = launched()
        CallaroHook().cancel(campaign_id)
        assert outcome(waiting(campaign_id, target_states=["Canceled"], failed_states=[])) == "cancelled"


class TestHealth:
    @pytest.mark.parametrize("mode", ["poke", "reschedule"])
    def test_a_campaign_that_dials_well_is_watched_to_its_end(self, quick, mode):
        sensor = watching(launched(), maximum={"failure_rate": 0.2}, minimum={"numbers_healthy": 1}, mode=mode)
        assert outcome(sensor) == "completed"

    @pytest.mark.parametrize(
        ("limits", "said"),
        [
            ({"allowed": {"status": ["healthy", "ok"]}}, 'status is "degraded", none of healthy, ok'),
            ({"forbidden": {"checks[].status": "failed"}}, 'checks[].status is "failed" (1 of 2), which is forbidden'),
            ({"maximum": {"checks[].status=failed": 0}}, "checks[].status=failed is 1, above 0"),
            ({"minimum": {"checks.length": 3}}, "checks.length is 2, below 3"),
        ],
    )
    def test_words_and_lists_of_checks_are_judged(self, slow, limits, said):
        campaign_id = launched()
        slow.callaro_health(campaign_id, status="degraded", checks=[{"status": "ok"}, {"status": "failed"}])
        with pytest.raises(AirflowFailException) as error:
            outcome(watching(campaign_id, **limits, on_degraded="pause"))
        assert said in str(error.value)
        assert slow.callaro_campaigns[0].status == "paused"

    def test_a_campaign_that_ended_is_not_judged(self, slow):
        campaign_id = launched()
        slow.callaro_health(campaign_id, failure_rate=0.9)
        CallaroHook().cancel(campaign_id)
        assert outcome(watching(campaign_id, maximum={"failure_rate": 0.2})) == "cancelled"

    @pytest.mark.parametrize("mode", ["poke", "reschedule"])
    def test_bad_health_fails_without_a_retry_and_names_each_breach(self, slow, mode):
        campaign_id = launched()
        slow.callaro_health(campaign_id, failure_rate=0.4, numbers_healthy=0)
        sensor = watching(campaign_id, maximum={"failure_rate": 0.2}, minimum={"numbers_healthy": "1"}, mode=mode)
        with pytest.raises(AirflowFailException) as error:
            outcome(sensor)
        for words in (
            f"campaign {campaign_id} dials badly",
            "failure_rate is 0.4, above 0.2",
            "numbers_healthy is 0, below 1",
            "it was left running",
        ):
            assert words in str(error.value)
        assert slow.callaro_campaigns[0].status == "running"

    @pytest.mark.parametrize("mode", ["poke", "reschedule"])
    def test_bad_health_pauses_where_it_is_told_to(self, slow, mode):
        campaign_id = launched()
        slow.callaro_health(campaign_id, failure_rate=0.4)
        with pytest.raises(AirflowFailException, match=r"failure_rate is 0\.4, above 0\.2; it is paused now"):
            outcome(watching(campaign_id, maximum={"failure_rate": 0.2}, on_degraded="pause", mode=mode))
        assert slow.callaro_campaigns[0].status == "paused"

    def test_a_pause_that_did_not_come_about_is_tried_again(self, slow):
        campaign_id = launched()
        slow.callaro_health(campaign_id, failure_rate=0.4)
        slow.fault("error_before_accepting", path=f"{CAMPAIGN}/pause")
        sensor = watching(campaign_id, maximum={"failure_rate": 0.2}, on_degraded="pause")
        with pytest.raises(OutcomeUnknown):
            sensor.execute({"ti": Instance()})
        slow.clear_faults()
        with pytest.raises(AirflowFailException, match="it is paused now"):
            sensor.execute({"ti": Instance()})

    def test_a_pause_that_is_refused_is_said_beside_the_breach(self, slow):
        campaign_id = launched()
        slow.callaro_health(campaign_id, failure_rate=0.4)
        slow.fault("key_refused", path=f"{CAMPAIGN}/pause")
        with pytest.raises(AirflowFailException, match=r"above 0\.2; it could not be paused"):
            outcome(watching(campaign_id, maximum={"failure_rate": 0.2}, on_degraded="pause"))

    def test_a_campaign_that_does_not_dial_yet_is_waited_for(self, slow):
        hook = CallaroHook()
        campaign_id = hook.create_campaign(FIELDS).id
        slow.callaro_health(campaign_id, failure_rate=0.4)
        sensor = watching(campaign_id, maximum={"failure_rate": 0.2}, mode="reschedule")
        with pytest.raises(AirflowRescheduleException):
            sensor.execute({"ti": Instance()})
        hook.launch(campaign_id)
        with pytest.raises(AirflowFailException, match="failure_rate"):
            sensor.execute({"ti": Instance()})

    def test_a_limit_on_what_is_not_there_is_said_with_what_is(self, slow):
        with pytest.raises(ConfigurationError, match=r"'fails' is no number .* failure_rate"):
            outcome(watching(launched(), maximum={"fails": 1}))

    def test_an_answer_that_is_lost_is_asked_for_again(self, slow):
        campaign_id = launched()
        slow.callaro_health(campaign_id, failure_rate=0.4)
        slow.fault("throttled", path=f"{CAMPAIGN}/dispatch_health", first=20, retry_after=0.01)
        sensor = watching(campaign_id, maximum={"failure_rate": 0.2}, mode="reschedule")
        with pytest.raises(AirflowRescheduleException):
            sensor.execute({"ti": Instance()})
        with pytest.raises(AirflowFailException, match="failure_rate"):
            sensor.execute({"ti": Instance()})

    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            ({}, "name at least one number"),
            ({"maximum": {"a": 1}, "on_degraded": "cancel"}, "on_degraded must be one of: fail, pause"),
        ],
    )
    def test_what_cannot_work_is_refused_when_the_dag_is_parsed(self, arguments, words):
        with pytest.raises(ConfigurationError, match=words):
            watching(1, **arguments)


def test_the_key_of_another_vendor_fails_at_once(slow, monkeypatch):
    connection = json.loads(slow.airflow_connections["callaro_default"]) | {"password": "another-key"}
    monkeypatch.setenv("AIRFLOW_CONN_CALLARO_DEFAULT", json.dumps(connection))
    for sensor in (waiting(123), watching(123, maximum={"a": 1})):
        with pytest.raises(AirflowFailException, match="correct the password") as error:
            outcome(sensor)
        assert "another-key" not in str(error.value)
