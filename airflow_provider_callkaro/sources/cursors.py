"""A cursor that reads a result bit by bit, whatever the driver.

PEP 249 has `fetchmany`, but the PostgreSQL and MySQL drivers fill their memory with the whole result at `execute`
unless they are asked for a server-side cursor, each in its own way. Other drivers (SQLite, Oracle, SQL Server,
Snowflake, Trino) stream by themselves.
"""

from __future__ import annotations

import sqlite3
from contextlib import suppress
from importlib import import_module
from typing import Any

from airflow_provider_callkaro.calls.row_size import MAX_ROW_BYTES

POSTGRESQL_CURSOR = "callkaro_contacts"
SQLITE_LONGEST = 2 * MAX_ROW_BYTES  # bytes of a value, before it is known whether its row is too long
MYSQL_WRITE_TIMEOUT = 86_400  # seconds; MySQL hangs up on a reader that pauses for 60 (net_write_timeout)


def drivers_of(connection: Any) -> frozenset[str]:
    """The names of the packages whose connection this is."""
    return frozenset(kind.__module__.partition(".")[0] for kind in type(connection).__mro__)


def open_streaming_cursor(connection: Any) -> Any:
    """A cursor on ``connection`` (PEP 249) that never holds the whole result in memory."""
    drivers = drivers_of(connection)
    if "sqlite3" in drivers:
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, SQLITE_LONGEST)
    if not drivers.isdisjoint({"psycopg", "psycopg2"}):
        return connection.cursor(name=POSTGRESQL_CURSOR)
    for driver in ("pymysql", "MySQLdb"):
        if driver in drivers:
            cursor = connection.cursor(import_module(f"{driver}.cursors").SSCursor)
            break
    else:
        if "mysql" not in drivers:
            return connection.cursor()
        cursor = connection.cursor(buffered=False)
    with suppress(Exception):  # a proxy that refuses this keeps its own limit
        cursor.execute(f"SET SESSION net_write_timeout = {MYSQL_WRITE_TIMEOUT:d}")
    return cursor


def returned_no_rows(cursor: Any) -> bool:
    """Whether the executed statement was none that returns rows.

    A named cursor of psycopg2 describes its columns only with the first fetch, and takes no other statement anyway.
    """
    return cursor.description is None and not getattr(cursor, "name", None)
