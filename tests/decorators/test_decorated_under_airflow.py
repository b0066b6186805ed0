"""The decorators as a DAG has them, under a real Airflow of any version."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from real_airflow import dag_test

from airflow_provider_callkaro.sandbox import Sandbox

pytestmark = pytest.mark.airflow

FILE = Path(__file__).with_name("dags") / "function_calls.py"


def everything_stored(database: Path) -> str:
    """Every value of every table of Airflow's metadata database, but the code of the DAG and encrypted connections."""
    with closing(sqlite3.connect(database)) as connection:
        tables = [name for (name,) in connection.execute("select name from sqlite_master where type = 'table'")]
        return "\n".join(
            str(row)
            for table in tables
            if table not in ("dag_code", "connection")
            for row in connection.execute(f'select * from "{table}"')
        )


def test_functions_are_lists_and_airflow_keeps_no_row_of_them(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with Sandbox() as sandbox:
        environment = {
            **{f"AIRFLOW_CONN_{name.upper()}": value for name, value in sandbox.airflow_connections.items()},
            "AIRFLOW_CONN_CALL_LEDGER": json.dumps({"conn_type": "sqlite", "host": str(tmp_path / "ledger.db")}),
        }
        result = dag_test(FILE, "function_calls", home=home, environment=environment)
        assert result.state == "success", result.stdout[-3000:]
        rings = sandbox.rings_per_number()
        braces = [ring.metadata for ring in sandbox.rings if ring.to_number == "+919876500400"]
        key = sandbox.api_key

    assert set(rings.values()) == {1}
    assert len(rings) == 6 + 6 + 30 + 5 + 1
    assert [metadata["name"] for metadata in braces] == ["{{ dag.dag_id }}"]
    assert result.xcom("whole")["accepted"] == 6
    assert result.xcom("campaign")["accepted"] == 6
    parts = [result.xcom("in_parts", map_index=index)["accepted"] for index in range(3)]
    assert sum(parts) == 30
    assert all(parts)
    assert result.task("again").try_number == 2
    assert result.xcom("again")["accepted"] == 5  # in two tries

    stored = everything_stored(home / "airflow.db")
    assert "part 2 of 3" in stored  # map_index_template
    for private in ("98765", "Secret", key):
        assert private not in stored
        assert private not in result.stdout + result.stderr
