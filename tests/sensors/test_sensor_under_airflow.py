"""Waiting for calling hours under a real scheduler and triggerer, with windows that open while the test looks on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from real_airflow import RealAirflow

pytestmark = pytest.mark.airflow

SHORT_WAIT = timedelta(seconds=65)  # a minute, which a sensor sleeps on the worker, and the start of its process
HOUR = timedelta(hours=1)
DAG_FILE = """
from airflow.providers.common.compat.sdk import DAG
from airflow_provider_callkaro.sensors.schedule_window import ScheduleWindowSensor

with DAG("{dag_id}", schedule=None):
    for task_id, arguments in {sensors}.items():
        ScheduleWindowSensor(task_id=task_id, start="{start}", end="{end}", timezone="UTC", **arguments)
"""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A run whose sensors wait for the same hours."""

    airflow: RealAirflow
    dag_id: str
    run: str
    opens: datetime

    def reach(self, task_id: str, state: str) -> None:
        self.airflow.wait_for_task(self.dag_id, self.run, task_id, states={state})

    def ended(self, task_id: str) -> datetime:
        return datetime.fromisoformat(self.airflow.task(self.dag_id, self.run, task_id)["end_date"])

    def log(self, task_id: str) -> str:
        return self.airflow.log(self.dag_id, self.run, task_id)


def wait_for_hours(
    airflow: RealAirflow, dag_id: str, *, ahead: timedelta, sensors: dict[str, dict[str, object]]
) -> Waiting:
    """Start a DAG of sensors that wait for an hour which begins so far ahead."""
    opens = (datetime.now(UTC) + ahead).replace(microsecond=0)
    start, end = f"{opens:%H:%M:%S}", f"{opens + HOUR:%H:%M:%S}"
    airflow.write_dag_file(f"{dag_id}.py", DAG_FILE.format(dag_id=dag_id, sensors=sensors, start=start, end=end))
    airflow.wait_until_parsed(dag_id)
    return Waiting(airflow, dag_id, airflow.trigger(dag_id), opens)


@pytest.fixture(scope="module")
def in_vain(running_airflow: RealAirflow) -> Waiting:
    """Sensors with less patience than they need."""
    impatient = {"deferrable": True, "timeout": 3600}
    sensors = {"failed": impatient, "skipped": impatient | {"soft_fail": True}}
    return wait_for_hours(running_airflow, "waits_in_vain", ahead=3 * HOUR, sensors=sensors)


@pytest.fixture(scope="module")
def delay(in_vain: Waiting) -> timedelta:
    """How long this Airflow may take from a DAG file to its tasks, on this machine and as busy as it is now."""
    in_vain.reach("failed", "failed")
    in_vain.reach("skipped", "skipped")
    written = in_vain.opens - 3 * HOUR
    return 2 * (max(in_vain.ended("failed"), in_vain.ended("skipped")) - written)


@pytest.fixture(scope="module")
def waiting(running_airflow: RealAirflow, delay: timedelta) -> Waiting:
    """Sensors that give their workers back until the hours begin."""
    sensors = {"deferred": {"deferrable": True}, "rescheduled": {"deferrable": False, "mode": "reschedule"}}
    return wait_for_hours(running_airflow, "waits_for_hours", ahead=SHORT_WAIT + delay, sensors=sensors)


def test_a_wait_that_must_be_in_vain_ends_at_once_and_says_why(in_vain: Waiting) -> None:
    for state in ("failed", "skipped"):
        in_vain.reach(state, state)
        assert "before the sensor's timeout of 1:00:00 is over" in in_vain.log(state)
        assert f"opens {in_vain.opens:%a %Y-%m-%d %H:%M}" in in_vain.log(state)


def test_no_sensor_holds_a_worker_while_the_hours_are_closed(waiting: Waiting) -> None:
    waiting.reach("deferred", "deferred")
    waiting.reach("rescheduled", "up_for_reschedule")
    assert datetime.now(UTC) < waiting.opens


@pytest.mark.parametrize(("task_id", "pause"), [("deferred", "as DEFERRED"), ("rescheduled", "as UP_FOR_RESCHEDULE")])
def test_a_sensor_pauses_once_and_wakes_at_the_opening(
    waiting: Waiting, delay: timedelta, task_id: str, pause: str
) -> None:
    waiting.reach(task_id, "success")
    assert waiting.opens <= waiting.ended(task_id) <= waiting.opens + delay
    closes = (waiting.opens + HOUR).isoformat()
    assert waiting.airflow.xcom(waiting.dag_id, waiting.run, task_id) == closes
    assert waiting.log(task_id).count(pause) == 1
