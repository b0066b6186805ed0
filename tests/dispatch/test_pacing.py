"""The pace that a user sets holds, whatever else happens. Judged by the vendor's own record of arrivals."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta

import pytest
from placing_calls import LedgerAround, rows

from airflow_provider_callkaro.dispatch.limits import Limits
from airflow_provider_callkaro.transport.retry import RetryPolicy

PER_SECOND = 8
SECOND = timedelta(seconds=1)


def most_in_one_second(moments: list[datetime]) -> int:
    """The largest number of moments in any window of one second."""
    return max(sum(1 for later in moments if moment <= later < moment + SECOND) for moment in moments)


def check_pace(caller) -> None:
    assert most_in_one_second([request.received_at for request in caller.sandbox.requests]) <= PER_SECOND + 1


@pytest.mark.slow
def test_no_second_sees_more_calls_than_the_user_allows(caller) -> None:
    run = caller.place(rows(20), limits=Limits(calls_per_second=PER_SECOND))
    assert run.summary.accepted == 20
    check_pace(caller)


@pytest.mark.slow
def test_a_pause_is_not_made_up_for_by_a_burst_afterwards(caller) -> None:
    caller.sandbox.fault("throttled", after=4, first=1, retry_after=1)
    run = caller.place(rows(16), limits=Limits(calls_per_second=PER_SECOND), policy=RetryPolicy())
    assert run.summary.accepted == 16
    check_pace(caller)


@pytest.mark.slow
def test_a_slow_ledger_write_is_not_made_up_for_by_a_burst_afterwards(caller) -> None:
    class Slow(LedgerAround):
        """A ledger whose every third commit takes longer than three calls should."""

        def commit(self, *, settle=(), claim=()):
            if self.commits % 3 == 2:
                threading.Event().wait(0.4)
            return super().commit(settle=settle, claim=claim)

    limits = Limits(calls_per_second=PER_SECOND)
    run = caller.place(rows(12), limits=limits, ledger=Slow(caller.open_ledger("monday")))
    assert run.summary.accepted == 12
    check_pace(caller)


def test_a_paced_run_claims_hardly_anything_ahead(caller) -> None:
    """So that a killed worker leaves two calls unknown at the most, where the pace is slow."""
    still_open = [0]

    class Watching(LedgerAround):
        """A ledger that counts how many claims are open."""

        def commit(self, *, settle=(), claim=()):
            lost = super().commit(settle=settle, claim=claim)
            still_open.append(still_open[-1] + len(claim) - len(lost) - len(settle))
            return lost

    run = caller.place(rows(15), limits=Limits(calls_per_second=10), ledger=Watching(caller.open_ledger("monday")))
    assert run.summary.accepted == 15
    assert max(still_open) <= 2
    assert still_open[-1] == 0


def test_the_window_holds_however_slow_the_vendor_is(caller) -> None:
    caller.sandbox.fault("latency", seconds=0.05)
    caller.place(rows(60), limits=Limits(max_concurrency=7))
    assert caller.sandbox.most_in_flight == 7
