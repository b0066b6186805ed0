"""The secret of a keyed ledger is read from its connection, and goes nowhere else."""

from __future__ import annotations

import json
import logging

import pytest
from airflow_task_state import TaskStateInMemory, needs_task_state
from task_context import task_context

from airflow_provider_callkaro.exceptions import ConfigurationError
from airflow_provider_callkaro.ledger.contract import Claim
from airflow_provider_callkaro.sources.inline import RowContacts
from airflow_provider_callkaro.tasks.ledgers import ledger_keys, remember, sql_engine
from airflow_provider_callkaro.tasks.settings import ListSettings

SECRET = "0123456789abcdef" * 4
KEYED = {"ledger_secret": f"k1:{SECRET}"}


@pytest.mark.parametrize(
    ("connection", "option"),
    [
        ({"conn_type": "sqlite", "host": "/tmp/calls.db"}, {"timeout": "7"}),
        ({"conn_type": "postgres", "host": "example.com"}, {"sqlalchemy_query": {"sslmode": "require"}}),
        ({"conn_type": "mysql", "host": "example.com"}, {"client": "pymysql", "charset": "utf8mb4"}),
    ],
    ids=["sqlite", "postgres", "mysql"],
)
def test_no_driver_and_no_log_is_told_the_secret_and_every_other_option_is_kept(
    monkeypatch, caplog, connection, option
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_CALL_LEDGER", json.dumps({**connection, "extra": option}))
    plain = sql_engine("call_ledger")
    monkeypatch.setenv("AIRFLOW_CONN_CALL_LEDGER", json.dumps({**connection, "extra": {**option, **KEYED}}))
    assert ledger_keys("call_ledger").first.id == "k1"
    with caplog.at_level(logging.DEBUG):
        keyed = sql_engine("call_ledger")
    assert keyed.url == plain.url
    assert SECRET not in str(keyed.dialect.create_connect_args(keyed.url))
    assert not any(SECRET in record.getMessage() for record in caplog.records)


def test_a_connection_without_a_secret_keeps_a_clear_ledger(monkeypatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_CALL_LEDGER", json.dumps({"conn_type": "sqlite", "host": "/tmp/calls.db"}))
    assert ledger_keys("call_ledger") is None


def test_what_is_no_secret_is_refused_by_the_name_of_the_connection(monkeypatch) -> None:
    extra = {"ledger_secret": SECRET}
    monkeypatch.setenv("AIRFLOW_CONN_CALL_LEDGER", json.dumps({"conn_type": "sqlite", "extra": extra}))
    with pytest.raises(ConfigurationError, match='connection "call_ledger"') as told:
        ledger_keys("call_ledger")
    assert SECRET not in str(told.value)


@needs_task_state
def test_a_secret_of_the_vendors_connection_keys_the_tasks_own_state(monkeypatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_VENDOR", json.dumps({"conn_type": "callkaro", "password": "key", "extra": KEYED}))
    store = TaskStateInMemory()
    settings = ListSettings(contacts=RowContacts([]))
    with remember(task_context(store=store), settings=settings, vendor_conn_id="vendor").ledger as ledger:
        ledger.commit(claim=[Claim(key="+919876543210", number="+919876543210")])
    (digest,) = store.get("calls/00000")["calls"]
    assert digest.startswith("k1:")


def test_a_secret_of_the_ledgers_connection_keys_the_sql_ledger_and_the_record_of_the_run(
    monkeypatch, tmp_path
) -> None:
    place = str(tmp_path / "calls.db")
    monkeypatch.setenv("AIRFLOW_CONN_CALLS", json.dumps({"conn_type": "sqlite", "host": place, "extra": KEYED}))
    settings = ListSettings(contacts=RowContacts([]), ledger_conn_id="calls")
    context = task_context()
    with remember(context, settings=settings).ledger as ledger:
        ledger.commit(claim=[Claim(key="+919876543210", number="+919876543210")])
    with sql_engine("calls").connect() as connection:
        rows = [
            *connection.exec_driver_sql("SELECT id, call_digest, number, run FROM voice_call_ledger"),
            *connection.exec_driver_sql("SELECT id, run_digest FROM voice_call_runs"),
        ]
    assert len(rows) == 2
    assert not any(text in str(rows) for text in ("9876543210", context["ti"].run_id))
