"""Calling hours: the list is ready at night, the calls wait for the morning, and no worker waits with them.

The sensor sleeps once, in the triggerer, until people in India may be called and at least an hour is left; a list that
came too late for that is called the next day. Connections: ``callkaro_default``; ``warehouse``, any SQL database with
the orders.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from airflow.providers.common.compat.sdk import DAG

from airflow_provider_callkaro.operators.callkaro import CallKaroFanOutCallsOperator
from airflow_provider_callkaro.sensors.schedule_window import ScheduleWindowSensor
from airflow_provider_callkaro.sources import SqlContacts

with DAG(
    "calling_hours",
    schedule="30 21 * * *",
    start_date=datetime(2026, 1, 1),
    catchup=False,
    default_args={"retries": 3, "retry_delay": timedelta(minutes=2)},
    tags=["callkaro"],
) as dag:
    hours = ScheduleWindowSensor(
        task_id="hours",
        start="10:00",
        end="21:00",
        days="mon-sat",
        timezone="Asia/Kolkata",
        min_remaining=timedelta(hours=1),
        timeout=timedelta(days=2),
        deferrable=True,
    )

    calls = CallKaroFanOutCallsOperator(
        task_id="calls",
        contacts=SqlContacts("select phone as to_number, name, city from undelivered_orders", conn_id="warehouse"),
        agent_id="6803fa770b666a64ab1694c1e",
        calls_per_second=10,
    )

    hours >> calls
