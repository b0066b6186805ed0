"""A list with one value that cannot be read, dialled through the operator: all others ring, and the counts add up."""

from __future__ import annotations

from pathlib import Path

import pytest
from airflow_task_state import TaskStateInMemory, needs_task_state
from task_context import task_context

from airflow_provider_callkaro.operators.callkaro import CallKaroFanOutCallsOperator
from airflow_provider_callkaro.sandbox import Sandbox
from airflow_provider_callkaro.sources import FileContacts

pyarrow = pytest.importorskip("pyarrow")


@needs_task_state
def test_everybody_but_the_row_that_cannot_be_read_is_rung_once_over_two_tries(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pyarrow import parquet

    path, report = tmp_path / "contacts.parquet", tmp_path / "report.csv"
    numbers = [f"+9198765{place:05d}" for place in range(1_200)]
    due = pyarrow.array([253_402_300_800_000 if place == 700 else 0 for place in range(1_200)], pyarrow.timestamp("ms"))
    parquet.write_table(pyarrow.table({"to_number": numbers, "due": due}), path)
    state = TaskStateInMemory()
    with Sandbox() as sandbox:
        monkeypatch.setenv("AIRFLOW_CONN_CALLKARO_DEFAULT", sandbox.airflow_connection)
        for attempt in (1, 2):
            summary = CallKaroFanOutCallsOperator(
                task_id="calls", contacts=FileContacts(path), agent_id="asha", report_path=str(report)
            ).execute(task_context(store=state, try_number=attempt))
            assert (summary["total"], summary["accepted"], summary["rejected"]) == (1_200, 1_199, 1)
            assert summary["reasons"] == {"not_a_row": 1}
            said = "701,rejected,not_a_row,,the row cannot be read: its line is broken or a value of it is none that"
            assert said in report.read_text()
        assert sandbox.rings_per_number() == dict.fromkeys(numbers[:700] + numbers[701:], 1)
