"""The examples of the other vendors, under a real Airflow: what each says at its top is what happens."""

from __future__ import annotations

import csv
import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pyarrow
import pytest
from pyarrow import parquet
from stage import Stage

pytestmark = [pytest.mark.airflow, pytest.mark.usefixtures("no_example_logs_a_number")]

TODAY = f"{datetime.now(UTC):%Y-%m-%d}"
MIDNIGHT = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
APPOINTMENTS = [f"+9199999{row:05d}" for row in range(250)]
CUSTOMERS = [f"+9188888{row:05d}" for row in range(12)]


@pytest.fixture
def lists(stage: Stage) -> None:
    """The list and the table that the examples read."""
    folder = stage.folder / "lists"
    folder.mkdir(exist_ok=True)
    parquet.write_table(pyarrow.table({"phone": APPOINTMENTS, "doctor": ["A"] * 250}), folder / f"{TODAY}.parquet")
    (stage.folder / "warehouse.db").unlink(missing_ok=True)
    with closing(sqlite3.connect(stage.folder / "warehouse.db")) as warehouse, warehouse:
        warehouse.execute("create table renewals (id integer primary key, name, phone, city, due_on)")
        warehouse.executemany(
            "insert into renewals (name, phone, city, due_on) values ('A', ?, 'Pune', ?)",
            [(phone, TODAY) for phone in CUSTOMERS],
        )


def lines(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as opened:
        return list(csv.DictReader(opened))


def test_the_examples_of_the_other_vendors_do_what_they_say(stage: Stage, lists: None) -> None:
    airflow = stage.airflow
    with stage.vendors(callaro_dial_seconds=0) as sandbox:
        parquet_run = airflow.trigger("mrassistant_from_parquet", logical_date=MIDNIGHT)
        steps = airflow.trigger("callaro_outreach", logical_date=MIDNIGHT)
        one_task = airflow.trigger("callaro_run", logical_date=MIDNIGHT)
        airflow.wait("mrassistant_from_parquet", parquet_run, states={"success"})
        first = airflow.trigger("choose_vendor", logical_date=MIDNIGHT)
        airflow.wait("choose_vendor", first, states={"success"})
        second = airflow.trigger("choose_vendor", conf={"vendor": "mrassistant"})
        airflow.wait("choose_vendor", second, states={"success"})
        airflow.wait("callaro_outreach", steps, states={"success"})
        airflow.wait("callaro_run", one_task, states={"success"})

        summary = airflow.xcom("mrassistant_from_parquet", parquet_run, "calls")
        assert (summary["accepted"], summary["total"], summary["campaigns"]) == (250, 250, 3)
        assert [one.total_targets for one in sandbox.mrassistant_campaigns] == [100, 100, 50]
        report = lines(stage.folder / "reports" / "mrassistant" / f"{TODAY}.csv")
        assert {line["call_id"] for line in report} == {one.campaign_id for one in sandbox.mrassistant_campaigns}

        through_callkaro = airflow.xcom("choose_vendor", first, "callkaro")
        through_mrassistant = airflow.xcom("choose_vendor", second, "mrassistant")
        assert (through_callkaro["accepted"], through_mrassistant["accepted"]) == (12, 0)
        assert through_mrassistant["reasons"] == {"already_accepted": 12}

        assert [(one.status, one.launches) for one in sandbox.callaro_campaigns] == [("completed", 1)] * 2
        results = airflow.xcom("callaro_outreach", steps, "results")
        assert len(lines(Path(results["path"]))) == results["rows"] == 5
        ended = airflow.xcom("callaro_run", one_task, "outreach")
        assert (ended["state"], ended["rows"]) == ("completed", 5)
        assert len([json.loads(line) for line in Path(ended["export"]).read_text().splitlines()]) == 5

        rung = {ring.to_number for ring in sandbox.rings}
        assert {*APPOINTMENTS, *CUSTOMERS} <= rung
        by_list = [ring.to_number for ring in sandbox.rings if ring.vendor != "Callaro"]
        assert len(by_list) == len(set(by_list)) == 262
