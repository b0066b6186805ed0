"""What a DAG gets from waiting until a MrAssistant agent may call: one sleep to the moment that MrAssistant names."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest
from airflow.providers.common.compat.sdk import (
    DAG,
    AirflowFailException,
    AirflowSensorTimeout,
    AirflowSkipException,
    TaskDeferred,
)

from airflow_provider_callkaro.exceptions import ConfigurationError
from airflow_provider_callkaro.hooks.mrassistant import MrAssistantHook
from airflow_provider_callkaro.sandbox import Sandbox
from airflow_provider_callkaro.sensors.mrassistant import MrAssistantOutboundOpenSensor
from airflow_provider_callkaro.sensors.rescheduling import AirflowRescheduleException

AGENT = "3c90c3cc-0d44-4b50-8888-8dd25736052a"
READ = "GET /outbound/agents/{agent_id}/outbound-config"
MODES = {
    "poke": {"mode": "poke", "deferrable": False},
    "reschedule": {"mode": "reschedule", "deferrable": False},
    "deferrable": {"mode": "poke", "deferrable": True},
}
every_mode = pytest.mark.parametrize("mode", MODES.values(), ids=MODES)
A_WEEK = timedelta(days=7).total_seconds()


class Instance:
    """The task instance, as far as a sensor asks: it was not rescheduled before."""

    max_tries = 0

    def get_first_reschedule_date(self, context):
        return None


@pytest.fixture
def sandbox(monkeypatch):
    with Sandbox(api_key="the-key-of-the-sandbox") as sandbox:
        monkeypatch.setenv("AIRFLOW_CONN_MRASSISTANT_DEFAULT", sandbox.airflow_connections["mrassistant_default"])
        yield sandbox


def configure(*windows, limit=7):
    numbers = [{"phone_number": "+12025550190", "daily_limit": limit}]
    schedules = [{"name": "Day", "time_windows": list(windows)}]
    return MrAssistantHook().configure_outbound(AGENT, phone_numbers=numbers, schedules=schedules)


def always():
    return configure({"start_time": "00:00", "end_time": "24:00"})


def never():
    """No hours at all: MrAssistant names no time."""
    return configure()


def the_day_after_tomorrow():
    """Hours two days ahead: MrAssistant names their beginning."""
    day = (datetime.now(UTC).weekday() + 2) % 7
    return configure({"start_time": "00:00", "end_time": "24:00", "days_of_week": [day]})


def sensor(**arguments):
    given = {"task_id": "open", "agent_id": AGENT, "poke_interval": 0.02, **arguments}
    return MrAssistantOutboundOpenSensor(**given)


def run(sensor):
    return sensor.execute({"ti": Instance()})


def asked(sandbox):
    return [request.endpoint for request in sandbox.requests].count(READ)


@every_mode
def test_an_agent_that_may_call_is_not_waited_for(sandbox, mode):
    always()
    assert run(sensor(**mode)) == 7
    assert asked(sandbox) == 1


def test_a_rescheduled_sensor_comes_back_at_the_moment_that_mrassistant_names(sandbox):
    opens = the_day_after_tomorrow().next_available_time
    with pytest.raises(AirflowRescheduleException) as rescheduled:
        run(sensor(timeout=A_WEEK, **MODES["reschedule"]))
    assert rescheduled.value.reschedule_date == opens
    assert asked(sandbox) == 1


def test_a_deferred_sensor_sleeps_in_the_triggerer_until_that_moment_and_asks_again(sandbox):
    opens = the_day_after_tomorrow().next_available_time
    waiting = sensor(timeout=A_WEEK, **MODES["deferrable"])
    with pytest.raises(TaskDeferred) as deferred:
        run(waiting)
    assert deferred.value.trigger.serialize()[1] == {"moment": opens}
    assert timedelta(days=6) < deferred.value.timeout <= timedelta(days=7, minutes=1)
    always()
    resume = getattr(waiting, deferred.value.method_name)
    assert resume({"ti": Instance()}, event={"moment": opens.isoformat()}, **deferred.value.kwargs) == 7
    assert asked(sandbox) == 2


def test_a_deferred_sensor_that_wakes_too_early_goes_on_waiting_with_what_is_left_of_its_timeout(sandbox):
    the_day_after_tomorrow()
    began = datetime.now(UTC) - timedelta(days=3)
    with pytest.raises(TaskDeferred) as deferred:
        sensor(timeout=A_WEEK, **MODES["deferrable"]).execute_complete({"ti": Instance()}, began=began.isoformat())
    assert deferred.value.kwargs == {"began": began.isoformat()}
    assert deferred.value.timeout <= timedelta(days=4, minutes=1)


@pytest.mark.parametrize("mode", [MODES["poke"]], ids=["poke"])
@pytest.mark.parametrize("fault", [None, "throttled", "unreadable_answer", "error_before_accepting"])
def test_where_no_time_is_named_it_asks_again_whatever_became_of_an_answer(sandbox, mode, fault):
    never()
    if fault is not None:
        sandbox.fault(fault, path=READ, first=8)

    def open_up():
        sandbox.wait_for_requests(12)  # a log-in and a writing, and what the sensor asked by then
        always()

    opening = threading.Thread(target=open_up)
    opening.start()
    try:
        assert run(sensor(**mode)) == 7
    finally:
        opening.join()
    assert asked(sandbox) > 1


@pytest.mark.parametrize("name", ["reschedule", "deferrable"])
def test_where_no_time_is_named_it_comes_back_at_the_next_poke(sandbox, name):
    never()
    before = datetime.now(UTC)
    with pytest.raises((AirflowRescheduleException, TaskDeferred)) as left:
        run(sensor(poke_interval=600, **MODES[name]))
    moment = left.value.reschedule_date if name == "reschedule" else left.value.trigger.moment
    assert before + timedelta(seconds=600) <= moment <= datetime.now(UTC) + timedelta(seconds=600)


@pytest.mark.parametrize("name", ["reschedule", "deferrable"])
def test_a_vendor_that_asks_to_slow_down_is_left_alone_without_holding_a_slot(sandbox, name):
    always()
    sandbox.fault("throttled", path=READ, retry_after=300)
    before = datetime.now(UTC)
    with pytest.raises((AirflowRescheduleException, TaskDeferred)) as left:
        run(sensor(**MODES[name]))
    moment = left.value.reschedule_date if name == "reschedule" else left.value.trigger.moment
    assert moment >= before + timedelta(seconds=300)
    assert asked(sandbox) == 1


@every_mode
def test_it_never_sleeps_in_vain(sandbox, mode):
    the_day_after_tomorrow()
    with pytest.raises(AirflowSensorTimeout, match="may not call before the sensor's timeout of 1:00:00 is over"):
        run(sensor(timeout=3600, **mode))
    with pytest.raises(AirflowSkipException):
        run(sensor(timeout=3600, soft_fail=True, **mode))


@every_mode
@pytest.mark.parametrize(("fault", "words"), [("key_refused", "refused the key"), (None, "404")])
def test_what_no_question_will_change_fails_for_good(sandbox, mode, fault, words):
    if fault is not None:
        always()
        sandbox.fault(fault, path=READ)
    with pytest.raises(AirflowFailException, match=words):
        run(sensor(**mode))
    with pytest.raises(AirflowSkipException):
        run(sensor(soft_fail=True, **mode))


@pytest.mark.parametrize("value", ["", "None", None])
def test_an_agent_that_a_template_did_not_find_is_no_default(sandbox, value):
    waiting = sensor(agent_id="{{ params.found }}")
    with DAG("d", schedule=None), pytest.raises(ConfigurationError, match="agent_id was given and comes to nothing"):
        waiting.render_template_fields({"params": {"found": value}, "task": waiting})
    assert sandbox.requests == []


def test_the_agent_of_the_connection_is_asked_about_where_none_is_given(sandbox):
    with pytest.raises(AirflowFailException, match="no agent is known"):
        run(sensor(agent_id=None))
