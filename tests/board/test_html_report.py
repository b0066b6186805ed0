"""The report of a run as one file: the ledger's figures, and a page that loads and runs nothing."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy
from fanning_out import context_of, fan_out, people
from visiting import Elements, steps, tables

from airflow_provider_callkaro.board.__main__ import main
from airflow_provider_callkaro.board.standalone import run_report, write_run_report
from airflow_provider_callkaro.board.task_runs import TaskRun
from airflow_provider_callkaro.calls.disposition import Disposition
from airflow_provider_callkaro.exceptions import ConfigurationError
from airflow_provider_callkaro.outcomes.store import OutcomeStore
from airflow_provider_callkaro.sandbox import Sandbox
from airflow_provider_callkaro.vendors.call_event import CallEvent

SECRET = "k1:" + "s" * 40
HOSTILE = '"><script>alert(1)</script><img src=x onerror=alert(1)>{{ 7 * 191 }}'


def called(run_id: str = "scheduled__1", **arguments: object) -> TaskRun:
    """The task instance of a fan-out that has run."""
    context = context_of(run_id)
    arguments = {"contacts": [*people(20), {"to_number": "nobody"}, people(1)[0]], **arguments}
    fan_out(context, ledger_conn_id="call_ledger", **{"ledger_scope": "renewals", **arguments})
    ti = context["ti"]
    return TaskRun(dag_id=ti.dag_id, run_id=ti.run_id, task_id=ti.task_id)


def report(*runs: TaskRun, **options: timedelta) -> str:
    return run_report(ledger_conn_id="call_ledger", runs=runs, **options)


def outcomes(folder: Path, dispositions: list[Disposition]) -> None:
    """Events for as many calls of the ledger, the first of which reached its goal."""
    engine = sqlalchemy.create_engine(f"sqlite:///{folder / 'ledger.db'}")
    with engine.connect() as connection:
        query = "SELECT call_id FROM voice_call_ledger WHERE state = 'accepted' ORDER BY id"
        ids = list(connection.exec_driver_sql(query).scalars())
    events = [
        CallEvent(
            vendor="callkaro", call_id=id_, event_id=None, attempt=0, is_over=True, is_last=True,
            disposition=disposition, vendor_word=None, reference=None, campaign_id=None, number=None,
            duration_seconds=None, converted=place == 0, asked_not_to_be_called=False, happened_at=None,
            fields={}, call_link=None, recording_url=None, transcript=None,
        )
        for place, (id_, disposition) in enumerate(zip(ids, dispositions, strict=False))
    ]  # fmt: skip
    with OutcomeStore(engine) as store:
        store.record(events, conn_id="callkaro_default")


def test_every_row_of_the_list_is_in_the_figures(folder: Path, sandbox: Sandbox) -> None:
    sandbox.fault("drop_answer_after_accepting", every=10)
    shown = steps(report(called()))
    assert shown == {"rows": 22, "skipped": 1, "rejected": 1, "unknown": 2, "accepted": 18}


def test_reasons_stand_under_the_outcome_that_they_have(folder: Path) -> None:
    assert tables(report(called())) == {
        "Rejected, by reason": {"bad number": 1},
        "Skipped, by reason": {"duplicate": 1},
    }


def test_outcomes_are_counted_and_those_that_did_not_come_in_time_are_unresolved(folder: Path) -> None:
    run = called()
    outcomes(folder, [Disposition.REACHED] * 3 + [Disposition.VOICEMAIL] * 2)
    page = report(run)
    assert {name: steps(page)[name] for name in ("accepted", "reached", "converted")} == {
        "accepted": 20, "reached": 3, "converted": 1,
    }  # fmt: skip
    assert tables(page)["Outcomes"] == {"reached": 3, "voicemail": 2, "awaiting their outcome": 15}
    late = tables(report(run, unresolved_after=timedelta(0)))["Outcomes"]
    assert late == {"reached": 3, "voicemail": 2, "unresolved": 15}


def test_the_calls_of_other_runs_in_the_same_scope_are_not_counted(folder: Path) -> None:
    first = called("scheduled__1")
    second = called("scheduled__2", contacts=people(5, start=100))
    outcomes(folder, [Disposition.REACHED] * 25)
    assert steps(report(first))["reached"] == steps(report(first))["accepted"] == 20
    counted = steps(report(second))
    assert (counted["rows"], counted["accepted"], counted["reached"]) == (5, 5, 5)


def test_a_keyed_ledger_has_the_same_figures(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    connection = {"conn_type": "sqlite", "host": str(folder / "ledger.db"), "extra": {"ledger_secret": SECRET}}
    monkeypatch.setenv("AIRFLOW_CONN_CALL_LEDGER", json.dumps(connection))
    assert steps(report(called())) == {"rows": 22, "skipped": 1, "rejected": 1, "accepted": 20}


def test_a_run_that_the_ledger_does_not_know_is_refused_with_a_way_out(folder: Path) -> None:
    called()
    with pytest.raises(ConfigurationError, match="knows no such run"):
        report(TaskRun(dag_id="outreach", run_id="another", task_id="calls"))


def test_the_file_replaces_an_earlier_one_and_tells_of_no_person(folder: Path) -> None:
    run = called()
    path = folder / "report.html"
    path.write_text("before")
    write_run_report(str(path), ledger_conn_id="call_ledger", runs=[run])
    page = path.read_text(encoding="utf-8")
    assert steps(page)["accepted"] == 20
    assert not re.search(r"98765\d{5}|Asha", page)


def test_a_browser_loads_and_runs_nothing_whatever_the_names_are(folder: Path) -> None:
    page = report(called(HOSTILE))
    elements = Elements(page).found
    policies = [at["content"] for tag, at in elements if at.get("http-equiv") == "Content-Security-Policy"]
    (style,) = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert policies == [f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"]
    assert {tag for tag, _ in elements}.isdisjoint({"script", "link", "img", "iframe", "object", "form"})
    assert not [at for _, at in elements if any(name.startswith("on") or name in ("style", "src") for name in at)]
    assert "1337" not in page


def test_the_command_writes_the_report_of_a_task(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run, path = called(), folder / "report.html"
    named = ["--dag-id", run.dag_id, "--run-id", run.run_id, "--task-id", run.task_id]
    main(["report", "--conn-id", "call_ledger", *named, "--output", str(path)])
    assert capsys.readouterr().out.splitlines()[-1] == str(path)
    assert steps(path.read_text(encoding="utf-8"))["accepted"] == 20
    with pytest.raises(SystemExit, match="knows no such run"):
        main(["report", "--conn-id", "call_ledger", *named[:-1], "another", "--output", str(path)])
