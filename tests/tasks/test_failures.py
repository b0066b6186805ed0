"""How a run that went through its list ends its task: green, skipped, failed for good, or failed to be tried again."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException, AirflowSkipException

from airflow_provider_callkaro.calls.outcome import Outcome, Reason
from airflow_provider_callkaro.dispatch.tally import Summary
from airflow_provider_callkaro.exceptions import AllRejected, OutcomeUnknown, RunIncomplete, Unauthorized
from airflow_provider_callkaro.sources.inline import RowContacts
from airflow_provider_callkaro.tasks.failures import check_outcome, only_waits
from airflow_provider_callkaro.tasks.settings import ListSettings

OPENS = datetime(2026, 11, 23, 4, 30, tzinfo=UTC)


def summary(*, stopped: str | None = None, refusal: Any = None, resume_at: Any = None, **counts: int) -> Summary:
    """A run that came to these counts, of outcomes and of reasons."""
    outcomes = {outcome.value: counts.pop(outcome.value, 0) for outcome in Outcome}
    return Summary(
        total=sum(outcomes.values()),
        **outcomes,
        reasons=counts,
        dialled=0,
        resumed=0,
        stopped=stopped,
        refusal=refusal,
        resume_at=resume_at,
    )


def asks_for(**choices: Any) -> ListSettings:
    return ListSettings(contacts=RowContacts([]), **choices)


WAITING = summary(accepted=5, pending=3, window_closed=2, gap=1, resume_at=OPENS)


@pytest.mark.parametrize(
    ("run", "choices"),
    [
        (summary(accepted=5), {}),
        (summary(accepted=4, rejected=1, bad_number=1), {}),
        (summary(accepted=4, unknown=1, no_answer=1), {}),
        (summary(), {}),  # an empty list, which only warns
        (summary(accepted=9, rejected=1, bad_number=1), {"max_rejected": 1}),
        (summary(accepted=9, rejected=1, bad_number=1), {"max_rejected": 0.1}),
        (summary(rejected=2, bad_number=2), {"on_none_accepted": "warn"}),
        (summary(accepted=2), {"min_rows": 2}),
    ],
)
def test_a_run_that_came_to_what_its_author_asked_for_is_green(run, choices):
    check_outcome(run, asks_for(**choices))


@pytest.mark.parametrize(
    "refusal",
    [
        Unauthorized("the key was refused", vendor="CallKaro"),
        AllRejected("the agent is unknown", vendor="CallKaro"),
    ],
    ids=repr,
)
def test_what_a_retry_cannot_change_fails_for_good_and_says_what_the_vendor_said(refusal):
    run = summary(accepted=1, pending=9, stopped="the vendor refused it", refusal=refusal)
    with pytest.raises(AirflowFailException, match=str(refusal)) as failed:
        check_outcome(run, asks_for())
    assert failed.value.__cause__ is refusal


def test_calls_that_wait_for_an_opening_fail_the_task_that_is_to_stop_then():
    with pytest.raises(AirflowFailException, match=r'3 of 8 calls may not ring before 2026-11-23 04:30 UTC.*"stop"'):
        check_outcome(WAITING, asks_for(when_closed="stop"))


def test_calls_that_wait_for_an_opening_skip_the_task_where_its_author_says_so():
    with pytest.raises(AirflowSkipException, match="3 of 8 calls may not ring before"):
        check_outcome(WAITING, asks_for(when_closed="stop", soft_fail=True))


@pytest.mark.parametrize(
    "run",
    [
        summary(accepted=5, pending=3, window_closed=1, not_sent=2, resume_at=OPENS),
        summary(accepted=5, pending=3, window_closed=3, resume_at=OPENS, stopped="Airflow ended the task"),
    ],
    ids=["others were not sent", "it was stopped"],
)
@pytest.mark.parametrize("when_closed", ["stop", "wait"])
def test_one_closed_recipient_does_not_deny_the_others_their_retry(run, when_closed):
    assert not only_waits(run)
    with pytest.raises(RunIncomplete, match="3 of 8 rows are pending"):
        check_outcome(run, asks_for(when_closed=when_closed, soft_fail=True))


def test_a_run_that_was_stopped_is_tried_again_and_says_why():
    lost = OutcomeUnknown("the answer got lost", vendor="CallKaro", reason=Reason.NO_ANSWER)
    with pytest.raises(RunIncomplete, match="2 of 3 rows are pending: the answer got lost") as failed:
        check_outcome(summary(unknown=1, pending=2, no_answer=1, stopped="a breaker", refusal=lost), asks_for())
    assert failed.value.__cause__ is lost
    with pytest.raises(RunIncomplete, match="Airflow ended the task"):
        check_outcome(summary(accepted=3, stopped="Airflow ended the task"), asks_for())
    with pytest.raises(RunIncomplete, match="they could not be sent"):
        check_outcome(summary(accepted=1, pending=1, not_sent=1), asks_for())


@pytest.mark.parametrize(
    ("run", "choices", "message"),
    [
        (summary(accepted=4, unknown=1, no_answer=1), {"on_unknown": "fail"}, "1 of 5 calls are unknown"),
        (summary(accepted=8, rejected=2, bad_number=2), {"max_rejected": 1}, "2 of 10 rows were rejected"),
        (summary(accepted=8, rejected=2, bad_number=2), {"max_rejected": 0.1}, "more than max_rejected=0.1"),
        (summary(accepted=9, rejected=1, bad_number=1), {"max_rejected": 0}, "1 of 10 rows were rejected"),
        (summary(accepted=1), {"min_rows": 2}, "the list has 1 rows, fewer than min_rows=2"),
        (summary(), {"min_rows": 1}, "the list has 0 rows"),
        (summary(rejected=2, bad_number=2), {}, r"none of 2 rows was accepted \(bad_number 2\)"),
        (summary(skipped=1, rejected=1, zone_unknown=1, bad_agent=1), {}, "none of 2 rows was accepted"),
        (summary(skipped=1, already_rejected=1), {}, "none of 1 rows was accepted"),
    ],
)
def test_a_run_that_came_to_something_else_fails_for_good_and_says_what(run, choices, message):
    with pytest.raises(AirflowFailException, match=message):
        check_outcome(run, asks_for(**choices))


@pytest.mark.parametrize(
    "reason",
    [
        Reason.ALREADY_ACCEPTED,
        Reason.ALREADY_UNKNOWN,
        Reason.CLAIMED_BY_ANOTHER_RUN,
        Reason.SUPPRESSED,
        Reason.CAP,
        Reason.EXPIRED,
    ],
)
def test_a_list_whose_people_are_reached_otherwise_is_no_dead_one(reason):
    check_outcome(summary(skipped=1, rejected=1, bad_number=1, **{reason.value: 1}), asks_for())
