"""What every test needs: an Airflow home of its own, the databases that run beside it, and a way to run side by side.

pytest reads this file before any test, so the settings below hold before Airflow is imported for the first time. The
settings of the user's shell are dropped: a test never touches their Airflow. Each pytest worker reads the file too, so
each has a home of its own.
"""

from __future__ import annotations

import atexit
import os
import shutil
import socket
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.abc import MetaPathFinder
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings
from spreading import duration_rank, needs_airflow, shared_airflows

if TYPE_CHECKING:
    from real_airflow import RealAirflow
    from stage import Stage

# A busy machine is no failure. The gate tries the same examples wherever it runs; `make explore` looks for new ones.
settings.register_profile("gate", deadline=None, derandomize=True)
settings.register_profile("explore", deadline=None)
settings.load_profile(os.environ.get("CALLKARO_EXAMPLES", "gate"))

AIRFLOW_HOME = Path(tempfile.mkdtemp(prefix="callkaro-tests-"))
atexit.register(shutil.rmtree, AIRFLOW_HOME, ignore_errors=True)

for _name in [name for name in os.environ if name.startswith("AIRFLOW_")]:
    del os.environ[_name]
os.environ.update(
    AIRFLOW_HOME=str(AIRFLOW_HOME),
    AIRFLOW__CORE__LOAD_EXAMPLES="False",
    AIRFLOW__CORE__UNIT_TEST_MODE="False",
    AIRFLOW__DATABASE__LOAD_DEFAULT_CONNECTIONS="False",
    AIRFLOW__DATABASE__SQL_ALCHEMY_CONN=f"sqlite:///{AIRFLOW_HOME / 'airflow.db'}",
)


class NoAirflow(MetaPathFinder):
    """Makes every import of Airflow fail."""

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> None:
        if fullname.partition(".")[0] == "airflow":
            raise ImportError(f"{fullname} is imported under --without-airflow")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--without-airflow",
        action="store_true",
        help="let every import of Airflow fail: for the rooms that know nothing of it",
    )


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--without-airflow"):
        sys.meta_path.insert(0, NoAirflow())


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    from xdist_scheduler import ByAirflow

    return ByAirflow(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=duration_rank)


def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """End the running Airflows after the last test that may need one: each takes a part of a core while it idles."""
    if needs_airflow(item) and nextitem is not None and not needs_airflow(nextitem):
        for airflow in shared_airflows:
            airflow.stop()


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseServer:
    """A database server on loopback, with an empty password and a database to play in.

    :param connection_type: the type of an Airflow connection to it.
    """

    connection_type: str
    port: int
    user: str
    host: str = "127.0.0.1"
    database: str = "test"

    @property
    def airflow_uri(self) -> str:
        """The value of an AIRFLOW_CONN_… variable for it."""
        return f"{self.connection_type}://{self.user}@{self.host}:{self.port}/{self.database}"


def _running(server: DatabaseServer) -> DatabaseServer:
    """The server, if it listens; else the test is skipped, or fails where CALLKARO_TEST_SERVICES=required."""
    try:
        socket.create_connection((server.host, server.port), timeout=60).close()
    except OSError:
        message = f"no {server.connection_type} server listens on {server.host}:{server.port}"
        if os.environ.get("CALLKARO_TEST_SERVICES") == "required":
            pytest.fail(message)
        pytest.skip(message)
    return server


@pytest.fixture(scope="session")
def postgresql() -> DatabaseServer:
    """A PostgreSQL that lets user postgres in without a password, with a database named test."""
    return _running(DatabaseServer(connection_type="postgres", port=5432, user="postgres"))


@pytest.fixture(scope="session")
def mariadb() -> DatabaseServer:
    """A MariaDB or MySQL that lets user root in without a password, with a database named test."""
    return _running(DatabaseServer(connection_type="mysql", port=3306, user="root"))


@pytest.fixture(scope="session")
def airflow_database() -> None:
    """Airflow's metadata database, made when the first test needs it (it takes some seconds)."""
    from airflow.utils.db import initdb

    initdb()


@pytest.fixture(scope="session")
def stage(postgresql: DatabaseServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A running Airflow that knows the example DAGs, and the vendors that they can dial.

    Each pytest worker that needs it has its own; `spreading.AIRFLOWS` says which files share one.
    """
    from airflow_fixtures import staged

    with staged(postgresql, tmp_path_factory.mktemp("stage")) as ready:
        yield ready


@pytest.fixture(scope="session")
def running_airflow(stage: Stage) -> RealAirflow:
    """The Airflow of the stage, for who brings DAGs along and dials nobody."""
    return stage.airflow
