"""What the person on duty reads while a run goes on, and whether the numbers in it can be trusted."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from placing_calls import rows

from airflow_provider_callkaro.calls.outcome import Outcome, Reason
from airflow_provider_callkaro.dispatch.limits import Limits
from airflow_provider_callkaro.dispatch.progress import INTERVAL, Progress, Snapshot
from airflow_provider_callkaro.dispatch.tally import RowOutcome, Summary, Tally

OUTCOMES = st.lists(
    st.tuples(st.sampled_from(Outcome), st.none() | st.sampled_from([Reason.DUPLICATE, Reason.BAD_NUMBER]))
)


class Clock:
    """Stands where the test puts it."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def count(tally: Tally, outcome: Outcome, times: int, *, dialled: bool = False) -> None:
    for _ in range(times):
        tally.count(RowOutcome(row_number=tally.total + 1, outcome=outcome))
    tally.dialled += times if dialled else 0


def test_a_word_comes_every_few_seconds_however_often_the_run_turns(clock) -> None:
    said: list[Snapshot] = []
    progress = Progress(total=None, say=said.append, clock=clock)
    for _ in range(1_000):
        clock.now += INTERVAL / 100
        progress.tick(Tally())
    assert 9 <= len(said) <= 10


def test_the_word_tells_how_far_how_fast_and_how_long_still(clock) -> None:
    said: list[Snapshot] = []
    progress = Progress(total=10_000, say=said.append, clock=clock)
    tally = Tally()
    count(tally, Outcome.ACCEPTED, 400, dialled=True)
    count(tally, Outcome.UNKNOWN, 20, dialled=True)
    count(tally, Outcome.SKIPPED, 60)
    count(tally, Outcome.REJECTED, 20)
    clock.now += 10.0
    progress.tick(tally)
    assert str(said[0]) == (
        "500 of 10000 rows: 400 accepted, 60 skipped, 20 rejected, 20 unknown; 42.0 calls/s; about 3 min 10 s left"
    )
    count(tally, Outcome.ACCEPTED, 50, dialled=True)
    clock.now += 5.0
    progress.tick(tally)
    assert said[1].calls_per_second == 10.0


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.0, "0 s"), (59.4, "59 s"), (61, "1 min 1 s"), (7_320, "2 h 2 min"), (360_000, "100 h 0 min")],
)
def test_the_time_left_is_said_as_people_say_it(seconds, text) -> None:
    snapshot = Snapshot(
        done=1, total=2, accepted=1, rejected=0, skipped=0, unknown=0, calls_per_second=1.0, seconds_left=seconds
    )
    assert str(snapshot).endswith(f"about {text} left")


def test_where_the_length_of_the_list_is_not_known_no_time_is_made_up(clock) -> None:
    said: list[Snapshot] = []
    progress = Progress(total=None, say=said.append, clock=clock)
    tally = Tally()
    count(tally, Outcome.ACCEPTED, 5, dialled=True)
    clock.now += 5.0
    progress.tick(tally)
    assert str(said[0]) == "5 rows: 5 accepted, 0 skipped, 0 rejected, 0 unknown; 1.0 calls/s"


def test_a_list_that_turned_out_longer_than_it_was_said_to_be_has_no_time_left_below_nothing(clock) -> None:
    said: list[Snapshot] = []
    progress = Progress(total=3, say=said.append, clock=clock)
    tally = Tally()
    count(tally, Outcome.ACCEPTED, 5, dialled=True)
    clock.now += 5.0
    progress.tick(tally)
    assert said[0].seconds_left == 0.0


def test_the_snapshot_can_be_kept_in_airflows_task_state(clock) -> None:
    said: list[Snapshot] = []
    progress = Progress(total=None, say=said.append, clock=clock)
    clock.now += 5.0
    progress.tick(Tally())
    state = said[0].as_state()
    assert json.loads(json.dumps(state)) == state
    assert state["done"] == 0


def test_a_run_says_where_it_stands_while_it_goes_on(caller) -> None:
    leaps = 0.0

    def clock() -> float:
        return time.monotonic() + leaps

    def contacts():
        nonlocal leaps
        for index, row in enumerate(rows(300)):
            if index % 100 == 99:
                leaps += INTERVAL + 1
            yield row

    said: list[Snapshot] = []
    caller.place(contacts(), say=said.append, clock=clock, total=300, limits=Limits(max_concurrency=8))
    assert 2 <= len(said) <= 3
    assert [snapshot.total for snapshot in said] == [300] * len(said)
    assert 60 <= said[0].accepted <= said[1].accepted <= 300


@given(outcomes=OUTCOMES)
def test_the_counts_add_up_whatever_the_rows_came_to(outcomes) -> None:
    tally = Tally()
    for number, (outcome, reason) in enumerate(outcomes, start=1):
        tally.count(RowOutcome(row_number=number, outcome=outcome, reason=reason))
    summary = Summary.of(tally)
    xcom = summary.as_xcom(campaign={"batch_id": "b"}, report=None)
    assert summary.total == len(outcomes) == sum(xcom[outcome.value] for outcome in Outcome)
    assert sum(summary.reasons.values()) == sum(1 for _, reason in outcomes if reason is not None)
    assert list(xcom) == [
        "batch_id", "total", "accepted", "rejected", "skipped", "unknown", "pending", "reasons", "report"
    ]  # fmt: skip
    assert json.loads(json.dumps(xcom)) == xcom
    assert str(summary).startswith(f"{len(outcomes)} rows: ")


def test_the_summary_is_of_one_size_however_long_the_list() -> None:
    tally = Tally()
    for number in range(10_000):
        tally.count(RowOutcome(row_number=number, outcome=Outcome.REJECTED, reason=list(Reason)[number % len(Reason)]))
    assert len(json.dumps(Summary.of(tally).as_xcom(campaign={"batch_id": None}, report=None))) < 2_000
