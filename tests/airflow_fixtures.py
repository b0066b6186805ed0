"""The Airflow that tests of one pytest worker share: started when one asks for it, ended when the last has run.

A test module that wants it says ``pytest_plugins = ["airflow_fixtures"]`` and takes ``running_airflow``. Tests that
share it keep apart by their DAG ids; a test that needs other settings or another database enters a
:class:`real_airflow.RealAirflow` of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any
from uuid import uuid4

import pytest
from real_airflow import RealAirflow
from spreading import shared_airflows


@contextmanager
def database_of_its_own(server: Any) -> Iterator[str]:
    """The URL of an empty PostgreSQL database, for one Airflow: on SQLite it answers 503 when two write."""
    import psycopg2

    name = f"callkaro_airflow_{uuid4().hex[:8]}"
    where = {"host": server.host, "port": server.port, "user": server.user}
    with closing(psycopg2.connect(dbname=server.database, **where)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(f"create database {name}")
            try:
                yield f"postgresql+psycopg2://{server.user}@{server.host}:{server.port}/{name}"
            finally:
                cursor.execute(f"drop database {name} with (force)")


@pytest.fixture(scope="session")
def running_airflow(postgresql: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealAirflow]:
    """A whole Airflow with an empty DAG folder."""
    home, dags = tmp_path_factory.mktemp("airflow"), tmp_path_factory.mktemp("dags")
    with database_of_its_own(postgresql) as url, RealAirflow(home, dags, database_url=url) as airflow:
        shared_airflows.append(airflow)
        yield airflow
