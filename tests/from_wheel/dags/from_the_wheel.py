"""A list of customers is called, and the outcomes are written beside them."""

from __future__ import annotations

import os
from datetime import datetime

from airflow.providers.common.compat.sdk import DAG

from airflow_provider_callkaro.operators.callkaro import CallKaroFanOutCallsOperator, CallKaroReportToSqlOperator
from airflow_provider_callkaro.sources import FileContacts

FOLDER = os.environ["CHECK_FOLDER"]

with DAG("from_the_wheel", schedule=None, start_date=datetime(2026, 1, 1), catchup=False):
    calls = CallKaroFanOutCallsOperator(
        task_id="calls",
        contacts=FileContacts(f"{FOLDER}/people.csv"),
        metadata_columns=[],
        agent_id="6803fa770b666a64ab1694c1e",
        report_columns=["customer_id"],
        report_path=f"{FOLDER}/{{{{ run_id }}}}.csv",
        ledger_conn_id="call_ledger",
        ledger_scope="the list of the wheel",
    )
    CallKaroReportToSqlOperator(
        task_id="write_back",
        report_path=calls.output,
        conn_id="warehouse",
        table="outcomes",
        key_columns=["customer_id"],
        create_table=True,
    )
