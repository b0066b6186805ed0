"""A real scheduler runs a DAG when its hours open, and sets its deadline to when they close."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import airflow
import pytest
from packaging.version import Version
from real_airflow.settings import home_and_dags, sqlite_url, without_airflow

pytestmark = pytest.mark.airflow

HERE = Path(__file__).parent
SEPARATE_PROCESSOR = Version(airflow.__version__) >= Version("3")
TAKES_DEADLINES = Version(airflow.__version__) >= Version("3.3")


def test_a_scheduler_runs_the_dag_of_the_hours_that_are_open_once_and_sets_its_deadline(tmp_path: Path) -> None:
    now = datetime.now(ZoneInfo("Asia/Kolkata"))
    began = (now - timedelta(hours=2)).replace(second=0, microsecond=0)
    closes = began + timedelta(hours=20)
    environment = {
        **without_airflow(),
        **home_and_dags(home=tmp_path, dags=HERE / "dags"),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": sqlite_url(tmp_path),
        "AIRFLOW__DATABASE__LOAD_DEFAULT_CONNECTIONS": "False",
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(HERE / "plugins"),
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
        "HOURS_BEGIN": f"{began:%H:%M}",
        "HOURS_END": f"{closes:%H:%M}",
    }
    commands = [["db", "migrate"], ["scheduler", "--num-runs", "3"]]
    if SEPARATE_PROCESSOR:
        commands.insert(1, ["dag-processor", "--num-runs", "1"])
    for command in commands:
        done = subprocess.run(
            [sys.executable, "-m", "airflow", *command],
            env=environment,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"

    runs = asked(tmp_path, "select run_type, data_interval_start, data_interval_end from dag_run")
    assert [(kind, at(start), at(end)) for kind, start, end in runs] == [
        ("scheduled", began - timedelta(days=1), began),
    ], asked(tmp_path, "select * from import_error")
    ((described,),) = asked(tmp_path, "select timetable_description from dag")
    assert described.startswith("When calling hours begin: ")
    if TAKES_DEADLINES:
        assert [at(time) for (time,) in asked(tmp_path, "select deadline_time from deadline")] == [
            closes - timedelta(minutes=30)
        ]


def asked(home: Path, query: str) -> list[tuple]:
    with closing(sqlite3.connect(sqlite_url(home).removeprefix("sqlite:///"))) as database:
        return database.execute(query).fetchall()


def at(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
