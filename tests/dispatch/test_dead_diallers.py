"""A dialler that has died, stands still, or loses an answer: the run ends in order instead of waiting for ever.

Whoever was in flight is unknown, everybody else is left to the next try, and nobody is rung twice.
"""

from __future__ import annotations

import asyncio
import threading

import pytest
from placing_calls import rows

from airflow_provider_callkaro.calls.outcome import Outcome, Reason
from airflow_provider_callkaro.dispatch import dialler, watchdog
from airflow_provider_callkaro.dispatch.limits import Limits
from airflow_provider_callkaro.dispatch.watchdog import Watchdog

LIMITS = Limits(max_concurrency=4)


class TransportAround:
    """A transport that passes everything on to a real one; a test overrides what it wants to go wrong."""

    def __init__(self, transport) -> None:
        self.transport = transport
        self.sent = 0

    @property
    def deadline(self):
        return self.transport.deadline

    async def __aenter__(self):
        await self.transport.__aenter__()
        return self

    async def __aexit__(self, *exc_info) -> None:
        await self.transport.__aexit__(*exc_info)

    async def send(self, request, *, not_after):
        self.sent += 1
        if self.sent == 10:
            return await self.go_wrong(request, not_after)
        return await self.transport.send(request, not_after=not_after)


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(watchdog, "SLACK", 1.0)
    monkeypatch.setattr(dialler, "LONGEST_CLOSING", 0.5)


def check_that_the_rest_is_left_to_the_next_try(caller, run, *, unknown: int) -> None:
    summary = run.summary
    assert summary.unknown <= unknown
    assert {row.reason for row in run.rows if row.outcome is Outcome.UNKNOWN} <= {Reason.INTERRUPTED, Reason.NO_ANSWER}
    assert summary.pending > 0
    again = caller.place(rows(100))
    assert (again.summary.unknown, again.summary.accepted) == (summary.unknown, 100 - summary.unknown)
    assert caller.most_rings() == 1


@pytest.mark.parametrize("error", [SystemExit, KeyboardInterrupt])
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_dialler_that_dies_ends_the_run(caller, error) -> None:
    class Dying(TransportAround):
        async def go_wrong(self, request, not_after):
            raise error

    run = caller.place(rows(100), around=Dying, limits=LIMITS)
    assert run.summary.stopped == "the thread that dials has died"
    check_that_the_rest_is_left_to_the_next_try(caller, run, unknown=4)


def test_an_event_loop_that_stands_still_ends_the_run(caller, impatient) -> None:
    over = threading.Event()

    class Blocking(TransportAround):
        async def go_wrong(self, request, not_after):
            over.wait(30)  # not awaited: nothing else happens on the loop
            raise OSError("it has stood still for too long")

    try:
        run = caller.place(rows(100), around=Blocking, limits=LIMITS)
    finally:
        over.set()
        for thread in [thread for thread in threading.enumerate() if thread.name == "dialler"]:
            thread.join(30)
    assert run.summary.stopped == "the thread that dials has stood still for 1 s"
    assert run.summary.unknown <= 4
    assert run.summary.pending > 0


@pytest.mark.slow
def test_an_answer_that_is_overdue_ends_the_run_and_costs_only_its_own_call(caller, impatient) -> None:
    """Everything has a deadline, so it cannot happen; if it does, the others in flight are awaited all the same."""

    class Forgetting(TransportAround):
        deadline = 0.2

        async def go_wrong(self, request, not_after):
            await asyncio.get_running_loop().create_future()

    run = caller.place(rows(100_000), around=Forgetting, limits=Limits(max_concurrency=4, calls_per_second=50))
    assert run.summary.stopped == "an answer is overdue by more than 1 s"
    assert [row.reason for row in run.rows if row.outcome is Outcome.UNKNOWN] == [Reason.INTERRUPTED]
    assert run.summary.accepted == len(caller.sandbox.rings) > 10


@pytest.mark.parametrize("window", [1, 4])
def test_a_call_that_is_cancelled_is_unknown_and_the_run_goes_on(caller, window) -> None:
    class Cancelled(TransportAround):
        async def go_wrong(self, request, not_after):
            raise asyncio.CancelledError  # a library that lets a cancellation of its own leak

    run = caller.place(rows(100), around=Cancelled, limits=Limits(max_concurrency=window))
    assert (run.summary.accepted, run.summary.unknown, run.summary.stopped) == (99, 1, None)
    assert [row.reason for row in run.rows if row.outcome is Outcome.UNKNOWN] == [Reason.NO_ANSWER]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_an_answer_is_delivered_although_what_it_means_for_others_cannot_be_worked_out(caller) -> None:
    """Here the jitter breaks; whatever it is, the answer of a call must not be lost with it."""
    broken: list[int] = []

    def jitter() -> float:
        if not broken and threading.current_thread() is not threading.main_thread():
            broken.append(1)
            raise ZeroDivisionError
        return 0.0

    caller.sandbox.fault("throttled", after=10, first=1, retry_after=0.01)
    run = caller.place(rows(100), jitter=jitter, limits=LIMITS)
    assert broken == [1]
    assert (run.summary.accepted, run.summary.unknown) == (100, 0)
    assert caller.most_rings() == 1


class Stopped:
    """A dialler of which nothing is heard: what the watchdog looks at, and nothing else."""

    is_alive = True
    beats = 7
    deadline = 1.0

    def longest_in_flight(self):
        return None


def test_a_process_that_was_frozen_is_given_the_time_to_wake_up(impatient) -> None:
    """After an hour's sleep the event loop has had no chance to beat; that is no reason to end its run."""
    now = [0.0]
    watch = Watchdog(Stopped(), clock=lambda: now[0])
    assert watch.alarm() is None
    now[0] += 3_600.0
    assert watch.alarm() is None  # one look counts for a second at the most
    now[0] += 0.5
    assert watch.alarm() is not None
