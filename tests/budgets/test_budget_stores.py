"""Workers that share a database hold no more than the budget together, and what one leaves another takes."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
import sqlalchemy

from airflow_provider_callkaro.budgets.lease import Lease
from airflow_provider_callkaro.budgets.limits import CallBudget
from airflow_provider_callkaro.budgets.messages import Exhausted, Holding, Throttle
from airflow_provider_callkaro.budgets.renewal import Run
from airflow_provider_callkaro.budgets.store import BudgetStore, budgets_in
from airflow_provider_callkaro.exceptions import ConfigurationError, LedgerError

LONG = 3_600.0  # seconds of a lease, so that a busy machine ends none


class Worker:
    """One worker, which renews when it is told to. Its clock stands still but where a test moves it; only the
    database's goes on."""

    def __init__(self, store: BudgetStore, name: str, *, priority: int = 0) -> None:
        self.store, self.name = store, name
        self.now = 1_000.0
        self.run = Run(name=name, priority=priority)
        self.lease = Lease(most_slots=1_000)

    def renew(self, *, backlog: bool = True, **changes: Any) -> Worker:
        holding = dataclasses.replace(self.lease.report(now=self.now, backlog=backlog), **changes)
        grant = self.store.renew(self.name, run=self.run, holding=holding)
        self.lease.grant(grant, began=self.now, now=self.now)
        return self

    def report(self) -> Holding:
        return self.lease.report(now=self.now, backlog=True)

    @property
    def tokens(self) -> int:
        holding = self.report()
        return len(holding.tokens) + holding.out


@pytest.fixture
def open_store(engine: sqlalchemy.Engine) -> Any:
    opened: list[BudgetStore] = []

    def open_(name: str = "account", **limits: Any) -> BudgetStore:
        store = BudgetStore(engine, name=name, shortest_lease=LONG).__enter__()
        opened.append(store)
        if limits:
            store.offer(CallBudget.read(limits), conn_id="callkaro_default")
        return store

    yield open_
    for store in opened:
        store.__exit__()


def settle(*workers: Worker) -> None:
    """Let each renew until nothing moves any more."""
    for _ in range(3):
        for worker in workers:
            worker.renew()


def test_two_workers_share_what_one_had(open_store: Any) -> None:
    store = open_store(calls_per_second=10, max_concurrency=4)
    one, two = (Worker(store, name) for name in ("one", "two"))
    one.renew()
    assert (one.tokens, one.lease.limit) == (10, 4)
    settle(two, one)
    assert [(each.tokens, each.lease.limit) for each in (one, two)] == [(5, 2), (5, 2)]
    state = store.show()
    assert [(holder.run, holder.calls_per_second, holder.slots) for holder in state.holders] == [
        ("one", 5, 2),
        ("two", 5, 2),
    ]
    assert state.conn_ids == ("callkaro_default",)


def test_the_urgent_run_goes_first_and_the_idle_one_gives_all(open_store: Any) -> None:
    store = open_store(calls_per_second=10, max_concurrency=10)
    nightly = Worker(store, "nightly")
    urgent = Worker(store, "urgent", priority=5)
    nightly.renew()
    settle(urgent, nightly)
    assert (nightly.tokens, urgent.tokens) == (0, 10)
    assert urgent.lease.last_grant.others == ("nightly",)
    urgent.renew(backlog=False)
    urgent.renew(backlog=False)
    settle(nightly)
    assert (nightly.tokens, urgent.tokens) == (10, 0)


def test_what_is_released_is_there_for_the_next(open_store: Any) -> None:
    store = open_store(calls_per_second=3, max_concurrency=3)
    one, two = (Worker(store, name) for name in ("one", "two"))
    one.renew()
    for _ in range(2):
        permit = one.lease.start(now=one.now + 0.9)
        assert permit.may_leave(now=one.now + 0.9)
        permit.ended(now=one.now + 0.9, answered=True)
    one.lease.close()
    store.release("one", holding=one.lease.report(now=one.now + 0.9, backlog=False))
    grant = store.renew("two", run=two.run, holding=two.report())
    assert grant.tokens is not None
    assert len(grant.tokens) == 3
    assert grant.slots == 3


def test_a_commit_without_an_answer_gives_nothing_twice(open_store: Any) -> None:
    store = open_store(calls_per_second=6, max_concurrency=6)
    one, two = (Worker(store, name) for name in ("one", "two"))
    one.renew()
    store.renew("two", run=two.run, holding=two.report())  # never heard of
    settle(one, two)
    store.renew("one", run=one.run, holding=one.report())
    settle(two, one)
    assert (one.tokens, two.tokens, one.lease.limit, two.lease.limit) == (3, 3, 3, 3)


def test_the_command_line_overrides_the_extra_until_it_is_reset(open_store: Any) -> None:
    store = open_store(calls_per_second=10, max_concurrency=4)
    worker = Worker(store, "one").renew()
    assert store.set({"calls_per_second": 4, "max_concurrency": ""}) == CallBudget(calls_per_second=4)
    store.offer(CallBudget(calls_per_second=8), conn_id="other")
    settle(worker)
    assert worker.tokens == 4
    assert store.show().overridden == ("calls_per_second", "max_concurrency")
    store.reset()
    settle(worker)
    assert worker.tokens == 8
    with pytest.raises(ConfigurationError, match="calls_per_second"):
        store.set({"calls_per_second": -1})
    assert store.show().budget == CallBudget(calls_per_second=8)


def test_a_stale_reading_of_the_connection_changes_nothing(open_store: Any) -> None:
    store = open_store(calls_per_second=10)
    store.offer(CallBudget(calls_per_second=99), conn_id="callkaro_default", read_ago=30)
    assert store.show().budget == CallBudget(calls_per_second=10)


def test_without_settings_nobody_gets_anything(open_store: Any) -> None:
    store = open_store()
    with pytest.raises(ConfigurationError, match='"account"'):
        Worker(store, "one").renew()


def test_budgets_of_other_names_are_apart(open_store: Any, engine: sqlalchemy.Engine) -> None:
    assert budgets_in(engine) == []
    one = Worker(open_store("one", calls_per_second=5), "one").renew()
    two = Worker(open_store("two", calls_per_second=7), "two").renew()
    assert (one.tokens, two.tokens) == (5, 7)
    assert budgets_in(engine) == ["one", "two"]


def test_a_throttling_slows_everybody(open_store: Any) -> None:
    store = open_store(calls_per_second=8, max_concurrency=8)
    one, two = (Worker(store, name) for name in ("one", "two"))
    settle(one, two)
    throttle = Throttle(wait=300, started_ago=0.1)
    one.renew(throttle=throttle)
    two.renew(throttle=throttle)  # it was in flight at the same time
    settle(one, two)
    assert not two.lease.may_start(now=two.now + 2)
    assert two.lease.opens_at(now=two.now) > two.now + 2
    assert (one.tokens, two.tokens, one.lease.limit) == (2, 2, 2)
    assert 0.5 <= store.show().factor < 1


def test_the_calls_of_a_day_are_counted_once(open_store: Any) -> None:
    store = open_store(calls_per_second=50, calls_per_day=5)
    one, two = (Worker(store, name) for name in ("one", "two"))
    started = 0
    for _ in range(6):
        for worker in (one, two):
            worker.renew()
            now = worker.now + 2
            if worker.lease.may_start(now=now):
                permit = worker.lease.start(now=now)
                started += permit.may_leave(now=now)
    assert started == 5
    assert worker.renew().lease.exhausted is Exhausted.DAY
    assert store.show().spent_today == 5


def test_a_database_that_is_locked_costs_one_renewal(open_store: Any, engine: sqlalchemy.Engine) -> None:
    store = open_store(calls_per_second=5)
    worker = Worker(store, "one").renew()
    with engine.connect() as other:
        if engine.dialect.name == "sqlite":
            other.exec_driver_sql("BEGIN IMMEDIATE")
        else:
            other.exec_driver_sql("SELECT 1 FROM voice_call_budgets FOR UPDATE").fetchall()
        with pytest.raises(LedgerError):
            worker.renew()
        other.rollback()
    assert worker.renew().tokens == 5


def test_the_fastest_answer_that_anybody_has_seen_counts_for_all(open_store: Any) -> None:
    """A worker on a busy machine takes its own answers for slower than the vendor's are, and calls for older."""
    store = open_store(calls_per_second=10)
    one, two = Worker(store, "one"), Worker(store, "two")
    one.renew(fastest=0.02, answers=19)
    two.renew(fastest=0.07)
    assert two.lease.last_grant.fastest is None, "all of them may have been slowed by the same thing"
    one.renew(fastest=0.02, answers=20)
    two.renew(fastest=0.07)
    assert two.lease.last_grant.fastest == 0.02
    assert two.lease._answers.others == 0.02
