"""Fan-outs under a policy, whose windows stand in files beside the DAG folder: a test says what now is."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

from airflow.providers.common.compat.sdk import DAG

from airflow_provider_callkaro.calls import CallingPolicy, ScheduleWindow
from airflow_provider_callkaro.operators.callkaro import CallKaroFanOutCallsOperator

ALWAYS = [["00:00", "24:00"]]


def windows(name: str) -> list[ScheduleWindow]:
    file = Path(__file__).parents[1] / name
    return [ScheduleWindow(*window) for window in (json.loads(file.read_text()) if file.exists() else ALWAYS)]


with DAG("closes_in_the_middle", schedule=None, start_date=datetime(2026, 1, 1)) as closes_in_the_middle:
    CallKaroFanOutCallsOperator(
        task_id="calls",
        contacts=[f"+9198765{row:05d}" for row in range(120)],
        agent_id="agent",
        policy=CallingPolicy(windows=windows("hours.json"), timezone="UTC"),
        calls_per_second=4,
        max_concurrency=8,
        callkaro_conn_id="hours_vendor",
    )

with DAG("scheduled_for_the_opening", schedule=None, start_date=datetime(2026, 1, 1)) as scheduled_for_the_opening:
    CallKaroFanOutCallsOperator(
        task_id="calls",
        contacts=[
            {"to_number": f"+9198765{row:05d}", "timezone": zone}
            for row, zone in enumerate(3 * ["Africa/Abidjan", "Africa/Lagos", "Africa/Johannesburg"])
        ],
        agent_id="agent",
        policy=CallingPolicy(windows=windows("later.json"), timezone="recipient"),
        when_closed="schedule",
        callkaro_conn_id="later_vendor",
    )
