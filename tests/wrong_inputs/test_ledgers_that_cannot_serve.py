"""A ledger that cannot serve is named by its connection and its kind, with the cause, and nobody is rung."""

from __future__ import annotations

import json
import sys
from typing import Any

import pymysql
import pytest
from airflow.providers.common.compat.sdk import AirflowFailException
from task_context import task_context

from airflow_provider_callkaro.exceptions import LedgerError
from airflow_provider_callkaro.files import connections
from airflow_provider_callkaro.ledger.sql import session
from airflow_provider_callkaro.operators.callkaro import CallKaroFanOutCallsOperator
from airflow_provider_callkaro.sources.sql import SqlContacts

NUMBER = "+919876543210"
SQLITE = {"conn_type": "sqlite"}


def run(monkeypatch: pytest.MonkeyPatch, ledger: dict[str, Any] | None) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_CALLKARO_DEFAULT", "callkaro://http://:key@127.0.0.1:1")
    if ledger is not None:
        monkeypatch.setenv("AIRFLOW_CONN_LEDGER", json.dumps(ledger))
    task = CallKaroFanOutCallsOperator(
        task_id="calls", contacts=[NUMBER], agent_id="asha", ledger_conn_id="ledger", ledger_scope="renewals"
    )
    task.execute(task_context())  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("ledger", "sentence"),
    [
        (None, 'no connection is named "ledger": create it, or change ledger_conn_id'),
        ({"conn_type": "http", "host": "x"}, '"ledger" is a connection of type "http", which is no SQL database'),
        ({"conn_type": "oracle", "host": "x"}, "install apache-airflow-providers-oracle"),
        ({"conn_type": "warehouse9", "host": "x"}, "install the provider package of its type"),
        (
            {**SQLITE, "host": "/none/ledger.db"},
            'sqlite database behind connection "ledger".*file cannot be opened',
        ),
        ({**SQLITE, "host": __file__}, 'sqlite database behind connection "ledger".*it is no database'),
    ],
)
def test_what_a_retry_cannot_mend_is_told_once(ledger, sentence, monkeypatch) -> None:
    with pytest.raises(AirflowFailException, match=sentence) as told:
        run(monkeypatch, ledger)
    assert NUMBER not in str(told.value)


def test_a_host_that_refuses_is_named_and_tried_again_by_airflow(monkeypatch) -> None:
    monkeypatch.setattr(session, "TRIES", 1)
    ledger = {"conn_type": "postgres", "host": "127.0.0.1", "port": 1, "login": "a", "password": "b", "schema": "c"}
    with pytest.raises(LedgerError, match=r'postgresql database behind connection "ledger".*refuses the conn') as told:
        run(monkeypatch, ledger)
    assert not isinstance(told.value, AirflowFailException)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"schema": "nosuch"}, "there is no such database: create it, or correct the schema"),
        ({"login": "nobody_here"}, "it refuses the login|there is no such"),
    ],
)
@pytest.mark.parametrize("database", ["postgresql", "mariadb"])
def test_a_server_that_refuses_is_understood(database, change, sentence, request, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "MySQLdb", pymysql)  # which needs a compiler to install
    server = request.getfixturevalue(database)
    ledger = {"conn_type": server.connection_type, "host": server.host, "port": server.port, "login": server.user}
    with pytest.raises(AirflowFailException, match=sentence):
        run(monkeypatch, {**ledger, "schema": server.database, **change})


def test_a_warehouse_without_its_provider_names_the_package(monkeypatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_WAREHOUSE", json.dumps({"conn_type": "snowflake", "host": "x"}))
    monkeypatch.setattr(connections, "hook_of", lambda connection: None)
    with pytest.raises(Exception, match=r"warehouse.*install apache-airflow-providers-snowflake"):
        list(SqlContacts("select 1", conn_id="warehouse").rows({}))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "arguments",
    [
        {"sql": ""},
        {"sql": None},
        {"sql": 5},
        {"conn_id": None},
        {"conn_id": ""},
        {"parameters": "day=1"},
        {"parameters": 5},
        {"fetch_size": True},
        {"fetch_size": "10"},
        {"fetch_size": 0},
    ],
    ids=str,
)
def test_a_query_that_cannot_be_asked_is_told_when_the_dag_is_parsed(arguments) -> None:
    sql, others = arguments.pop("sql", "select 1"), {"conn_id": "warehouse", **arguments}
    with pytest.raises(Exception, match=r"SqlContacts: .* must be") as told:
        SqlContacts(sql, **others)
    assert "\n" not in str(told.value)
