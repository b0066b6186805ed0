"""A run decides once who it is: in which scopes it claims, when it was due, whether that was long past."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException, AirflowSkipException
from task_context import task_context

from airflow_provider_callkaro.exceptions import ConfigurationError
from airflow_provider_callkaro.ledger.memory import MemoryRunRecords, MemoryStore
from airflow_provider_callkaro.ledger.run_record import RunRecord
from airflow_provider_callkaro.sources.inline import RowContacts
from airflow_provider_callkaro.tasks.identity import default_scope, identify, replayed_scope, run_name
from airflow_provider_callkaro.tasks.settings import ListSettings

NOW = datetime.now(UTC)
TASK = "outreach/calls"


def settings(**choices: Any) -> ListSettings:
    return ListSettings(contacts=RowContacts([]), **choices)


def records(run: str = "monday", store: MemoryStore | None = None) -> MemoryRunRecords:
    return MemoryRunRecords(run=run, store=store or MemoryStore())


def due(ago: timedelta, *, run_id: str = "scheduled__1", length: timedelta = timedelta(days=1)) -> dict[str, Any]:
    """The context of a run that was due so long ago."""
    end = NOW - ago
    interval = {"data_interval_start": end - length, "data_interval_end": end}
    return {
        **task_context(run_id=run_id),
        **interval,
        "dag_run": SimpleNamespace(run_id=run_id, run_after=end, **interval),
    }


def by_hand(run_id: str = "manual__1", **run: Any) -> dict[str, Any]:
    """The context of a run that has no data interval."""
    nothing = {"data_interval_start": None, "data_interval_end": None}
    return {
        **task_context(run_id=run_id),
        **nothing,
        "dag_run": SimpleNamespace(run_id=run_id, run_after=NOW, **nothing, **run),
    }


FRESH, LONG_PAST = due(timedelta(hours=1)), due(timedelta(days=3))


def test_a_run_that_wakes_up_is_who_it_was_although_it_would_be_long_past_by_now():
    """It began on Saturday and wakes up on Monday: in another scope it would ring everybody again."""
    kept = records()
    began = identify(FRESH, settings=settings(stale_runs="dial"), records=kept)
    woken = identify(LONG_PAST, settings=settings(stale_runs="dial"), records=kept, resumed=True)
    retried = identify(LONG_PAST, settings=settings(stale_runs="dial"), records=kept)
    assert began == woken == retried
    assert (woken.is_stale, len(woken.scopes)) == (False, 1)
    assert woken.due == FRESH["data_interval_end"]


def test_the_retry_of_a_run_that_began_in_time_goes_on_although_it_would_be_long_past_by_now():
    kept = records()
    began = identify(FRESH, settings=settings(), records=kept)
    assert identify(LONG_PAST, settings=settings(), records=kept) == began


def test_a_retry_keeps_the_scope_that_it_had_when_its_template_renders_to_another_now():
    """The one that it is told now blocks beside it: somebody may have been rung in either."""
    kept = records()
    began = identify(FRESH, settings=settings(ledger_scope="renewals 2026-11-21"), records=kept)
    retried = identify(FRESH, settings=settings(ledger_scope="renewals 2026-11-22"), records=kept)
    assert began.scopes == ("renewals 2026-11-21",)
    assert retried.scopes == ("renewals 2026-11-21", "renewals 2026-11-22")
    kept_as_it_was = kept.find()
    assert kept_as_it_was is not None
    assert kept_as_it_was.scopes == began.scopes


def test_of_two_tries_that_begin_at_once_both_are_the_run_that_came_first():
    first = RunRecord(scopes=("first",), due=NOW)

    class Racing(MemoryRunRecords):
        """The other try writes its record between our look and our writing."""

        def begin(self, proposed: RunRecord) -> RunRecord:
            super().begin(first)
            return super().begin(proposed)

    assert identify(FRESH, settings=settings(), records=Racing(run="monday", store=MemoryStore())) is first


def test_a_run_that_naps_without_a_record_is_not_taken_for_a_late_one():
    record = identify(LONG_PAST, settings=settings(), records=records(), resumed=True)
    assert not record.is_stale


@pytest.mark.parametrize(("choice", "ends"), [("skip", AirflowSkipException), ("fail", AirflowFailException)])
def test_a_run_that_is_long_past_at_its_first_start_leaves_no_record(choice, ends):
    kept = records()
    with pytest.raises(ends, match="more than stale_after allows"):
        identify(LONG_PAST, settings=settings(stale_runs=choice), records=kept)
    assert kept.find() is None


def test_a_run_that_is_long_past_claims_in_the_scope_of_its_interval_too():
    record = identify(LONG_PAST, settings=settings(stale_runs="dial"), records=records())
    own, *others = record.scopes
    assert own == identify(LONG_PAST, settings=settings(), records=records("other"), resumed=True).scopes[0]
    assert (others, record.is_stale) == ([f"{TASK}@replayed"], True)
    assert replayed_scope(LONG_PAST) == f"{TASK}@replayed"


def test_a_run_that_began_long_past_is_refused_when_its_author_has_thought_better_of_it():
    kept = records()
    identify(LONG_PAST, settings=settings(stale_runs="dial"), records=kept)
    with pytest.raises(AirflowSkipException):
        identify(LONG_PAST, settings=settings(), records=kept)


def test_a_named_scope_is_the_only_one():
    asked = settings(ledger_scope="renewals", ledger_conn_id="ledger", stale_runs="dial")
    for context in (FRESH, LONG_PAST, by_hand()):
        assert identify(context, settings=asked, records=records()).scopes == ("renewals",)


def test_a_rehearsal_leaves_no_record():
    kept = records()
    assert identify(FRESH, settings=settings(dry_run=True), records=kept).scopes
    assert kept.find() is None


def test_a_list_is_not_cut_anew_where_each_part_remembers_only_itself():
    kept = records()
    identify(FRESH, settings=settings(shard=(0, 2)), records=kept)
    message = "part 0 of 2 when this run first started and is part 0 of 3 now"
    with pytest.raises(ConfigurationError, match=message):
        identify(FRESH, settings=settings(shard=(0, 3)), records=kept)
    with pytest.raises(ConfigurationError, match="is the whole list now"):
        identify(FRESH, settings=settings(), records=kept)
    shared = settings(shard=(0, 3), ledger_conn_id="ledger")
    assert identify(FRESH, settings=shared, records=kept).shard == (0, 2)


class TestDefaultScope:
    def test_runs_of_one_interval_share_it_and_others_do_not(self):
        scheduled, again = due(timedelta(0)), due(timedelta(0), run_id="manual__2")
        assert default_scope(scheduled, over_runs=True) == default_scope(again, over_runs=True)
        assert default_scope(scheduled, over_runs=True) != default_scope(due(timedelta(days=1)), over_runs=True)

    @pytest.mark.parametrize("context", [by_hand(), due(timedelta(0), run_id="manual__1", length=timedelta(0))])
    def test_a_run_without_an_interval_must_be_told_where_the_ledger_remembers_over_runs(self, context):
        with pytest.raises(ConfigurationError, match="set ledger_scope on the task"):
            default_scope(context, over_runs=True)
        assert default_scope(context, over_runs=False) == f"{TASK}@manual__1"

    @pytest.mark.parametrize("run_id", ["scheduled__1", "backfill__1"])
    def test_a_scheduled_run_has_its_moment_to_itself(self, run_id):
        moment = due(timedelta(0), run_id=run_id, length=timedelta(0))
        assert default_scope(moment, over_runs=True).startswith(f"{TASK}@{NOW.date()}")

    def test_what_airflow_says_of_the_run_counts_more_than_its_name(self):
        moment = due(timedelta(0), run_id="scheduled__by_hand", length=timedelta(0))
        moment["dag_run"].run_type = "manual"
        with pytest.raises(ConfigurationError):
            default_scope(moment, over_runs=True)


def test_the_tries_of_one_run_have_one_name_and_its_mapped_tasks_have_several():
    first, second = task_context(run_id="r", try_number=1), task_context(run_id="r", try_number=2)
    assert run_name(first) == run_name(second) == f"outreach/r/calls/{first['ti'].map_index}"
    second["ti"].map_index = 3
    assert run_name(second) == "outreach/r/calls/3"
