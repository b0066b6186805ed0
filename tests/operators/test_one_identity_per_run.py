"""A run knows once and for all who it is: no nap, no retry, no clear and no other run of its list rings twice."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest
from airflow.providers.common.compat.sdk import AirflowSkipException
from airflow_task_state import TaskStateInMemory
from fanning_out import connect, context_of, fan_out, people

from airflow_provider_callkaro.exceptions import ConfigurationError, LedgerRequired, RunIncomplete
from airflow_provider_callkaro.operators.callkaro import (
    CallKaroFanOutCallsOperator,
    CallKaroOutboundCallOperator,
    CallKaroPreflightOperator,
)

NOW = datetime.now(UTC)
LEDGER = {"ledger_conn_id": "call_ledger"}


@pytest.fixture(autouse=True)
def _connected(sandbox, monkeypatch, tmp_path):
    connect(sandbox, monkeypatch, tmp_path)


def days_ago(days: float) -> datetime:
    return NOW - timedelta(days=days)


def rings(sandbox) -> set[int]:
    return set(sandbox.rings_per_number().values())


def test_a_run_that_began_in_time_and_one_of_the_same_interval_that_begins_late_ring_nobody_twice(sandbox):
    """Whichever of the two comes to a person first: the late one claims in the scope of the interval too."""
    week = {"start": days_ago(9), "end": days_ago(2)}
    in_time = {**LEDGER, "stale_runs": "dial", "stale_after": timedelta(days=3)}
    first = fan_out(context_of("manual__w47", **week), **in_time)
    late = fan_out(context_of("scheduled__w47", **week), **LEDGER, contacts=people(8), stale_runs="dial")
    again = fan_out(context_of("manual__w47", try_number=2, **week), **in_time, contacts=people(10))
    assert (first["accepted"], late["accepted"], late["skipped"]) == (5, 3, 5)
    assert (again["accepted"], again["skipped"]) == (7, 3)  # five of them in the first try
    assert rings(sandbox) == {1}


def test_a_cleared_run_stays_in_the_scope_in_which_it_began_and_says_so(sandbox, caplog):
    """Somebody names another scope and clears the task, to ring the same people again: that takes a new run."""
    for scope, attempt in (("november", 1), ("november, once more", 2)):
        fan_out(context_of("manual__1", try_number=attempt), **LEDGER, ledger_scope=scope)
    assert rings(sandbox) == {1}
    assert "ledger_scope is november, once more now, but this run began in november and stays there" in caplog.text
    fan_out(context_of("manual__2"), **LEDGER, ledger_scope="november, once more")
    assert rings(sandbox) == {2}


def test_a_run_that_only_waits_keeps_its_own_scope(sandbox):
    """Friday's list goes on on Monday; next month's list of the same people is another one."""
    for run_id, days in (("scheduled__october", 2.5), ("scheduled__november", 2.4)):
        friday = context_of(run_id, start=days_ago(days + 1), end=days_ago(days))
        operator = CallKaroFanOutCallsOperator(task_id="calls", contacts=people(5), agent_id="asha", **LEDGER)
        assert operator.go_on(friday)["accepted"] == 5
    assert set(sandbox.rings_per_number().values()) == {2}  # once for each list


def test_the_retry_of_a_run_that_waited_goes_on_with_it(sandbox):
    friday = {"start": days_ago(3), "end": days_ago(2)}
    sandbox.stop()  # the vendor cannot be reached
    with pytest.raises(RunIncomplete):
        fan_out(context_of("scheduled__friday", **friday), **LEDGER, contacts=people(1), stale_after=timedelta(days=5))
    sandbox.start()
    retried = fan_out(context_of("scheduled__friday", try_number=2, **friday), **LEDGER, contacts=people(1))
    assert retried["accepted"] == 1


def test_a_run_that_is_long_past_when_it_first_starts_rings_nobody(sandbox):
    with pytest.raises(AirflowSkipException, match="more than stale_after allows"):
        fan_out(context_of("scheduled__friday", start=days_ago(3), end=days_ago(2)), **LEDGER)
    assert sandbox.rings == []


def test_a_rehearsal_is_told_what_the_run_behind_it_would_be_told(sandbox):
    """A preflight that passes where the calls are refused after it is worth nothing."""
    context = context_of("manual__1", start=NOW, end=NOW)
    preflight = CallKaroPreflightOperator(task_id="preflight", contacts=people(3), agent_id="asha", **LEDGER)
    with pytest.raises(ConfigurationError, match="set ledger_scope on the task"):
        preflight.execute(context)
    with pytest.raises(ConfigurationError, match="set ledger_scope on the task"):
        fan_out(context, **LEDGER, dry_run=True)


@pytest.mark.parametrize("how", ["no interval", "an interval of no length"])
def test_a_run_by_hand_is_told_to_name_its_scope_where_the_ledger_remembers_over_runs(sandbox, how):
    """Triggered once more by whoever is on call, it would ring everybody again."""
    context = context_of("manual__1", start=NOW, end=NOW)
    if how == "no interval":
        context["data_interval_start"] = context["data_interval_end"] = None
    with pytest.raises(ConfigurationError, match="set ledger_scope on the task"):
        fan_out(context, **LEDGER)
    assert sandbox.rings == []
    for run_id in ("manual__1", "manual__2"):
        fan_out(context_of(run_id, start=NOW, end=NOW), **LEDGER, ledger_scope="winter renewals")
    assert sandbox.rings_per_number() == {person["to_number"]: 1 for person in people(5)}


def test_a_scope_that_a_run_is_told_after_its_first_start_blocks_as_well(sandbox):
    """Its first try named another one, was corrected and cleared; meanwhile another run has rung the same people."""
    this, other = context_of("scheduled__1"), context_of("scheduled__2", start=days_ago(2), end=days_ago(0.5))
    sandbox.stop()
    with pytest.raises(RunIncomplete):
        fan_out(this, **LEDGER, ledger_scope="misspelt", contacts=people(1))
    sandbox.start()
    fan_out(other, **LEDGER, ledger_scope="winter renewals")
    this["ti"].try_number = 2
    retried = fan_out(this, **LEDGER, ledger_scope="winter renewals", contacts=people(8))
    assert (retried["accepted"], retried["skipped"]) == (3, 5)
    assert rings(sandbox) == {1}


def begun_by_an_earlier_version(tmp_path, context, *, scope):
    """Ring five people in the scope that an earlier version gave the run, which kept no records of runs."""
    fan_out(context, **LEDGER, ledger_scope=scope, stale_runs="dial")
    with closing(sqlite3.connect(tmp_path / "ledger.db")) as ledger:
        ledger.execute("DROP TABLE voice_call_runs")


@pytest.mark.parametrize("how", ["no interval", "an interval of no length"])
def test_a_run_by_hand_that_an_earlier_version_began_goes_on_in_the_scope_that_it_is_told_now(sandbox, tmp_path, how):
    begun = context_of("manual__1", start=NOW, end=NOW)
    scope = f"outreach/calls@{NOW.isoformat()}/{NOW.isoformat()}"
    if how == "no interval":
        begun["data_interval_start"] = begun["data_interval_end"] = None
        scope = "outreach/calls@manual__1"
    begun_by_an_earlier_version(tmp_path, begun, scope=scope)
    begun["ti"].try_number = 2
    retried = fan_out(begun, **LEDGER, ledger_scope="winter renewals", contacts=people(8))
    assert retried["accepted"] == 8
    assert rings(sandbox) == {1}


def test_a_backfill_that_an_earlier_version_began_wakes_from_its_nap_among_those_it_has_rung(sandbox, tmp_path):
    last_month = context_of("backfill__1", start=days_ago(31), end=days_ago(30))
    begun_by_an_earlier_version(tmp_path, last_month, scope="outreach/calls@replayed")
    operator = CallKaroFanOutCallsOperator(
        task_id="calls", contacts=people(8), agent_id="asha", stale_runs="dial", **LEDGER
    )
    assert operator.go_on(last_month)["accepted"] == 8
    assert rings(sandbox) == {1}


def test_a_scheduled_run_has_its_moment_to_itself_under_any_timetable(sandbox):
    """Airflow's default timetable for cron texts gives scheduled runs an interval of no length."""
    for run_id in ("scheduled__1", "backfill__1"):
        fan_out(context_of(run_id, start=NOW, end=NOW), **LEDGER)
    assert rings(sandbox) == {1}


def test_mapped_tasks_ring_nobody_twice_from_memories_of_their_own(sandbox):
    """Chunks overlap, or come in another order after a clear: each map_index remembers its own calls alone."""
    with pytest.raises(LedgerRequired, match="map over shard"):
        fan_out(context_of(map_index=0, store=TaskStateInMemory()))
    assert sandbox.rings == []


def test_mapped_single_calls_are_refused_for_the_same_reason(sandbox):
    operator = CallKaroOutboundCallOperator(task_id="call", to_number="+919876543210", agent_id="asha")
    with pytest.raises(LedgerRequired, match="map_index"):
        operator.execute(context_of(map_index=3, store=TaskStateInMemory()))
    assert sandbox.rings == []


def test_mapped_tasks_may_share_a_sql_ledger_or_take_shards(sandbox):
    today = {"start": days_ago(1), "end": NOW}
    fan_out(context_of(map_index=0, **today), **LEDGER, contacts=people(5))
    fan_out(context_of(map_index=1, **today), **LEDGER, contacts=people(8, start=3))
    assert rings(sandbox) == {1}
    sandbox.reset()
    stores = [TaskStateInMemory(), TaskStateInMemory()]
    for index in (0, 1):
        fan_out(context_of(map_index=index, store=stores[index]), contacts=people(40), shard=(index, 2))
    assert sandbox.rings_per_number() == {person["to_number"]: 1 for person in people(40)}


def test_a_list_is_not_cut_anew_while_the_parts_remember_only_themselves(sandbox):
    """After a clear with three shards instead of two, most people would be in the part of somebody else."""
    store = TaskStateInMemory()
    fan_out(context_of(map_index=0, store=store), contacts=people(40), shard=(0, 2))
    rung = len(sandbox.rings)
    with pytest.raises(ConfigurationError, match="part 0 of 2 when this run first started and is part 0 of 3 now"):
        fan_out(context_of(map_index=0, store=store, try_number=2), contacts=people(40), shard=(0, 3))
    assert len(sandbox.rings) == rung


def test_a_part_that_is_added_after_a_clear_rings_nobody_whom_the_others_have_rung(sandbox):
    """Two parts become three: the third has no memory, and holds people of both."""
    for index in (0, 1):
        fan_out(context_of(map_index=index, store=TaskStateInMemory()), contacts=people(40), shard=(index, 2))
    cleared = context_of(map_index=2, store=TaskStateInMemory())
    cleared["dag_run"].clear_number = 1
    with pytest.raises(ConfigurationError, match="part 2 of 3 starts in it for the first time"):
        fan_out(cleared, contacts=people(40), shard=(2, 3))
    assert sandbox.rings_per_number() == {person["to_number"]: 1 for person in people(40)}


def test_task_state_that_is_wiped_on_success_is_no_ledger(sandbox, monkeypatch):
    monkeypatch.setenv("AIRFLOW__STATE_STORE__CLEAR_ON_SUCCESS", "True")
    with pytest.raises(LedgerRequired, match="clear_on_success"):
        fan_out(context_of(store=TaskStateInMemory()))
    assert sandbox.rings == []
    assert fan_out(context_of(store=TaskStateInMemory()), **LEDGER)["accepted"] == 5


def test_what_the_task_state_remembers_never_expires():
    """Airflow drops entries after 30 days; a run that is cleared later would ring everybody again."""
    from airflow.sdk import NEVER_EXPIRE

    class Store(TaskStateInMemory):
        kept_for: list[object]

        def set(self, key, value, *, retention=None):
            self.kept_for.append((key.partition("/")[0], retention))
            super().set(key, value)

    store = Store()
    store.kept_for = []
    fan_out(context_of(store=store))
    assert {key for key, _ in store.kept_for} >= {"calls", "run"}
    assert all(retention is NEVER_EXPIRE for key, retention in store.kept_for if key in ("calls", "run"))


def test_a_backfill_of_single_calls_rings_nobody_unless_it_is_told_to(sandbox):
    def backfill(**arguments):
        outcomes = []
        for day in range(30, 1, -1):
            context = context_of(f"backfill__{day}", start=days_ago(day + 1), end=days_ago(day))
            operator = CallKaroOutboundCallOperator(
                task_id="call", to_number="+919876543210", agent_id="asha", **LEDGER, **arguments
            )
            try:
                outcomes.append(operator.execute(context))
            except AirflowSkipException:
                outcomes.append(None)
        return outcomes

    assert not any(backfill())
    assert sandbox.rings == []
    assert len([call_id for call_id in backfill(stale_runs="dial") if call_id]) == 1
    assert sandbox.rings_per_number() == {"+919876543210": 1}
