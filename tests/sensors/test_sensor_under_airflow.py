"""Waiting for calling hours under a real scheduler and triggerer, with windows that open while the test looks on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from real_airflow import RealAirflow

pytest_plugins = ["airflow_fixtures"]
pytestmark = pytest.mark.airflow

AHEAD = timedelta(seconds=85)  # a minute, which a sensor sleeps on the worker, and the time to get there
SOON_AFTER = timedelta(seconds=30)  # a busy machine is late; a poll of a minute would be later
DAG_FILE = """
from airflow.providers.common.compat.sdk import DAG
from airflow_provider_callkaro.sensors.schedule_window import ScheduleWindowSensor

hours = {{"start": "{start}", "end": "{end}", "timezone": "UTC"}}

with DAG("waits_for_hours", schedule=None):
    ScheduleWindowSensor(task_id="deferred", deferrable=True, **hours)
    ScheduleWindowSensor(task_id="rescheduled", deferrable=False, mode="reschedule", **hours)
    ScheduleWindowSensor(task_id="in_vain", deferrable=True, timeout=10, **hours)
    ScheduleWindowSensor(task_id="skipped", deferrable=True, timeout=10, soft_fail=True, **hours)
"""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A run whose sensors wait for the same hours."""

    airflow: RealAirflow
    run: str
    opens: datetime
    closes: datetime

    def wait(self, task_id: str, *states: str) -> None:
        self.airflow.wait_for_task("waits_for_hours", self.run, task_id, states=states, timeout=120)

    def ended(self, task_id: str) -> datetime:
        return datetime.fromisoformat(self.airflow.task("waits_for_hours", self.run, task_id)["end_date"])

    def log(self, task_id: str) -> str:
        return self.airflow.log("waits_for_hours", self.run, task_id)


@pytest.fixture(scope="module")
def waiting(running_airflow: RealAirflow) -> Waiting:
    opens = datetime.now(UTC).replace(microsecond=0) + AHEAD
    closes = opens + timedelta(hours=1)
    source = DAG_FILE.format(start=f"{opens:%H:%M:%S}", end=f"{closes:%H:%M:%S}")
    running_airflow.write_dag_file("waits_for_hours.py", source)
    running_airflow.wait_until_parsed("waits_for_hours")
    return Waiting(running_airflow, running_airflow.trigger("waits_for_hours"), opens, closes)


def test_no_sensor_holds_a_worker_while_hours_are_closed(waiting: Waiting) -> None:
    waiting.wait("deferred", "deferred")
    waiting.wait("rescheduled", "up_for_reschedule")
    assert datetime.now(UTC) < waiting.opens


def test_a_wait_that_must_be_in_vain_ends_at_once(waiting: Waiting) -> None:
    waiting.wait("in_vain", "failed")
    waiting.wait("skipped", "skipped")
    assert max(waiting.ended("in_vain"), waiting.ended("skipped")) < waiting.opens
    for task_id in ("in_vain", "skipped"):
        assert f"opens {waiting.opens:%a %Y-%m-%d %H:%M}" in waiting.log(task_id)


@pytest.mark.parametrize(
    ("task_id", "pause"), [("deferred", "as DEFERRED"), ("rescheduled", "as UP_FOR_RESCHEDULE")]
)
def test_a_sensor_pauses_once_and_wakes_at_the_opening(waiting: Waiting, task_id: str, pause: str) -> None:
    waiting.wait(task_id, "success")
    assert waiting.opens <= waiting.ended(task_id) <= waiting.opens + SOON_AFTER
    assert waiting.airflow.xcom("waits_for_hours", waiting.run, task_id) == waiting.closes.isoformat()
    assert waiting.log(task_id).count(pause) == 1
