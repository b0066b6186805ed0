"""Databases for outcomes, each empty and made for one test, and a ledger in them that a fan-out has left."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy
from ledger_databases import database_on
from placed_calls import Ledger

DATABASES = (
    "sqlite",
    pytest.param("postgresql", marks=pytest.mark.services),
    pytest.param("mariadb", marks=pytest.mark.services),
)


@pytest.fixture(params=DATABASES)
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[sqlalchemy.Engine]:
    """Each kind of database in turn, with nothing in it."""
    if request.param == "sqlite":
        yield from _engine(f"sqlite:///{tmp_path / 'calls.db'}")
    else:
        server: Any = request.getfixturevalue(request.param)
        with database_on(server) as url:
            yield from _engine(url)


def _engine(url: str) -> Iterator[sqlalchemy.Engine]:
    engine = sqlalchemy.create_engine(url)
    yield engine
    engine.dispose()


@pytest.fixture
def ledger(engine: sqlalchemy.Engine) -> Ledger:
    """A ledger in clear, with no calls yet."""
    return Ledger(engine)
