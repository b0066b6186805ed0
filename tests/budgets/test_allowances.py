"""No hour and no day has more calls, and no day costs more, than the budget says, whoever dies with an allowance."""

from __future__ import annotations

from random import Random
from zoneinfo import ZoneInfo

import pytest
from simulated_workers import EPOCH, World

from airflow_provider_callkaro.budgets.book import Book
from airflow_provider_callkaro.budgets.lease import Lease
from airflow_provider_callkaro.budgets.limits import CallBudget
from airflow_provider_callkaro.budgets.messages import Exhausted
from airflow_provider_callkaro.budgets.renewal import Run, renew

HOUR = 3600.0


def new_world(*, workers: int, seed: int = 1, faults: float = 0.0, **limits: float) -> World:
    """Half a minute before a full hour that begins a day."""
    begins = EPOCH // 86_400 * 86_400 + 86_400
    world = World(budget=CallBudget.read(limits), random=Random(seed), faults=faults, now=begins - 30)
    for _ in range(workers):
        world.worker("nightly")
    return world


def per_hour(world: World) -> list[int]:
    hours = sorted({int(moment // HOUR) for moment in world.starts})
    return [sum(int(moment // HOUR) == hour for moment in world.starts) for hour in hours]


@pytest.mark.parametrize("seed", range(4))
def test_no_hour_has_more_calls_than_its_limit(seed: int) -> None:
    world = new_world(workers=3, seed=seed, faults=0.2, calls_per_second=20, calls_per_hour=70)
    world.after(2, lambda: setattr(world.workers[0], "is_dead", True))
    world.run(20)
    assert 40 <= len(world.starts) <= 70
    world.run(40)
    assert max(per_hour(world)) <= 70
    assert len(per_hour(world)) == 2  # it went on in the next hour
    assert per_hour(world)[1] == 70  # and nobody died in that one


def test_without_deaths_and_losses_all_of_the_hour_is_used() -> None:
    world = new_world(workers=4, calls_per_second=20, calls_per_hour=70)
    world.run(25)
    assert len(world.starts) == 70
    waiting = world.workers[0].lease
    assert waiting.exhausted is Exhausted.HOUR
    assert not Exhausted.HOUR.ends_the_run
    assert waiting.opens_at(now=world.workers[0].clock) == pytest.approx(world.workers[0].clock + 5, abs=0.2)


def test_a_day_that_is_used_up_ends_the_run_and_the_next_day_begins_anew() -> None:
    world = new_world(workers=2, calls_per_second=20, calls_per_day=30)
    world.run(20)
    assert len(world.starts) == 30
    assert world.workers[0].lease.exhausted is Exhausted.DAY
    assert Exhausted.DAY.ends_the_run
    world.run(20)
    assert len(world.starts) == 60


def test_a_run_that_ends_gives_its_allowance_back() -> None:
    world = new_world(workers=1, calls_per_second=20, calls_per_hour=50)
    world.run(0.5)
    world.workers[0].end()
    world.worker("other")
    world.run(20)
    assert len(world.starts) == 50


def test_expected_minutes_keep_to_the_money_until_outcomes_say_more() -> None:
    limits = {"price_per_minute": 0.5, "max_cost_per_day": 20.0, "minutes_per_call": 2.0}
    world = new_world(workers=2, calls_per_second=20, **limits)
    world.run(15)
    assert len(world.starts) == 20  # 40 minutes, of 2 each
    assert world.workers[0].lease.exhausted is Exhausted.MONEY
    world.book.minutes, world.book.minutes_of = 10.0, 10  # ten of them took a minute each
    world.run(10)
    assert len(world.starts) == 25


def test_without_such_limits_nothing_is_counted_ahead() -> None:
    world = new_world(workers=1, calls_per_second=20)
    world.run(3)
    assert world.workers[0].lease.last_grant.allowed is None
    world.budget = CallBudget(calls_per_second=20, calls_per_hour=1_000)
    world.run(5)
    assert len(world.starts) > 130  # a limit that is set meanwhile stops nobody for long


@pytest.mark.parametrize("urgent", [1, 4])
@pytest.mark.parametrize(
    "limits",
    [
        {"calls_per_second": 1, "calls_per_day": 20},
        {"calls_per_second": 3, "calls_per_day": 20},
        {"max_concurrency": 1, "calls_per_day": 20},
        {"calls_per_second": 1, "price_per_minute": 1.0, "max_cost_per_day": 20.0},
    ],
)
def test_nobody_waits_for_calls_that_a_run_of_lower_priority_cannot_start(
    limits: dict[str, float], urgent: int
) -> None:
    """The urgent runs hold the tokens and slots. If the other one kept a part of the day, neither would ever end."""
    world = World(budget=CallBudget.read(limits), random=Random(1), now=EPOCH // 86_400 * 86_400 + 86_430)
    for _ in range(urgent):
        world.worker("urgent", priority=10)
    world.worker("nightly")
    world.run(40)
    assert len(world.starts) == 20
    assert all(worker.lease.exhausted is not None for worker in world.workers)


def test_calls_that_did_not_go_out_are_taken_from_the_hour_that_counted_them() -> None:
    book, budget = Book(), CallBudget(calls_per_hour=40)
    ends = EPOCH // HOUR * HOUR + HOUR
    leases = {name: Lease(most_slots=50) for name in ("one", "two")}

    def renewed(name: str, now: float) -> Lease:
        holding = leases[name].report(now=now, backlog=True)
        run = Run(name=name)
        grant = renew(book, budget=budget, zone=ZoneInfo("UTC"), worker=name, run=run, holding=holding, now=now)
        leases[name].grant(grant, began=now, now=now)
        return leases[name]

    unsent = [renewed("one", ends - 0.5).start(now=ends - 0.4) for _ in range(4)]
    renewed("one", ends - 0.3)
    for permit in unsent:
        permit.ended(now=ends - 0.2, answered=False)
    other = renewed("two", ends + 0.01)
    for _ in range(5):
        assert other.start(now=ends + 0.01).may_leave(now=ends + 0.01)
    renewed("two", ends + 0.02)
    renewed("one", ends + 0.03)
    assert book.hour_spent == 5


def test_of_two_limits_that_are_used_up_the_one_counts_that_ends_the_run() -> None:
    limits = {"price_per_minute": 1.0, "max_cost_per_day": 20.0, "calls_per_hour": 20}
    world = new_world(workers=1, calls_per_second=20, **limits)
    world.run(5)
    assert world.workers[0].lease.exhausted is Exhausted.MONEY
