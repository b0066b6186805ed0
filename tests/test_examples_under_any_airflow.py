"""The example DAGs under whichever Airflow this is: the one thing a user of any version tries first."""

from __future__ import annotations

import json
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from real_airflow import DagResult, dag_test

from airflow_provider_callkaro.sandbox import Sandbox

EXAMPLES = Path(__file__).parents[1] / "example_dags"
NOW = datetime.now(UTC).replace(microsecond=0)
DAYS = (NOW - timedelta(days=1), NOW)  # on one of them the data interval ends, by the version of Airflow


def run(file: str, dag_id: str, sandbox: Sandbox, folder: Path) -> DagResult:
    environment = {
        "AIRFLOW_CONN_CALLKARO_DEFAULT": sandbox.airflow_connection,
        "AIRFLOW_CONN_WAREHOUSE": json.dumps({"conn_type": "sqlite", "host": str(folder / "warehouse.db")}),
        "AIRFLOW_CONN_CALL_LEDGER": json.dumps({"conn_type": "sqlite", "host": str(folder / "ledger.db")}),
        "AIRFLOW_VAR_OUTREACH_REPORTS": str(folder / "reports"),
    }
    home = folder / "home"
    home.mkdir(exist_ok=True)
    return dag_test(EXAMPLES / file, dag_id, home=home, environment=environment, logical_date=NOW)


@pytest.mark.airflow
def test_nightly_outreach_twice_rings_everybody_once(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "warehouse.db") as warehouse:
        warehouse.execute("create table renewals (id integer primary key, name, phone, city, due_on, priority)")
        warehouse.executemany(
            "insert into renewals (name, phone, city, due_on, priority) values ('A', ?, 'Pune', ?, 0)",
            [(f"+9198765{row:05d}", f"{day:%Y-%m-%d}") for row in range(40) for day in DAYS],
        )
    with Sandbox() as sandbox:
        first = run("nightly_outreach.py", "nightly_outreach", sandbox, tmp_path)
        second = run("nightly_outreach.py", "nightly_outreach", sandbox, tmp_path)
        assert (first.state, second.state) == ("success", "success")
        assert first.xcom("calls")["accepted"] == 40
        assert second.xcom("calls")["total"] == 40
        assert len(sandbox.rings) == 40
        assert set(sandbox.rings_per_number().values()) == {1}


@pytest.mark.airflow
def test_a_single_call_rings_once(tmp_path: Path) -> None:
    with Sandbox() as sandbox:
        result = run("single_call.py", "single_call", sandbox, tmp_path)
        assert result.state == "success"
        assert result.xcom("call") == sandbox.rings[0].call_id
        assert sandbox.rings_per_number() == {"+919876543210": 1}
