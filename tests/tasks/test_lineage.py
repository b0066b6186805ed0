"""What OpenLineage is told of an operator's inputs and outputs, by their names alone."""

from __future__ import annotations

import json
import sys

import pytest

from airflow_provider_callkaro.calls import CallingPolicy
from airflow_provider_callkaro.operators.callkaro import (
    CallKaroFanOutCallsOperator,
    CallKaroOutboundCallOperator,
    CallKaroPreflightOperator,
)
from airflow_provider_callkaro.sources import AssetContacts, FileContacts, SqlContacts

KEY = "ck_live_9f8a7b6c5d4e3f2a1b0c"


@pytest.fixture(autouse=True)
def _connected(monkeypatch):
    connections = {
        "callkaro_default": {"conn_type": "callkaro", "password": KEY},
        "warehouse": {
            "conn_type": "postgres",
            "host": "warehouse.example",
            "port": 5433,
            "login": "reader",
            "password": "a-long-password",
            "schema": "crm",
        },
    }
    for name, connection in connections.items():
        monkeypatch.setenv(f"AIRFLOW_CONN_{name.upper()}", json.dumps(connection))


def told(operator, *, side: str) -> list[tuple[str, str]]:
    lineage = operator.get_openlineage_facets_on_start()
    assert KEY not in str(lineage)
    assert "a-long-password" not in str(lineage)
    return [(dataset.namespace, dataset.name) for dataset in getattr(lineage, side)]


def fan_out(contacts, **arguments):
    return CallKaroFanOutCallsOperator(task_id="calls", contacts=contacts, agent_id="asha", **arguments)


def test_without_the_provider_nothing_is_told(monkeypatch):
    monkeypatch.setitem(sys.modules, "airflow.providers.openlineage.extractors", None)
    operator = fan_out(["+919876500000"])
    assert operator.get_openlineage_facets_on_start() is None
    assert operator.get_openlineage_facets_on_complete(None) is None


class TestWithTheProvider:
    @pytest.fixture(autouse=True)
    def _provider(self):
        pytest.importorskip("airflow.providers.openlineage")

    def test_the_tables_of_a_query_are_those_that_it_reads(self):
        query = "with due as (select * from billing.invoices) select phone from due join people p on p.id = due.id"
        assert told(fan_out(SqlContacts(query, conn_id="warehouse")), side="inputs") == [
            ("postgres://warehouse.example:5433", "crm.billing.invoices"),
            ("postgres://warehouse.example:5433", "crm.public.people"),
        ]

    def test_mysql_has_no_schema_beside_the_database(self, monkeypatch):
        shop = {"conn_type": "mysql", "host": "shop.example", "schema": "crm"}
        monkeypatch.setenv("AIRFLOW_CONN_SHOP", json.dumps(shop))
        operator = fan_out(SqlContacts("select * from people join billing.due using (id)", conn_id="shop"))
        assert told(operator, side="inputs") == [
            ("mysql://shop.example:3306", "billing.due"),
            ("mysql://shop.example:3306", "crm.people"),
        ]

    def test_a_statement_that_cannot_be_parsed_still_names_its_database(self):
        operator = fan_out(SqlContacts("call who_is_due('+919876500000')", conn_id="warehouse"))
        assert told(operator, side="inputs") == [("postgres://warehouse.example:5433", "crm")]

    def test_a_file_in_a_bucket_is_named_without_login_and_signature(self):
        contacts = FileContacts("s3://outreach/2026/list.csv?X-Amz-Signature=ck_live_9f8a7b6c5d4e3f2a1b0c")
        operator = fan_out(contacts, report_path="s3://outreach/reports/night.csv")
        assert told(operator, side="inputs") == [("s3://outreach", "2026/list.csv")]
        assert ("s3://outreach", "reports/night.csv") in told(operator, side="outputs")

    def test_an_asset_is_its_uri_and_the_suppressed_are_an_input_too(self):
        policy = CallingPolicy(timezone="Asia/Kolkata", suppress=FileContacts("/lists/do_not_call.csv"))
        operator = fan_out(AssetContacts("s3://outreach/today.jsonl"), policy=policy)
        assert told(operator, side="inputs") == [("s3://outreach", "today.jsonl"), ("file", "/lists/do_not_call.csv")]

    def test_a_list_in_the_dag_is_no_dataset(self):
        assert told(fan_out(["+919876500000"]), side="inputs") == []

    def test_a_campaign_and_calls_without_one_are_outputs_and_a_rehearsal_makes_none(self):
        host = "callkaro://api.callkaro.ai"
        rows = ["+919876500000"]
        assert told(fan_out(rows, batch_id="b1"), side="outputs") == [(host, "campaigns/b1")]
        assert told(fan_out(rows), side="outputs") == [(host, "calls")]
        rehearsal = fan_out(rows, batch_id="b1", dry_run=True, report_path="/reports/night.csv")
        assert told(rehearsal, side="outputs") == []
        single = CallKaroOutboundCallOperator(task_id="call", to_number="+919876500000", agent_id="asha")
        assert told(single, side="outputs") == [(host, "calls")]
        preflight = CallKaroPreflightOperator(
            task_id="preflight", contacts=rows, agent_id="asha", page_path="/pages/night.html"
        )
        assert told(preflight, side="outputs") == [("file", "/pages/night.html")]

    def test_what_cannot_be_told_is_left_out_and_raises_nothing(self):
        operator = fan_out(SqlContacts("select 1", conn_id="not_there"))
        assert operator.get_openlineage_facets_on_start() is None
