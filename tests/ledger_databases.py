"""Databases on the servers beside the tests, made for one test or one session and dropped at the end of the session."""

from __future__ import annotations

import atexit
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy


def server_url(server: Any, *, database: str) -> str:
    driver = {"postgres": "postgresql+psycopg2", "mysql": "mysql+pymysql"}[server.connection_type]
    return f"{driver}://{server.user}@{server.host}:{server.port}/{database}"


@contextmanager
def database_on(server: Any, *, options: str = "") -> Iterator[str]:
    """An empty database: the URL of it. Without options PostgreSQL may give one that another test has left."""
    reused = server.connection_type == "postgres" and not options
    name = _left.pop() if reused and _left else _create(server, options)
    try:
        yield server_url(server, database=name)
    finally:
        if reused:
            _empty(server, name)
            _left.append(name)
        else:
            _drop(server, name)


_left: list[str] = []
"""PostgreSQL's databases that are empty again: to drop one costs a checkpoint, to empty it none."""


def _create(server: Any, options: str) -> str:
    name = f"callkaro_ledger_{secrets.token_hex(6)}"
    _run(server, f"CREATE DATABASE {name} {options}")
    if server.connection_type == "postgres":
        atexit.register(_drop, server, name)
    return name


def _empty(server: Any, name: str) -> None:
    others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
    _run(
        server,
        f"{others} AND pid <> pg_backend_pid()",
        "DROP SCHEMA public CASCADE",
        "CREATE SCHEMA public AUTHORIZATION pg_database_owner",
        "GRANT USAGE ON SCHEMA public TO PUBLIC",
        database=name,
    )


def _drop(server: Any, name: str) -> None:
    force = " WITH (FORCE)" if server.connection_type == "postgres" else ""
    _run(server, f"DROP DATABASE IF EXISTS {name}{force}")


def _run(server: Any, *statements: str, database: str | None = None) -> None:
    url = server_url(server, database=database or server.database)
    engine = sqlalchemy.create_engine(url, poolclass=sqlalchemy.pool.NullPool, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)
