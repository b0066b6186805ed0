"""The memory ledger keeps every ledger's promises, but for outliving its process."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest
from ledger_contract import NUMBER, accept, claim, everything, release
from shared_ledger_contract import SharedLedgerContract

from airflow_provider_callkaro.ledger.contract import EntryState
from airflow_provider_callkaro.ledger.memory import MemoryLedger, MemoryStore


class Clock:
    """Stands where the test puts it."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def make_ledger(clock: Clock):
    store = MemoryStore(clock=clock)

    def make(*, run: str, scope: str = "calls", also: Sequence[str] = ()) -> MemoryLedger:
        return MemoryLedger(scope=scope, also=also, run=run, store=store)

    return make


@pytest.fixture
def let_time_pass(clock: Clock):
    def pass_(by: timedelta) -> None:
        clock.now += by.total_seconds()

    return pass_


class TestMemoryLedger(SharedLedgerContract):
    """The contract, and what the ledger does with news of a call that it does not hold."""

    def test_an_outcome_is_not_released_by_mistake(self, make_ledger) -> None:
        with make_ledger(run="monday") as ledger:
            ledger.commit(claim=[claim()])
            ledger.commit(settle=[accept()])
            ledger.commit(settle=[release()])
            assert everything(ledger)[NUMBER].state is EntryState.ACCEPTED

    def test_an_outstanding_call_cannot_be_redialled_by_the_try_that_is_making_it(self, make_ledger) -> None:
        with make_ledger(run="monday") as ledger:
            ledger.commit(claim=[claim()])
            standing = everything(ledger)
            assert ledger.commit(claim=[claim(replaces=standing[NUMBER])]) == standing

    def test_ledgers_without_a_common_store_know_nothing_of_each_other(self) -> None:
        with MemoryLedger() as first, MemoryLedger() as second:
            assert first.commit(claim=[claim()]) == {}
            assert second.commit(claim=[claim()]) == {}
