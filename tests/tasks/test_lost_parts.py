"""What Airflow hands on of parts that failed or were skipped never adds up to a whole list."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from real_airflow import DagResult, dag_test

from airflow_provider_callkaro.sandbox import Sandbox

pytestmark = pytest.mark.airflow

DAGS = Path(__file__).parent / "dags"
PEOPLE = 30

Run = Callable[[str], DagResult]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Runs one of the DAGs over a list of its own."""
    lines = [json.dumps({"to_number": f"+9198765{row:05d}"}) for row in range(PEOPLE)]
    (tmp_path / "people.jsonl").write_text("\n".join(lines))

    def run_dag(dag_id: str) -> DagResult:
        with Sandbox() as sandbox:
            vendor = {**json.loads(sandbox.airflow_connection), "extra": {"schedule_timezone": "UTC"}}
            ledger = {"conn_type": "sqlite", "host": str(tmp_path / "ledger.db")}
            environment = {
                "AIRFLOW_CONN_CALLKARO_DEFAULT": json.dumps(vendor),
                "AIRFLOW_CONN_CALL_LEDGER": json.dumps(ledger),
                "AIRFLOW_VAR_REPORTS": str(tmp_path),
            }
            home = tmp_path / "home"
            result = dag_test(DAGS / "lost_parts.py", dag_id, home=home, environment=environment)
            assert set(sandbox.rings_per_number().values()) <= {1}
        return result

    return run_dag


def lines_of(path: Path) -> int:
    return len(path.read_text().splitlines())


def test_a_part_that_failed_is_missed_by_whatever_adds_up(run: Run, tmp_path: Path) -> None:
    result = run("lost_part")
    assert [result.task("calls", map_index=index).state for index in range(3)] == ["success", "failed", "success"]
    called = sum(result.xcom("calls", map_index=index)["total"] for index in (0, 2))
    assert 0 < called < PEOPLE

    assert result.task("usual_calls").state == "upstream_failed"
    assert not (tmp_path / "usual.jsonl").exists()

    assert result.task("strict_calls").state == "failed"
    strict = result.xcom("strict_calls")
    assert (strict["total"], strict["shards"], strict["missing"], strict["unread"]) == (called, 3, 1, True)
    assert not (tmp_path / "strict.jsonl").exists()

    assert result.task("lenient_calls").state == "success"
    assert result.xcom("lenient_calls") == {**strict, "report": str(tmp_path / "lenient.jsonl")}
    assert lines_of(tmp_path / "lenient.jsonl") == called


def test_parts_that_were_skipped_leave_their_rows_pending(run: Run, tmp_path: Path) -> None:
    result = run("skipped_parts")
    assert [result.task("calls", map_index=index).state for index in range(3)] == ["skipped"] * 3
    assert result.task("usual_calls").state == "skipped"
    assert result.task("strict_calls").state == "failed"
    strict = result.xcom("strict_calls")
    assert (strict["total"], strict["pending"], strict["missing"]) == (PEOPLE, PEOPLE, 0)
    assert lines_of(tmp_path / "strict.jsonl") == PEOPLE
