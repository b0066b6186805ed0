"""A ledger that fails in the middle of a run: nobody is dispatched without a durable claim, and nobody is lost."""

from __future__ import annotations

import pytest
from airflow_task_state import TaskStateInMemory
from placing_calls import Caller, LedgerAround, numbers, rows

from airflow_provider_callkaro.dispatch.limits import Limits
from airflow_provider_callkaro.exceptions import LedgerError
from airflow_provider_callkaro.ledger.contract import CallLedger, EntryState
from airflow_provider_callkaro.ledger.task_state.ledger import TaskStateLedger

COUNT = 120
LIMITS = Limits(max_concurrency=8)


class Failing(LedgerAround):
    """A ledger whose commits raise from the ``first`` one on, for a while: before the real one wrote, or after.

    :param times: how many commits raise; None is all that come.
    """

    def __init__(self, ledger: CallLedger, *, first: int, times: int | None, written: bool) -> None:
        super().__init__(ledger)
        self._first = first
        self._last = None if times is None else first + times - 1
        self._written = written

    def commit(self, *, settle=(), claim=()):
        number = self.commits + 1
        fails = number >= self._first and (self._last is None or number <= self._last)
        if fails and not self._written:
            self.commits = number
            raise LedgerError("the database has gone")
        lost = super().commit(settle=settle, claim=claim)
        if fails:
            raise LedgerError("the database did not answer")
        return lost


@pytest.fixture(params=["sql", "task state"])
def any_caller(request, durable_caller) -> Caller:
    """With each of the ledgers that outlive a worker."""
    if request.param == "sql":
        return durable_caller
    store = TaskStateInMemory()
    return Caller(durable_caller.sandbox, lambda run: TaskStateLedger(store))


@pytest.mark.parametrize("written", [False, True], ids=["nothing was written", "it was written"])
@pytest.mark.parametrize("first", [1, 2, 5])
def test_without_a_ledger_nothing_goes_out_and_nobody_is_forgotten(any_caller, first, written) -> None:
    any_caller.sandbox.fault("latency", seconds=0.02)
    ledger = Failing(any_caller.open_ledger("monday"), first=first, times=None, written=written)
    with pytest.raises(LedgerError):
        any_caller.place(rows(COUNT), ledger=ledger, limits=LIMITS)
    rung = set(any_caller.sandbox.rings_per_number())
    entries = any_caller.entries(*numbers(COUNT))
    assert rung <= set(entries)
    assert len(entries) < COUNT
    any_caller.sandbox.clear_faults()
    again = any_caller.place(rows(COUNT), limits=LIMITS)
    assert again.summary.accepted + again.summary.unknown == COUNT
    assert again.summary.unknown <= 2 * LIMITS.max_concurrency
    assert any_caller.most_rings() == 1


@pytest.mark.parametrize("written", [False, True], ids=["nothing was written", "it was written"])
@pytest.mark.parametrize("first", [2, 6])
def test_what_was_in_flight_is_awaited_and_settled_if_the_ledger_lets_it(any_caller, first, written) -> None:
    """The run fails all the same: it cannot know whether the claims of the failed commit stand."""
    any_caller.sandbox.fault("latency", seconds=0.1)
    ledger = Failing(any_caller.open_ledger("monday"), first=first, times=1, written=written)
    with pytest.raises(LedgerError):
        any_caller.place(rows(COUNT), ledger=ledger, limits=LIMITS)
    rung = set(any_caller.sandbox.rings_per_number())
    states = {key: entry.state for key, entry in any_caller.entries(*numbers(COUNT)).items()}
    assert {key for key, state in states.items() if state is EntryState.ACCEPTED} == rung
    any_caller.sandbox.clear_faults()
    again = any_caller.place(rows(COUNT), limits=LIMITS)
    assert again.summary.accepted + again.summary.unknown == COUNT
    assert any_caller.most_rings() == 1


def test_a_ledger_that_cannot_be_opened_stops_the_run_before_anything_is_sent(caller) -> None:
    store = TaskStateInMemory()
    store.set("calls/00000", "somebody else's")
    with pytest.raises(LedgerError):
        caller.place(rows(10), ledger=TaskStateLedger(store))
    assert caller.sandbox.requests == []


@pytest.mark.parametrize("dry_run", [False, True])
def test_a_ledger_that_cannot_be_read_ends_the_run_instead_of_ringing_anybody_twice(caller, dry_run) -> None:
    caller.place(rows(1_000))

    class Unreadable(LedgerAround):
        def state_of(self, keys):
            raise LedgerError("the database has gone")

    ledger = Unreadable(caller.open_ledger("tuesday"))
    with pytest.raises(LedgerError):
        caller.place(rows(1_100), run="tuesday", ledger=ledger, dry_run=dry_run)
    assert caller.most_rings() == 1
    assert len(caller.sandbox.rings) == 1_000
