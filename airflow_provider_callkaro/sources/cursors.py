"""A cursor that streams its result, whatever the driver.

PEP 249 has `fetchmany`, but at `execute` the PostgreSQL and MySQL drivers read the whole result into memory, unless
they are asked for a server-side cursor, each in its own way. Other drivers (SQLite, Oracle, SQL Server, Snowflake,
Trino) stream by themselves.
"""

from __future__ import annotations

import sqlite3
from contextlib import suppress
from importlib import import_module
from typing import Any, TypeAlias

from airflow_provider_callkaro.calls.row_size import MAX_ROW_BYTES

DbConnection: TypeAlias = Any
"""A connection of any driver. PEP 249 has no types, and some drivers need more than it has."""
DbCursor: TypeAlias = Any
"""A cursor of any driver."""

POSTGRESQL_CURSOR = "callkaro_contacts"
SQLITE_LONGEST = 2 * MAX_ROW_BYTES  # bytes of one value
MYSQL_WRITE_TIMEOUT = 86_400  # seconds; MySQL hangs up on a reader that pauses for 60 (net_write_timeout)


def drivers_of(connection: DbConnection) -> frozenset[str]:
    """The names of the packages that a connection's classes come from, such as ``psycopg2``."""
    return frozenset(kind.__module__.partition(".")[0] for kind in type(connection).__mro__)


def open_streaming_cursor(connection: DbConnection) -> DbCursor:
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


def returned_no_rows(cursor: DbCursor) -> bool:
    """Whether the executed statement returns no rows at all, such as an update.

    A named cursor of psycopg2 describes its columns only with the first fetch, and takes nothing but queries anyway.
    """
    return cursor.description is None and not getattr(cursor, "name", None)
