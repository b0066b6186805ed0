"""A DAG of calling hours, with a deadline where Airflow has them; the test says the hours."""

from __future__ import annotations

import os
from datetime import datetime, timedelta

from airflow.providers.common.compat.sdk import DAG, task

from airflow_provider_callkaro.calls import CallingPolicy, ScheduleWindow
from airflow_provider_callkaro.schedules import CallingHoursTimetable

HOURS = CallingPolicy(
    windows=ScheduleWindow(os.environ["HOURS_BEGIN"], os.environ["HOURS_END"]), timezone="Asia/Kolkata"
)
deadlines = {}
try:
    from airflow.sdk import AsyncCallback, DeadlineAlert

    from airflow_provider_callkaro.schedules import HoursClose
except ImportError:
    pass
else:

    async def warn(**_: object) -> None:
        """What a DAG's author would do about it."""

    deadlines["deadline"] = DeadlineAlert(
        reference=HoursClose(HOURS), interval=timedelta(minutes=-30), callback=AsyncCallback(f"{__name__}.warn")
    )

with DAG(
    "hours_open",
    schedule=CallingHoursTimetable(HOURS),
    start_date=datetime(2026, 1, 1),
    catchup=False,
    **deadlines,
):

    @task
    def calls() -> None:
        """Where the fan-out would be."""

    calls()
