"""A list in a Parquet file becomes MrAssistant campaigns of at most a hundred people each.

Creating a campaign starts it, so the people of one campaign are claimed together in the ledger before it is created: if
the answer is lost, these hundred are unknown and are not called again, and a retry goes on with the others.

Connections: ``mrassistant_default``, with login and password; ``call_ledger``, the SQL database that remembers who has
been called. Variables: ``outreach_lists``, a folder with one file a day; ``outreach_reports``, a folder for the
reports. Both may be local or in object storage. The file needs the extra ``[parquet]``.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from airflow.providers.common.compat.sdk import DAG

from airflow_provider_callkaro.operators.mrassistant import MrAssistantCreateCampaignOperator
from airflow_provider_callkaro.sources import FileContacts

DAY = "{{ (dag_run.data_interval_end or dag_run.run_after) | ds }}"  # a run started by hand may have no interval

with DAG(
    "mrassistant_from_parquet",
    schedule=None,
    start_date=datetime(2026, 1, 1),
    catchup=False,
    default_args={"retries": 3, "retry_delay": timedelta(minutes=2)},
    tags=["mrassistant"],
) as dag:
    MrAssistantCreateCampaignOperator(
        task_id="calls",
        name=f"Appointments {DAY}",
        contacts=FileContacts(f"{{{{ var.value.outreach_lists }}}}/{DAY}.parquet"),
        column_map={"phone": "to_number"},
        agent_id="3c90c3cc-0d44-4b50-8888-8dd25736052a",
        targets_per_campaign=100,
        concurrent_calls=5,
        ledger_conn_id="call_ledger",
        ledger_scope=f"appointments {DAY}",
        report_path=f"{{{{ var.value.outreach_reports }}}}/mrassistant/{DAY}.csv",
    )
