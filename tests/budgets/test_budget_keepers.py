"""A run renews its share in time, says in its log what it waits for, and outlives a database that does not answer."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy
from placed_calls import Ledger, event

from airflow_provider_callkaro.budgets.keeper import REREAD_EVERY, BudgetKeeper
from airflow_provider_callkaro.budgets.lease import Lease
from airflow_provider_callkaro.budgets.limits import CallBudget
from airflow_provider_callkaro.budgets.renewal import Run
from airflow_provider_callkaro.budgets.store import BudgetStore
from airflow_provider_callkaro.exceptions import ConfigurationError

LONG = 3_600.0  # seconds of a lease, so that a busy machine ends none


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def keeper_on(
    engine: sqlalchemy.Engine,
    clock: Callable[[], float],
    *,
    name: str = "nightly",
    priority: int = 0,
    read: Callable[[], CallBudget | None] = lambda: CallBudget(calls_per_second=4),
    lease: float = LONG,
) -> BudgetKeeper:
    return BudgetKeeper(
        store=BudgetStore(engine, name="account", shortest_lease=lease, outcomes_every=0),
        lease=Lease(most_slots=10),
        run=Run(name=name, priority=priority),
        conn_id="callkaro_default",
        read=read,
        clock=clock,
    )


@pytest.fixture
def sqlite(tmp_path: Path) -> Any:
    engine = sqlalchemy.create_engine(f"sqlite:///{tmp_path / 'calls.db'}")
    yield engine
    engine.dispose()


def turn(keeper: BudgetKeeper, clock: Clock, *, seconds: float = LONG, backlog: bool = True) -> bool:
    clock.now += seconds
    return keeper.turn(now=clock.now, backlog=backlog)


def test_a_run_begins_with_a_share_and_leaves_nothing_behind(
    engine: sqlalchemy.Engine, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    with keeper_on(engine, clock) as keeper:
        assert keeper.lease.may_start(now=clock.now)
        assert not keeper.turn(now=clock.now, backlog=True)  # it is not due
        assert keeper.due_at > clock.now
    assert not keeper.lease.may_start(now=clock.now)
    with BudgetStore(engine, name="account") as store:
        assert store.show().holders == ()
    assert 'keep to the budget "account": calls_per_second = 4' in caplog.text


def test_a_connection_that_changes_is_followed_and_one_that_cannot_be_read_is_not(
    sqlite: sqlalchemy.Engine, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    readings: list[Any] = [CallBudget(calls_per_second=4), ValueError("secret"), ValueError(), None]
    readings.append(CallBudget(calls_per_second=9))

    def read() -> CallBudget | None:
        found = readings.pop(0)
        if isinstance(found, Exception):
            raise found
        return found

    with keeper_on(sqlite, clock, read=read) as keeper:
        for _ in range(3):
            turn(keeper, clock)
            assert keeper.lease.last_grant.target_tokens == 4
        turn(keeper, clock)
        assert keeper.lease.last_grant.target_tokens == 9
    assert caplog.text.count("not read again (ValueError)") == 1
    assert "secret" not in caplog.text
    assert REREAD_EVERY < LONG


def test_a_run_says_once_for_whom_it_waits(
    sqlite: sqlalchemy.Engine, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    with keeper_on(sqlite, clock, name="urgent", priority=5), keeper_on(sqlite, clock) as waiting:
        for _ in range(3):
            turn(waiting, clock)
        assert waiting.exhausted is None
    assert caplog.text.count('Waiting for the budget "account", which is held by urgent') == 1


def test_a_database_that_does_not_answer_ends_the_lease_and_not_the_run(
    sqlite: sqlalchemy.Engine, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    with keeper_on(sqlite, clock, lease=0.6) as keeper:
        with sqlite.connect() as other:
            other.exec_driver_sql("BEGIN IMMEDIATE")
            for _ in range(2):
                assert not turn(keeper, clock, seconds=0.4)
            assert not keeper.lease.may_start(now=clock.now)
            other.rollback()
        assert turn(keeper, clock, seconds=0.4)
        assert keeper.lease.slots_until(clock.now + 2, now=clock.now) == 4
    assert caplog.text.count("No call starts until the share of the budget is renewed") == 1


def test_a_day_that_is_used_up_is_a_reason_to_end(sqlite: sqlalchemy.Engine, clock: Clock) -> None:
    with keeper_on(sqlite, clock, read=lambda: CallBudget(calls_per_day=1)) as keeper:
        assert keeper.lease.start(now=clock.now).may_leave(now=clock.now)
        turn(keeper, clock)
        assert keeper.exhausted == 'the calls of the day in the budget "account" are used up'


def test_what_outcomes_say_of_the_money_counts(engine: sqlalchemy.Engine, clock: Clock) -> None:
    """Two calls of 42 and 61 seconds take three started minutes, where ten minutes each were expected."""
    now = datetime.now(UTC)
    budget = CallBudget(
        calls_per_second=100, price_per_minute=1.0, max_cost_per_day=20.0, minutes_per_call=10.0, timezone=midday(now)
    )
    ledger = Ledger(engine)
    ledger.place(range(2))
    with keeper_on(engine, clock, read=lambda: budget) as keeper:
        for _ in range(2):
            permit = keeper.lease.start(now=clock.now + 2)
            assert permit.may_leave(now=clock.now + 2)
        turn(keeper, clock)
        assert keeper.exhausted == 'the money of the day in the budget "account" is spent'
        ledger.record(event(0, is_last=True), event(1, is_last=True, duration_seconds=61.0))
        turn(keeper, clock)  # reads what the outcomes say
        turn(keeper, clock)
        assert keeper.exhausted is None
        with BudgetStore(engine, name="account") as store:
            assert store.show().cost_today == pytest.approx(3.0)


def midday(now: datetime) -> str:
    """A zone in which it is about noon, so that no day ends during the test."""
    hours = 12 - now.hour
    return f"Etc/GMT{-hours:+d}" if hours else "UTC"


@pytest.mark.services
def test_a_worker_that_freezes_with_the_lock_keeps_nobody_waiting_for_long(postgresql: Any) -> None:
    """PostgreSQL ends the transaction of a client that says nothing more. Others wait for at most a second meanwhile,
    so what is asserted is that they get in, not when."""
    from ledger_databases import database_on

    with database_on(postgresql) as url:
        engine = sqlalchemy.create_engine(url)
        holds, may_end = threading.Event(), threading.Event()

        def freeze() -> None:
            with BudgetStore(engine, name="account") as store:
                session = store._session

                def lock(connection: Any) -> None:
                    store._lock(connection)
                    holds.set()
                    may_end.wait()

                try:
                    session.transact(lock, action="read", tries=1)
                except Exception:  # its connection is gone
                    return

        with keeper_on(engine, time.monotonic) as keeper:
            frozen = threading.Thread(target=freeze)
            frozen.start()
            holds.wait()
            while not keeper.turn(now=time.monotonic() + LONG, backlog=True):
                pass  # at most a few times: its own wait for the lock is bounded, and so is that of the other one
            may_end.set()
            frozen.join()
        engine.dispose()


def test_an_extra_that_leaves_no_budget_under_the_command_line_ends_no_run(
    sqlite: sqlalchemy.Engine, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    """The command line took the one limit away that the extra has left. The run waits until somebody mends that."""
    extra = [CallBudget(calls_per_second=4, max_concurrency=2)]
    with BudgetStore(sqlite, name="account") as store:
        with keeper_on(sqlite, clock, read=lambda: extra[0]) as keeper:
            store.set({"max_concurrency": ""})
            extra[0] = CallBudget(max_concurrency=2)
            for _ in range(2):
                assert not turn(keeper, clock)
            assert not keeper.lease.may_start(now=clock.now)
            (warning,) = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
            assert 'the call budget "account" has no limit' in warning
            assert warning.endswith('or let the extra alone hold with "airflow callkaro budget reset account"')
            with pytest.raises(ConfigurationError, match="budget reset account"):
                keeper_on(sqlite, clock, read=lambda: extra[0]).__enter__()
            store.reset()
            assert turn(keeper, clock)
            assert keeper.lease.limit > 0
            extra[0] = CallBudget(calls_per_second=4, price_per_minute=1.0)
            assert turn(keeper, clock)
            store.set({"max_cost_per_day": 9})
            extra[0] = CallBudget(calls_per_second=4)
            assert not turn(keeper, clock)
        assert "was not given back: it runs out by itself" in caplog.text


def test_a_run_keeps_to_its_budget_when_the_connection_names_another_one(
    sqlite: sqlalchemy.Engine, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    """What the connection says of the other budget is not written into this one, which others may go on to use."""
    extra = [CallBudget(calls_per_second=4, name="account")]
    with keeper_on(sqlite, clock, read=lambda: extra[0]) as keeper:
        extra[0] = CallBudget(calls_per_second=9, name="another")
        for _ in range(2):
            assert turn(keeper, clock)
        assert keeper.lease.last_grant.target_tokens == 4
    assert caplog.text.count('this run keeps to "account" as it was read last, until it ends') == 1
