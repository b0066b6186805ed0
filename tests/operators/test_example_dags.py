"""The example DAGs do what the README shows them for, under a real Airflow."""

from __future__ import annotations

import json
import sqlite3
import sys
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import create_engine, text
from stage import Stage

pytestmark = [pytest.mark.airflow, pytest.mark.usefixtures("no_example_logs_a_number")]

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "example_dags"
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
            stage.airflow.wait("nightly_outreach", run, states={"success"})
            summaries.append(stage.airflow.xcom("nightly_outreach", run, "calls"))
        assert [summary["total"] for summary in summaries] == [warehouse, warehouse]
        assert [summary["accepted"] for summary in summaries] == [len(sandbox.rings), 0]
        assert set(sandbox.rings_per_number().values()) == {1}
        assert summaries[1]["reasons"]["already_accepted"] == len(sandbox.rings)


def test_the_outcomes_stand_beside_the_customers_after_one_run_and_after_two(stage: Stage, warehouse: int) -> None:
    outcomes = "select renewal_id, state, reason, call_id, due_on from renewal_calls order by cast(renewal_id as int)"
    found = []
    with stage.vendor("callkaro_default") as sandbox:
        for logical_date in (NIGHT, NIGHT + timedelta(seconds=1)):
            run = stage.airflow.trigger("write_back", logical_date=logical_date)
            stage.airflow.wait("write_back", run, states={"success"})
            with closing(sqlite3.connect(stage.folder / "warehouse.db")) as database:
                found.append(database.execute(outcomes).fetchall())
                phones = dict(database.execute("select cast(id as text), phone from renewals"))
        ids = {ring.call_id: ring.to_number for ring in sandbox.rings}
        assert set(sandbox.rings_per_number().values()) == {1}
    first, second = found
    assert len(first) == warehouse
    assert {row[4] for row in first} == {f"{NIGHT:%Y-%m-%d}"}
    accepted = {row[0]: row[3] for row in first if row[1] == "accepted"}
    assert len(accepted) == len(ids)
    assert all(ids[call_id][-10:] == phones[key].replace(" ", "")[-10:] for key, call_id in accepted.items())
    assert second == first


def test_each_row_is_spoken_to_by_the_agent_that_it_names(stage: Stage) -> None:
    with stage.vendor("callkaro_default") as sandbox:
        run = stage.airflow.trigger("multi_agent_campaign")
        stage.airflow.wait("multi_agent_campaign", run, states={"success"})
        assert {(ring.to_number, ring.agent_id, ring.body["language"]) for ring in sandbox.rings} == {
            ("+919876543210", "agent_sales_id", "hi"),
            ("+919876543211", "agent_support_id", "en"),
        }
        assert all(ring.body["gap_between_retries"] == [30, 120] for ring in sandbox.rings)


def test_a_new_list_starts_the_outreach_by_its_asset_event(stage: Stage) -> None:
    with stage.vendor("callkaro_default") as sandbox:
        export = stage.airflow.trigger("export_callback_requests")
        stage.airflow.wait("export_callback_requests", export, states={"success"})
        (run, *_) = stage.airflow.wait_for_runs("asset_outreach", 1)
        stage.airflow.wait("asset_outreach", run, states={"success"})
        assert sandbox.rings_per_number() == {"+919876543210": 1, "+919876543211": 1}
        assert {ring.metadata["name"] for ring in sandbox.rings} == {"Customer 1", "Customer 2"}


def test_a_single_call_goes_to_whom_the_parameters_name(stage: Stage) -> None:
    with stage.vendor("callkaro_default") as sandbox:
        run = stage.airflow.trigger("single_call", conf={"to_number": "+919876543299", "city": "Pune"})
        stage.airflow.wait("single_call", run, states={"success"})
        (ring,) = sandbox.rings
        assert (ring.to_number, ring.metadata, ring.body["priority"]) == ("+919876543299", {"city": "Pune"}, 1)
        assert stage.airflow.xcom("single_call", run, "call") == ring.call_id


ROUND_THE_WORLD = (
    *("America/New_York", "America/Chicago", "America/Los_Angeles", "Pacific/Honolulu"),
    *("Europe/London", "Asia/Kolkata", "Pacific/Auckland"),  # who travels takes the telephone along
)
BY_NUMBER = "+12125550100"  # New York, and perhaps a mobile: an hour's margin
NOBODYS, MISTYPED = "+12225550100", "+14155550100"


def test_recipients_are_rung_while_it_is_day_where_they_are_and_the_others_wait_without_a_worker(stage: Stage) -> None:
    """At any hour of the day: somewhere it is day, and somewhere it is night."""
    places = {f"+1415555{row:04d}": zone for row, zone in enumerate(2 * ROUND_THE_WORLD, start=200)}
    days = [f"{NIGHT + timedelta(days=later):%Y-%m-%d}" for later in (0, 1)]  # the test may run into the next
    people = [*places.items(), (BY_NUMBER, None), (NOBODYS, None), (MISTYPED, "EST5")]
    make_table(
        stage,
        "create table appointments (id integer primary key, phone, timezone, name, day)",
        "insert into appointments (phone, timezone, name, day) values (?, ?, 'A', ?)",
        [(phone, zone, day) for day in days for phone, zone in people],
    )

    def may_ring(at: datetime) -> set[str]:
        wall = {zone: at.astimezone(ZoneInfo(zone)).hour for zone in ROUND_THE_WORLD}
        guessed = {BY_NUMBER} if 9 <= wall["America/New_York"] < 20 else set()
        return guessed | {phone for phone, zone in places.items() if 8 <= wall[zone] < 21}

    with stage.vendor("callkaro_default", extra=json.dumps({"schedule_timezone": "UTC"})) as sandbox:
        began = datetime.now(UTC)
        run = stage.airflow.trigger("recipient_zones")
        with ended_at_last(stage, "recipient_zones", run):
            stage.airflow.wait_for_task("recipient_zones", run, "calls", states={"deferred"})
            ended = datetime.now(UTC)
            rung = sandbox.rings_per_number()
            log = stage.airflow.log("recipient_zones", run, "calls")

    assert may_ring(began) & may_ring(ended) <= set(rung) <= may_ring(began) | may_ring(ended)
    assert set(rung.values()) == {1}
    assert [ring for ring in sandbox.rings if ring.to_number not in may_ring(ring.received_at)] == []
    waiting = len(places) + 1 - len(rung)
    assert 0 < waiting < len(places) + 1
    assert f"{len(people)} rows: {len(rung)} accepted, 1 rejected, 1 skipped, 0 unknown, {waiting} pending" in log
    minutes = (ended.replace(second=0) + timedelta(minutes=later) for later in range(1, 24 * 60))
    opens = next(minute for minute in minutes if may_ring(minute) - set(rung))
    assert f"{waiting} calls wait until {opens:%Y-%m-%d %H:%M}:00 UTC" in log


def test_a_dag_runs_by_itself_when_its_hours_have_begun_and_is_warned_before_they_close(stage: Stage) -> None:
    now = datetime.now(ZoneInfo("Asia/Kolkata")).replace(second=0, microsecond=0)
    opened, closes = now - timedelta(hours=1), now + timedelta(hours=3)
    people = [f"+9198764{row:05d}" for row in range(5)]
    make_table(
        stage,
        "create table callbacks (id integer primary key, phone, name)",
        "insert into callbacks (phone, name) values (?, 'A')",
        [(phone,) for phone in people],
    )
    example = (EXAMPLES / "at_opening.py").read_text()
    hours = example.replace('"10:00", "19:00", "mon-sat"', f'"{opened:%H:%M}", "{closes:%H:%M}"')
    assert hours != example
    staged = stage.airflow.dags / "at_opening.py"
    without_schedule = staged.read_text()
    with stage.vendor("callkaro_default", extra=json.dumps({"schedule_timezone": "Asia/Kolkata"})) as sandbox:
        stage.airflow.write_dag_file(staged.name, hours)
        try:
            (by_itself,) = stage.airflow.wait_for_runs("at_opening", 1)
            stage.airflow.wait("at_opening", by_itself, states={"success"})
            by_hand = stage.airflow.trigger("at_opening", logical_date=datetime.now(UTC))
            stage.airflow.wait("at_opening", by_hand, states={"success"})
        finally:
            stage.airflow.write_dag_file(staged.name, without_schedule)
        assert sandbox.rings_per_number() == dict.fromkeys(people, 1)
    runs = stage.airflow.runs("at_opening")
    assert {datetime.fromisoformat(each["data_interval_end"]) for each in runs} == {opened}
    engine = create_engine(stage.airflow.database_url)
    with engine.connect() as database:  # Airflow forgets the deadline of a run that is done in time, not the alert
        alerts = database.execute(text("select cast(reference as text), interval from deadline_alert")).all()
    engine.dispose()
    assert [interval["__data__"] for hours, interval in alerts if f"{opened:%H:%M}" in hours] == [-30 * 60]


def test_a_backfill_of_past_days_rings_nobody_until_it_is_told_to_and_then_each_person_once(stage: Stage) -> None:
    people = [f"+9198765{row:05d}" for row in range(5)]
    past = [f"{NIGHT - timedelta(days=back):%Y-%m-%d}" for back in range(3, 12)]
    make_table(
        stage,
        "create table renewals (id integer primary key, phone, name, due_on)",
        "insert into renewals (phone, name, due_on) values (?, 'A', ?)",
        [(phone, day) for day in past for phone in people],
    )
    with stage.vendor("callkaro_default") as sandbox, on_its_schedule(stage, "safe_backfill"):
        skipped = replay(stage, days_ago=(10, 8))
        assert task_states(stage, skipped) == ["skipped"] * 3
        assert "nobody is rung" in stage.airflow.log("safe_backfill", skipped[0], "calls")
        assert sandbox.rings == []

        dialled = replay(stage, days_ago=(7, 3), conf={"stale_runs": "dial"})
        assert task_states(stage, dialled) == ["success"] * 5
        summaries = [stage.airflow.xcom("safe_backfill", run, "calls") for run in dialled]
        assert sandbox.rings_per_number() == dict.fromkeys(people, 1)
        assert [summary["total"] for summary in summaries] == [5] * 5
        assert sum(summary["accepted"] for summary in summaries) == 5
        assert sum(summary["skipped"] for summary in summaries) == 20


@contextmanager
def on_its_schedule(stage: Stage, dag_id: str) -> Iterator[None]:
    """The example as it stands in the repository: Airflow replays only a DAG that has a schedule."""
    staged = stage.airflow.dags / f"{dag_id}.py"
    without_schedule = staged.read_text()
    stage.airflow.add_dag_file(EXAMPLES / staged.name)
    try:
        stage.airflow.wait_until_parsed(dag_id)
        (latest,) = stage.airflow.wait_for_runs(dag_id, 1)  # of last night; nobody was due
        stage.airflow.wait(dag_id, latest, states={"success"})
        yield
    finally:
        stage.airflow.write_dag_file(staged.name, without_schedule)


def replay(stage: Stage, *, days_ago: tuple[int, int], conf: dict[str, Any] | None = None) -> list[str]:
    """Backfill some days, wait until Airflow says that it is done, and name its runs."""
    first, last = (NIGHT - timedelta(days=back) for back in days_ago)
    wanted = {f"{first + timedelta(days=later):%Y-%m-%d}" for later in range((last - first).days + 1)}
    stage.airflow.backfill("safe_backfill", first, last + timedelta(hours=12), conf=conf)

    def look() -> bool | None:
        backfills = stage.airflow.rest.get("backfills", dag_id="safe_backfill")["backfills"]
        return True if all(backfill["completed_at"] for backfill in backfills) else None

    stage.airflow.until("the backfill to be done", look)
    runs = [run for run in stage.airflow.runs("safe_backfill") if run["run_type"] == "backfill"]
    return [run["dag_run_id"] for run in runs if run["logical_date"][:10] in wanted]


def task_states(stage: Stage, runs: Iterable[str]) -> list[str]:
    return [stage.airflow.task("safe_backfill", run, "calls")["state"] for run in runs]


@contextmanager
def ended_at_last(stage: Stage, dag_id: str, run: str) -> Iterator[None]:
    """A task that sleeps would wake while another test listens where it dials."""
    try:
        yield
    finally:
        stage.airflow.set_task_state(dag_id, run, "calls", "failed")
        stage.airflow.wait(dag_id, run)


def make_table(stage: Stage, create: str, insert: str, rows: list[tuple[Any, ...]]) -> None:
    """A warehouse of this test's own."""
    path = stage.folder / "warehouse.db"
    path.unlink(missing_ok=True)
    with closing(sqlite3.connect(path)) as database, database:
        database.execute(create)
        database.executemany(insert, rows)
