"""The way of one row, as docs/architecture.md tells it: each step happens where the page says, in the page's order."""

from __future__ import annotations

import json
import re
import sqlite3
import sys
import threading
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from task_context import task_context

from airflow_provider_callkaro.operators.callkaro import CallKaroFanOutCallsOperator
from airflow_provider_callkaro.sandbox import Sandbox
from airflow_provider_callkaro.sources import SqlContacts

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
STEP = re.compile(r"^\| \d+ \| (main|event loop) \| ([\w, ]+) \| `([\w/.]+)` `([\w.]+)` \|", re.MULTILINE)


@pytest.fixture
def one_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CallKaroFanOutCallsOperator:
    """A fan-out over one row of a SQL table, with a SQL ledger and a report."""
    with sqlite3.connect(tmp_path / "warehouse.db") as warehouse:
        warehouse.execute("create table people (phone text, name text)")
        warehouse.execute("insert into people values ('+919876500001', 'Asha')")
    for name, file in (("WAREHOUSE", "warehouse.db"), ("CALL_LEDGER", "ledger.db")):
        connection = {"conn_type": "sqlite", "host": str(tmp_path / file)}
        monkeypatch.setenv(f"AIRFLOW_CONN_{name}", json.dumps(connection))
    return CallKaroFanOutCallsOperator(
        task_id="calls",
        contacts=SqlContacts("select phone as to_number, name from people", conn_id="warehouse"),
        agent_id="6803fa770b666a64ab1694c1e",
        ledger_conn_id="call_ledger",
        ledger_scope="people",
        report_path=str(tmp_path / "report.csv"),
    )


def test_each_step_of_the_page_happens_in_its_order(one_row, monkeypatch) -> None:
    """Called functions are noted in both threads, and the page's steps are looked for among them, one after another."""
    called: list[tuple[str, str, str]] = []
    package = str(ROOT / "airflow_provider_callkaro") + "/"

    def note(frame: FrameType, event: str, _: Any) -> None:
        if event == "call" and frame.f_code.co_filename.startswith(package):
            thread = "event loop" if threading.current_thread().name == "dialler" else "main"
            called.append((thread, frame.f_code.co_filename.removeprefix(package), frame.f_code.co_qualname))

    with Sandbox() as sandbox:
        vendor = {"conn_type": "callkaro", "host": sandbox.url, "password": "sandbox"}
        monkeypatch.setenv("AIRFLOW_CONN_CALLKARO_DEFAULT", json.dumps(vendor))
        before = sys.getprofile()
        threading.setprofile(note)
        sys.setprofile(note)
        try:
            assert one_row.execute(task_context())["accepted"] == 1
        finally:
            sys.setprofile(before)
            threading.setprofile(None)  # type: ignore[arg-type]
    steps = [(thread, file, function) for thread, _, file, function in STEP.findall(PAGE)]
    assert len(steps) == 12
    left = iter(called)
    for step in steps:
        assert step in left, f"{step} did not happen, or not behind the step before it"
