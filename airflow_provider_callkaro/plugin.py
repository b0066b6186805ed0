"""The Airflow plugin: it makes the timetable and the deadline reference known to the scheduler.

Airflow loads it in every process, by the entry point ``airflow.plugins``; it imports no more than the two classes need.
"""

from __future__ import annotations

from typing import Any

from airflow.providers.common.compat.sdk import AirflowPlugin

from airflow_provider_callkaro.schedules.calling_hours import CallingHoursTimetable

try:
    from airflow_provider_callkaro.schedules.deadline import HoursClose
except ImportError:  # before Airflow 3.3
    _REFERENCES: list[Any] = []
else:
    _REFERENCES = [HoursClose]


class CallKaroPlugin(AirflowPlugin):
    """What a scheduler has to know of this package."""

    name = "callkaro"
    timetables = [CallingHoursTimetable]  # noqa: RUF012 - Airflow's own attribute
    deadline_references = _REFERENCES
