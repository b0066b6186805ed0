"""The databases that the SQL ledger is tested on: made for this session alone, and dropped after it."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy
from ledger_databases import database_on

pytest.register_assert_rewrite("ledger_contract", "shared_ledger_contract")

DATABASES = (
    "sqlite",
    pytest.param("postgresql", marks=pytest.mark.services),
    pytest.param("mariadb", marks=pytest.mark.services),
)


@pytest.fixture(scope="session")
def sqlite_url(tmp_path_factory: pytest.TempPathFactory) -> str:
    return f"sqlite:///{tmp_path_factory.mktemp('ledger') / 'calls.db'}"


@pytest.fixture(scope="session")
def postgresql_url(postgresql: Any) -> Iterator[str]:
    with database_on(postgresql) as url:
        yield url


@pytest.fixture(scope="session")
def mariadb_url(mariadb: Any) -> Iterator[str]:
    with database_on(mariadb) as url:
        yield url


@pytest.fixture(scope="session")
def keyed_sqlite_url(tmp_path_factory: pytest.TempPathFactory) -> str:
    return f"sqlite:///{tmp_path_factory.mktemp('ledger') / 'keyed.db'}"


@pytest.fixture(scope="session")
def keyed_postgresql_url(postgresql: Any) -> Iterator[str]:
    with database_on(postgresql) as url:
        yield url


@pytest.fixture(scope="session")
def keyed_mariadb_url(mariadb: Any) -> Iterator[str]:
    with database_on(mariadb) as url:
        yield url


@pytest.fixture(params=DATABASES)
def keyed_database_url(request: pytest.FixtureRequest) -> str:
    """Each kind of database in turn, for ledgers that all have the same key."""
    url: str = request.getfixturevalue(f"keyed_{request.param}_url")
    return url


@pytest.fixture(params=DATABASES)
def database_url(request: pytest.FixtureRequest) -> str:
    """Each kind of database in turn, shared by the tests of the session; scopes keep them apart."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture(params=DATABASES)
def empty_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Each kind of database in turn, with nothing in it."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'calls.db'}"
    else:
        with database_on(request.getfixturevalue(request.param)) as url:
            yield url


@pytest.fixture
def engine(database_url: str) -> Iterator[sqlalchemy.Engine]:
    engine = sqlalchemy.create_engine(database_url)
    yield engine
    engine.dispose()


@pytest.fixture
def scope() -> str:
    """A scope that no other test knows."""
    return f"scope {secrets.token_hex(6)}"
