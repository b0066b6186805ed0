"""The secret of a keyed ledger is read from its connection, and goes nowhere else."""

from __future__ import annotations

import json
import logging

import pytest

from airflow_provider_callkaro.exceptions import ConfigurationError
from airflow_provider_callkaro.tasks.ledgers import ledger_keys, sql_engine

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
