"""What one call is told holds for all: throttling slows the whole dispatcher, and the breaker ends it."""

from __future__ import annotations

import pytest
from placing_calls import LedgerAround, numbers, rows

from airflow_provider_callkaro.calls.outcome import Reason
from airflow_provider_callkaro.dispatch.limits import Limits
from airflow_provider_callkaro.exceptions import NotSent, OutcomeUnknown
from airflow_provider_callkaro.ledger.contract import EntryState
from airflow_provider_callkaro.transport.retry import RetryPolicy

WINDOW = 8
SLOW = RetryPolicy(base_delay=0.4, max_retry_after=5.0)


@pytest.mark.parametrize(
    ("kind", "options", "seconds"),
    [
        pytest.param("throttled", {"retry_after": 1}, 1.0, id="429 with seconds"),
        pytest.param("throttled", {"retry_after": 0.4, "retry_after_as": "date"}, 0.4, id="429 with a date"),
        pytest.param("throttled", {}, 0.4, id="429 with nothing"),
        pytest.param("unavailable", {"retry_after": 0.5}, 0.5, id="503 with seconds"),
        pytest.param("unavailable", {"retry_after": 0.4, "retry_after_as": "date"}, 0.4, id="503 with a date"),
    ],
)
def test_one_call_that_is_told_to_wait_makes_everybody_wait(caller, kind, options, seconds) -> None:
    caller.sandbox.fault(kind, after=40, first=1, **options)
    run = caller.place(rows(120), limits=Limits(max_concurrency=WINDOW), policy=SLOW, jitter=lambda: 1.0)
    assert run.summary.accepted == 120
    assert caller.most_rings() == 1
    arrivals = [request.received_at for request in caller.sandbox.requests]
    assert len(arrivals) == 121  # one call was sent twice
    told, after = arrivals[40], arrivals[40 + 2 * WINDOW :]  # some were on their way while the answer was on its own
    assert (min(after) - told).total_seconds() >= seconds


def test_a_vendor_that_asks_for_a_day_is_waited_for_no_longer_than_the_policy_says(caller) -> None:
    caller.sandbox.fault("throttled", after=5, first=1, retry_after=86_400)
    policy = RetryPolicy(max_retry_after=0.3)
    run = caller.place(rows(20), limits=Limits(max_concurrency=1), policy=policy)
    assert run.summary.accepted == 20
    arrivals = [request.received_at for request in caller.sandbox.requests]
    assert (arrivals[6] - arrivals[5]).total_seconds() >= 0.3


def test_a_long_pause_holds_no_claims_that_a_crash_would_turn_into_unknown_calls(caller) -> None:
    """While everybody waits, nothing is claimed: the ledger is asked at the moment when the vendor is asked again."""
    caller.sandbox.fault("throttled", after=40, first=1, retry_after=1.6)
    claimed: list[int] = []

    class Watching(LedgerAround):
        """A ledger that notes, at each commit, how many keys stand as claimed."""

        def commit(self, *, settle=(), claim=()):
            lost = super().commit(settle=settle, claim=claim)
            states = [entry.state for entry in caller.entries(*numbers(120), run="somebody who looks on").values()]
            claimed.append(states.count(EntryState.CLAIMED))
            return lost

    run = caller.place(rows(120), limits=Limits(max_concurrency=WINDOW), ledger=Watching(caller.open_ledger("monday")))
    assert run.summary.accepted == 120
    assert max(claimed) <= 2 * WINDOW
    assert 0 in claimed[5:-5]


def test_a_vendor_with_a_rate_limit_gets_the_whole_list_and_turns_few_away(caller) -> None:
    caller.sandbox.fault("rate_limit", calls_per_second=100, retry_after=0.1)
    policy = RetryPolicy(throttled_attempts=50)
    run = caller.place(rows(150), limits=Limits(max_concurrency=32), policy=policy)
    assert run.summary.accepted == 150
    assert caller.most_rings() == 1
    assert len(caller.sandbox.requests) < 2 * 150


@pytest.mark.slow
def test_a_vendor_that_loses_every_answer_costs_twenty_people_a_call_of_five_thousand(caller) -> None:
    caller.sandbox.fault("drop_answer_after_accepting")
    run = caller.place(rows(5_000))
    rung = len(caller.sandbox.rings)
    assert 0 < rung <= 20
    assert run.summary.unknown == rung
    assert run.summary.pending == 5_000 - rung
    assert run.summary.reasons == {Reason.NO_ANSWER: rung, Reason.STOPPED: 5_000 - rung}
    assert run.summary.stopped == "too many answers were lost"
    assert isinstance(run.summary.refusal, OutcomeUnknown)
    caller.sandbox.clear_faults()
    again = caller.place(rows(5_000))
    assert (again.summary.unknown, again.summary.accepted) == (rung, 5_000 - rung)
    assert caller.most_rings() == 1


@pytest.mark.parametrize("window", [8, 64])
def test_a_vendor_that_breaks_in_mid_run_costs_the_window_and_half_a_streak(caller, window) -> None:
    caller.sandbox.fault("error_after_accepting", after=500)
    run = caller.place(rows(2_000), limits=Limits(max_concurrency=window))
    assert run.summary.accepted == 500
    # The last clear answers of the window may come after the first lost ones, and four of them make up for one.
    assert 20 <= run.summary.unknown <= max(20 + window // 4, window + 10)
    assert run.summary.pending == 2_000 - 500 - run.summary.unknown
    assert len(caller.sandbox.rings) == 500 + run.summary.unknown


def test_an_answer_that_is_lost_now_and_then_does_not_end_the_run(caller) -> None:
    caller.sandbox.fault("drop_answer_after_accepting", every=8)
    run = caller.place(rows(400), limits=Limits(max_concurrency=WINDOW))
    assert (run.summary.accepted, run.summary.unknown, run.summary.stopped) == (350, 50, None)


@pytest.mark.parametrize("every", [2, 3])
def test_a_vendor_that_keeps_losing_every_second_or_third_answer_ends_the_run(caller, every) -> None:
    """There is no streak, and all the same it would cost half of the people, or a third of them, their call."""
    caller.sandbox.fault("drop_answer_after_accepting", every=every)
    run = caller.place(rows(2_000), limits=Limits(max_concurrency=WINDOW))
    assert run.summary.stopped == "too many answers were lost"
    assert 20 <= run.summary.unknown <= 60
    assert run.summary.pending > 1_800


def test_a_shorter_streak_ends_the_run_earlier_where_the_user_says_so(caller) -> None:
    caller.sandbox.fault("drop_answer_after_accepting")
    run = caller.place(rows(100), limits=Limits(stop_after_unknown=3))
    assert (run.summary.unknown, run.summary.pending) == (3, 97)


def test_a_user_who_wants_no_breaker_gets_the_whole_list_dispatched(caller) -> None:
    caller.sandbox.fault("error_before_accepting")
    run = caller.place(rows(200), limits=Limits(stop_after_unknown=None))
    assert (run.summary.unknown, run.summary.stopped) == (200, None)


def test_a_vendor_that_cannot_be_reached_is_given_up_long_before_the_end_of_the_list(caller) -> None:
    caller.sandbox.stop()
    run = caller.place(rows(1_000), policy=RetryPolicy(attempts=5, base_delay=0.01, max_delay=0.01))
    assert run.summary.pending == 1_000
    assert run.summary.stopped == "the vendor could not be reached"
    assert isinstance(run.summary.refusal, NotSent)
    caller.sandbox.start()
    assert caller.place(rows(1_000)).summary.accepted == 1_000
    assert caller.most_rings() == 1


def test_a_call_that_the_vendor_rejects_shows_that_the_vendor_is_there(caller) -> None:
    """Rejections do not count as lost answers, and make up for some of them."""
    caller.sandbox.fault("drop_answer_after_accepting", every=6)
    contacts = [dict(row, agent_id="unknown agent") if index % 6 < 4 else row for index, row in enumerate(rows(180))]
    run = caller.place(contacts, limits=Limits(max_concurrency=1, stop_after_unknown=3))
    assert run.summary.stopped is None
    assert (run.summary.rejected, run.summary.accepted, run.summary.unknown) == (120, 30, 30)
