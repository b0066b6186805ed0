"""The Airflow that tests of one pytest worker share: started when one asks for it, ended when the last has run.

A test takes the fixture ``stage``, or ``running_airflow`` where it needs no vendor. Tests that share it keep apart by
their DAG ids; a test that needs other settings or another database enters a :class:`real_airflow.RealAirflow` of its
own, which costs as much of the machine as a dozen small DAG runs.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

from real_airflow import RealAirflow
from spreading import shared_airflows
from stage import Stage

HERE = Path(__file__).parent
EXAMPLES = HERE.parent / "example_dags"
DAGS = HERE / "operators" / "dags"


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


@contextmanager
def staged(server: Any, folder: Path) -> Iterator[Stage]:
    """A running Airflow that knows the example DAGs and those of the operators' tests.

    :param server: the PostgreSQL in which its database is made.
    :param folder: an empty directory, for everything that belongs to it.
    """
    dags = folder / "dags"
    shutil.copytree(EXAMPLES, dags, ignore=shutil.ignore_patterns("demo", "__pycache__"))
    for example in dags.glob("*.py"):  # they run when a test says so, not at four in the morning
        example.write_text(re.sub(r'schedule=("[^"]*"|\w+Timetable\(\w+\))', "schedule=None", example.read_text()))
    shutil.copytree(DAGS, dags, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    environment = {
        "AIRFLOW_CONN_SQLITE_LEDGER": json.dumps({"conn_type": "sqlite", "host": str(folder / "ledger.db")}),
        "AIRFLOW_CONN_CALL_LEDGER": json.dumps({"conn_type": "sqlite", "host": str(folder / "ledger.db")}),
        "AIRFLOW_CONN_WAREHOUSE": json.dumps({"conn_type": "sqlite", "host": str(folder / "warehouse.db")}),
        "AIRFLOW_VAR_OUTREACH_REPORTS": str(folder / "reports"),
        "AIRFLOW_VAR_OUTREACH_LISTS": str(folder / "lists"),
    }
    (folder / "reports").mkdir()
    with (
        database_of_its_own(server) as url,
        RealAirflow(folder / "home", dags, database_url=url, environment=environment) as airflow,
    ):
        shared_airflows.append(airflow)
        yield Stage(airflow, folder)
