"""A worker never starts more than its lease lets it, whatever it was told or not told, and however long it slept."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_callkaro.budgets.answer_times import ENOUGH
from airflow_provider_callkaro.budgets.lease import Lease
from airflow_provider_callkaro.budgets.messages import Exhausted, Grant
from airflow_provider_callkaro.budgets.permit import Permit

PERIOD = 1.01


def granted(lease: Lease, *, now: float, tokens: int = 0, kept: int = 0, backlog: bool = True, **values: Any) -> None:
    """Renew at a moment, without a database. ``tokens``: new ones, ready at once."""
    lease.report(now=now, backlog=backlog)
    values = {
        "target_tokens": kept + tokens,
        "slots": 10,
        "target_slots": 10,
        "period": PERIOD,
        "seconds": 0.6,
    } | values
    values = {"version": lease.last_grant.version + 1, "kept": kept, "tokens": (0.0,) * tokens} | values
    lease.grant(Grant(**values), began=now, now=now)


def leased(*, now: float = 0.0, tokens: int = 2, most_slots: int = 10, **values: Any) -> Lease:
    lease = Lease(most_slots=most_slots)
    granted(lease, now=now, tokens=tokens, **values)
    return lease


def started(lease: Lease, *, now: float) -> Permit:
    assert lease.may_start(now=now)
    permit = lease.start(now=now)
    assert permit.may_leave(now=now)
    return permit


def familiar(lease: Lease, *, seconds: float, before: float = 0.0) -> None:
    """Let it know how fast the vendor answers. Ends before the moment ``before``."""
    for _ in range(ENOUGH):
        lease._answers.note(seconds, now=before)


def test_a_worker_without_a_lease_starts_nothing() -> None:
    lease = Lease(most_slots=10)
    assert not lease.may_start(now=0)
    assert lease.opens_at(now=0) == math.inf
    assert not lease.start(now=0).may_leave(now=0)
    assert lease.due(now=0)


def test_each_token_starts_one_call_in_a_period() -> None:
    lease = leased(tokens=2, seconds=10)
    for _ in range(2):
        started(lease, now=0.1).ended(now=0.1, answered=True)
    assert not lease.may_start(now=0.1)
    assert lease.opens_at(now=0.1) == pytest.approx(0.1 + PERIOD)
    assert lease.slots_until(0.1 + PERIOD, now=0.1) == 2
    assert lease.may_start(now=0.1 + PERIOD)


def test_a_token_rests_from_when_the_vendor_may_have_received_the_call() -> None:
    lease = leased(tokens=1, seconds=10)
    familiar(lease, seconds=0.02)
    permit = started(lease, now=0)
    assert not lease.may_start(now=2)
    permit.ended(now=0.3, answered=True)  # it was received at 0.28 at the latest
    assert lease.opens_at(now=0.3) == pytest.approx(0.28 + PERIOD)


def test_a_token_rests_longer_where_another_worker_has_seen_a_faster_answer() -> None:
    lease = leased(tokens=1, seconds=10, fastest=0.01)
    familiar(lease, seconds=0.05)
    started(lease, now=0).ended(now=0.3, answered=True)
    assert lease.opens_at(now=0.3) == pytest.approx(0.29 + PERIOD)


def test_a_new_worker_believes_what_another_one_has_seen_often_enough() -> None:
    lease = leased(tokens=1, seconds=10, fastest=0.02)
    started(lease, now=0).ended(now=0.3, answered=True)
    assert lease.opens_at(now=0.3) == pytest.approx(0.28 + PERIOD)


def test_before_enough_answers_are_known_a_token_rests_from_the_answer() -> None:
    lease = leased(tokens=1, seconds=10)
    started(lease, now=0).ended(now=0.3, answered=True)
    assert lease.opens_at(now=0.3) == pytest.approx(0.3 + PERIOD)


def test_where_answers_are_slow_a_token_does_not_wait_for_them() -> None:
    lease = leased(tokens=1, seconds=10)
    familiar(lease, seconds=0.9)
    started(lease, now=0)
    assert not lease.may_start(now=PERIOD - 0.01)
    assert lease.may_start(now=PERIOD)


def test_a_lost_answer_holds_its_token_for_some_seconds_at_most() -> None:
    lease = leased(tokens=1, seconds=10)
    permit = started(lease, now=0)
    assert not lease.may_start(now=4.9)
    assert lease.opens_at(now=4.9) > 4.9  # a timer can be set on it
    assert lease.may_start(now=5)
    started(lease, now=5)
    permit.ended(now=6, answered=True)
    assert not lease.may_start(now=7)  # the late answer gives no second token


def test_a_broken_connection_may_have_delivered_just_now() -> None:
    lease = leased(tokens=1, seconds=10)
    started(lease, now=0).ended(now=2, answered=False)
    assert lease.opens_at(now=2) == pytest.approx(2 + PERIOD)


def test_what_never_left_gives_everything_back() -> None:
    lease = leased(tokens=1, seconds=10, slots=1, target_slots=1, allowed=1)
    permit = lease.start(now=0.1)
    assert not lease.may_start(now=0.2)
    permit.ended(now=0.2, answered=False)
    permit.ended(now=0.2, answered=False)
    assert lease.may_start(now=0.2)
    assert lease.report(now=0.2, backlog=True).used == 0


def test_a_lease_is_over_before_the_databases_is() -> None:
    lease = leased(now=5, seconds=0.6)
    permit = lease.start(now=5.1)
    assert permit.may_leave(now=5.58)
    other = lease.start(now=5.2)
    assert not other.may_leave(now=5.6)
    assert not lease.may_start(now=5.6)
    assert lease.opens_at(now=5.6) == math.inf


def test_the_lease_begins_with_the_question_not_with_the_answer() -> None:
    lease = Lease(most_slots=1)
    lease.report(now=0, backlog=True)
    grant = Grant(version=1, seconds=0.6, period=PERIOD, tokens=(0.5,), target_tokens=1, slots=1, target_slots=1)
    lease.grant(grant, began=0, now=0.4)
    assert lease.opens_at(now=0.4) == pytest.approx(0.9)  # of a token counts the answer
    assert lease.is_over(now=0.6)


def test_a_thawed_worker_loses_what_others_have_taken() -> None:
    lease = leased(now=0, tokens=3)
    waiting = lease.start(now=0.1)
    started(lease, now=0.1)
    granted(lease, now=3, kept=1, tokens=0)
    assert not waiting.may_leave(now=3)
    assert lease.report(now=3, backlog=True).out == 1  # the one that had left is used, so it is ready last


def test_a_thawed_worker_keeps_the_tokens_that_are_ready_last() -> None:
    """The others took theirs for ready no sooner than the ones that it gives up."""
    lease = Lease(most_slots=10)
    lease.report(now=0, backlog=True)
    grant = Grant(
        version=1, seconds=0.6, period=PERIOD, tokens=(0.1, 0.5, 0.9), target_tokens=3, slots=9, target_slots=9
    )
    lease.grant(grant, began=0, now=0)
    granted(lease, now=0.8, kept=1)
    assert lease.opens_at(now=0.8) == pytest.approx(0.9)


def test_a_call_whose_slot_was_lost_does_not_leave() -> None:
    lease = leased(now=0, tokens=3)
    waiting = lease.start(now=0.1)
    granted(lease, now=9, kept=3, tokens=0, slots=0, target_slots=0)
    assert not waiting.may_leave(now=9)


def test_what_is_above_the_target_is_given_up_at_once_and_told_until_it_is_heard() -> None:
    lease = leased(now=0, tokens=4)
    granted(lease, now=0.1, kept=4, tokens=0, target_tokens=1)
    first = lease.report(now=0.2, backlog=True)
    second = lease.report(now=0.3, backlog=True)  # the answer to the first was lost
    assert [len(first.tokens), len(first.returned)] == [len(second.tokens), len(second.returned)] == [1, 3]
    granted(lease, now=0.4, kept=1, tokens=0)
    assert lease.report(now=0.5, backlog=True).returned == ()


def test_the_slots_of_calls_in_flight_are_given_up_when_they_end() -> None:
    lease = leased(now=0, tokens=4, slots=4, target_slots=4)
    permits = [started(lease, now=0.1) for _ in range(3)]
    granted(lease, now=0.2, kept=4, slots=4, target_slots=1)
    assert lease.limit == 1
    due_at = lease.due_at
    permits[0].ended(now=0.3, answered=True)
    assert not lease.may_start(now=0.3)  # a slot that is used at once again would never be given up
    assert lease.due_at < due_at  # somebody waits for it
    assert lease.report(now=0.3, backlog=True).slots == 2


def test_a_call_that_has_started_leaves_though_its_slot_is_wanted_elsewhere() -> None:
    lease = leased(now=0, tokens=1, slots=1, target_slots=1)
    permit = lease.start(now=0.1)
    granted(lease, now=0.2, kept=1, slots=1, target_slots=0)
    assert permit.may_leave(now=0.3)
    assert lease.opens_at(now=0.3) == math.inf


def test_a_throttling_stops_everything_and_is_told_until_it_is_heard() -> None:
    lease = leased(now=0, tokens=4, seconds=10)
    waiting = lease.start(now=0.5)
    lease.throttled(started_at=0.4, now=0.6, wait=2)
    assert lease.due(now=0.6)
    assert not lease.may_start(now=2.5)
    assert not waiting.may_leave(now=2.5)
    assert lease.opens_at(now=0.6) == pytest.approx(2.6)
    for now in (0.7, 0.8):
        throttle = lease.report(now=now, backlog=True).throttle
        assert throttle is not None
        assert throttle.wait == pytest.approx(2.6 - now)
        assert throttle.started_ago == pytest.approx(now - 0.4)
    granted(lease, now=0.9, kept=4, pause=3, seconds=10)
    assert lease.report(now=1, backlog=True).throttle is None
    assert lease.opens_at(now=1) == pytest.approx(3.9)


def test_a_throttling_during_a_renewal_is_not_lost() -> None:
    lease = leased(now=0, tokens=4, seconds=10)
    lease.report(now=1, backlog=True)
    lease.throttled(started_at=0.9, now=1.05, wait=2)
    grant = Grant(version=2, seconds=10, period=PERIOD, kept=4, target_tokens=4, slots=10, target_slots=10)
    lease.grant(grant, began=1, now=1.1)
    assert lease.due(now=1.1)
    assert not lease.may_start(now=3)
    assert lease.report(now=1.1, backlog=True).throttle is not None


def test_an_allowance_is_kept_and_given_up_without_a_backlog() -> None:
    lease = leased(now=0, tokens=5, allowed=2)
    for _ in range(2):
        started(lease, now=0.1)
    assert not lease.may_start(now=0.1)
    assert lease.slots_until(9, now=0.1) == 0
    granted(lease, now=0.2, kept=5, allowed=4, exhausted=Exhausted.HOUR, resumes_in=7)
    assert lease.may_start(now=0.2)
    assert lease.report(now=0.3, backlog=False).allowed == 2
    assert not lease.may_start(now=0.3)
    assert lease.opens_at(now=0.3) == pytest.approx(7.2)


def test_a_request_of_many_calls_takes_as_many_tokens_and_makes_them_rest_for_the_others() -> None:
    lease = Lease(most_slots=10, calls_per_request=6)
    granted(lease, now=0, tokens=3, seconds=100)
    assert lease.slots_until(0, now=0) == 1
    permit = lease.start(now=0, calls=6)
    assert permit.may_leave(now=0)
    assert lease.report(now=0, backlog=True).stretch == 2
    permit.ended(now=0, answered=True)
    assert not lease.may_start(now=1.9)
    assert lease.opens_at(now=1.9) == pytest.approx(2 * PERIOD)


def test_the_same_request_may_leave_once_more_a_period_later() -> None:
    lease = leased(tokens=1, seconds=10)
    permit = started(lease, now=0)
    assert not permit.may_leave(now=0.1)
    assert permit.again_at(now=0.1) == pytest.approx(0.1 + PERIOD)
    assert not permit.may_leave(now=1.0)
    assert permit.may_leave(now=0.1 + PERIOD)
    assert lease.report(now=1.2, backlog=True).used == 2


def test_without_a_rate_and_a_limit_of_calls_in_flight_only_the_lease_counts() -> None:
    lease = Lease(most_slots=3)
    granted(lease, now=0, slots=None)
    assert lease.limit > 1_000_000
    lease = Lease(most_slots=3)
    lease.report(now=0, backlog=True)
    lease.grant(Grant(version=1, seconds=0.6, period=PERIOD, tokens=None, slots=None), began=0, now=0)
    for _ in range(50):
        started(lease, now=0.1).ended(now=0.1, answered=True)
    assert lease.slots_until(0.2, now=0.1) == math.inf
    assert not lease.may_start(now=0.6)


def test_tokens_of_several_calls_are_told_and_given_up_whole() -> None:
    lease = leased(tokens=2, size=3, seconds=10)
    for _ in range(2):
        started(lease, now=0.1).ended(now=0.1, answered=True)
    holding = lease.report(now=0.1, backlog=True)
    assert (len(holding.tokens), holding.out, holding.size) == (2, 0, 3)
    assert [math.ceil(moment) for moment in holding.tokens] == [0, 2]
    granted(lease, now=0.1, kept=2, tokens=0, size=3, target_tokens=1, seconds=10)
    assert lease.slots_until(0.1, now=0.1) == 3


def test_a_worker_wants_what_it_can_use() -> None:
    lease = leased(tokens=20, most_slots=50, slots=20, target_slots=20, seconds=10)
    assert lease.report(now=0.1, backlog=False).wanted_tokens == 0
    assert lease.report(now=0.1, backlog=True).wanted_tokens > 1_000  # nothing has been left lying yet
    for _ in range(4):
        started(lease, now=0.1).ended(now=0.15, answered=True)
    holding = lease.report(now=0.5, backlog=True)
    assert (holding.wanted_tokens, holding.recent) == (6, 4)
    assert holding.wanted_slots == 50  # not known yet
    lease.report(now=1.6, backlog=True)
    assert lease.report(now=2.7, backlog=True).wanted_slots == 1


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["start", "leave", "answer", "lose", "wait", "renew", "fail", "shrink", "freeze"]),
            st.floats(0, 0.5),
        ),
        max_size=120,
    )
)
def test_no_sliding_second_holds_more_starts_than_tokens(steps: list[tuple[str, float]]) -> None:
    """One worker and a database that gives it five tokens in all. The vendor receives a call at the moment at which it
    leaves, or the last moment before its answer."""
    now, tokens = 0.0, 5
    lease = leased(now=0.0, tokens=tokens, slots=100, target_slots=100)
    waiting: list[Permit] = []
    out: list[Permit] = []
    received: list[float] = []
    for step, seconds in steps:
        now += seconds
        if step == "start" and lease.may_start(now=now):
            waiting.append(lease.start(now=now))
        elif step == "leave" and waiting:
            permit = waiting.pop()
            if permit.may_leave(now=now):
                received.append(now)
                out.append(permit)
            else:
                permit.ended(now=now, answered=False)
        elif step in ("answer", "lose") and out:
            out.pop(0).ended(now=now, answered=step == "answer")
        elif step == "freeze":
            now += 1.0
        elif step == "fail":
            lease.report(now=now, backlog=True)
        elif step in ("renew", "shrink"):
            holding = lease.report(now=now, backlog=True)
            held = len(holding.tokens) + holding.out
            back = tuple(holding.returned[len(holding.returned) - (tokens - held) :]) if held < tokens else ()
            target = 2 if step == "shrink" else tokens
            new = back[: max(0, target - held)]
            tokens = held + len(back)
            grant = Grant(
                version=holding.version + 1,
                seconds=0.6,
                period=PERIOD,
                kept=held,
                tokens=back if target > 2 else new,
                target_tokens=target,
                slots=100,
                target_slots=100,
            )
            tokens = held + len(grant.tokens or ())
            lease.grant(grant, began=now, now=now)
    for first in received:
        assert sum(first <= other < first + 1 for other in received) <= 5


def test_a_call_whose_token_others_have_taken_does_not_leave_once_more() -> None:
    """The answer to the first time, which asks for a second one, came after the worker had slept for long."""
    lease = leased(now=0, tokens=1)
    permit = started(lease, now=0.1)
    granted(lease, now=3, kept=0, tokens=0)
    assert not permit.may_leave(now=permit.again_at(now=3.1))


def test_the_rest_of_tokens_that_started_many_calls_is_told_as_long_as_it_is() -> None:
    lease = Lease(most_slots=10, calls_per_request=6)
    granted(lease, now=0, tokens=1, seconds=100)
    assert lease.start(now=0, calls=6).may_leave(now=0)
    granted(lease, now=0.1, kept=1, tokens=5)
    assert lease.report(now=0.2, backlog=True).stretch == 6
