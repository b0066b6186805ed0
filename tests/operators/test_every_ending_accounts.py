"""However a run ends, it settles, counts, says so in the log and leaves a summary; then it reports."""

from __future__ import annotations

import csv
import threading
from datetime import UTC, datetime, timedelta

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException, AirflowSkipException
from airflow_task_state import TaskStateInMemory
from fanning_out import connect, context_of, fan_out, people

from airflow_provider_callkaro.calls import CallingPolicy, ScheduleWindow
from airflow_provider_callkaro.exceptions import ConfigurationError, RunIncomplete
from airflow_provider_callkaro.operators.callkaro import CallKaroFanOutCallsOperator

OUTCOMES = ("accepted", "rejected", "skipped", "unknown", "pending")


@pytest.fixture(autouse=True)
def _connected(sandbox, monkeypatch, tmp_path):
    connect(sandbox, monkeypatch, tmp_path)


@pytest.fixture
def context():
    return context_of(store=TaskStateInMemory())


def summary_of(context):
    summary = context["ti"].xcoms["return_value"]
    assert sum(summary[outcome] for outcome in OUTCOMES) == summary["total"]
    return summary


class BrokenSource:
    """A source that breaks off in the middle, as a warehouse that goes away does."""

    template_fields = ()

    def __init__(self, rows, *, total=None):
        self._rows, self._total = rows, total

    def rows(self, context):
        yield from self._rows
        raise RuntimeError("the warehouse has gone")

    def total(self, context):
        return self._total


@pytest.mark.parametrize(
    "place", ["/proc/nobody/report.csv", "s3://outreach/2026.csv", "file:///proc/nobody/report.csv"]
)
def test_a_report_place_that_cannot_be_is_found_out_before_anybody_is_rung(sandbox, context, place):
    with pytest.raises(ConfigurationError, match="report_path"):
        fan_out(context, report_path=place)
    assert sandbox.requests == []


def test_a_source_that_breaks_off_leaves_counts_and_a_report(sandbox, context, tmp_path, capsys):
    report = tmp_path / "report.csv"
    with pytest.raises(RuntimeError, match="the warehouse has gone"):
        fan_out(context, contacts=BrokenSource(people(30), total=50), report_path=str(report))
    summary = summary_of(context)
    assert (summary["total"], summary["accepted"]) == (50, len(sandbox.rings))
    assert summary["reasons"]["unread"] == 20
    assert f"{summary['accepted']} accepted" in capsys.readouterr().out
    with report.open() as lines:
        assert len(list(csv.DictReader(lines))) == 30
    assert set(sandbox.rings_per_number().values()) == {1}


def test_a_summary_that_airflow_does_not_take_does_not_cost_the_report(sandbox, context, tmp_path):
    def push(key, value):
        raise ConnectionError("the API server is away")

    context["ti"].xcom_push = push
    assert fan_out(context, report_path=str(tmp_path / "report.csv"))["accepted"] == 5
    assert (tmp_path / "report.csv").read_text().count("accepted") == 5


def test_rows_that_nobody_can_count_are_named_as_unread(sandbox, context):
    with pytest.raises(RuntimeError, match="the warehouse has gone"):
        fan_out(context, contacts=BrokenSource(people(30)))
    summary = summary_of(context)
    assert (summary["total"], summary["unread"]) == (30, True)


def test_a_retry_goes_on_where_the_source_broke_off(sandbox, context):
    with pytest.raises(RuntimeError):
        fan_out(context, contacts=BrokenSource(people(30)))
    retried = fan_out({**context}, contacts=people(50))
    assert retried["accepted"] == 50
    assert "unread" not in retried
    assert sandbox.rings_per_number() == {person["to_number"]: 1 for person in people(50)}


def test_progress_that_cannot_be_written_ends_no_run(sandbox, monkeypatch):
    class Store(TaskStateInMemory):
        def set(self, key, value, *, retention=None):
            if key == "progress":
                raise RuntimeError("502 Bad Gateway from the API server")
            super().set(key, value)

    monkeypatch.setattr("airflow_provider_callkaro.dispatch.progress.INTERVAL", 0.0)
    assert fan_out(context_of(store=Store()), contacts=people(50), max_concurrency=4)["accepted"] == 50


def test_a_stop_while_the_task_naps_is_not_forgotten(sandbox, context):
    opens = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=4)
    policy = CallingPolicy(
        timezone="UTC", windows=ScheduleWindow(f"{opens:%H:%M:%S}", f"{opens + timedelta(hours=1):%H:%M:%S}")
    )
    operator = CallKaroFanOutCallsOperator(task_id="calls", contacts=people(5), agent_id="asha", policy=policy)
    napping, push = threading.Event(), context["ti"].xcom_push
    context["ti"].xcom_push = lambda key, value: (push(key, value), napping.set())  # the account before the nap
    hand = threading.Thread(target=lambda: (napping.wait(30), operator.on_kill()))
    hand.start()
    with pytest.raises(RunIncomplete, match="Airflow ended the task"):
        operator.execute(context)
    hand.join()
    assert sandbox.rings == []
    assert summary_of(context)["pending"] == 5


def test_a_stop_before_the_first_call_is_not_forgotten(sandbox, context):
    """The suppression list takes its time, and meanwhile the task is marked as failed."""

    def nobody():
        operator.on_kill()
        return []

    policy = CallingPolicy(timezone="UTC", suppress=nobody)
    operator = CallKaroFanOutCallsOperator(task_id="calls", contacts=people(5), agent_id="asha", policy=policy)
    with pytest.raises(RunIncomplete, match="Airflow ended the task"):
        operator.execute(context)
    assert sandbox.rings == []
    assert summary_of(context)["pending"] == 5


def test_one_closed_recipient_denies_nobody_the_retry(sandbox, context):
    """The vendor could not be reached for one, and the other's hours are closed: the retry is for the first."""
    now = datetime.now(UTC)
    policy = CallingPolicy(
        timezone="recipient",
        windows=ScheduleWindow(f"{now - timedelta(hours=1):%H:%M}", f"{now + timedelta(hours=1):%H:%M}"),
    )
    contacts = [{**person, "timezone": zone} for person, zone in zip(people(2), ("UTC", "Asia/Tokyo"), strict=True)]
    sandbox.stop()
    with pytest.raises(RunIncomplete):
        fan_out(context, contacts=contacts, policy=policy, when_closed="stop", max_concurrency=1)
    assert summary_of(context)["reasons"] == {"not_sent": 1, "window_closed": 1}
    sandbox.start()
    with pytest.raises(AirflowSkipException):
        fan_out(context, contacts=contacts, policy=policy, when_closed="stop", soft_fail=True)
    assert summary_of(context)["accepted"] == 1


def test_a_dead_night_is_not_green(sandbox, context, capsys):
    with pytest.raises(AirflowFailException, match="none of 4 rows was accepted"):
        fan_out(context, contacts=[{"to_number": "12"} for _ in range(4)])
    assert summary_of(context)["rejected"] == 4
    warned = fan_out(context_of(store=TaskStateInMemory()), contacts=[{"to_number": "12"}], on_none_accepted="warn")
    assert warned["rejected"] == 1
    assert "none of 1 rows was accepted (bad_number 1)" in capsys.readouterr().out


def test_a_list_that_has_been_rung_before_is_no_dead_night(sandbox):
    interval = {"start": datetime(2026, 1, 1, tzinfo=UTC), "end": datetime.now(UTC)}
    for run_id in ("scheduled__1", "scheduled__2"):
        result = fan_out(context_of(run_id, **interval), ledger_conn_id="call_ledger")
    assert (result["accepted"], result["skipped"]) == (0, 5)


def test_an_empty_list_says_so_and_fails_where_rows_were_expected(sandbox, context, capsys):
    assert fan_out(context, contacts=[])["total"] == 0
    assert "The list is empty" in capsys.readouterr().out
    with pytest.raises(AirflowFailException, match="0 rows, fewer than min_rows=1"):
        fan_out(context, contacts=[], min_rows=1)
    with pytest.raises(AirflowFailException, match="5 rows, fewer than min_rows=100"):
        fan_out(context, contacts=people(5), min_rows=100)
    assert sandbox.rings == []


def test_the_parts_of_a_list_are_not_taken_for_short_lists(sandbox):
    """`min_rows` is about the list, of which a part has fewer rows."""
    for index in range(3):
        fan_out(
            context_of(map_index=index, store=TaskStateInMemory()), contacts=people(60), shard=(index, 3), min_rows=50
        )
    assert len(sandbox.rings) == 60
    with pytest.raises(AirflowFailException, match="60 rows, fewer than min_rows=100"):
        fan_out(context_of(store=TaskStateInMemory()), contacts=people(60), shard=(0, 3), min_rows=100)
    assert len(sandbox.rings) == 60


def test_a_wrong_campaign_condemns_nobody(sandbox, context):
    """All are refused alike: the list is not burnt, and the mended run rings everybody."""
    with pytest.raises(AirflowFailException):
        fan_out(context, contacts=people(200), batch_id="no such campaign")
    summary = summary_of(context)
    assert (summary["rejected"], summary["pending"]) == (0, 200)
    assert len(sandbox.requests) <= 100
    assert fan_out(context, contacts=people(200))["accepted"] == 200


def test_the_soft_deadline_lies_before_airflows_own(sandbox, context):
    """A nap inside the worker does not set it anew: Airflow's timeout counts from the start of the task."""
    opens = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=3)
    policy = CallingPolicy(
        timezone="UTC", windows=ScheduleWindow(f"{opens:%H:%M:%S}", f"{opens + timedelta(hours=1):%H:%M:%S}")
    )
    operator = CallKaroFanOutCallsOperator(
        task_id="calls",
        contacts=people(400),
        agent_id="asha",
        policy=policy,
        calls_per_second=50,
        execution_timeout=timedelta(seconds=8),
    )
    began = datetime.now(UTC)
    with pytest.raises(RunIncomplete, match="execution_timeout is near"):
        operator.execute(context)
    assert max(ring.received_at for ring in sandbox.rings) - began < timedelta(seconds=8)
