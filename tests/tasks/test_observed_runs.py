"""What Airflow's metrics, lineage and traces hold of real runs: what was called and from where, and no person."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from real_airflow import DagResult, dag_test
from statsd_listener import StatsdListener

from airflow_provider_callkaro.sandbox import Sandbox

pytest.importorskip("statsd")
pytest.importorskip("airflow.providers.openlineage")
pytestmark = pytest.mark.airflow

FILE = Path(__file__).with_name("dags") / "observed_calls.py"
MOVES = ("launched", "completed", "failed")
PEOPLE = [f"+9198765{row:05d}" for row in range(5)]


class Observed:
    """One run, and what was told of it.

    :ivar events: OpenLineage's, as it wrote them.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with Sandbox(callaro_dial_seconds=0) as sandbox, StatsdListener() as statsd:
            connections = {name: json.loads(text) for name, text in sandbox.airflow_connections.items()}
            connections["callkaro_default"]["extra"] = {"schedule_timezone": "UTC"}
            for name in ("warehouse", "call_ledger"):
                connections[name] = {"conn_type": "sqlite", "host": str(folder / f"{name}.db")}
            self.key = sandbox.api_key
            self.vendor = sandbox.url.removeprefix("http://")
            self.result: DagResult = dag_test(
                FILE,
                "observed_calls",
                home=folder / "home",
                environment={
                    **{f"AIRFLOW_CONN_{name.upper()}": json.dumps(told) for name, told in connections.items()},
                    "OBSERVED_FOLDER": str(folder),
                    "AIRFLOW__OPENLINEAGE__TRANSPORT": json.dumps(
                        {"type": "file", "log_file_path": str(folder / "events.jsonl"), "append": True}
                    ),
                    "AIRFLOW__OPENLINEAGE__NAMESPACE": "test",
                    "AIRFLOW__TRACES__OTEL_ON": "True",
                    "OTEL_TRACES_EXPORTER": "console",
                    **statsd.environment,
                },
            )
            self.rung = sandbox.rings_per_number()
            self.metrics = statsd.lines()
            self.total = statsd.total
        events = (folder / "events.jsonl").read_text().splitlines()
        self.lineage_text = "\n".join(events)
        self.events: list[dict[str, Any]] = [json.loads(event) for event in events]

    def told(self, task_id: str, kind: str, side: str) -> set[tuple[str, str]]:
        """The datasets of one task, as namespace and name. ``side``: ``inputs`` or ``outputs``."""
        return {
            (dataset["namespace"], dataset["name"])
            for event in self.events
            if event["job"]["name"] == f"observed_calls.{task_id}" and event["eventType"] == kind
            for dataset in event[side]
        }


@pytest.fixture(scope="module")
def observed(tmp_path_factory: pytest.TempPathFactory) -> Observed:
    folder = tmp_path_factory.mktemp("observed")
    with closing(sqlite3.connect(folder / "warehouse.db")) as warehouse, warehouse:
        warehouse.execute("create table renewals (id integer primary key, phone)")
        warehouse.execute("create table customers (id integer primary key, name)")
        for row, number in enumerate(PEOPLE):
            warehouse.execute("insert into renewals values (?, ?)", (row, number))
            warehouse.execute("insert into customers values (?, 'Secret')", (row,))
    (folder / "do_not_call.csv").write_text(f"to_number\n{PEOPLE[0]}\n")
    rows = "".join(f"+9198765000{row},Secret\n" for row in (50, 51, 52))
    (folder / "list.csv").write_text(f"to_number,name\n{rows}")
    return Observed(folder)


def test_a_statsd_listener_hears_the_counts_of_every_vendor(observed):
    assert len(observed.rung) == 4 + 3 + 1, observed.result.stdout[-3000:]
    accepted = {
        connection: observed.total(f"airflow.voice_calls.{connection}.accepted")
        for connection in ("callkaro_default", "mrassistant_default")
    }
    assert accepted == {"callkaro_default": 4, "mrassistant_default": 3}
    assert observed.total("airflow.voice_calls.callkaro_default.skipped") == 1
    moved = {name: observed.total(f"airflow.voice_calls.callaro_default.campaigns_{name}") for name in MOVES}
    assert moved == {"launched": 1, "completed": 1, "failed": 0}


def test_lineage_knows_the_tables_and_files_the_campaigns_and_the_report(observed):
    tables = {("sqlite", f"{observed.folder}/warehouse.db.main.{table}") for table in ("renewals", "customers")}
    suppressed = ("file", str(observed.folder / "do_not_call.csv"))
    report = ("file", str(observed.folder / "report.csv"))
    outcomes = ("sqlite", f"{observed.folder}/warehouse.db.main.outcomes")
    campaign = (f"callkaro://{observed.vendor}", f"campaigns/{observed.result.xcom('campaign')}")
    for kind in ("START", "COMPLETE"):
        assert observed.told("calls", kind, "inputs") == {*tables, suppressed}
        assert observed.told("calls", kind, "outputs") == {campaign, report}
        assert observed.told("outcomes", kind, "inputs") == {report}
        assert observed.told("outcomes", kind, "outputs") == {outcomes}
        assert observed.told("preflight", kind, "inputs") == tables
        assert observed.told("preflight", kind, "outputs") == set()
    assert observed.told("campaigns", "COMPLETE", "inputs") == {("file", str(observed.folder / "list.csv"))}
    made = [campaign["campaign_id"] for campaign in observed.result.xcom("campaigns")["created"]]
    assert len(made) == 2
    assert observed.told("campaigns", "COMPLETE", "outputs") == {
        (f"mrassistant://{observed.vendor}", f"campaigns/{campaign_id}") for campaign_id in made
    }
    [import_id, run] = [observed.result.xcom(task_id) for task_id in ("imported", "dialled")]
    callaro = f"callaro://{observed.vendor}"
    for kind in ("START", "COMPLETE"):
        made = set() if kind == "START" else {(callaro, f"campaigns/{run['campaign_id']}")}
        assert observed.told("imported", kind, "inputs") == {("file", str(observed.folder / "list.csv"))}
        assert observed.told("dialled", kind, "outputs") == {*made, ("file", str(observed.folder / "results.csv"))}
    assert observed.told("imported", "COMPLETE", "outputs") == {(callaro, f"contact-imports/{import_id}")}
    (output,) = (
        dataset
        for event in observed.events
        if event["job"]["name"] == "observed_calls.calls" and event["eventType"] == "COMPLETE"
        for dataset in event["outputs"]
        if dataset["name"] == campaign[1]
    )
    assert output["outputFacets"]["outputStatistics"]["rowCount"] == 4


def test_a_span_has_the_counts_of_its_run_and_of_an_error_the_name_alone(observed):
    spans = observed.result.stdout
    assert spans.count('"name": "voice_calls.run"') == 4
    assert '"voice_calls.launched": true' in spans
    assert '"voice_calls.state": "completed"' in spans
    assert '"voice_calls.connection": "mrassistant_default"' in spans
    assert '"voice_calls.ended_with": "ValueError"' in spans
    assert '"voice_calls.accepted": 4' in spans


def test_nothing_that_leaves_holds_a_number_a_name_or_a_key(observed):
    assert observed.events
    assert observed.metrics
    spans = observed.result.stdout.split('"name": "voice_calls.run"')[1:]
    told = {
        "metrics": "\n".join(observed.metrics),
        "lineage": observed.lineage_text,
        "spans": "\n".join(span.partition("\n}\n")[0] for span in spans),
    }
    for private in ("98765", "Secret", observed.key):
        assert [where for where, text in told.items() if private in text] == []
    assert "the function's own words" not in told["spans"]


def test_a_link_that_is_not_there_is_no_error_in_the_log(observed):
    """Airflow asks for each link when a task ends."""
    campaign = observed.result.xcom("campaign")
    assert observed.result.xcom("calls", "_link_CallKaroCampaignLink").endswith(f"/{campaign}")
    assert not observed.result.xcom("calls", "_link_CallReportLink")  # a local file
    assert "XCom not found" not in observed.result.stdout + observed.result.stderr
