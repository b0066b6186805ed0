"""How many calls a turn claims, and how long it waits for them: a slow ledger gets few writes of a whole window."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_callkaro.dispatch.flow_control import LONGEST_HOLD, FlowControl, Headroom

WINDOW = 64
MANY_TURNS = 40


class Turns:
    """Turns of a run whose every write takes ``seconds``, and in each of which so many calls start."""

    def __init__(self, *, seconds: float, starts: int, calls_per_second: float | None = None) -> None:
        self.now = 1_000.0
        self.flow = FlowControl(max_concurrency=WINDOW, calls_per_second=calls_per_second, stop_after_unknown=None)
        self.headroom = Headroom(flow=self.flow, many=False, clock=lambda: self.now)
        for _ in range(MANY_TURNS):
            began = self.now
            self.now += seconds
            for _ in range(starts):
                self.flow.start(now=self.now)
                self.flow.answered()
            self.headroom.measure(began)


def test_a_turn_with_a_slow_ledger_waits_until_a_whole_window_is_free() -> None:
    turns = Turns(seconds=0.02, starts=WINDOW)

    assert turns.headroom.hold(turns.now, out=WINDOW + 1) == pytest.approx(0.02, rel=0.1)
    assert turns.headroom.hold(turns.now, out=WINDOW) == 0


def test_it_waits_no_longer_than_a_turn_takes() -> None:
    turns = Turns(seconds=0.02, starts=WINDOW)

    assert turns.headroom.hold(turns.now + 0.015, out=2 * WINDOW) == pytest.approx(0.005, rel=0.4)
    assert turns.headroom.hold(turns.now + 0.03, out=2 * WINDOW) == 0


def test_a_ledger_that_stands_still_holds_answers_for_a_quarter_of_a_second_at_most() -> None:
    turns = Turns(seconds=3.0, starts=WINDOW)

    assert turns.headroom.hold(turns.now, out=2 * WINDOW) == pytest.approx(LONGEST_HOLD)


def test_a_turn_with_a_fast_ledger_waits_for_nothing() -> None:
    turns = Turns(seconds=0.002, starts=6)

    assert turns.headroom.hold(turns.now, out=WINDOW + 1) == 0


def test_a_turn_waits_for_nothing_while_a_pace_holds_calls_back() -> None:
    turns = Turns(seconds=0.02, starts=WINDOW, calls_per_second=1_000)

    assert turns.flow.opens_at() > turns.now
    assert turns.headroom.hold(turns.now, out=2 * WINDOW) == 0


@given(
    seconds=st.floats(min_value=0.0001, max_value=5),
    starts=st.integers(min_value=0, max_value=2 * WINDOW),
    out=st.integers(min_value=0, max_value=2 * WINDOW),
    waiting=st.integers(min_value=0, max_value=WINDOW),
)
def test_however_slow_the_ledger_never_more_than_two_windows_are_claimed(seconds, starts, out, waiting) -> None:
    turns = Turns(seconds=seconds, starts=starts)

    assert 0 <= turns.headroom.room(turns.now, out=out, waiting=waiting) <= max(0, 2 * WINDOW - out)
    assert 0 <= turns.headroom.hold(turns.now, out=out) <= LONGEST_HOLD
