"""The Airflow plugin: timetable and deadline reference for the scheduler, receiver and board for the API server.

Airflow loads it in every process, by the entry point ``airflow.plugins``; it imports no more than the two classes need.
Receiver and board are built when they are asked first. An Airflow without a place for them leaves them out.
"""

from __future__ import annotations

from typing import Any

from airflow.providers.common.compat.sdk import AirflowPlugin

from airflow_provider_callkaro.board.mount import MOUNTED, VIEWS
from airflow_provider_callkaro.receiver.lazy import PREFIX, LazyReceiver
from airflow_provider_callkaro.schedules.calling_hours import CallingHoursTimetable

try:
    from airflow_provider_callkaro.schedules.deadline import HoursClose
except ImportError:  # before Airflow 3.3
    _REFERENCES: list[Any] = []
else:
    _REFERENCES = [HoursClose]

_BOARD = [MOUNTED] if hasattr(AirflowPlugin, "external_views") else []  # Airflow 3.1 and later have a place for it


class CallKaroPlugin(AirflowPlugin):
    """What Airflow has to know of this package, beside what `get_provider_info` says."""

    name = "callkaro"
    timetables = [CallingHoursTimetable]  # noqa: RUF012 - Airflow's own attribute
    deadline_references = _REFERENCES
    fastapi_apps = [{"app": LazyReceiver(), "url_prefix": PREFIX, "name": "CallKaro webhooks"}, *_BOARD]  # noqa: RUF012
    external_views = VIEWS
