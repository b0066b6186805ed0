"""The flow, on a clock of its own: pace, room, pauses and the breaker, in any order of events."""

from __future__ import annotations

import math
from bisect import bisect_left
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_callkaro.dispatch.breaker import Closed
from airflow_provider_callkaro.dispatch.flow_control import FlowControl
from airflow_provider_callkaro.exceptions import NotSent, OutcomeUnknown, Rejected, Throttled, Unauthorized

LOST = OutcomeUnknown("the answer got lost", vendor="CallKaro", reason="no_answer")
LATER = Throttled("slow down", vendor="CallKaro", status=429)
NO_WAY = NotSent("nobody there", vendor="CallKaro")
WRONG_KEY = Unauthorized("wrong key", vendor="CallKaro", status=403)
REJECTED = Rejected("no", vendor="CallKaro", status=400, reason="vendor_rejected")
TICK = 1 / 64  # seconds; a power of two, so that sums of ticks are exact

RATES = st.sampled_from([None, 0.5, 1.0, 4.0, 16.0, 64.0, 3.0, 10.0])
TICKS = st.integers(0, 200)
EVENTS = st.lists(
    st.one_of(
        st.tuples(st.just("time passes"), TICKS),
        st.tuples(st.just("a call is answered"), st.just(0)),
        st.tuples(st.just("an answer is lost"), st.just(0)),
        st.tuples(st.just("a call is throttled"), TICKS),
        st.tuples(st.just("a call cannot be sent"), TICKS),
        st.tuples(st.just("the key is refused"), st.just(0)),
        st.tuples(st.just("a call is rejected"), st.just(0)),
    ),
    max_size=120,
)


class Dial:
    """Starts every call that the flow lets start, as the dialler does, and takes notes."""

    def __init__(self, flow: FlowControl) -> None:
        self.flow = flow
        self.now = 0.0
        self.in_flight: list[float] = []  # when each started
        self.starts: list[float] = []
        self.paused_until = -math.inf

    def start_what_may_start(self, *, at_most: int = 2_000) -> int:
        started = 0
        while started < at_most and self.flow.may_start(now=self.now):
            assert self.flow.closed is None
            assert len(self.in_flight) < self.flow.capacity()
            assert self.now >= self.paused_until
            self.flow.start(now=self.now)
            self.in_flight.append(self.now)
            self.starts.append(self.now)
            started += 1
        return started

    def end_one(self, error=None, *, wait: float = 0.0) -> None:
        if not self.in_flight:
            return
        started_at = self.in_flight.pop(0)
        if error is None:
            self.flow.answered()
        else:
            self.flow.failed(error, started_at=started_at, now=self.now, wait=wait)
        if isinstance(error, Throttled | NotSent):
            self.paused_until = max(self.paused_until, self.now + wait)

    def play(self, event: str, ticks: int) -> None:
        match event:
            case "time passes":
                self.now += ticks * TICK
            case "a call is answered":
                self.end_one()
            case "an answer is lost":
                self.end_one(LOST)
            case "a call is throttled":
                self.end_one(LATER, wait=ticks * TICK)
            case "a call cannot be sent":
                self.end_one(NO_WAY, wait=ticks * TICK)
            case "the key is refused":
                self.end_one(WRONG_KEY)
            case "a call is rejected":
                self.end_one(REJECTED)


@given(rate=RATES, window=st.integers(1, 40), breaker=st.none() | st.integers(1, 30), events=EVENTS)
@settings(deadline=None)
def test_whatever_happens_pace_window_pauses_and_breaker_hold(rate, window, breaker, events) -> None:
    flow = FlowControl(
        max_concurrency=window, calls_per_second=rate, stop_after_unknown=breaker, stop_after_unreachable=None
    )
    dial = Dial(flow)
    dial.start_what_may_start()
    streak = 0
    for event, ticks in events:
        had = len(dial.in_flight)
        dial.play(event, ticks)
        if had and event in ("a call is answered", "a call is rejected"):
            streak = 0
        if had and event == "an answer is lost":
            streak += 1
        dial.start_what_may_start()
        assert flow.in_flight == len(dial.in_flight) <= window
        assert flow.started == len(dial.starts)
        if breaker is not None and streak >= breaker:
            assert flow.closed is not None
    if rate is not None:
        for index, start in enumerate(dial.starts):
            within = bisect_left(dial.starts, start + 1 - 1e-9) - index
            assert within <= math.ceil(rate)


@given(events=EVENTS)
@settings(deadline=None)
def test_a_closed_flow_stays_closed(events) -> None:
    flow = FlowControl(max_concurrency=8)
    dial = Dial(flow)
    dial.start_what_may_start()
    dial.end_one(WRONG_KEY)
    started = flow.started
    for event, ticks in events:
        dial.play(event, ticks)
        assert dial.start_what_may_start() == 0
    assert flow.started == started
    assert (flow.closed, flow.refusal) == (Closed.UNAUTHORIZED, WRONG_KEY)


@given(
    interval=st.integers(1, 128),
    pause=st.integers(0, 300),
    now=st.integers(0, 300),
    span=st.integers(0, 300),
)
def test_the_calls_that_are_foreseen_are_those_that_may_start(interval, pause, now, span) -> None:
    """What is claimed ahead is what goes out meanwhile: neither more, which a crash would cost, nor less."""
    flow = FlowControl(max_concurrency=1_000, calls_per_second=float(Fraction(64, interval)), stop_after_unknown=None)
    flow.start(now=0.0)
    flow.in_flight += 1  # of another call
    flow.answered()  # so it is not the start of a list, where only a few may be in flight
    flow.failed(LATER, started_at=0.0, now=0.0, wait=pause * TICK)
    dial = Dial(flow)
    foreseen = flow.slots_until((now + span) * TICK, now=now * TICK)
    for tick in range(now, now + span + 1):
        dial.now = tick * TICK
        dial.start_what_may_start()
    exact = interval & (interval - 1) == 0
    assert abs(len(dial.starts) - foreseen) <= (0 if exact else 1)


def test_a_pace_counts_calls_and_not_requests() -> None:
    flow = FlowControl(max_concurrency=4, calls_per_second=10.0, calls_per_request=50)
    assert flow.slots_until(4.9, now=0.0) == 1
    assert flow.slots_until(5.0, now=0.0) == 2
    flow.start(now=0.0, calls=1)
    assert flow.opens_at() == pytest.approx(0.1)
    flow.start(now=0.1, calls=50)
    assert flow.opens_at() == pytest.approx(5.1)
