"""How a run ends before its list does: asked to, failed by its source, or struck by an exception out of nowhere.

However it ends, no new call starts, those in flight are awaited and settled, and the next try goes on with the rest.
"""

from __future__ import annotations

import asyncio
import math
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from placing_calls import LedgerAround, Lines, numbers, rows

from airflow_provider_callkaro.calls.outcome import Outcome, Reason
from airflow_provider_callkaro.dispatch.limits import CALM_GRACE, KILLED_GRACE, Limits, Stop
from airflow_provider_callkaro.ledger.contract import EntryState

WINDOW = 16
LIMITS = Limits(max_concurrency=WINDOW)


class Struck(BaseException):
    """Raised out of nowhere, as Airflow's timeout is and KeyboardInterrupt."""


class ShiftedClock:
    """The monotonic clock, which a test can put forward."""

    def __init__(self) -> None:
        self.shift = 0.0

    def __call__(self) -> float:
        return time.monotonic() + self.shift


class WatchedStop(Stop):
    """A stop that tells when the run has begun to wind down."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.is_winding_down = threading.Event()

    @property
    def finish_by(self) -> float:
        self.is_winding_down.set()
        return super().finish_by


class InFlight:
    """Counts the requests whose answers have not been handed over, in the thread that sends them."""

    def __init__(self) -> None:
        self._count = 0
        self._changed = threading.Condition()

    def wait_for(self, count: int) -> None:
        loop = self._transport.loop
        asyncio.run_coroutine_threadsafe(asyncio.sleep(0), loop).result(30)  # what was started begins before
        with self._changed:
            assert self._changed.wait_for(lambda: self._count == count, timeout=30)

    def watch(self, transport: Any) -> Any:
        """A transport around a real one."""
        self._transport = Counted(transport, self._add)
        return self._transport

    def _add(self, number: int) -> None:
        with self._changed:
            self._count += number
            self._changed.notify_all()


class Counted:
    """A transport that tells of each request when it begins, and when whoever sent it has dealt with its answer."""

    def __init__(self, transport: Any, add: Callable[[int], None]) -> None:
        self._transport = transport
        self._add = add
        self.deadline = transport.deadline

    async def __aenter__(self) -> Counted:
        self.loop = asyncio.get_running_loop()
        await self._transport.__aenter__()
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self._transport.__aexit__(*exc_info)

    async def send(self, request: Any, *, not_after: float) -> Any:
        self._add(1)
        try:
            return await self._transport.send(request, not_after=not_after)
        finally:
            asyncio.get_running_loop().call_soon(self._add, -1)


def interrupted_by(event: Callable[[], None], contacts: list[Any], *, at: int) -> Iterator[Any]:
    """The contacts, with something that happens before one of them is read."""
    for index, row in enumerate(contacts):
        if index == at:
            event()
        yield row


def raising(error: BaseException) -> Callable[[], None]:
    def event() -> None:
        raise error

    return event


def check_that_all_rung_are_settled(caller, count: int) -> None:
    """Whoever was rung stands in the ledger as accepted, nobody else stands there, and the next try does the rest."""
    rung = caller.sandbox.rings_per_number()
    entries = caller.entries(*numbers(count))
    assert {key: entry.state for key, entry in entries.items()} == dict.fromkeys(rung, EntryState.ACCEPTED)
    again = caller.place(rows(count))
    assert (again.summary.accepted, again.summary.resumed) == (count, len(rung))
    assert caller.most_rings() == 1


def test_a_run_that_is_asked_to_end_finishes_what_is_in_flight_and_leaves_the_rest(caller) -> None:
    caller.sandbox.fault("latency", seconds=0.1)
    stop = Stop(clock=time.monotonic)
    contacts = interrupted_by(lambda: stop.ask("Airflow ended the task"), rows(300), at=100)
    run = caller.place(contacts, stop=stop, limits=LIMITS)
    summary = run.summary
    assert summary.stopped == "Airflow ended the task"
    assert (summary.total, summary.unknown) == (300, 0)
    assert summary.accepted == len(caller.sandbox.rings)
    assert 100 - 2 * WINDOW <= summary.accepted <= 101
    assert summary.reasons == {Reason.STOPPED: 300 - summary.accepted}
    caller.sandbox.clear_faults()
    check_that_all_rung_are_settled(caller, 300)


def test_a_stop_that_comes_while_rows_are_read_lets_none_of_them_go_out(caller) -> None:
    """The source is slow; what it gives after the stop is neither claimed nor rung."""
    stop = Stop(clock=time.monotonic)
    claimed: list[str] = []

    class Watching(LedgerAround):
        def commit(self, *, settle=(), claim=()):
            claimed.extend(each.key for each in claim)
            return super().commit(settle=settle, claim=claim)

    contacts = interrupted_by(lambda: stop.ask("Airflow ended the task"), rows(100), at=0)
    run = caller.place(contacts, stop=stop, ledger=Watching(caller.open_ledger("monday")))
    assert run.summary.reasons == {Reason.STOPPED: 100}
    assert (claimed, caller.sandbox.requests) == ([], [])
    assert caller.entries(*numbers(100)) == {}


def test_a_stop_settles_what_came_back_before_the_source_gives_another_row(caller) -> None:
    """A row of a slow source may take as long as Airflow waits for a task that it ends: after that it kills."""
    stop = Stop(clock=time.monotonic)
    unsettled: set[str] = set()
    while_unsettled: list[int] = []

    class Watching(LedgerAround):
        def commit(self, *, settle=(), claim=()):
            lost = super().commit(settle=settle, claim=claim)
            unsettled.difference_update(each.key for each in settle)
            unsettled.update(each.key for each in claim if each.key not in lost)
            return lost

    def slow():
        for number, row in enumerate(rows(200)):
            if number == 20:
                stop.ask("Airflow ended the task")
            if number > 20 and unsettled:
                while_unsettled.append(number)
            yield row

    ledger = Watching(caller.open_ledger("monday"))
    run = caller.place(slow(), stop=stop, ledger=ledger, limits=Limits(max_concurrency=8))
    assert while_unsettled == []
    assert (run.summary.total, run.summary.unknown) == (200, 0)
    assert run.summary.accepted == len(caller.sandbox.rings) > 0


def test_a_stop_takes_back_what_was_claimed_ahead_and_has_no_place_yet(caller) -> None:
    """One call is in flight, the next one is claimed and waits for its place: it must not get it any more."""
    sandbox = caller.sandbox
    sandbox.fault("hold_after_accepting", first=1)
    ahead = threading.Event()

    class Ahead(LedgerAround):
        claimed = 0

        def commit(self, *, settle=(), claim=()):
            lost = super().commit(settle=settle, claim=claim)
            self.claimed += len(claim)
            if self.claimed > 1:
                ahead.set()
            return lost

    stop = WatchedStop(clock=time.monotonic)

    def ask_while_a_call_is_in_flight() -> None:
        sandbox.wait_for_held(1)
        assert ahead.wait(30)
        stop.ask("Airflow ended the task")
        assert stop.is_winding_down.wait(30)
        sandbox.clear_faults()
        sandbox.release()

    hand = threading.Thread(target=ask_while_a_call_is_in_flight)
    hand.start()
    ledger = Ahead(caller.open_ledger("monday"))
    run = caller.place(rows(50), stop=stop, ledger=ledger, limits=Limits(max_concurrency=1))
    hand.join()
    assert (run.summary.accepted, run.summary.pending) == (1, 49)
    assert len(sandbox.requests) == 1
    check_that_all_rung_are_settled(caller, 50)


def test_a_run_whose_time_is_over_ends_by_itself(caller) -> None:
    clock = ShiftedClock()
    stop = Stop(clock=clock, deadline=clock() + 3_600)
    contacts = interrupted_by(lambda: setattr(clock, "shift", 3_600), rows(200), at=50)
    run = caller.place(contacts, stop=stop, clock=clock)
    assert run.summary.stopped == "the task's execution_timeout is near"
    assert run.summary.pending > 0
    assert run.summary.unknown == 0


def test_a_run_that_is_asked_to_end_when_everything_is_done_has_gone_through(caller) -> None:
    """A stop that comes too late changes nothing, so the task does not fail for it."""
    stop = Stop(clock=time.monotonic)

    class LastLine(Lines):
        def add(self, row) -> None:
            super().add(row)
            if len(self.rows) == 20:
                stop.ask("Airflow ended the task")

    run = caller.place(rows(20), stop=stop, report=LastLine())
    assert (run.summary.accepted, run.summary.stopped) == (20, None)


@pytest.mark.parametrize("kind", ["hold_before_accepting", "hold_after_accepting"])
def test_a_call_that_hangs_beyond_the_grace_is_unknown_and_not_dialled_again(durable_caller, kind) -> None:
    sandbox = durable_caller.sandbox
    sandbox.fault(kind, after=30, first=1)
    stop = WatchedStop(clock=time.monotonic)
    in_flight = InFlight()

    def stop_once_a_call_hangs() -> None:
        sandbox.wait_for_held(1)
        stop.ask("Airflow ended the task", grace=60.0)
        assert stop.is_winding_down.wait(30)  # so nothing more starts
        in_flight.wait_for(1)
        stop.ask("Airflow ended the task", grace=0.0)

    with_a_hand_on_the_stop = threading.Thread(target=stop_once_a_call_hangs)
    with_a_hand_on_the_stop.start()
    limits = Limits(max_concurrency=4, calls_per_second=200)
    run = durable_caller.place(rows(200), stop=stop, limits=limits, around=in_flight.watch)
    with_a_hand_on_the_stop.join()
    assert [row.reason for row in run.rows if row.outcome is Outcome.UNKNOWN] == [Reason.INTERRUPTED]
    assert run.summary.accepted + run.summary.pending == 199
    sandbox.release()
    sandbox.wait_for_rings(run.summary.accepted + 1)  # the vendor acts although nobody waits for it any more
    sandbox.clear_faults()
    again = durable_caller.place(rows(200))
    assert (again.summary.accepted, again.summary.unknown) == (199, 1)
    assert durable_caller.sandbox.rings_per_number() == dict.fromkeys(numbers(200), 1)


def test_whoever_asks_last_can_only_shorten_the_time_to_finish() -> None:
    """The task's time is nearly over, and while it winds down Airflow ends it: soon it will be killed."""
    stop = Stop(clock=lambda: 1_000.0)
    assert (stop.why, stop.finish_by) == (None, float("inf"))
    stop.ask("the task's execution_timeout is near")
    assert stop.finish_by == 1_000.0 + CALM_GRACE
    stop.ask("Airflow ended the task", grace=KILLED_GRACE)
    stop.ask("once more")
    assert stop.finish_by == 1_000.0 + KILLED_GRACE
    assert stop.why == "the task's execution_timeout is near"


def test_an_answer_that_came_while_the_process_slept_through_its_grace_counts(caller) -> None:
    """The machine was frozen, or busy: the time is over, and yet the vendor has answered."""
    sandbox = caller.sandbox
    sandbox.fault("hold_after_accepting", first=1)
    in_flight = InFlight()

    class Sleeping(Stop):
        @property
        def finish_by(self) -> float:
            sandbox.release()
            in_flight.wait_for(0)
            return -math.inf

    stop = Sleeping(clock=time.monotonic)

    def ask_while_a_call_is_in_flight() -> None:
        sandbox.wait_for_held(1)
        stop.ask("Airflow ended the task")

    hand = threading.Thread(target=ask_while_a_call_is_in_flight)
    hand.start()
    run = caller.place(rows(1), stop=stop, around=in_flight.watch)
    hand.join()
    assert (run.summary.accepted, run.summary.unknown) == (1, 0)


def test_a_run_that_winds_down_heeds_a_shorter_grace(caller) -> None:
    sandbox = caller.sandbox
    sandbox.fault("hold_after_accepting", first=1)
    stop = Stop(clock=time.monotonic)

    def ask_twice() -> None:
        sandbox.wait_for_held(1)
        stop.ask("the task's execution_timeout is near")
        sandbox.wait_for_rings(1)
        stop.ask("Airflow ended the task", grace=0.0)

    hand = threading.Thread(target=ask_twice)
    hand.start()
    run = caller.place(rows(1), stop=stop)
    hand.join()
    assert [row.reason for row in run.rows] == [Reason.INTERRUPTED]


@pytest.mark.parametrize("error", [Struck(), KeyboardInterrupt(), RuntimeError("the warehouse has gone")])
def test_a_source_that_fails_in_the_middle_ends_the_run_with_everything_settled(caller, error) -> None:
    caller.sandbox.fault("latency", seconds=0.2)
    with pytest.raises(type(error)) as raised:
        caller.place(interrupted_by(raising(error), rows(100), at=60), limits=LIMITS)
    assert raised.value is error
    caller.sandbox.clear_faults()
    assert len(caller.sandbox.rings) > 0
    check_that_all_rung_are_settled(caller, 100)


@pytest.mark.slow
def test_a_source_that_fails_gives_slow_answers_the_time_they_need(caller) -> None:
    """Nobody is about to kill the task, so the calls in flight get as long as an answer is waited for."""
    caller.sandbox.fault("latency", seconds=KILLED_GRACE + 1)
    contacts = interrupted_by(raising(RuntimeError("the warehouse has gone")), rows(10), at=4)
    with pytest.raises(RuntimeError):
        caller.place(contacts, limits=Limits(calls_per_second=10))
    caller.sandbox.clear_faults()
    assert len(caller.sandbox.rings) > 0
    check_that_all_rung_are_settled(caller, 10)


def test_an_exception_out_of_the_progress_log_ends_the_run_with_everything_settled(caller) -> None:
    caller.sandbox.fault("latency", seconds=0.2)
    clock = ShiftedClock()

    def say(snapshot) -> None:
        raise Struck

    contacts = interrupted_by(lambda: setattr(clock, "shift", 6.0), rows(300), at=100)
    with pytest.raises(Struck):
        caller.place(contacts, clock=clock, say=say, limits=LIMITS)
    assert 0 < len(caller.sandbox.rings) < 300
    caller.sandbox.clear_faults()
    check_that_all_rung_are_settled(caller, 300)


@pytest.mark.parametrize("error", [Struck(), OSError("no space left on device")])
def test_a_report_that_cannot_be_written_loses_no_outcome(caller, error) -> None:
    caller.sandbox.fault("latency", seconds=0.1)

    class Full(Lines):
        def add(self, row) -> None:
            if len(self.rows) == 50:
                raise error
            super().add(row)

    with pytest.raises(type(error)):
        caller.place(rows(200), report=Full(), limits=LIMITS)
    assert 50 < len(caller.sandbox.rings) < 200
    caller.sandbox.clear_faults()
    check_that_all_rung_are_settled(caller, 200)


def test_an_exception_that_strikes_while_the_run_winds_down_loses_no_outcome(caller) -> None:
    """The stop came shortly before the task's time was over; then Airflow's timeout strikes."""
    caller.sandbox.fault("latency", seconds=0.5)
    stop = Stop(clock=time.monotonic)
    clock = ShiftedClock()
    armed = threading.Event()

    class Striking(ShiftedClock):
        def __call__(self) -> float:
            if armed.is_set() and threading.current_thread() is threading.main_thread():
                readings.append(1)
                if len(readings) == 4:  # the second look at the clock of the wind-down, or a later one
                    raise Struck
            return super().__call__()

    readings: list[int] = []
    clock = Striking()

    def ask() -> None:
        stop.ask("the task's execution_timeout is near")
        armed.set()

    with pytest.raises(Struck):
        caller.place(interrupted_by(ask, rows(100), at=40), stop=stop, clock=clock, limits=LIMITS)
    caller.sandbox.clear_faults()
    check_that_all_rung_are_settled(caller, 100)
