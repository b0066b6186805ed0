"""The example DAGs do what the README shows them for, under a real Airflow."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from stage import Stage

pytestmark = pytest.mark.airflow

ROOT = Path(__file__).parents[2]
NIGHT = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


@pytest.fixture
def warehouse(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> int:
    """The demo's warehouse, where the nightly DAG looks for it; how many customers it has."""
    monkeypatch.setattr(sys, "path", [str(ROOT), *sys.path])
    from example_dags.demo.warehouse import CUSTOMERS, make_warehouse

    path = stage.folder / "warehouse.db"
    path.unlink(missing_ok=True)
    make_warehouse(path, due_on=f"{NIGHT:%Y-%m-%d}")
    return CUSTOMERS


def test_nightly_outreach_calls_the_warehouse_once_and_never_again(stage: Stage, warehouse: int) -> None:
    summaries = []
    with stage.vendor("callkaro_default") as sandbox:
        for logical_date in (NIGHT, NIGHT + timedelta(seconds=1)):  # the night's run, and one by hand
            run = stage.airflow.trigger("nightly_outreach", logical_date=logical_date)
            stage.airflow.wait("nightly_outreach", run, states={"success"}, timeout=120)
            summaries.append(stage.airflow.xcom("nightly_outreach", run, "calls"))
        assert [summary["total"] for summary in summaries] == [warehouse, warehouse]
        assert [summary["accepted"] for summary in summaries] == [len(sandbox.rings), 0]
        assert set(sandbox.rings_per_number().values()) == {1}
        assert summaries[1]["reasons"]["already_accepted"] == len(sandbox.rings)


def test_each_row_is_spoken_to_by_the_agent_that_it_names(stage: Stage) -> None:
    with stage.vendor("callkaro_default") as sandbox:
        run = stage.airflow.trigger("multi_agent_campaign")
        stage.airflow.wait("multi_agent_campaign", run, states={"success"}, timeout=120)
        assert {(ring.to_number, ring.agent_id, ring.body["language"]) for ring in sandbox.rings} == {
            ("+919876543210", "agent_sales_id", "hi"),
            ("+919876543211", "agent_support_id", "en"),
        }
        assert all(ring.body["gap_between_retries"] == [30, 120] for ring in sandbox.rings)


def test_a_new_list_starts_the_outreach_by_its_asset_event(stage: Stage) -> None:
    with stage.vendor("callkaro_default") as sandbox:
        export = stage.airflow.trigger("export_callback_requests")
        stage.airflow.wait("export_callback_requests", export, states={"success"}, timeout=120)
        (run, *_) = stage.airflow.wait_for_runs("asset_outreach", 1)
        stage.airflow.wait("asset_outreach", run, states={"success"}, timeout=120)
        assert sandbox.rings_per_number() == {"+919876543210": 1, "+919876543211": 1}
        assert {ring.metadata["name"] for ring in sandbox.rings} == {"Customer 1", "Customer 2"}


def test_a_single_call_goes_to_whom_the_parameters_name(stage: Stage) -> None:
    with stage.vendor("callkaro_default") as sandbox:
        run = stage.airflow.trigger("single_call", conf={"to_number": "+919876543299", "city": "Pune"})
        stage.airflow.wait("single_call", run, states={"success"}, timeout=120)
        (ring,) = sandbox.rings
        assert (ring.to_number, ring.metadata, ring.body["priority"]) == ("+919876543299", {"city": "Pune"}, 1)
        assert stage.airflow.xcom("single_call", run, "call") == ring.call_id
