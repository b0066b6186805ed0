"""The pace that a user sets holds, whatever else happens. Judged where a call leaves: a vendor that is busy may take in
together what was sent apart."""

from __future__ import annotations

import threading
import time

import pytest
from placing_calls import LedgerAround, rows

from airflow_provider_callkaro.dispatch.limits import Limits
from airflow_provider_callkaro.transport.retry import RetryPolicy

PER_SECOND = 8


class Departures:
    """Notes when each request leaves."""

    def __init__(self) -> None:
        self._moments: list[float] = []

    def watch(self, transport):
        """A transport around a real one."""
        self._transport = transport
        self.deadline = transport.deadline
        return self

    async def __aenter__(self):
        await self._transport.__aenter__()
        return self

    async def __aexit__(self, *exc_info) -> None:
        await self._transport.__aexit__(*exc_info)

    async def send(self, request, *, not_after):
        self._moments.append(time.monotonic())
        return await self._transport.send(request, not_after=not_after)

    def check_pace(self, *, count: int) -> None:
        assert len(self._moments) == count
        most = max(sum(1 for later in self._moments if moment <= later < moment + 1.0) for moment in self._moments)
        assert most <= PER_SECOND + 1


@pytest.fixture
def departures() -> Departures:
    return Departures()


@pytest.mark.slow
def test_no_second_sees_more_calls_than_the_user_allows(caller, departures) -> None:
    run = caller.place(rows(20), limits=Limits(calls_per_second=PER_SECOND), around=departures.watch)
    assert run.summary.accepted == 20
    departures.check_pace(count=20)


@pytest.mark.slow
def test_a_pause_is_not_made_up_for_by_a_burst_afterwards(caller, departures) -> None:
    caller.sandbox.fault("throttled", after=4, first=1, retry_after=1)
    limits = Limits(calls_per_second=PER_SECOND)
    run = caller.place(rows(16), limits=limits, policy=RetryPolicy(), around=departures.watch)
    assert run.summary.accepted == 16
    departures.check_pace(count=17)


@pytest.mark.slow
def test_a_slow_ledger_write_is_not_made_up_for_by_a_burst_afterwards(caller, departures) -> None:
    class Slow(LedgerAround):
        """A ledger whose every third commit takes longer than three calls should."""

        def commit(self, *, settle=(), claim=()):
            if self.commits % 3 == 2:
                threading.Event().wait(0.4)
            return super().commit(settle=settle, claim=claim)

    limits = Limits(calls_per_second=PER_SECOND)
    ledger = Slow(caller.open_ledger("monday"))
    run = caller.place(rows(12), limits=limits, ledger=ledger, around=departures.watch)
    assert run.summary.accepted == 12
    departures.check_pace(count=12)


def test_a_paced_run_claims_hardly_anything_ahead(caller) -> None:
    """So that a killed worker leaves two calls unknown at the most, where the pace is slow."""
    still_open = [0]

    class Watching(LedgerAround):
        """A ledger that counts how many claims are open."""

        def commit(self, *, settle=(), claim=()):
            lost = super().commit(settle=settle, claim=claim)
            still_open.append(still_open[-1] + len(claim) - len(lost) - len(settle))
            return lost

    run = caller.place(rows(5), limits=Limits(calls_per_second=2), ledger=Watching(caller.open_ledger("monday")))
    assert run.summary.accepted == 5
    assert max(still_open) <= 2
    assert still_open[-1] == 0


def test_the_window_holds_however_slow_the_vendor_is(caller) -> None:
    sandbox = caller.sandbox
    sandbox.fault("hold_after_accepting")

    def let_go_once_the_window_is_full() -> None:
        sandbox.wait_for_held(7)
        sandbox.clear_faults()
        sandbox.release()

    vendor = threading.Thread(target=let_go_once_the_window_is_full)
    vendor.start()
    run = caller.place(rows(60), limits=Limits(max_concurrency=7))
    vendor.join()
    assert run.summary.accepted == 60
    assert sandbox.most_in_flight == 7
