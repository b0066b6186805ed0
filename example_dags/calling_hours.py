"""Calling hours: the list is ready at night, the calls wait for the morning, and no worker waits with them.

The sensor sleeps once, in the triggerer, until people in India may be called and an hour is left to do it. A list that
comes too late for its day is not called: the sensor skips the calls. The fan-out keeps the hours too, in case the
evening comes before the end of the list. Connections: ``callkaro_default``; ``warehouse``, any SQL database with the
orders.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from airflow.providers.common.compat.sdk import DAG

from airflow_provider_callkaro.calls import CallingPolicy, ScheduleWindow
from airflow_provider_callkaro.operators.callkaro import CallKaroFanOutCallsOperator
from airflow_provider_callkaro.sensors.schedule_window import ScheduleWindowSensor
from airflow_provider_callkaro.sources import SqlContacts

HOURS = CallingPolicy(windows=ScheduleWindow("10:00", "21:00", "mon-sat"), timezone="Asia/Kolkata")

with DAG(
    "calling_hours",
    schedule="30 21 * * sun-fri",  # three in the morning, Monday to Saturday, in India
    start_date=datetime(2026, 1, 1),
    catchup=False,
    default_args={"retries": 3, "retry_delay": timedelta(minutes=2)},
    tags=["callkaro"],
) as dag:
    hours = ScheduleWindowSensor(
        task_id="hours",
        policy=HOURS,
        min_remaining=timedelta(hours=1),
        timeout=timedelta(hours=12),
        soft_fail=True,
        deferrable=True,
    )

    calls = CallKaroFanOutCallsOperator(
        task_id="calls",
        contacts=SqlContacts("select phone as to_number, name, city from undelivered_orders", conn_id="warehouse"),
        agent_id="6803fa770b666a64ab1694c1e",
        policy=HOURS,
        calls_per_second=10,
    )

    hours >> calls
