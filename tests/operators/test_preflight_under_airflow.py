"""Nobody is rung before a person has looked, and what the person looks at names nobody."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from real_airflow.rest import path_of
from stage import Stage

from airflow_provider_callkaro.exceptions import ConfigurationError
from airflow_provider_callkaro.operators.callkaro import CallKaroPreflightOperator

ROOT = Path(__file__).parents[2]
NIGHT = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
ZONE = json.dumps({"schedule_timezone": "Asia/Kolkata"})


def test_a_preflight_that_would_ring_is_refused_when_the_dag_is_parsed() -> None:
    with pytest.raises(ConfigurationError, match="dry run"):
        CallKaroPreflightOperator(task_id="preflight", contacts=[], dry_run=False)
    with pytest.raises(ConfigurationError, match="price_per_minute"):
        CallKaroPreflightOperator(task_id="preflight", contacts=[], price_per_minute=-1)


@pytest.mark.airflow
def test_a_rehearsal_tells_its_figures_and_rings_and_names_nobody(stage: Stage) -> None:
    with stage.vendor("rehearsal_vendor", extra=ZONE) as sandbox:
        run = stage.airflow.trigger("rehearsals", run_id="rehearsed")
        stage.airflow.wait("rehearsals", run, states={"success"})
        assert sandbox.rings == []

        report = stage.airflow.xcom("rehearsals", run, "preflight")
        figures = {"total": 71, "would_ring": 59, "skipped": 11, "rejected": 1, "duplicates": 10, "suppressed": 1}
        assert {name: report[name] for name in figures} == figures
        assert (report["cost"], report["currency"], report["zones"]) == (177.0, "INR & more", {"UTC": 59})
        ((hour, calls),) = report["hours"].items()
        assert calls == 59
        opens = datetime.fromisoformat(hour)
        assert opens > datetime.now(UTC)
        assert (datetime.fromisoformat(report["ends_at"]) - opens).total_seconds() == 59

        dry_run = stage.airflow.xcom("rehearsals", run, "dry_run")
        assert (dry_run["total"], dry_run["pending"], dry_run["skipped"]) == (71, 59, 11)
        page = (stage.folder / "reports" / "preflight" / "rehearsed.html").read_text()
        assert "59 of 71 rows would ring" in page
        assert "177.00 INR &amp; more" in page
        assert_needs_nothing_else(page)
        logs = [stage.airflow.log("rehearsals", run, task) for task in ("preflight", "dry_run")]
        assert all("would ring" in log for log in logs)
        assert_names_nobody([page, json.dumps(report), json.dumps(dry_run), *logs], numbers=["+919876500007"])


@pytest.mark.airflow
@pytest.mark.usefixtures("no_example_logs_a_number")
def test_nobody_is_rung_until_a_person_approves_and_then_those_who_were_shown_are(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_warehouse(stage, monkeypatch)
    with stage.vendor("callkaro_default", extra=ZONE) as sandbox:
        run = stage.airflow.trigger("approved_outreach", logical_date=NIGHT)
        waiting = {"awaiting_input", "deferred"}
        stage.airflow.wait_for_task("approved_outreach", run, "approval", states=waiting)
        report = stage.airflow.xcom("approved_outreach", run, "preflight")
        approval = ("dags", "approved_outreach", "dagRuns", run, "taskInstances", "approval", -1, "hitlDetails")
        question = stage.airflow.rest.get(*approval)
        assert question["subject"] == f"Ring {report['would_ring']} customers?"
        assert question["body"] == report["markdown"]
        assert f"| would ring | {report['would_ring']} |" in question["body"].splitlines()
        assert "Asia/Kolkata" in question["body"]
        assert sandbox.rings == []
        assert stage.airflow.task("approved_outreach", run, "calls")["state"] is None

        wait_until_the_scheduler_has_heard_of_it(stage, run)
        stage.airflow.rest.call("PATCH", path_of(*approval), body={"chosen_options": ["Approve"], "params_input": {}})
        stage.airflow.wait("approved_outreach", run, states={"success"})
        summary = stage.airflow.xcom("approved_outreach", run, "calls")
        assert summary["accepted"] == len(sandbox.rings) == report["would_ring"] > 0
        shown = [(stage.folder / "reports" / "preflight" / f"{NIGHT:%Y-%m-%d}.html").read_text(), json.dumps(question)]
        assert_names_nobody(shown, numbers=sandbox.rings_per_number())


def wait_until_the_scheduler_has_heard_of_it(stage: Stage, run: str) -> None:
    """A person takes longer: Airflow 3.3.2 fails a task that goes on before its executor has reported the pause."""
    log = stage.airflow.logs / "scheduler.log"

    def look() -> bool | None:
        events = [line for line in log.read_text(errors="replace").splitlines() if "Received executor event" in line]
        return (
            True if any("task_id='approval'" in line and run in line and "success" in line for line in events) else None
        )

    stage.airflow.until("the scheduler to hear that the approval waits", look)


def make_warehouse(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [str(ROOT), *sys.path])
    from example_dags.demo.warehouse import make_warehouse

    path = stage.folder / "warehouse.db"
    path.unlink(missing_ok=True)
    make_warehouse(path, due_on=f"{NIGHT:%Y-%m-%d}")


def assert_names_nobody(shown: Iterable[str], *, numbers: Iterable[str]) -> None:
    text = "\n".join(shown)
    assert "Secret" not in text
    assert [number for number in numbers if number.lstrip("+")[2:] in text] == []


def assert_needs_nothing_else(page: str) -> None:
    assert [word for word in ("http:", "https:", "<script", "<link", "src=", "@import", "url(") if word in page] == []
