"""What a DAG gets from waiting for a call: the same end in every mode, and no wait for what will never come."""

from __future__ import annotations

import asyncio
import json
import threading

import pytest
from airflow.providers.common.compat.sdk import (
    AirflowFailException,
    AirflowSensorTimeout,
    AirflowSkipException,
    TaskDeferred,
)

from airflow_provider_callkaro.calls import Call
from airflow_provider_callkaro.exceptions import ConfigurationError
from airflow_provider_callkaro.hooks.mrassistant import MrAssistantHook
from airflow_provider_callkaro.sandbox import Sandbox
from airflow_provider_callkaro.sensors.mrassistant import MrAssistantCallSensor
from airflow_provider_callkaro.sensors.rescheduling import AirflowRescheduleException

AGENT = "3c90c3cc-0d44-4b50-8888-8dd25736052a"
NUMBER = "+919876543210"
CALL = "/calls/{call_id}"
MODES = {
    "poke": {"mode": "poke", "deferrable": False},
    "reschedule": {"mode": "reschedule", "deferrable": False},
    "deferrable": {"mode": "poke", "deferrable": True},
}
every_mode = pytest.mark.parametrize("mode", MODES.values(), ids=MODES)


class Instance:
    """The task instance, as far as a sensor asks: it was not rescheduled before."""

    max_tries = 0

    def get_first_reschedule_date(self, context):
        return None


@pytest.fixture
def sandbox(monkeypatch):
    with Sandbox(api_key="the-key-of-the-sandbox", mrassistant_call_seconds=600) as sandbox:
        monkeypatch.setenv("AIRFLOW_CONN_MRASSISTANT_DEFAULT", sandbox.airflow_connections["mrassistant_default"])
        yield sandbox


@pytest.fixture
def call_id(sandbox):
    """A call that lasts longer than any test."""
    return MrAssistantHook().place_call(Call(to_number=NUMBER, agent_id=AGENT)).call_id


@pytest.fixture
def short_call_id(sandbox, call_id):
    """A call that ends once a sensor has asked twice."""

    def end():
        sandbox.wait_for_requests(6)  # two of the placing, a log-in and a question of the sensor, and two more
        MrAssistantHook().end_call(call_id)

    ending = threading.Thread(target=end)
    ending.start()
    yield call_id
    ending.join()


def sensor(call_id, **arguments):
    return MrAssistantCallSensor(task_id="over", call_id=call_id, **{"poke_interval": 0.02, **arguments})


def triggered(deferred):
    """What the trigger of a deferral says in the end, having been stored and made anew."""
    path, arguments = deferred.trigger.serialize()
    again = type(deferred.trigger)(**json.loads(json.dumps({**arguments, "poll_interval": 0.02})))
    assert again.serialize()[0] == path

    async def run():
        return [event.payload async for event in again.run()]

    (payload,) = asyncio.run(run())
    return payload


def waited(sensor):
    """Run a sensor to its end, through as many starts as its mode takes."""
    context = {"ti": Instance()}
    while True:
        try:
            return sensor.execute(context)
        except AirflowRescheduleException:
            continue
        except TaskDeferred as deferred:
            resume = getattr(sensor, deferred.method_name)
            return resume(context, event=triggered(deferred), **(deferred.kwargs or {}))


def asked(sandbox):
    return [request.endpoint for request in sandbox.requests].count(CALL)


@every_mode
def test_a_call_is_waited_for_until_it_has_ended(short_call_id, sandbox, mode):
    assert waited(sensor(short_call_id, **mode)) == "ended"
    assert asked(sandbox) > 1
    assert sandbox.rings_per_number() == {NUMBER: 1}


@every_mode
def test_a_call_that_is_over_is_not_waited_for(call_id, sandbox, mode):
    MrAssistantHook().end_call(call_id)
    assert sensor(call_id, **mode).execute({"ti": Instance()}) == "ended"
    assert asked(sandbox) == 1


@every_mode
def test_another_state_may_be_waited_for(call_id, mode):
    states = ["initiated", "ringing"]
    assert waited(sensor(call_id, target_statuses=states, **mode)) in states


@every_mode
def test_a_state_that_means_failure_fails_the_task_for_good(short_call_id, mode):
    with pytest.raises(AirflowFailException, match="is ended: on_hold will not come"):
        waited(sensor(short_call_id, target_statuses=["on_hold"], failed_statuses=["ended"], **mode))


@every_mode
@pytest.mark.parametrize("leniency", ["soft_fail", "never_fail"])
def test_a_failure_skips_where_failing_is_not_wanted(call_id, mode, leniency):
    MrAssistantHook().end_call(call_id)
    lenient = sensor(call_id, target_statuses=["answered"], failed_statuses=["ended"], **{leniency: True}, **mode)
    with pytest.raises(AirflowSkipException):
        waited(lenient)


@every_mode
@pytest.mark.parametrize("fault", ["throttled", "error_before_accepting", "drop_answer_after_accepting"])
def test_an_answer_that_got_lost_is_asked_for_again(short_call_id, sandbox, mode, fault):
    sandbox.fault(fault, path=CALL, first=2)
    assert waited(sensor(short_call_id, **mode)) == "ended"


@every_mode
def test_a_vendor_that_is_away_is_no_failure_until_the_timeout(call_id, sandbox, mode):
    sandbox.stop()
    away = sensor(call_id, timeout=0, **mode)
    with pytest.raises((AirflowSensorTimeout, AirflowRescheduleException, TaskDeferred)) as raised:
        away.execute({"ti": Instance()})
    if mode["deferrable"]:
        assert isinstance(raised.value, TaskDeferred)
        assert raised.value.timeout.total_seconds() == 0


@every_mode
@pytest.mark.parametrize(
    ("call", "words"),
    [("no-such-call", "Call not found"), ("", "there is no call to wait for"), (None, "there is no call to wait for")],
)
def test_a_call_that_nobody_knows_is_not_waited_for(sandbox, mode, call, words):
    task = sensor("{{ task_instance.xcom_pull('call') }}", **mode)
    task.call_id = call  # as it renders
    with pytest.raises(AirflowFailException, match=words):
        task.execute({"ti": Instance()})


@every_mode
def test_a_refused_key_fails_the_task_for_good_and_is_not_shown(call_id, sandbox, monkeypatch, mode):
    wrong = {"conn_type": "mrassistant", "host": sandbox.url, "login": "sandbox", "password": "not-the-password"}
    monkeypatch.setenv("AIRFLOW_CONN_WRONG", json.dumps(wrong))
    with pytest.raises(AirflowFailException, match="refused the key or token") as error:
        sensor(call_id, mrassistant_conn_id="wrong", **mode).execute({"ti": Instance()})
    assert "not-the-password" not in str(error.value)


def test_an_error_that_the_triggerer_met_fails_the_task_for_good(call_id):
    with pytest.raises(AirflowFailException, match="the token was refused"):
        sensor(call_id).execute_complete({"ti": Instance()}, event={"error": "the token was refused"})


def test_a_deferred_sensor_has_the_patience_that_its_timeout_says(call_id):
    with pytest.raises(TaskDeferred) as deferred:
        sensor(call_id, poke_interval=30, timeout=90, deferrable=True).execute({"ti": Instance()})
    assert deferred.value.timeout.total_seconds() == 90
    assert deferred.value.trigger.poll_interval == 30
    assert deferred.value.trigger.statuses == ["ended", "failed"]
    with pytest.raises(TaskDeferred) as deferred:
        sensor(call_id, poke_interval=0, timeout=8e13, deferrable=True).execute({"ti": Instance()})
    assert deferred.value.trigger.poll_interval > 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"target_statuses": []}, "target_statuses must name at least one state"),
        ({"target_statuses": "ended"}, "target_statuses must be a list of words"),
        ({"target_statuses": ["ended", ""]}, "target_statuses must be a list of words"),
        ({"failed_statuses": "failed"}, "failed_statuses must be a list of words"),
        ({"target_statuses": ["ended", "failed"]}, "failed stands in target_statuses and in failed_statuses"),
    ],
)
def test_what_cannot_work_is_refused_when_the_dag_is_parsed(arguments, words):
    with pytest.raises(ConfigurationError, match=words):
        sensor("c-1", **arguments)
