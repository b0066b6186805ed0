"""A list that four tasks share under Celery, on two workers: each person once, and one summary of the whole."""

from __future__ import annotations

import json
import os
import re
import shutil
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from airflow_fixtures import EXAMPLES, database_of_its_own
from real_airflow import RealAirflow
from stage import Stage

pytest.importorskip("airflow.providers.celery")

pytestmark = [pytest.mark.airflow, pytest.mark.services]

ROOT = Path(__file__).parents[2]
BROKER = "redis://127.0.0.1:6379/0"
WORKERS = ("worker-a", "worker-b")
SHARDS = 4


@pytest.fixture
def broker() -> Iterator[str]:
    """A Redis on loopback, and a prefix of this test's own for all keys; they are deleted at the end."""
    import redis

    prefix = f"callkaro-{uuid4().hex[:8]}-"
    client = redis.Redis.from_url(BROKER, socket_connect_timeout=5)
    try:
        client.ping()
    except redis.ConnectionError:
        message = "no Redis listens on 127.0.0.1:6379"
        if os.environ.get("CALLKARO_TEST_SERVICES") == "required":
            pytest.fail(message)
        pytest.skip(message)
    yield prefix
    for key in client.scan_iter(match=f"{prefix}*"):
        client.delete(key)
    client.close()


@contextmanager
def airflow_on_celery(folder: Path, *, metadata: str, ledger: str, prefix: str) -> Iterator[Stage]:
    """A running Airflow whose tasks go through Redis to two workers, with the example of a shared list."""
    dags = folder / "dags"
    dags.mkdir()
    example = (EXAMPLES / "shared_outreach.py").read_text()
    (dags / "shared_outreach.py").write_text(example.replace('schedule="0 4 * * *"', "schedule=None"))
    shutil.rmtree(folder / "reports", ignore_errors=True)
    environment = {
        "AIRFLOW__CELERY__BROKER_URL": BROKER,
        "AIRFLOW__CELERY_BROKER_TRANSPORT_OPTIONS__GLOBAL_KEYPREFIX": prefix,
        "AIRFLOW__CELERY_BROKER_TRANSPORT_OPTIONS__VISIBILITY_TIMEOUT": "86400",
        "AIRFLOW__CELERY__RESULT_BACKEND": f"db+{metadata}",
        "AIRFLOW_CONN_CALL_LEDGER": re.sub(r"^postgresql\+psycopg2", "postgres", ledger),
        "AIRFLOW_CONN_WAREHOUSE": json.dumps({"conn_type": "sqlite", "host": str(folder / "warehouse.db")}),
        "AIRFLOW_VAR_OUTREACH_REPORTS": str(folder / "reports"),
    }
    options = ("--concurrency", str(SHARDS // len(WORKERS)), "--skip-serve-logs", "--without-gossip")
    workers = {
        name: ("celery", "worker", "--celery-hostname", f"{name}@%h", "--pid", str(folder / f"{name}.pid"), *options)
        for name in WORKERS
    }
    with RealAirflow(
        folder / "home",
        dags,
        database_url=metadata,
        executor="CeleryExecutor",
        environment=environment,
        parallelism=2 * SHARDS,
        components=workers,
    ) as airflow:
        yield Stage(airflow, folder)


def warehouse(folder: Path) -> int:
    """The demo's warehouse, of which everybody is due today; how many customers it has."""
    sys.path.insert(0, str(ROOT))
    try:
        from example_dags.demo.warehouse import CUSTOMERS, make_warehouse
    finally:
        sys.path.remove(str(ROOT))
    make_warehouse(folder / "warehouse.db", due_on=f"{datetime.now(UTC):%Y-%m-%d}")
    return CUSTOMERS


def logged(airflow: RealAirflow, worker: str) -> str:
    return (airflow.logs / f"{worker}.log").read_text(errors="replace")


def test_four_parts_on_two_workers_end_as_one_summary_and_nobody_is_called_twice(
    postgresql: Any, broker: str, tmp_path: Path
) -> None:
    with (
        database_of_its_own(postgresql) as metadata,
        database_of_its_own(postgresql) as ledger,
        airflow_on_celery(tmp_path, metadata=metadata, ledger=ledger, prefix=broker) as stage,
        stage.vendor("callkaro_default") as sandbox,
    ):
        airflow = stage.airflow
        for worker in WORKERS:
            airflow.until(f"{worker} to be ready", lambda name=worker: " ready." in logged(airflow, name) or None)
        total = warehouse(tmp_path)
        midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        run = airflow.trigger("shared_outreach", logical_date=midnight)
        airflow.wait("shared_outreach", run, states={"success"})

        summary = airflow.xcom("shared_outreach", run, "all_calls")
        outcomes = [summary[name] for name in ("accepted", "rejected", "skipped", "unknown", "pending")]
        assert (summary["total"], sum(outcomes), summary["shards"], summary["missing"]) == (total, total, SHARDS, 0)
        assert summary["accepted"] == len(sandbox.rings)
        assert set(sandbox.rings_per_number().values()) == {1}

        names = Path(summary["report"]).parent.iterdir()
        assert len([name for name in names if name.suffix == ".csv"]) == SHARDS + 1
        lines = stage.report(f"shared/{Path(summary['report']).name}")
        assert [int(line["row"]) for line in lines] == list(range(1, total + 1))
        called = {line["call_id"] for line in lines if line["state"] == "accepted"}
        assert called == {ring.call_id for ring in sandbox.rings}

        with closing(sqlite3.connect(tmp_path / "warehouse.db")) as database:
            (rows,) = database.execute("select count(*) from renewals").fetchone()
        assert rows == total
        tasks = re.compile(r"execute_workload\[[0-9a-f-]+\] succeeded")
        assert all(tasks.search(logged(airflow, worker)) for worker in WORKERS)
        assert stage.numbers_logged({"shared_outreach"}) == []
