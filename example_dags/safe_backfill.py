"""A backfill that does what it says: by default a run for a day long past calls nobody.

Run it for last week, ``airflow backfill create --dag-id safe_backfill --from-date … --to-date …``, and every task is
skipped with the reason in its log. Start it with the parameter ``stale_runs`` set to ``dial`` and everybody is called
who has not been, each person once over all the days, because they share one ledger. Connections: ``callkaro_default``,
``warehouse``, ``call_ledger``.
"""

from __future__ import annotations

from datetime import datetime

from airflow.providers.common.compat.sdk import DAG, Param

from airflow_provider_callkaro.operators.callkaro import CallKaroFanOutCallsOperator
from airflow_provider_callkaro.sources import SqlContacts

with DAG(
    "safe_backfill",
    schedule="0 4 * * *",
    start_date=datetime(2026, 1, 1),
    catchup=False,
    params={"stale_runs": Param("skip", enum=["skip", "dial", "fail"])},
    tags=["callkaro"],
) as dag:
    CallKaroFanOutCallsOperator(
        task_id="calls",
        contacts=SqlContacts(
            "select phone as to_number, name from renewals where due_on = :day order by id",
            conn_id="warehouse",
            parameters={"day": "{{ dag_run.data_interval_end | ds }}"},
        ),
        agent_id="6803fa770b666a64ab1694c1e",
        stale_runs="{{ params.stale_runs }}",
        ledger_conn_id="call_ledger",
        retries=3,
    )
