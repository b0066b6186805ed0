"""Whatever is killed, frozen or lost, all workers together never exceed the budget, and hardly leave any of it unused.

Simulated time, seeded: a history that fails is named by its seed, and can be played again.
"""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from simulated_workers import EPOCH, UTC, World

from airflow_provider_callkaro.budgets.book import Book, LeaseRow
from airflow_provider_callkaro.budgets.lease import Lease
from airflow_provider_callkaro.budgets.limits import CallBudget
from airflow_provider_callkaro.budgets.renewal import Run, renew

pytestmark = pytest.mark.slow

NAPS = (0.05, 0.5, 0.7, 1.2, 3.0)  # seconds; leases end after 0.6


def disturbed(world: World, *, kill_every: float = 0.0, freeze_every: float = 0.0, back_after: float = 2.0) -> World:
    """Let workers be killed and replaced, and frozen."""

    def kill() -> None:
        if live := [worker for worker in world.workers if not worker.is_dead]:
            world.random.choice(live).is_dead = True
            world.after(back_after, lambda: world.worker("again"))
        world.after(kill_every, kill)

    def freeze() -> None:
        if live := [worker for worker in world.workers if not worker.is_dead]:
            world.random.choice(live).freeze(world.random.choice(NAPS))
        world.after(freeze_every, freeze)

    if kill_every:
        world.after(kill_every, kill)
    if freeze_every:
        world.after(freeze_every, freeze)
    return world


def used(world: World, seconds: float) -> float:
    """The part of the budget that is used in so many seconds from now."""
    before = len(world.starts)
    world.run(seconds)
    assert world.budget.calls_per_second is not None
    return (len(world.starts) - before) / (seconds * world.budget.calls_per_second)


def new_world(seed: int, *, rate: float, slots: int | None = None, workers: int = 8, **values: Any) -> World:
    budget = CallBudget(calls_per_second=rate, max_concurrency=slots)
    world = World(budget=budget, random=Random(seed), **values)
    for _ in range(workers):
        world.worker("nightly")
    return world


@pytest.mark.parametrize(("rate", "slots", "part"), [(20, 12, 0.95), (3, 3, 0.85), (30, 5, 0.93), (600, None, 0.95)])
def test_killed_workers_cost_hardly_anything(rate: float, slots: int | None, part: float) -> None:
    world = disturbed(new_world(7, rate=rate, slots=slots), kill_every=5)
    world.run(3)
    assert used(world, 20 if rate < 100 else 6) >= part
    assert world.most_in_a_second() <= rate
    assert slots is None or world.most_in_flight() <= slots


@pytest.mark.parametrize("seed", range(10))
def test_no_fault_lets_more_start_than_the_budget(seed: int) -> None:
    random = Random(seed)
    rate, slots = random.choice([2, 5, 9, 20]), random.choice([2, 5, 20])
    answer = random.choice([(0.01, 0.03), (0.02, 0.9), (0.7, 1.2)])
    workers = random.choice([1, 3, 8])
    world = new_world(seed, rate=rate, slots=slots, workers=workers, faults=0.25, answer=answer)
    disturbed(world, kill_every=random.choice([0, 1.7, 4]), freeze_every=random.choice([0.6, 1.1, 2.3]))
    world.run(20)
    assert world.most_in_a_second() <= rate
    assert world.most_in_flight() <= slots
    assert workers == 1 or len(world.starts) > rate * 20 * 0.1  # it does go on


@pytest.mark.parametrize("seed", range(4))
def test_a_clock_that_is_set_lets_nothing_start_too_early(seed: int) -> None:
    """The database's clock goes back by an hour; the workers' do not know of it."""
    world = disturbed(new_world(seed, rate=10, slots=10, workers=4, faults=0.1), kill_every=3)
    world.run(5)
    world.set_clock(-3600)
    world.run(5)
    world.set_clock(3600)  # without a renewal in between, this looks like a long silence
    world.run(5)
    assert world.most_in_a_second() <= 10
    assert used(world, 5) > 0.6


def test_the_share_of_a_dead_worker_is_in_use_within_three_seconds() -> None:
    world = new_world(3, rate=20, slots=20, workers=2)
    world.run(5)
    world.workers[0].is_dead = True
    world.run(3 - 1)
    assert used(world, 1) >= 0.95


def test_the_share_of_a_frozen_worker_is_in_use_within_three_seconds_and_comes_back() -> None:
    world = new_world(4, rate=20, slots=20, workers=2)
    world.run(5)
    world.workers[0].freeze(10)
    world.run(3 - 1)
    assert used(world, 1) >= 0.95
    world.run(10)
    placed = [worker.placed for worker in world.workers]
    world.run(4)
    assert [worker.placed - before >= 36 for worker, before in zip(world.workers, placed, strict=True)] == [True] * 2
    assert world.most_in_a_second() <= 20


def test_an_urgent_run_has_its_share_within_two_seconds_and_the_others_go_on_after_it() -> None:
    world = new_world(5, rate=20, slots=20, workers=4)
    world.run(5)
    urgent = world.worker("urgent", priority=10, wanted=60)
    world.run(2)
    before = urgent.placed
    world.run(1)
    assert urgent.placed - before >= 19
    world.run(2)
    assert urgent.wanted == 0
    assert used(world, 3) >= 0.9
    assert world.most_in_a_second() <= 20


def test_weights_divide_what_equal_priorities_share() -> None:
    world = new_world(6, rate=40, workers=0)
    heavy, light = world.worker("heavy", weight=3.0), world.worker("light", weight=1.0)
    world.run(3)
    before = (heavy.placed, light.placed)
    world.run(10)
    assert (heavy.placed - before[0]) / (light.placed - before[1]) == pytest.approx(3, rel=0.1)


def test_a_slow_run_leaves_its_part_to_the_others() -> None:
    world = new_world(8, rate=20, workers=0)
    slow, fast = world.worker("slow", rate=2.0), world.worker("fast")
    world.run(3)
    assert used(world, 6) >= 0.95
    assert slow.placed < fast.placed / 4


def test_many_workers_on_few_tokens_all_have_their_turn() -> None:
    world = new_world(9, rate=3, slots=3, workers=8)
    world.run(25)
    placed = [worker.placed for worker in world.workers]
    assert min(placed) >= 25 * 3 / 8 * 0.5


def test_many_workers_on_few_slots_all_have_their_turn() -> None:
    """No slot is ever idle, so none would change hands unless its worker starts nothing more in it."""
    world = World(budget=CallBudget(max_concurrency=2), random=Random(12))
    for _ in range(8):
        world.worker("nightly")
    world.run(30)
    placed = [worker.placed for worker in world.workers]
    assert min(placed) >= 0.5 * sum(placed) / 8
    assert world.most_in_flight() <= 2


@pytest.mark.parametrize("rate", [None, 100])
def test_an_urgent_run_has_its_share_within_two_seconds_where_slots_are_scarce(rate: float | None) -> None:
    budget = CallBudget(calls_per_second=rate, max_concurrency=4)
    world = World(budget=budget, random=Random(13), answer=(0.2, 0.3))
    for _ in range(3):
        world.worker("nightly")
    world.run(5)
    urgent = world.worker("urgent", priority=10)
    world.run(2)
    before = len(world.starts), urgent.placed
    world.run(4)
    assert urgent.placed - before[1] >= 0.95 * (len(world.starts) - before[0]) > 40
    assert world.most_in_flight() <= 4


def test_what_a_run_leaves_at_its_end_is_used_at_once() -> None:
    world = new_world(10, rate=20, slots=20, workers=2)
    world.run(4)
    world.workers[0].end()
    world.run(1)
    assert used(world, 2) >= 0.95
    assert world.most_in_a_second() <= 20


def test_a_changed_budget_holds_within_seconds() -> None:
    world = new_world(11, rate=30, slots=30, workers=3)
    world.run(4)
    world.budget = CallBudget(calls_per_second=5, max_concurrency=2)
    world.run(2)
    lower = world.now
    world.run(4)
    world.budget = CallBudget(calls_per_second=30, max_concurrency=30)
    raised = world.now
    world.run(3)
    assert used(world, 3) >= 0.9
    starts = [moment for moment in world.starts if lower <= moment < raised]
    assert max(sum(first <= other < first + 1 for other in starts) for first in starts) <= 5
    assert world.most_in_a_second() <= 30
    assert world.now > EPOCH


def test_the_tokens_of_a_dead_worker_rest_for_all_calls_of_its_last_request() -> None:
    """It had just been told to give up all but one of its tokens, and started a full request with that."""
    book, budget, dead = Book(), CallBudget(calls_per_second=6), Lease(most_slots=10, calls_per_request=6)
    for now in (EPOCH, EPOCH + 0.1, EPOCH + 0.2):
        if now > EPOCH + 0.1:
            book.leases["urgent"] = LeaseRow(
                run="urgent", priority=5, weight=1.0, wanted_tokens=5, expires_at=EPOCH + 9
            )
        holding = dead.report(now=now, backlog=True)
        grant = renew(book, budget=budget, zone=UTC, worker="dead", run=Run(name="dead"), holding=holding, now=now)
        dead.grant(grant, began=now, now=now)
    started_at = EPOCH + 0.75
    assert dead.start(now=started_at, calls=6).may_leave(now=started_at)
    book.turn_to(EPOCH + 1.6)
    book.bury(but="urgent")
    assert max(book.cooling) >= started_at + 6
