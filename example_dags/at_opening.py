"""At opening: the DAG runs when calling hours begin, and somebody is phoned if it is not done before they close.

The hours stand in one place, the policy: the timetable, the deadline and the calls keep to it, and none of them knows
a holiday that the others do not. A run by hand within the hours calls nobody again. The deadline needs Airflow 3.3 or
later; before that the DAG runs without one. Connections: ``callkaro_default``, with ``schedule_timezone`` and, for the
deadline, ``agent_id`` and ``on_call_number`` in its extra; ``warehouse``, any SQL database with the customers;
``call_ledger``, the SQL database that remembers who has been called.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from airflow.providers.common.compat.sdk import DAG

from airflow_provider_callkaro.calls import CallingPolicy, ScheduleWindow
from airflow_provider_callkaro.notifications.callkaro import CallKaroNotifier
from airflow_provider_callkaro.operators.callkaro import CallKaroFanOutCallsOperator
from airflow_provider_callkaro.schedules import CallingHoursTimetable
from airflow_provider_callkaro.sources import SqlContacts

try:
    from airflow.sdk import AsyncCallback, DeadlineAlert

    from airflow_provider_callkaro.schedules import HoursClose
except ImportError:  # before Airflow 3.3
    HoursClose = None

HOURS = CallingPolicy(windows=ScheduleWindow("10:00", "19:00", "mon-sat"), timezone="Asia/Kolkata")

WARNING = {}
if HoursClose is not None:
    WARNING["deadline"] = DeadlineAlert(
        reference=HoursClose(HOURS),
        interval=timedelta(minutes=-30),  # half an hour before they close
        callback=AsyncCallback(CallKaroNotifier, kwargs={"once_per": "dag_run"}),
    )

with DAG(
    "at_opening",
    schedule=CallingHoursTimetable(HOURS),
    start_date=datetime(2026, 1, 1),
    catchup=False,
    default_args={"retries": 3, "retry_delay": timedelta(minutes=2)},
    tags=["callkaro"],
    **WARNING,
) as dag:
    CallKaroFanOutCallsOperator(
        task_id="calls",
        contacts=SqlContacts("select phone as to_number, name from callbacks order by id", conn_id="warehouse"),
        agent_id="6803fa770b666a64ab1694c1e",
        policy=HOURS,
        calls_per_second=10,
        ledger_conn_id="call_ledger",
    )
