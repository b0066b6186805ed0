"""One way to write a query's parameters works in every database, and a driver's own way works as well."""

from __future__ import annotations

import json
import sys
from typing import Any

import pymysql
import pytest

from airflow_provider_callkaro.sources import placeholders
from airflow_provider_callkaro.sources.sql import SqlContacts

DAY = {"day": "2026-11-22", "name": "Asha"}


class Connected:
    """A connection whose driver has a style of its own."""


def bound(style: str, sql: str, parameters: Any = DAY) -> tuple[str, Any]:
    Connected.__module__ = f"driver_{style}.connections"
    placeholders.sys.modules[f"driver_{style}"] = type("Driver", (), {"paramstyle": style})  # type: ignore[assignment]
    return placeholders.bound(sql, parameters, connection=Connected())


@pytest.mark.parametrize(
    ("style", "sql", "expected"),
    [
        ("pyformat", "select 1 where due = :day", ("select 1 where due = %(day)s", DAY)),
        ("format", "select 1 where due = :day", ("select 1 where due = %(day)s", DAY)),
        ("pyformat", "select 1 where due = %(day)s and a like 'x%%'", None),
        ("pyformat", "select a like 'x%' where d = :day", ("select a like 'x%%' where d = %(day)s", DAY)),
        ("pyformat", "select :day::date", ("select %(day)s::date", DAY)),
        ("pyformat", "select ':day', \":day\", :day -- :day\n", ("select ':day', \":day\", %(day)s -- :day\n", DAY)),
        ("pyformat", "select $$:day$$, a[1:2], :day", ("select $$:day$$, a[1:2], %(day)s", DAY)),
        ("named", "select 1 where due = :day", None),
        ("named", "select 1 where due = %(day)s and a like 'x%%'", ("select 1 where due = :day and a like 'x%'", DAY)),
        (
            "qmark",
            "select :name where due = :day or :day",
            ("select ? where due = ? or ?", ["Asha", *["2026-11-22"] * 2]),
        ),
        ("numeric", "select :name, :day", ("select :1, :2", ["Asha", "2026-11-22"])),
        ("qmark", "select '10:30' where :hour", None),
    ],
)
def test_a_named_placeholder_becomes_the_drivers_own(style, sql, expected) -> None:
    assert bound(style, sql) == (expected or (sql, DAY))


def test_parameters_in_an_order_of_their_own_are_handed_on() -> None:
    assert bound("qmark", "select ?", ["a"]) == ("select ?", ["a"])


@pytest.mark.parametrize("database", ["sqlite", "postgresql", "mariadb"])
@pytest.mark.parametrize("placeholder", [":day", "%(day)s"])
def test_both_ways_work_in_every_database(database, placeholder, request, monkeypatch, tmp_path) -> None:
    uri = json.dumps({"conn_type": "sqlite", "host": str(tmp_path / "warehouse.db")})
    for name in ("MySQLdb", "MySQLdb.cursors"):  # which needs a compiler to install; its interface is the same
        monkeypatch.setitem(sys.modules, name, pymysql if name == "MySQLdb" else pymysql.cursors)
    if database != "sqlite":
        uri = request.getfixturevalue(database).airflow_uri
    monkeypatch.setenv("AIRFLOW_CONN_WAREHOUSE", uri)
    query = f"select '+919876543210' as to_number, 'ten %' as share where {placeholder} = '2026-11-22'"
    if placeholder != ":day" and database != "sqlite":
        query = query.replace("ten %", "ten %%")  # the drivers' own rule for their own placeholders
    contacts = SqlContacts(query, conn_id="warehouse", parameters=DAY if database == "sqlite" else {"day": DAY["day"]})
    if placeholder != ":day" and database == "sqlite":
        query = query.replace("ten %", "ten %%")
        contacts = SqlContacts(query, conn_id="warehouse", parameters={"day": DAY["day"]})
    assert list(contacts.rows({})) == [{"to_number": "+919876543210", "share": "ten %"}]  # type: ignore[arg-type]
