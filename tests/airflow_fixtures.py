"""The Airflow that tests share: started when the first test asks for it, ended when the last has run.

A test module that wants it says ``pytest_plugins = ["airflow_fixtures"]`` and takes ``running_airflow``. Tests that
share it keep apart by their DAG ids; a test that needs other settings or another database enters a
:class:`real_airflow.RealAirflow` of its own.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from real_airflow import RealAirflow


@pytest.fixture(scope="session")
def running_airflow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealAirflow]:
    """A whole Airflow with an empty DAG folder, its metadata in SQLite."""
    with RealAirflow(tmp_path_factory.mktemp("airflow"), tmp_path_factory.mktemp("dags")) as airflow:
        yield airflow
