"""When a DAG runs and by when it should have: `CallingHoursTimetable`, and `HoursClose` for a deadline.

Both are made of a `CallingPolicy`, so that the hours are written in one place. Airflow keeps them in the serialized
DAG; its scheduler makes them anew there, and knows their classes by `plugin.CallKaroPlugin`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_callkaro.lazy_exports import lazy_exports

if TYPE_CHECKING:
    from airflow_provider_callkaro.schedules.calling_hours import CallingHoursTimetable
    from airflow_provider_callkaro.schedules.deadline import HoursClose

__all__ = ["CallingHoursTimetable", "HoursClose"]

__getattr__ = lazy_exports(__name__, {"CallingHoursTimetable": "calling_hours", "HoursClose": "deadline"})
