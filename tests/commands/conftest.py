"""A ledger behind an Airflow connection, in each kind of database in turn, and commands as a person gives them."""

from __future__ import annotations

import io
import json
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy
from connection_keys import secrets_of
from ledger_databases import database_on

from airflow_provider_callkaro.commands.definition import main

Command = Callable[..., Any]
_JSON = re.compile(r"^[\[{](\n|[\]}]).*", re.MULTILINE | re.DOTALL)  # a run beside it logs into the same output


@pytest.fixture(
    params=(
        "sqlite",
        pytest.param("postgresql", marks=pytest.mark.services),
        pytest.param("mariadb", marks=pytest.mark.services),
    )
)
def engine(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[sqlalchemy.Engine]:
    """An empty database, which is the one of connection ``call_ledger``."""
    if request.param == "sqlite":
        path = tmp_path / "calls.db"
        monkeypatch.setenv("AIRFLOW_CONN_CALL_LEDGER", json.dumps({"conn_type": "sqlite", "host": str(path)}))
        engine = sqlalchemy.create_engine(f"sqlite:///{path}")
        yield engine
        engine.dispose()
        return
    server = request.getfixturevalue(request.param)
    with database_on(server) as url:
        connection = {
            "conn_type": server.connection_type,
            "host": server.host,
            "port": server.port,
            "login": server.user,
            "schema": url.rpartition("/")[2],
        }
        if server.connection_type == "mysql":
            connection["extra"] = {"client": "pymysql"}
        monkeypatch.setenv("AIRFLOW_CONN_CALL_LEDGER", json.dumps(connection))
        engine = sqlalchemy.create_engine(url)
        yield engine
        engine.dispose()


@pytest.fixture
def keyed(engine: sqlalchemy.Engine, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Puts secrets into the ledger's connection, at first ``k1``."""
    bare = json.loads(os.environ["AIRFLOW_CONN_CALL_LEDGER"])

    def put(*ids: str) -> None:
        extra = {**bare.get("extra", {}), "ledger_secret": secrets_of(*ids)}
        monkeypatch.setenv("AIRFLOW_CONN_CALL_LEDGER", json.dumps({**bare, "extra": extra}))

    put("k1")
    return put


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Command:
    """Gives a command, and what it answers as JSON; ``typed`` is its standard input."""

    def give(*words: str, typed: str = "", output: str = "json") -> Any:
        monkeypatch.setattr("sys.stdin", io.StringIO(typed))
        capsys.readouterr()
        main([*words, "--conn-id", "call_ledger", "--output", output])
        answer = capsys.readouterr().out
        return json.loads(_JSON.search(answer)[0]) if output == "json" else answer

    return give
