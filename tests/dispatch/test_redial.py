"""A deliberate resend: asked for by name, and once per call."""

from __future__ import annotations

from collections import Counter

import pytest
from placing_calls import numbers, rows

from airflow_provider_callkaro.calls.outcome import Outcome, Reason
from airflow_provider_callkaro.exceptions import ConfigurationError
from airflow_provider_callkaro.ledger.contract import EntryState

ANNA, BEN = numbers(2)


def outcomes(run) -> list[tuple[Outcome, Reason | str | None]]:
    return [(row.outcome, row.reason) for row in run.rows]


def test_a_lost_call_is_dialled_once_more_and_then_never_again(caller) -> None:
    caller.sandbox.fault("drop_answer_after_accepting")
    assert caller.place(rows(2)).summary.unknown == 2
    assert caller.place(rows(2), run="tuesday", redial="unknown").summary.unknown == 2  # lost once more
    caller.sandbox.clear_faults()
    for run, outcome in (("tuesday", Outcome.UNKNOWN), ("wednesday", Outcome.SKIPPED), ("monday", Outcome.SKIPPED)):
        again = caller.place(rows(2), run=run, redial=["unknown", "rejected"])
        assert {row.outcome for row in again.rows} == {outcome}
    assert caller.sandbox.rings_per_number() == dict.fromkeys(numbers(2), 2)


def test_a_retry_of_the_run_that_redials_does_not_dial_a_third_time(caller) -> None:
    caller.sandbox.fault("drop_answer_after_accepting", first=1)
    caller.place([ANNA])
    assert caller.place([ANNA], redial="unknown").summary.accepted == 1
    again = caller.place([ANNA], redial="unknown")
    assert (again.summary.accepted, again.summary.dialled) == (1, 0)
    assert caller.sandbox.rings_per_number() == {ANNA: 2}


def test_a_rejected_call_is_dialled_again_only_where_rejected_ones_are_asked_for(caller) -> None:
    caller.sandbox.fault("rejected", first=1)
    assert caller.place([ANNA]).summary.rejected == 1
    for redial in (None, "unknown"):
        assert outcomes(caller.place([ANNA], run="tuesday", redial=redial)) == [
            (Outcome.SKIPPED, Reason.ALREADY_REJECTED)
        ]
    assert caller.place([ANNA], run="tuesday", redial="rejected").summary.accepted == 1


def test_an_accepted_call_is_never_dialled_again(caller) -> None:
    caller.place([ANNA])
    for run in ("monday", "tuesday"):
        assert caller.place([ANNA], run=run, redial=["unknown", "rejected"]).summary.dialled == 0
    with pytest.raises(ConfigurationError, match="redial"):
        caller.place([ANNA], redial="accepted")


def test_a_redial_that_was_turned_away_forgets_nothing_and_may_be_asked_for_again(durable_caller) -> None:
    durable_caller.sandbox.fault("drop_answer_after_accepting", first=1)
    durable_caller.place([ANNA])
    durable_caller.sandbox.fault("throttled")
    assert durable_caller.place([ANNA], run="tuesday", redial="unknown").summary.pending == 1
    durable_caller.sandbox.clear_faults()
    assert durable_caller.entries(ANNA)[ANNA].state is EntryState.UNKNOWN
    assert durable_caller.place([ANNA], run="wednesday").summary.skipped == 1
    assert durable_caller.place([ANNA], run="tuesday", redial="unknown").summary.accepted == 1
    assert durable_caller.sandbox.rings_per_number() == {ANNA: 2}


@pytest.mark.slow
def test_in_a_long_list_only_the_calls_asked_for_are_dialled_again(durable_caller) -> None:
    durable_caller.sandbox.fault("drop_answer_after_accepting", every=40)
    assert durable_caller.place(rows(2_000)).summary.unknown == 50
    durable_caller.sandbox.clear_faults()
    run = durable_caller.place(rows(2_000), run="tuesday", redial="unknown")
    assert (run.summary.accepted, run.summary.skipped, run.summary.dialled) == (50, 1_950, 50)
    assert Counter(durable_caller.sandbox.rings_per_number().values()) == {1: 1_950, 2: 50}


def test_a_dry_run_counts_a_redial_as_a_call_to_come(caller) -> None:
    caller.sandbox.fault("drop_answer_after_accepting", first=1)
    caller.place([ANNA])
    run = caller.place([ANNA, BEN], run="tuesday", redial="unknown", dry_run=True)
    assert outcomes(run) == [(Outcome.PENDING, Reason.DRY_RUN)] * 2
