"""One real Airflow for all tests of this folder, with a sandbox of its own for every test that dials."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from airflow_fixtures import database_of_its_own
from real_airflow import RealAirflow
from spreading import shared_airflows
from stage import Stage

from airflow_provider_callkaro.sandbox import Sandbox

ROOT = Path(__file__).parents[2]
DAGS = Path(__file__).with_name("dags")


@pytest.fixture(scope="session")
def stage(postgresql: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A running Airflow that knows the example DAGs and this folder's own.

    Each pytest worker that needs it has its own; `spreading.AIRFLOWS` says which files share one.
    """
    folder = tmp_path_factory.mktemp("stage")
    dags = folder / "dags"
    shutil.copytree(ROOT / "example_dags", dags, ignore=shutil.ignore_patterns("demo", "__pycache__"))
    for example in dags.glob("*.py"):  # they run when a test says so, not at four in the morning
        example.write_text(re.sub(r'schedule="[^"]*"', "schedule=None", example.read_text()))
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
        database_of_its_own(postgresql) as url,
        RealAirflow(folder / "home", dags, database_url=url, environment=environment) as airflow,
    ):
        shared_airflows.append(airflow)
        yield Stage(airflow, folder)


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """A vendor of this test's own."""
    with Sandbox() as vendor:
        yield vendor
