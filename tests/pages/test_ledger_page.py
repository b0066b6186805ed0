"""The tables and rights that the page on the ledger shows are those that the ledger makes and uses."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from typing import Any

import pytest
from code_blocks import blocks_of

from airflow_provider_callkaro.ledger.audit.trail import CREATE_AUDIT
from airflow_provider_callkaro.ledger.sql import table
from airflow_provider_callkaro.ledger.sql.scopes import CREATE_SCOPES

TABLES, STORAGE, LOCKS, RIGHTS = (block.text for block in blocks_of("docs/ledger.md") if block.language == "sql")
UNDER_LOAD = [block.text for block in blocks_of("docs/ledger-database.md") if block.language == "sql"]
MADE = (table.CREATE_TABLE, table.CREATE_INDEX, table.CREATE_RUNS, CREATE_SCOPES, CREATE_AUDIT, table.CREATE_KEYS)


def words(statement: str) -> str:
    return " ".join(statement.replace("IF NOT EXISTS ", "").replace(";", "").split())


def test_the_statements_are_the_ledgers_own() -> None:
    shown = [words(one) for one in TABLES.split(";\n") if one.strip()]
    assert shown == [words(one) for one in (*MADE, table.CREATE_ERASURES)]
    assert words(STORAGE) == words(UNDER_LOAD[0]) == table.STORAGE
    assert words(LOCKS) == words(table.CREATE_LOCKS)


def test_sqlite_takes_them() -> None:
    with closing(sqlite3.connect(":memory:")) as database:
        database.executescript(TABLES + LOCKS)
        made = {name for (name,) in database.execute("select name from sqlite_master where type = 'table'")}
    assert made == set(re.findall(r"CREATE TABLE (\w+)", TABLES + LOCKS))


@pytest.mark.services
def test_postgresql_takes_them_and_the_rights(postgresql: Any) -> None:
    import psycopg2

    where = {"host": postgresql.host, "port": postgresql.port, "user": postgresql.user, "dbname": postgresql.database}
    with closing(psycopg2.connect(**where)) as connection, connection.cursor() as cursor:
        cursor.execute("create schema shown; set local search_path to shown; create role outreach;")
        cursor.execute(TABLES + STORAGE + RIGHTS + "".join(UNDER_LOAD))
        cursor.execute("select has_table_privilege('outreach', 'shown.voice_call_audit', 'UPDATE')")
        assert cursor.fetchone() == (False,)
        connection.rollback()  # the role and the schema too
