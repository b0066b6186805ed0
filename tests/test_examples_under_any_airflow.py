"""The example DAGs under whichever Airflow this is: the one thing a user of any version tries first."""

from __future__ import annotations

import json
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow
import pytest
from airflow import __version__ as airflow_version
from packaging.version import Version
from pyarrow import parquet
from real_airflow import DagResult, dag_test

from airflow_provider_callkaro.sandbox import Sandbox

EXAMPLES = Path(__file__).parents[1] / "example_dags"
NOW = datetime.now(UTC).replace(microsecond=0)
DAYS = (NOW - timedelta(days=1), NOW)  # on one of them the data interval ends, by the version of Airflow

pytestmark = [
    pytest.mark.airflow,
    pytest.mark.skipif(
        Version(airflow_version) >= Version("3.3"), reason="tests/operators runs the examples under a scheduler"
    ),
]


def run(file: str, dag_id: str, sandbox: Sandbox, folder: Path) -> DagResult:
    environment = {
        **{f"AIRFLOW_CONN_{name.upper()}": value for name, value in sandbox.airflow_connections.items()},
        "AIRFLOW_CONN_WAREHOUSE": json.dumps({"conn_type": "sqlite", "host": str(folder / "warehouse.db")}),
        "AIRFLOW_CONN_CALL_LEDGER": json.dumps({"conn_type": "sqlite", "host": str(folder / "ledger.db")}),
        "AIRFLOW_VAR_OUTREACH_REPORTS": str(folder / "reports"),
        "AIRFLOW_VAR_OUTREACH_LISTS": str(folder / "lists"),
    }
    home = folder / "home"
    home.mkdir(exist_ok=True)
    return dag_test(EXAMPLES / file, dag_id, home=home, environment=environment, logical_date=NOW)


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


def test_the_parts_of_a_shared_list_ring_everybody_once_and_end_as_one_summary(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "warehouse.db") as warehouse:
        warehouse.execute("create table renewals (id integer primary key, name, phone, city, due_on, priority)")
        warehouse.executemany(
            "insert into renewals (name, phone, city, due_on, priority) values ('A', ?, 'Pune', ?, 0)",
            [(f"+9198765{row:05d}", f"{day:%Y-%m-%d}") for row in range(40) for day in DAYS],
        )
    with Sandbox() as sandbox:
        result = run("shared_outreach.py", "shared_outreach", sandbox, tmp_path)
        assert result.state == "success"
        summary = result.xcom("all_calls")
        assert (summary["total"], summary["accepted"], summary["shards"], summary["missing"]) == (40, 40, 4, 0)
        assert set(sandbox.rings_per_number().values()) == {1}
        assert len(Path(summary["report"]).read_text().splitlines()) == 41


def test_a_single_call_rings_once(tmp_path: Path) -> None:
    with Sandbox() as sandbox:
        result = run("single_call.py", "single_call", sandbox, tmp_path)
        assert result.state == "success"
        assert result.xcom("call") == sandbox.rings[0].call_id
        assert sandbox.rings_per_number() == {"+919876543210": 1}


def test_a_callaro_campaign_runs_from_its_draft_to_its_results(tmp_path: Path) -> None:
    with Sandbox(callaro_dial_seconds=0) as sandbox:
        result = run("callaro_run.py", "callaro_run", sandbox, tmp_path)
        assert result.state == "success"
        assert (result.xcom("outreach")["state"], result.xcom("outreach")["rows"]) == ("completed", 5)
        assert [campaign.launches for campaign in sandbox.callaro_campaigns] == [1]


def test_a_parquet_file_becomes_campaigns_whose_numbers_ring_once(tmp_path: Path) -> None:
    (tmp_path / "lists").mkdir()
    numbers = [f"+9199999{row:05d}" for row in range(150)]
    for day in DAYS:
        parquet.write_table(pyarrow.table({"phone": numbers}), tmp_path / "lists" / f"{day:%Y-%m-%d}.parquet")
    with Sandbox() as sandbox:
        first = run("mrassistant_from_parquet.py", "mrassistant_from_parquet", sandbox, tmp_path)
        again = run("mrassistant_from_parquet.py", "mrassistant_from_parquet", sandbox, tmp_path)
        assert (first.state, again.state) == ("success", "success")
        assert (first.xcom("calls")["accepted"], first.xcom("calls")["campaigns"]) == (150, 2)
        assert sandbox.rings_per_number() == dict.fromkeys(numbers, 1)
