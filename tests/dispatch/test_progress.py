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


def minutes_of(clock: Clock, progress: Progress, minutes: int) -> None:
    """Let a run turn ten times a second for so long."""
    for _ in range(minutes * 600):
        clock.now += 0.1
        progress.tick(Tally())


def test_a_line_comes_every_few_seconds_at_first_and_then_ever_more_rarely(clock) -> None:
    began, said = clock.now, []
    progress = Progress(total=None, say=lambda _: said.append(round(clock.now - began)), clock=clock)
    minutes_of(clock, progress, 60)
    assert said[:8] == pytest.approx([5, 15, 35, 75, 155, 315, 615, 915], abs=1)
    assert len(said) == 16


def test_what_others_look_at_is_kept_up_to_date_however_long_the_run(clock) -> None:
    kept: list[Snapshot] = []
    progress = Progress(total=None, say=lambda _: None, keep=kept.append, clock=clock)
    minutes_of(clock, progress, 60)
    assert len(kept) == pytest.approx(3_600 / INTERVAL, abs=20)


def test_each_line_has_the_rate_since_the_line_before_it(clock) -> None:
    said: list[float] = []
    progress = Progress(
        total=None, say=lambda snapshot: said.append(snapshot.calls_per_second), keep=lambda _: None, clock=clock
    )
    tally = Tally()
    for rate in (10, 2, 4, 4):  # of each five seconds
        tally.dialled += rate * 5
        clock.now += 5.0
        progress.tick(tally)
    assert said == [10.0, 3.0]


def test_no_line_runs_off_the_screen() -> None:
    snapshot = Snapshot(
        done=900_000, total=1_000_000, accepted=849_000, rejected=19_000, skipped=30_000, unknown=2_000,
        calls_per_second=425.0, seconds_left=5_900,
    )  # fmt: skip
    tally = Tally()
    for number in range(200):
        tally.count(RowOutcome(row_number=number, outcome=Outcome.REJECTED, reason=list(Reason)[number % len(Reason)]))
    lines = Summary.of(tally, unread=True).lines()
    assert all(str(reason) in " ".join(lines) for reason in Reason)
    assert max(map(len, [str(snapshot), *lines])) <= 120


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
        "500 of 10,000, about 3 min left: 400 accepted, 60 skipped, 20 rejected, 20 unknown; 42 calls/s"
    )


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.0, "0 s"), (59.4, "59 s"), (61, "1 min"), (5_999, "100 min"), (7_320, "2 h"), (360_000, "100 h")],
)
def test_the_time_left_is_said_as_people_say_it(seconds, text) -> None:
    snapshot = Snapshot(
        done=1, total=2, accepted=1, rejected=0, skipped=0, unknown=0, calls_per_second=1.0, seconds_left=seconds
    )
    assert str(snapshot) == f"1 of 2, about {text} left: 1 accepted; 1.0 calls/s"


def test_where_the_length_of_the_list_is_not_known_no_time_is_made_up(clock) -> None:
    said: list[Snapshot] = []
    progress = Progress(total=None, say=said.append, clock=clock)
    tally = Tally()
    count(tally, Outcome.ACCEPTED, 5, dialled=True)
    clock.now += 5.0
    progress.tick(tally)
    assert str(said[0]) == "5 rows: 5 accepted; 1.0 calls/s"


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
                leaps += 2 * INTERVAL + 1
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
