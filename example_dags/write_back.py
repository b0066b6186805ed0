"""What became of the night stands in the warehouse, beside the customers it was about.

The report of the calls has the customers' own key, and the second task writes each outcome under that key. Run it
again, and the table is the same.

Connections: ``callkaro_default``; ``warehouse``, a PostgreSQL, MySQL, MariaDB or SQLite database with the customers;
``call_ledger``, the SQL database that remembers who has been called. Variable ``outreach_reports``: a folder, local or
in object storage.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from airflow.providers.common.compat.sdk import DAG

from airflow_provider_callkaro.operators.callkaro import CallKaroFanOutCallsOperator, CallKaroReportToSqlOperator
from airflow_provider_callkaro.sources import SqlContacts

DAY = "{{ (dag_run.data_interval_end or dag_run.run_after) | ds }}"  # a run started by hand may have no interval

with DAG(
    "write_back",
    schedule="0 4 * * *",
    start_date=datetime(2026, 1, 1),
    catchup=False,
    default_args={"retries": 3, "retry_delay": timedelta(minutes=2)},
    tags=["callkaro"],
) as dag:
    calls = CallKaroFanOutCallsOperator(
        task_id="calls",
        contacts=SqlContacts(
            "select id as renewal_id, phone as to_number, name from renewals where due_on = :day order by id",
            conn_id="warehouse",
            parameters={"day": DAY},
        ),
        metadata_columns=["name"],  # the key stays here
        agent_id="6803fa770b666a64ab1694c1e",
        ledger_conn_id="call_ledger",
        ledger_scope=f"renewals due {DAY}",
        on_none_accepted="warn",  # a second run of a night calls nobody
        report_path=f"{{{{ var.value.outreach_reports }}}}/renewals-{DAY}.jsonl",
        report_columns=["renewal_id"],
    )

    CallKaroReportToSqlOperator(
        task_id="outcomes",
        report_path=calls.output,
        conn_id="warehouse",
        table="renewal_calls",
        key_columns=["renewal_id"],
        fixed_values={"due_on": DAY},
        create_table=True,
    )
