"""A backfill of last month rings nobody about last month; a run that only waits does not grow stale."""

from __future__ import annotations

from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from airflow.providers.common.compat.sdk import AirflowException, AirflowFailException, AirflowSkipException
from airflow_task_state import TaskStateInMemory
from running_campaign import context_of, run_operator
from test_callaro_run import ENDLESS, act, connected, the_campaign

from airflow_provider_callkaro.exceptions import ConfigurationError
from airflow_provider_callkaro.hooks.callaro import CallaroHook
from airflow_provider_callkaro.operators.callaro import CallaroLaunchCampaignOperator, CallaroResumeCampaignOperator

IMPATIENT = {"wait_timeout": timedelta(milliseconds=100)}
MONTH = timedelta(days=31)


@pytest.fixture
def sandbox():
    with connected(ENDLESS) as sandbox:
        yield sandbox


def context_due(age=timedelta(), **options):
    due = datetime.now(UTC) - age
    run = SimpleNamespace(data_interval_end=due, run_after=due, logical_date=due - timedelta(days=1))
    return context_of(**options) | {"dag_run": run}


def campaign(sandbox, state):
    hook = CallaroHook()
    made = hook.create_campaign({"name": "Renewals", "agent_id": 42}).id
    if state == "paused":
        assert [act(sandbox, "launch", made), act(sandbox, "pause", made)] == [200, 200]
    return made


def operator_of(kind, sandbox, **options):
    if kind == "run":
        return run_operator(**IMPATIENT, **options)
    if kind == "launch":
        made = campaign(sandbox, "draft")
        return CallaroLaunchCampaignOperator(task_id="run", campaign_id=made, **options)
    return CallaroResumeCampaignOperator(task_id="run", campaign_id=campaign(sandbox, "paused"), **options)


def rang(sandbox):
    return sum(each.launches + each.resumes for each in sandbox.callaro_campaigns)


@pytest.mark.parametrize("kind", ["launch", "resume", "run"])
@pytest.mark.parametrize(("stale_runs", "ends"), [("skip", AirflowSkipException), ("fail", AirflowFailException)])
def test_a_run_of_last_month_sends_nothing(sandbox, kind, stale_runs, ends):
    operator = operator_of(kind, sandbox, stale_runs=stale_runs)
    before, asked = rang(sandbox), len(sandbox.requests)
    with pytest.raises(ends, match="31 days ago"):
        operator.execute(context_due(MONTH, store=TaskStateInMemory()))
    assert (rang(sandbox), len(sandbox.requests)) == (before, asked)


@pytest.mark.parametrize("kind", ["launch", "resume", "run"])
def test_by_default_a_run_of_last_month_is_skipped_and_dial_rings_all_the_same(sandbox, kind):
    with pytest.raises(AirflowSkipException):
        operator_of(kind, sandbox).execute(context_due(MONTH))
    before = rang(sandbox)
    operator = operator_of(kind, sandbox, stale_runs="dial")
    with pytest.raises(AirflowException, match="wait_timeout is over") if kind == "run" else nullcontext():
        operator.execute(context_due(MONTH, run_id="another"))
    assert rang(sandbox) == before + (2 if kind == "resume" else 1)  # a resume's campaign is launched by the test


@pytest.mark.parametrize("kind", ["launch", "resume", "run"])
@pytest.mark.parametrize("options", [{"stale_runs": "ring"}, {"stale_after": timedelta(0)}, {"stale_after": 86_400}])
def test_a_choice_that_is_none_is_refused_when_the_dag_is_read(sandbox, kind, options):
    with pytest.raises(ConfigurationError, match="stale_"):
        operator_of(kind, sandbox, **options)


def test_a_run_that_only_waits_longer_than_stale_after_goes_on_where_it_was(sandbox):
    store = TaskStateInMemory()
    for attempt, age in ((1, timedelta()), (2, MONTH)):
        with pytest.raises(AirflowException, match="campaign 123 is running, and wait_timeout is over"):
            run_operator(**IMPATIENT).execute(context_due(age, attempt=attempt, store=store))
    assert the_campaign(sandbox).launches == 1


def test_a_draft_that_a_fresh_run_left_is_launched_by_its_late_retry(sandbox):
    store = TaskStateInMemory()
    with pytest.raises(AirflowFailException, match="not fit to be launched"):
        run_operator(capacity_maximum={"contacts": 2}).execute(context_due(store=store))
    with pytest.raises(AirflowException, match="wait_timeout is over"):
        run_operator(**IMPATIENT).execute(context_due(MONTH, attempt=2, store=store))
    assert the_campaign(sandbox).launches == 1


def test_where_nothing_is_remembered_a_campaign_that_is_under_way_is_waited_for_and_a_draft_is_not_launched(sandbox):
    for attempt, age in ((1, timedelta()), (2, MONTH)):
        with pytest.raises(AirflowException, match="wait_timeout is over"):
            run_operator(**IMPATIENT).execute(context_due(age, attempt=attempt))
    with pytest.raises(AirflowFailException, match="not fit to be launched"):
        run_operator(capacity_maximum={"contacts": 2}).execute(context_due(run_id="another"))
    with pytest.raises(AirflowSkipException):
        run_operator().execute(context_due(MONTH, run_id="another", attempt=2))
    assert [each.launches for each in sandbox.callaro_campaigns] == [1, 0]


def test_what_comes_back_from_the_triggerer_is_not_judged_anew(sandbox):
    with pytest.raises(AirflowException, match="wait_timeout is over"):
        run_operator(**IMPATIENT).execute(context_due())
    assert act(sandbox, "cancel", 123) == 200
    with pytest.raises(AirflowFailException, match="campaign 123 is cancelled"):
        run_operator().execute_complete(context_due(MONTH), event={"status": "cancelled"}, campaign_id=123)


def test_a_launch_that_was_late_because_of_its_retries_is_not_refused(sandbox):
    store = TaskStateInMemory()
    operator = operator_of("launch", sandbox)
    operator.hook = CallaroHook(sleep=lambda seconds: None)
    sandbox.fault("error_before_accepting", path="/api/v1/bulk_call_campaigns/{id}/launch", first=5)
    with pytest.raises(Exception, match="500"):
        operator.execute(context_due(store=store))
    assert operator.execute(context_due(MONTH, attempt=2, store=store)) == 123
    assert the_campaign(sandbox).launches == 1
