"""What a DAG gets from waiting for calling hours: one sleep to the opening in every mode, and no sleep in vain."""

from __future__ import annotations

import json
import runpy
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from airflow.providers.common.compat.sdk import AirflowSensorTimeout, AirflowSkipException, TaskDeferred

from airflow_provider_callkaro.calls.policy import CallingPolicy
from airflow_provider_callkaro.calls.window import ScheduleWindow
from airflow_provider_callkaro.exceptions import ConfigurationError
from airflow_provider_callkaro.hooks.callkaro import CallKaroHook
from airflow_provider_callkaro.sensors.rescheduling import AirflowRescheduleException
from airflow_provider_callkaro.sensors.schedule_window import ScheduleWindowSensor

EXAMPLE = Path(__file__).parents[2] / "example_dags" / "calling_hours.py"
KOLKATA = "Asia/Kolkata"
HOUR = timedelta(hours=1)
MODES = {
    "poke": {"mode": "poke", "deferrable": False},
    "reschedule": {"mode": "reschedule", "deferrable": False},
    "deferrable": {"mode": "poke", "deferrable": True},
}
every_mode = pytest.mark.parametrize("mode", MODES.values(), ids=MODES)


@dataclass
class Instance:
    """The task instance, as far as a sensor asks: when it was first rescheduled."""

    first: datetime | None = None

    def get_first_reschedule_date(self, context: Any) -> datetime | None:
        return self.first


def opening(*, ahead: timedelta, lasts: timedelta = HOUR) -> dict[str, str]:
    """A window of the wall clock in India that opens that far from now, less up to a second."""
    start = datetime.now(ZoneInfo(KOLKATA)) + ahead
    return {"start": f"{start:%H:%M:%S}", "end": f"{start + lasts:%H:%M:%S}", "timezone": KOLKATA}


def policy_of(window: dict[str, str]) -> CallingPolicy:
    return CallingPolicy(windows=[ScheduleWindow(window["start"], window["end"])], timezone=window["timezone"])


def run(sensor: ScheduleWindowSensor, *, first: datetime | None = None) -> str | None:
    return sensor.execute({"ti": Instance(first)})


def moment_of_going_on(sensor: ScheduleWindowSensor) -> datetime:
    """Until when a sensor gives its worker back."""
    with pytest.raises((TaskDeferred, AirflowRescheduleException)) as raised:
        run(sensor)
    return raised.value.trigger.moment if isinstance(raised.value, TaskDeferred) else raised.value.reschedule_date


@every_mode
def test_open_hours_are_not_waited_for_and_their_end_is_the_result(mode: dict[str, Any]) -> None:
    window = opening(ahead=-HOUR, lasts=2 * HOUR)
    closes = policy_of(window).closes_at(datetime.now(UTC))
    assert closes is not None
    result = run(ScheduleWindowSensor(task_id="hours", **window, **mode))
    assert result == closes.isoformat()
    assert result.endswith("+00:00")


@every_mode
def test_hours_that_never_end_have_no_end(mode: dict[str, Any]) -> None:
    always = ScheduleWindowSensor(task_id="hours", start="00:00", end="24:00", timezone=KOLKATA, **mode)
    assert run(always) is None


@every_mode
def test_a_short_wait_is_slept_where_it_is(mode: dict[str, Any]) -> None:
    window = opening(ahead=timedelta(seconds=2), lasts=2 * HOUR)
    opens = policy_of(window).next_open(datetime.now(UTC))
    assert run(ScheduleWindowSensor(task_id="hours", **window, **mode)) == (opens + 2 * HOUR).isoformat()
    assert datetime.now(UTC) >= opens


@pytest.mark.parametrize("mode", [MODES["reschedule"], MODES["deferrable"]], ids=["reschedule", "deferrable"])
def test_a_long_wait_holds_no_worker_and_ends_at_the_opening(mode: dict[str, Any]) -> None:
    window = opening(ahead=3 * HOUR)
    opens = policy_of(window).next_open(datetime.now(UTC))
    assert moment_of_going_on(ScheduleWindowSensor(task_id="hours", **window, **mode)) == opens


@pytest.mark.parametrize("mode", [MODES["reschedule"], MODES["deferrable"]], ids=["reschedule", "deferrable"])
def test_hours_that_are_nearly_over_are_left_for_the_next(mode: dict[str, Any]) -> None:
    window = opening(ahead=-HOUR, lasts=2 * HOUR)
    closes = policy_of(window).closes_at(datetime.now(UTC))
    assert closes is not None
    sensor = ScheduleWindowSensor(task_id="hours", **window, min_remaining=timedelta(minutes=90), **mode)
    assert moment_of_going_on(sensor) == closes + 22 * HOUR


@every_mode
def test_an_opening_after_the_timeout_fails_now_and_says_when_it_opens(mode: dict[str, Any]) -> None:
    window = opening(ahead=3 * HOUR)
    sensor = ScheduleWindowSensor(task_id="hours", **window, timeout=2 * HOUR, **mode)
    with pytest.raises(AirflowSensorTimeout, match=rf"timeout of 2:00:00 .*opens .*{window['start'][:5]}"):
        run(sensor)


@every_mode
@pytest.mark.parametrize("leniency", ["soft_fail", "never_fail"])
def test_an_opening_after_the_timeout_skips_where_failing_is_not_wanted(mode: dict[str, Any], leniency: str) -> None:
    sensor = ScheduleWindowSensor(
        task_id="hours", **opening(ahead=3 * HOUR), timeout=2 * HOUR, **{leniency: True}, **mode
    )
    with pytest.raises(AirflowSkipException, match="before the sensor's timeout of 2:00:00"):
        run(sensor)


@every_mode
def test_hours_that_are_always_too_short_are_not_waited_for(mode: dict[str, Any]) -> None:
    sensor = ScheduleWindowSensor(task_id="hours", **opening(ahead=HOUR), min_remaining=2 * HOUR, **mode)
    with pytest.raises(AirflowSensorTimeout, match="may not ring for at least 2:00:00"):
        run(sensor)


@every_mode
def test_open_hours_need_no_patience(mode: dict[str, Any]) -> None:
    sensor = ScheduleWindowSensor(task_id="hours", **opening(ahead=-HOUR, lasts=2 * HOUR), timeout=0, **mode)
    assert run(sensor) is not None


@every_mode
def test_a_timeout_of_ages_is_no_error(mode: dict[str, Any]) -> None:
    sensor = ScheduleWindowSensor(task_id="hours", **opening(ahead=-HOUR, lasts=2 * HOUR), timeout=8e13, **mode)
    assert run(sensor) is not None


def test_the_timeout_counts_from_the_first_start_of_a_rescheduled_sensor() -> None:
    sensor = ScheduleWindowSensor(
        task_id="hours", **opening(ahead=HOUR), timeout=2 * HOUR, mode="reschedule", deferrable=False
    )
    with pytest.raises(AirflowSensorTimeout):
        run(sensor, first=datetime.now(UTC) - 2 * HOUR)
    with pytest.raises(AirflowRescheduleException):
        run(sensor, first=datetime.now(UTC) - timedelta(minutes=30))


class TestWakingUp:
    """A deferred sensor asks again when it wakes: clocks are set, and triggerers are late."""

    @staticmethod
    def deferral(sensor: ScheduleWindowSensor) -> TaskDeferred:
        with pytest.raises(TaskDeferred) as raised:
            run(sensor)
        return raised.value

    def test_into_open_hours_it_is_done(self) -> None:
        closed = ScheduleWindowSensor(task_id="hours", **opening(ahead=2 * HOUR), deferrable=True)
        deferred = self.deferral(closed)
        window = opening(ahead=-HOUR, lasts=2 * HOUR)
        closes = policy_of(window).closes_at(datetime.now(UTC))
        assert closes is not None
        woken = ScheduleWindowSensor(task_id="hours", **window, deferrable=True)
        resume = getattr(woken, deferred.method_name)
        event = {"moment": deferred.trigger.moment.isoformat()}
        assert resume({"ti": Instance()}, event=event, **(deferred.kwargs or {})) == closes.isoformat()
        assert resume({"ti": Instance()}) == closes.isoformat()

    def test_too_early_it_sleeps_on_with_the_same_patience(self) -> None:
        sensor = ScheduleWindowSensor(task_id="hours", **opening(ahead=2 * HOUR), timeout=3 * HOUR, deferrable=True)
        deferred = self.deferral(sensor)
        with pytest.raises(TaskDeferred) as again:
            sensor.execute_complete({"ti": Instance()}, event={}, **(deferred.kwargs or {}))
        assert again.value.trigger.moment == deferred.trigger.moment
        assert deferred.kwargs
        assert again.value.kwargs == deferred.kwargs
        assert again.value.timeout is not None
        assert deferred.timeout is not None
        assert again.value.timeout < deferred.timeout

    def test_late_but_into_open_hours_it_is_done_though_the_timeout_is_over(self) -> None:
        sensor = ScheduleWindowSensor(
            task_id="hours", **opening(ahead=-HOUR, lasts=2 * HOUR), timeout=HOUR, deferrable=True
        )
        began = datetime.now(UTC) - 3 * HOUR
        assert sensor.execute_complete({"ti": Instance()}, event={}, began=began.isoformat()) is not None

    def test_too_late_for_the_timeout_it_fails(self) -> None:
        sensor = ScheduleWindowSensor(task_id="hours", **opening(ahead=2 * HOUR), timeout=3 * HOUR, deferrable=True)
        began = datetime.now(UTC) - 2 * HOUR
        with pytest.raises(AirflowSensorTimeout):
            sensor.execute_complete({"ti": Instance()}, event={}, began=began.isoformat())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param({}, "missing start, end, timezone", id="nothing"),
        pytest.param({"start": "10:00", "timezone": KOLKATA}, "missing end", id="no end"),
        pytest.param({"end": "10:00", "timezone": KOLKATA}, "missing start", id="no start"),
        pytest.param({"start": "10:00", "end": "21:00"}, "missing timezone", id="no zone"),
        pytest.param({"start": "10:00", "end": "10:00", "timezone": KOLKATA}, "start and end", id="empty"),
        pytest.param({"start": "25:00", "end": "26:00", "timezone": KOLKATA}, "start", id="no such time"),
        pytest.param({"start": "10:00", "end": "21:00", "days": "someday", "timezone": KOLKATA}, "day", id="no day"),
        pytest.param({"start": "10:00", "end": "21:00", "timezone": "Asia/Atlantis"}, "Asia/Atlantis", id="no place"),
        pytest.param({"start": "10:00", "end": "21:00", "timezone": "recipient"}, "timezone .*recipient", id="whose"),
        pytest.param({"policy": KOLKATA, "start": "10:00"}, "policy and start", id="both"),
        pytest.param({"policy": 10}, "policy must be a CallingPolicy", id="a number"),
        pytest.param({"policy": KOLKATA, "days": "mon"}, "policy and days", id="policy with days"),
        pytest.param({"policy": "recipient"}, "policy .*recipient", id="policy of recipients"),
        pytest.param({"policy": KOLKATA, "min_remaining": -HOUR}, "min_remaining", id="negative"),
        pytest.param({"policy": KOLKATA, "min_remaining": 3600}, "min_remaining", id="not a span"),
        pytest.param({"policy": KOLKATA, "min_remaining": "an hour"}, "min_remaining", id="no span"),
        pytest.param({"policy": KOLKATA, "conn_id": "c"}, "policy and conn_id", id="policy and account"),
        pytest.param({"conn_id": "c", "start": "10:00"}, "conn_id and start", id="account and window"),
        pytest.param({"conn_id": "c", "days": "mon"}, "conn_id and days", id="account and days"),
        pytest.param({"min_trigger_time": "10:00", "start": "9:00"}, "min_trigger_time and start", id="two starts"),
        pytest.param({"min_trigger_time": "10:00", "conn_id": "c"}, "missing max_trigger_time", id="no latest"),
        pytest.param({"max_trigger_time": "10:00", "conn_id": "c"}, "missing min_trigger_time", id="no earliest"),
        pytest.param({"min_trigger_time": "10:00", "max_trigger_time": "19:00"}, "missing conn_id", id="whose zone"),
        pytest.param({"start": "10:00", "end": "19:00", "timezone": KOLKATA, "agent_id": "a"}, "start and agent_id"),
    ],
)
def test_what_cannot_work_is_refused_when_the_dag_is_parsed(arguments: dict[str, Any], message: str) -> None:
    if arguments.get("policy") in (KOLKATA, "recipient"):
        zone = arguments["policy"]
        arguments = arguments | {"policy": CallingPolicy(windows=[ScheduleWindow("10:00", "21:00")], timezone=zone)}
    with pytest.raises(ConfigurationError, match=message):
        ScheduleWindowSensor(task_id="hours", **arguments)


class Account:
    """Connections to CallKaro, as their extras say."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._monkeypatch = monkeypatch

    def __call__(self, name: str = "account", *, conn_type: str = "callkaro", **extra: Any) -> str:
        connection = {"conn_type": conn_type, "password": "a-long-api-key", "extra": extra}
        self._monkeypatch.setenv(f"AIRFLOW_CONN_{name.upper()}", json.dumps(connection))
        return name


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Account:
    return Account(monkeypatch)


def rendered(sensor: ScheduleWindowSensor, **context: Any) -> ScheduleWindowSensor:
    """The sensor as a worker has it, its templates rendered."""
    sensor.render_template_fields(context)
    return sensor


class TestHoursWrittenInOnePlace:
    """A window that stands in a param, a connection or an account is not copied into the DAG, to grow old there."""

    @every_mode
    def test_from_params(self, mode: dict[str, Any]) -> None:
        window = opening(ahead=-HOUR, lasts=2 * HOUR)
        sensor = ScheduleWindowSensor(
            task_id="hours",
            start="{{ params.start }}",
            end="{{ params.end }}",
            days=["{{ params.days }}"],
            timezone="{{ params.timezone }}",
            min_remaining="{{ params.lasting }}",
            **mode,
        )
        assert sensor.policy is None
        result = run(rendered(sensor, params={**window, "days": "mon-sun", "lasting": "0:30:00"}))
        closes = policy_of(window).closes_at(datetime.now(UTC))
        assert closes is not None
        assert result == closes.isoformat()

    @every_mode
    def test_from_trigger_times_in_the_zone_of_the_connection(self, mode: dict[str, Any], account: Account) -> None:
        window = opening(ahead=-HOUR, lasts=2 * HOUR)
        sensor = ScheduleWindowSensor(
            task_id="hours",
            min_trigger_time=window["start"],
            max_trigger_time=window["end"],
            conn_id=account(schedule_timezone=KOLKATA),
            **mode,
        )
        closes = policy_of(window).closes_at(datetime.now(UTC))
        assert closes is not None
        assert run(sensor) == closes.isoformat()

    @every_mode
    def test_from_the_connection(self, mode: dict[str, Any], account: Account) -> None:
        window = opening(ahead=-HOUR, lasts=2 * HOUR)
        windows = [{"start": window["start"], "end": window["end"], "days": "mon-sun"}]
        conn_id = account(schedule_timezone=KOLKATA, calling_windows=windows)
        sensor = ScheduleWindowSensor(task_id="hours", conn_id="{{ params.conn }}", **mode)
        closes = policy_of(window).closes_at(datetime.now(UTC))
        assert closes is not None
        assert run(rendered(sensor, params={"conn": conn_id})) == closes.isoformat()
        assert sensor.policy == CallKaroHook(conn_id).calling_policy()
        account(
            schedule_timezone=KOLKATA, calling_windows=json.dumps(windows)
        )  # as the form of the connection keeps it
        assert run(ScheduleWindowSensor(task_id="hours", conn_id=conn_id, **mode)) == closes.isoformat()

    @pytest.mark.parametrize("mode", [MODES["reschedule"], MODES["deferrable"]], ids=["reschedule", "deferrable"])
    def test_a_long_wait_for_them_holds_no_worker(self, mode: dict[str, Any], account: Account) -> None:
        window = opening(ahead=3 * HOUR)
        opens = policy_of(window).next_open(datetime.now(UTC))
        windows = {"start": window["start"], "end": window["end"]}
        conn_id = account(schedule_timezone=KOLKATA, calling_windows=windows)
        assert moment_of_going_on(ScheduleWindowSensor(task_id="hours", conn_id=conn_id, **mode)) == opens

    @pytest.mark.parametrize(
        ("extra", "message"),
        [
            ({"schedule_timezone": KOLKATA}, 'the hours need "calling_windows" in the extra of connection "account"'),
            ({"calling_windows": [{"start": "10:00", "end": "19:00"}]}, 'the hours need "schedule_timezone"'),
            ({"schedule_timezone": KOLKATA, "calling_windows": "ten to seven"}, '"calling_windows" in .* no JSON'),
        ],
    )
    def test_a_connection_that_does_not_say_them_is_named(
        self, extra: dict[str, Any], message: str, account: Account
    ) -> None:
        sensor = ScheduleWindowSensor(task_id="hours", conn_id=account(**extra))
        with pytest.raises(ConfigurationError, match=message):
            run(sensor)

    def test_an_account_that_knows_no_hours_is_named(self, account: Account) -> None:
        with pytest.raises(ConfigurationError, match=r'connection "account" is of a type .* knows no calling hours'):
            run(ScheduleWindowSensor(task_id="hours", conn_id=account(conn_type="sqlite")))
        with pytest.raises(ConfigurationError, match="no hours of an agent"):
            run(ScheduleWindowSensor(task_id="hours", conn_id=account(schedule_timezone=KOLKATA), agent_id="asha"))

    def test_trigger_times_without_a_zone_are_not_guessed(self, account: Account) -> None:
        sensor = ScheduleWindowSensor(
            task_id="hours", min_trigger_time="10:00", max_trigger_time="19:00", conn_id=account()
        )
        with pytest.raises(ConfigurationError, match='set "schedule_timezone" in the extra of connection "account"'):
            run(sensor)

    @pytest.mark.parametrize(
        "given",
        [
            {"start": "{{ nothing }}", "end": "19:00", "timezone": KOLKATA},
            {"start": "10:00", "end": "{{ none }}", "timezone": KOLKATA},
            {"start": "10:00", "end": "19:00", "timezone": "{{ nothing }}"},
            {"start": "10:00", "end": "19:00", "timezone": KOLKATA, "days": "{{ none }}"},
            {"start": "10:00", "end": "19:00", "timezone": KOLKATA, "min_remaining": "{{ nothing }}"},
            {"min_trigger_time": "{{ nothing }}", "max_trigger_time": "19:00", "conn_id": "account"},
            {"min_trigger_time": "10:00", "max_trigger_time": "{{ none }}", "conn_id": "account"},
            {"conn_id": "{{ nothing }}"},
            {"conn_id": "account", "agent_id": "{{ none }}"},
            {"conn_id": "account", "campaign_id": "{{ nothing }}"},
        ],
        ids=lambda given: next(name for name, value in given.items() if "{{" in value),
    )
    def test_a_template_that_renders_to_nothing_fails_by_name(self, given: dict[str, str]) -> None:
        name = next(name for name, value in given.items() if "{{" in value)
        with pytest.raises(ConfigurationError, match=f"^{name} was given and comes to nothing"):
            rendered(ScheduleWindowSensor(task_id="hours", **given))


def test_the_example_waits_for_ten_o_clock_in_india_without_a_worker() -> None:
    dag = runpy.run_path(str(EXAMPLE))["dag"]
    sensor = dag.get_task("hours")
    assert sensor.deferrable
    assert sensor.downstream_task_ids == {"calls"}
    saturday_night = datetime(2026, 11, 21, 21, 30, tzinfo=UTC)
    assert sensor.policy.next_open(saturday_night) == datetime(2026, 11, 23, 4, 30, tzinfo=UTC)
