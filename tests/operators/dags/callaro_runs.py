"""Whole Callaro campaigns in one task, and what shares a pool with them.

conf: ``callaro`` (a connection id), and ``watched`` (a campaign's id) where the sensor is to wait for one.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from airflow.providers.common.compat.sdk import DAG, task

from airflow_provider_callkaro.operators.callaro import CallaroRunCampaignOperator
from airflow_provider_callkaro.sensors.callaro import CallaroCampaignSensor

START = datetime(2026, 1, 1)
CONN_ID = "{{ dag_run.conf.callaro }}"
POOL = "one_slot"
CAMPAIGN = {"name": "Renewals of {{ run_id }}", "agent_id": 42, "callaro_conn_id": CONN_ID}

with DAG("callaro_run_deferred", schedule=None, start_date=START):
    CallaroRunCampaignOperator(task_id="run", deferrable=True, poll_interval=60, pool=POOL, **CAMPAIGN)

with DAG("callaro_watch_deferred", schedule=None, start_date=START):
    CallaroCampaignSensor(
        task_id="watch",
        campaign_id="{{ dag_run.conf.watched }}",
        callaro_conn_id=CONN_ID,
        deferrable=True,
        poke_interval=60,
        pool=POOL,
    )

with DAG("callaro_neighbour", schedule=None, start_date=START):

    @task(pool=POOL)
    def neighbour() -> str:
        """Anything else that needs the slot."""
        return "done"

    neighbour()

with DAG("callaro_run_on_a_worker", schedule=None, start_date=START):
    CallaroRunCampaignOperator(
        task_id="run", deferrable=False, poll_interval=0.2, retries=1, retry_delay=timedelta(seconds=1), **CAMPAIGN
    )
