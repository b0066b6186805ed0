"""The vendor is a parameter of the run: one list for CallKaro or MrAssistant, or the audience that Callaro holds.

CallKaro and MrAssistant take the same rows and share a ledger and a scope, so a person who was called through one is
not called again when the run is repeated through the other. Callaro dials an audience of its own, which no ledger here
sees.

Connections: ``callkaro_default``, ``mrassistant_default``, ``callaro_default`` (the one that is chosen); ``warehouse``,
any SQL database with the customers; ``call_ledger``, the SQL database that remembers who has been called.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from airflow.providers.common.compat.sdk import DAG, Param, task

from airflow_provider_callkaro.operators.callaro import CallaroRunCampaignOperator
from airflow_provider_callkaro.operators.callkaro import CallKaroFanOutCallsOperator
from airflow_provider_callkaro.operators.mrassistant import MrAssistantCreateCampaignOperator
from airflow_provider_callkaro.sources import SqlContacts

DAY = "{{ (dag_run.data_interval_end or dag_run.run_after) | ds }}"  # a run started by hand may have no interval

CUSTOMERS = {
    "contacts": SqlContacts(
        "select phone as to_number, name, city, due_on from renewals where due_on = :day order by id",
        conn_id="warehouse",
        parameters={"day": DAY},
    ),
    "ledger_conn_id": "call_ledger",
    "ledger_scope": f"renewals due {DAY}",
}

with DAG(
    "choose_vendor",
    schedule=None,
    start_date=datetime(2026, 1, 1),
    catchup=False,
    params={"vendor": Param("callkaro", enum=["callkaro", "mrassistant", "callaro"])},
    default_args={"retries": 3, "retry_delay": timedelta(minutes=2)},
    tags=["callkaro", "mrassistant", "callaro"],
) as dag:

    @task.branch
    def vendor(params: dict[str, str] | None = None) -> str:
        return (params or {})["vendor"]

    vendor() >> [
        CallKaroFanOutCallsOperator(task_id="callkaro", agent_id="6803fa770b666a64ab1694c1e", **CUSTOMERS),
        MrAssistantCreateCampaignOperator(
            task_id="mrassistant",
            name=f"Renewals due {DAY}",
            agent_id="3c90c3cc-0d44-4b50-8888-8dd25736052a",
            concurrent_calls=5,
            **CUSTOMERS,
        ),
        CallaroRunCampaignOperator(
            task_id="callaro",
            name=f"Renewals due {DAY}",
            agent_id=42,
            timezone="Asia/Kolkata",
            campaign_phone_number_ids=[101],
            concurrency_limit=3,
            extra_fields={"segment_id": 17},  # the audience: Callaro's guide does not name its field
        ),
    ]
