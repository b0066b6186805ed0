"""Who picked up: what became of the night's calls stands in the warehouse, and starts what follows from it.

The first DAG calls, waits for what the vendor's webhooks say of the calls, and writes it beside the customers. That
starts the second: whoever was reached is noted, whoever did not answer is rung once more, and whoever asked not to be
called again never is.

Connections: ``callkaro_default`` with ``webhooks`` and ``schedule_timezone`` in its extra, and a receiver of webhooks
that runs (docs/webhooks.md); ``warehouse``, a PostgreSQL, MySQL, MariaDB or SQLite database with the table ``renewals``
(``id``, ``phone``, ``name``, ``due_on``, and ``reached`` and ``do_not_call``, both 0 at first); ``call_ledger``, the
SQL database that remembers who has been called.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from airflow.providers.common.compat.sdk import DAG, Asset, BaseHook, task
from airflow.providers.common.sql.operators.sql import SQLExecuteQueryOperator

from airflow_provider_callkaro.calls import CallingPolicy
from airflow_provider_callkaro.operators.call_outcomes import CallOutcomesToSqlOperator
from airflow_provider_callkaro.operators.callkaro import CallKaroFanOutCallsOperator
from airflow_provider_callkaro.sensors.call_outcomes import CallOutcomesSensor
from airflow_provider_callkaro.sources import SqlContacts

DAY = "{{ (dag_run.data_interval_end or dag_run.run_after) | ds }}"  # a run started by hand may have no interval
AGENT = "6803fa770b666a64ab1694c1e"
OUTCOMES = Asset("renewal_outcomes")

with DAG(
    "outcomes",
    schedule="0 4 * * *",
    start_date=datetime(2026, 1, 1),
    catchup=False,
    default_args={"retries": 3, "retry_delay": timedelta(minutes=2)},
    tags=["callkaro"],
) as dag:
    calls = CallKaroFanOutCallsOperator(
        task_id="calls",
        contacts=SqlContacts(
            "select id as call_key, phone as to_number, name from renewals "
            "where due_on = :day and do_not_call = 0 order by id",
            conn_id="warehouse",
            parameters={"day": DAY},
        ),
        row_fields=["call_key"],  # under which the outcome comes back
        metadata_columns=["name"],
        agent_id=AGENT,
        # Two renewals with one number are two calls, because their keys differ; this rings the phone for one of them.
        policy=CallingPolicy(timezone="Asia/Kolkata", max_calls=1, per=timedelta(hours=12)),
        ledger_conn_id="call_ledger",
        ledger_scope=f"outcomes of renewals due {DAY}",
        on_none_accepted="warn",  # a second run of a night calls nobody
    )

    heard = CallOutcomesSensor(
        task_id="heard",
        ledger_conn_id="call_ledger",
        share=0.8,  # some webhooks never come
        poke_interval=10,  # seconds; one query for all that wait
        timeout=timedelta(hours=3).total_seconds(),
        on_timeout="succeed",  # whoever has not been heard of by then is unresolved
        deferrable=True,
    )

    outcomes = CallOutcomesToSqlOperator(
        task_id="outcomes",
        ledger_conn_id="call_ledger",
        task_ids="calls",
        conn_id="warehouse",
        table="renewal_outcomes",
        interval_column=None,  # one row for each renewal: the latest run overwrites
        fixed_values={"due_on": DAY},
        create_table=True,
        outlets=[OUTCOMES],
    )
    calls >> heard >> outcomes

with DAG(
    "outcomes_follow_up",
    schedule=[OUTCOMES],
    start_date=datetime(2026, 1, 1),
    catchup=False,
    max_active_runs=1,
    tags=["callkaro"],
):

    @task.branch
    def what_follows() -> list[str]:
        """The tasks that have somebody to do something for."""
        warehouse = BaseHook.get_connection("warehouse").get_hook()
        found = dict(
            warehouse.get_records("select outcome, max(asked_not_to_be_called) from renewal_outcomes group by outcome")
        )
        follow_ups = {
            "note_reached": "reached" in found,
            "ring_once_more": not found.keys().isdisjoint({"not_reached", "voicemail"}),
            "leave_alone": "1" in found.values(),
        }
        return [task_id for task_id, has_somebody in follow_ups.items() if has_somebody]

    note_reached = SQLExecuteQueryOperator(
        task_id="note_reached",
        conn_id="warehouse",
        sql="update renewals set reached = 1 where cast(id as char(20)) in "
        "(select call_key from renewal_outcomes where outcome = 'reached')",
    )

    ring_once_more = CallKaroFanOutCallsOperator(
        task_id="ring_once_more",
        contacts=SqlContacts(
            "select phone as to_number, name from renewals where cast(id as char(20)) in "
            "(select call_key from renewal_outcomes where outcome in ('not_reached', 'voicemail')) order by id",
            conn_id="warehouse",
        ),
        metadata_columns=["name"],
        agent_id=AGENT,
        ledger_conn_id="call_ledger",
        ledger_scope="second call about a renewal",  # one more for each customer, however often this runs
        on_none_accepted="warn",
    )

    leave_alone = SQLExecuteQueryOperator(
        task_id="leave_alone",
        conn_id="warehouse",
        sql="update renewals set do_not_call = 1 where cast(id as char(20)) in "
        "(select call_key from renewal_outcomes where asked_not_to_be_called = '1')",
    )

    what_follows() >> [note_reached, ring_once_more, leave_alone]
