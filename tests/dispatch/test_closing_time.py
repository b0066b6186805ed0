"""The window closes while a call is on its way: it was judged in time, and must not ring late.

Between the judgement and the first byte lie the ledger's write, the wait for a free place, and the connection. The
clock on the wall is put forward while one of them lasts; whoever is too late goes back unsent and is judged anew.
"""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta

import pytest
from placing_calls import CampaignCaller, LedgerAround, numbers, rows

from airflow_provider_callkaro.calls.outcome import Reason
from airflow_provider_callkaro.calls.policy import CallingPolicy
from airflow_provider_callkaro.calls.window import ScheduleWindow
from airflow_provider_callkaro.dispatch.hours import CallingHours, WhenClosed
from airflow_provider_callkaro.dispatch.job import Judged
from airflow_provider_callkaro.dispatch.limits import Limits
from airflow_provider_callkaro.dispatch.preparation import Rules
from airflow_provider_callkaro.ledger.contract import EntryState
from airflow_provider_callkaro.transport.retry import RetryPolicy


class Wall:
    """The clock on the wall, and a window that closes in half an hour; a test can put the clock forward beyond that."""

    def __init__(self) -> None:
        self._shift = 0.0
        self._opens = datetime.now(UTC) - timedelta(hours=2)
        self._closes = datetime.now(UTC) + timedelta(minutes=30)

    def __call__(self) -> float:
        return time.time() + self._shift

    def pass_an_hour(self) -> None:
        self._shift += 3_600.0

    let_the_window_close = pass_an_hour

    def rules(self) -> Rules:
        windows = ScheduleWindow(f"{self._opens:%H:%M:%S}", f"{self._closes:%H:%M:%S}")
        hours = CallingHours(
            policy=CallingPolicy(timezone="UTC", windows=windows),
            when_closed=WhenClosed.STOP,
            due=self._opens,
            expires_after=None,
            vendor_zone=None,
            now=lambda: datetime.fromtimestamp(self(), UTC),
        )
        return Rules(hours=hours)


class Claiming(LedgerAround):
    """A ledger that tells how many calls it has let claim."""

    def __init__(self, ledger, *, wanted: int) -> None:
        super().__init__(ledger)
        self._wanted = wanted
        self._claimed = 0
        self.has_claimed = threading.Event()

    def commit(self, *, settle=(), claim=()):
        lost = super().commit(settle=settle, claim=claim)
        self._claimed += len(claim)
        if self._claimed >= self._wanted:
            self.has_claimed.set()
        return lost


def check_that_the_rest_is_left_to_the_next_try(caller, run, *, rung: int, count: int) -> None:
    assert len(caller.sandbox.rings) == rung
    assert run.summary.reasons == {Reason.WINDOW_CLOSED: count - rung}
    assert (run.summary.accepted, run.summary.stopped) == (rung, None)
    assert {entry.state for entry in caller.entries(*numbers(count)).values()} == {EntryState.ACCEPTED}
    again = caller.place(rows(count))
    assert (again.summary.accepted, again.summary.resumed) == (count, rung)
    assert caller.most_rings() == 1


@pytest.mark.parametrize("concurrency", [64, 1])
def test_a_vendor_that_stalls_shortly_before_closing_rings_nobody_after_it(caller, concurrency) -> None:
    """All places are taken by calls that are not answered; whoever was claimed ahead gets a place after closing."""
    sandbox, wall, rung = caller.sandbox, Wall(), []
    sandbox.fault("hold_after_accepting", after=200)
    ledger = Claiming(caller.open_ledger("monday"), wanted=200 + concurrency + 1)

    def stall() -> None:
        sandbox.wait_for_held(concurrency)
        assert ledger.has_claimed.wait(30), "nobody was claimed ahead of a free place"
        wall.let_the_window_close()
        rung.append(len(sandbox.rings))
        sandbox.clear_faults()
        sandbox.release()

    vendor = threading.Thread(target=stall)
    vendor.start()
    limits = Limits(max_concurrency=concurrency)
    run = caller.place(rows(1_000), limits=limits, rules=wall.rules(), wall=wall, ledger=ledger)
    vendor.join()
    assert rung == [200 + concurrency]
    check_that_the_rest_is_left_to_the_next_try(caller, run, rung=rung[0], count=1_000)


def test_a_ledger_that_takes_its_time_lets_nobody_ring_after_closing(durable_caller) -> None:
    """The claim was asked for in time, and stands when the window has closed: it is given up, not used."""
    wall, rung = Wall(), []

    class Slow(LedgerAround):
        claimed = 0

        def commit(self, *, settle=(), claim=()):
            lost = super().commit(settle=settle, claim=claim)
            if self.claimed >= 50 and not rung:
                durable_caller.sandbox.wait_for_rings(self.claimed)  # what has been handed over before rings in time
                rung.append(self.claimed)
                wall.let_the_window_close()
            self.claimed += len(claim)
            return lost

    ledger = Slow(durable_caller.open_ledger("monday"))
    run = durable_caller.place(
        rows(400), limits=Limits(max_concurrency=8), rules=wall.rules(), wall=wall, ledger=ledger
    )
    check_that_the_rest_is_left_to_the_next_try(durable_caller, run, rung=rung[0], count=400)


def test_a_call_that_was_too_late_has_not_been_tried(caller) -> None:
    """It costs no attempt and no pause, and is no word against the vendor: judged anew, it is as good as before."""
    wall = Wall()

    class HalfAnHour:
        """Judges that a call may ring, for half an hour from now."""

        def judge(self, call):
            return Judged(call=call, not_after=wall() + 1_800)

    class Slow(LedgerAround):
        """A ledger three of whose writes take an hour each."""

        def commit(self, *, settle=(), claim=()):
            lost = super().commit(settle=settle, claim=claim)
            if claim and self.commits in (2, 4, 6):
                wall.pass_an_hour()
            return lost

    run = caller.place(
        rows(50),
        rules=Rules(hours=HalfAnHour()),
        wall=wall,
        ledger=Slow(caller.open_ledger("monday")),
        limits=Limits(max_concurrency=2),
        policy=RetryPolicy(attempts=1, base_delay=600.0, max_delay=600.0),
    )
    assert (run.summary.accepted, run.summary.dialled) == (50, 50)
    assert caller.most_rings() == 1


def test_a_call_that_is_too_late_for_ever_is_left_to_the_next_try(caller) -> None:
    """Two clocks that differ must not make a run claim and give up the same call for ever."""

    class Yesterday:
        def judge(self, call):
            return Judged(call=call, not_after=time.time() - 86_400)

    run = caller.place(rows(5), rules=Rules(hours=Yesterday()))
    assert run.summary.reasons == {Reason.NOT_SENT: 5}
    assert caller.sandbox.requests == []
    assert caller.place(rows(5)).summary.accepted == 5


def test_a_call_that_is_too_late_when_its_turn_comes_takes_nobodys_turn(caller) -> None:
    """The dialler looks before it begins: no place is taken for it and no connection is opened."""
    wall, begun = Wall(), []

    class Watched:
        """Tells how late it was when a request was handed to the transport."""

        def __init__(self, transport) -> None:
            self._transport = transport
            self.deadline = transport.deadline

        async def __aenter__(self):
            await self._transport.__aenter__()
            return self

        async def __aexit__(self, *exc_info) -> None:
            await self._transport.__aexit__(*exc_info)

        async def send(self, request, *, not_after):
            begun.append(wall() - not_after)
            return await self._transport.send(request, not_after=not_after)

    class Slow(LedgerAround):
        def commit(self, *, settle=(), claim=()):
            lost = super().commit(settle=settle, claim=claim)
            if claim:
                wall.let_the_window_close()
            return lost

    ledger = Slow(caller.open_ledger("monday"))
    run = caller.place(rows(5), rules=wall.rules(), wall=wall, ledger=ledger, around=Watched)
    assert run.summary.reasons == {Reason.WINDOW_CLOSED: 5}
    assert (begun, caller.sandbox.requests) == ([], [])


def test_a_campaign_leaves_before_the_first_of_its_targets_is_too_late(sandbox, caller) -> None:
    """Many calls in one request: the earliest moment of them holds for all."""
    wall, late = Wall(), []
    campaigns = CampaignCaller(sandbox, caller.open_ledger)

    class Slow(LedgerAround):
        def commit(self, *, settle=(), claim=()):
            lost = super().commit(settle=settle, claim=claim)
            if claim and not late:
                late.append(len(sandbox.mrassistant_campaigns))
                wall.let_the_window_close()
            return lost

    ledger = Slow(caller.open_ledger("monday"))
    run = campaigns.place(rows(9), rules=wall.rules(), wall=wall, ledger=ledger, limits=Limits(max_concurrency=1))
    assert (late, sandbox.mrassistant_campaigns) == ([0], [])
    assert run.summary.reasons == {Reason.WINDOW_CLOSED: 9}
    assert campaigns.place(rows(9)).summary.accepted == 9
