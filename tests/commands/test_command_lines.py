"""The two ways to the commands: Airflow's own command line, and python -m. And where their connections come from."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy

from airflow_provider_callkaro.commands.definition import GROUPS, main
from airflow_provider_callkaro.commands.output import counted
from airflow_provider_callkaro.get_provider_info import get_provider_info
from airflow_provider_callkaro.ledger.contract import Claim
from airflow_provider_callkaro.ledger.sql.ledger import SqlLedger


def test_airflow_is_given_the_commands_that_python_m_has() -> None:
    (path,) = get_provider_info()["cli"]
    module, _, name = path.rpartition(".")
    (group,) = getattr(importlib.import_module(module), name)()
    assert group.name == "callkaro"
    given = {sub.name: {command.name for command in sub.subcommands} for sub in group.subcommands}
    assert given == {name: {command.name for command in commands} for name, (commands, _) in GROUPS.items()}
    for sub in group.subcommands:
        for command in sub.subcommands:
            assert ("--conn-id",) in [argument.flags for argument in command.args]


def test_reading_the_commands_imports_neither_sqlalchemy_nor_our_ledger() -> None:
    look = (
        "import sys, airflow_provider_callkaro.commands.definition; "
        "print([name for name in ('sqlalchemy', 'airflow', 'airflow_provider_callkaro.ledger') if name in sys.modules])"
    )
    told = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True).stdout
    assert told.strip() == "[]"


@pytest.mark.usefixtures("airflow_database")
def test_a_connection_that_only_airflows_database_knows_is_found(tmp_path: Path, capsys, monkeypatch) -> None:
    from airflow.models.connection import Connection
    from airflow.utils.session import create_session

    monkeypatch.delenv("AIRFLOW_CONN_KEPT_BY_AIRFLOW", raising=False)
    path = tmp_path / "calls.db"
    with SqlLedger(sqlalchemy.create_engine(f"sqlite:///{path}"), scope="calls", run="a run") as ledger:
        ledger.commit(claim=[Claim(key="+919876500001", number="+919876500001")])
    with create_session() as session:
        session.add(Connection(conn_id="kept_by_airflow", conn_type="sqlite", host=str(path)))
    main(["show", "--conn-id", "kept_by_airflow", "--output", "json"])
    assert [scope["scope"] for scope in json.loads(capsys.readouterr().out)] == ["calls"]
    with pytest.raises(SystemExit, match='no connection is named "misspelt"'):
        main(["show", "--conn-id", "misspelt"])


@pytest.mark.parametrize("words", [("--help",), ("audit", "verify", "--help")])
def test_python_m_tells_what_it_can(words) -> None:
    told = subprocess.run(
        [sys.executable, "-m", "airflow_provider_callkaro.ledger", *words], capture_output=True, text=True, check=True
    ).stdout
    assert ("--last" if "verify" in words else "resolve") in told


def test_one_row_is_not_called_rows() -> None:
    assert [counted(count, "row") for count in (0, 1, 2)] == ["0 rows", "1 row", "2 rows"]
