"""Databases on the servers beside the tests, made for one test or one session and dropped after it."""

from __future__ import annotations

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
    """A new, empty database: the URL of it."""
    name = f"callkaro_ledger_{secrets.token_hex(6)}"
    engine = sqlalchemy.create_engine(server_url(server, database=server.database), poolclass=sqlalchemy.pool.NullPool)
    anywhere = engine.execution_options(isolation_level="AUTOCOMMIT")
    force = " WITH (FORCE)" if server.connection_type == "postgres" else ""
    with anywhere.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name} {options}")
    try:
        yield server_url(server, database=name)
    finally:
        with anywhere.connect() as connection:
            connection.exec_driver_sql(f"DROP DATABASE {name}{force}")
