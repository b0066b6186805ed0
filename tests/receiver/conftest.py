"""A receiver that stands alone, on a real socket, before a real database; and vendors that deliver to it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from airflow import __version__ as airflow_version
from delivering import LEDGER, Serving, Vendor, define_callkaro, make_ledger
from packaging.version import Version


@pytest.fixture
def define(monkeypatch):
    """Define an Airflow connection in the environment."""

    def define(conn_id: str, **fields: Any) -> None:
        monkeypatch.setenv(f"AIRFLOW_CONN_{conn_id.upper()}", json.dumps(fields))

    return define


@pytest.fixture
def ledger(tmp_path: Path, define, request: pytest.FixtureRequest) -> Path:
    """The SQLite database of the ledger, behind its connection, and CallKaro's connection that names it."""
    if Version(airflow_version) < Version("3"):  # which looks for every connection in its own database too
        request.getfixturevalue("airflow_database")
    path = tmp_path / "ledger.db"
    define(LEDGER, conn_type="sqlite", host=str(path))
    make_ledger(f"sqlite:///{path}")
    define_callkaro(define)
    return path


@pytest.fixture
def vendor(ledger):
    """A vendor, and a receiver that has not yet been asked anything."""
    with Serving() as address:
        yield Vendor(address)
