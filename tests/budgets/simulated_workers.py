"""Workers, a database and a vendor in simulated time: seeded, so that each history can be played again.

The database's clock is the simulation's. Each worker has a monotonic clock of its own, which began at some other time.
The vendor notes each call when it receives it. Workers are killed, frozen, and lose the answers of their commits.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from zoneinfo import ZoneInfo

from airflow_provider_callkaro.budgets.book import Book, lease_as_json, lease_from_json
from airflow_provider_callkaro.budgets.lease import Lease
from airflow_provider_callkaro.budgets.limits import CallBudget
from airflow_provider_callkaro.budgets.permit import Permit
from airflow_provider_callkaro.budgets.renewal import Run, release, renew

EPOCH = 1_800_000_000.0
UTC = ZoneInfo("UTC")


@dataclass(kw_only=True)
class World:
    """One history.

    :param faults: how often a commit fails or loses its answer, from 0 to 1.
    :param answer: seconds that an answer takes, at the least and at the most.
    :param way: seconds that a request is under way, at the most.
    """

    budget: CallBudget
    random: Random
    faults: float = 0.0
    answer: tuple[float, float] = (0.02, 0.03)
    way: float = 0.002
    now: float = EPOCH
    clock_error: float = 0.0
    book: Book = field(default_factory=Book)
    starts: list[float] = field(default_factory=list)
    spans: list[tuple[float, float]] = field(default_factory=list)
    workers: list[Worker] = field(default_factory=list)
    _events: list[tuple[float, int, Callable[[], None]]] = field(default_factory=list)
    _numbers: itertools.count[int] = field(default_factory=itertools.count)

    def at(self, moment: float, event: Callable[[], None]) -> None:
        heapq.heappush(self._events, (moment, next(self._numbers), event))

    def after(self, seconds: float, event: Callable[[], None]) -> None:
        self.at(self.now + seconds, event)

    def run(self, seconds: float) -> None:
        end = self.now + seconds
        while self._events and self._events[0][0] <= end:
            self.now, _, event = heapq.heappop(self._events)
            event()
        self.now = end

    def worker(self, name: str, **values: object) -> Worker:
        worker = Worker(world=self, name=f"{name}-{len(self.workers)}", **values)  # type: ignore[arg-type]
        self.workers.append(worker)
        worker.wake()
        return worker

    def set_clock(self, seconds: float) -> None:
        """Set the database's clock by so many seconds."""
        self.clock_error += seconds

    def receives(self, until: float) -> None:
        self.starts.append(self.now)
        self.spans.append((self.now, until))

    def change(self, work: Callable[[Book], object]) -> object:
        """A transaction: the book as it goes through its texts."""
        leases = {id_: lease_as_json(lease) for id_, lease in self.book.leases.items()}
        book = Book.from_json(self.book.as_json())
        book.leases = {id_: lease_from_json(text) for id_, text in leases.items()}
        result = work(book)
        self.book = book
        return result

    def most_in_a_second(self) -> int:
        starts = sorted(self.starts)
        first = most = 0
        for last, moment in enumerate(starts):
            while starts[first] <= moment - 1.0:
                first += 1
            most = max(most, last - first + 1)
        return most

    def most_in_flight(self) -> int:
        changes = sorted([(began, 1) for began, _ in self.spans] + [(ended, -1) for _, ended in self.spans])
        return max(itertools.accumulate(change for _, change in changes), default=0)


@dataclass(kw_only=True, eq=False)
class Worker:
    """One run. ``wanted``: calls that it still has to place."""

    world: World
    name: str
    priority: int = 0
    weight: float = 1.0
    wanted: int = 10**9
    most_slots: int = 1_000
    rate: float | None = None
    is_dead: bool = False
    frozen_until: float = 0.0
    placed: int = 0
    lease: Lease = field(init=False)
    _offset: float = field(init=False)
    _is_woken: bool = False

    def __post_init__(self) -> None:
        self.lease = Lease(most_slots=self.most_slots, most_calls_per_second=self.rate, deadline=10.0)
        self._offset = self.world.random.uniform(-1e6, 1e6)

    @property
    def clock(self) -> float:
        return self.world.now + self._offset

    def is_standing(self) -> bool:
        return self.is_dead or self.world.now < self.frozen_until

    def wake(self) -> None:
        """One turn of the main thread, and the calls that may start then."""
        world = self.world
        if self.is_dead:
            return
        if world.now < self.frozen_until:
            world.at(self.frozen_until, self.wake)
            return
        if self.lease.due(now=self.clock):
            self._renew()
        self.dial()
        world.after(world.random.uniform(0.005, 0.03), self.wake)

    def freeze(self, seconds: float) -> None:
        self.frozen_until = self.world.now + seconds

    def end(self) -> None:
        """End in order."""
        self.is_dead = True
        self.lease.close()
        holding = self.lease.report(now=self.clock, backlog=False)
        world = self.world
        world.change(
            lambda book: release(
                book,
                worker=self.name,
                holding=holding,
                budget=world.budget,
                zone=UTC,
                now=world.now + world.clock_error,
            )
        )

    def dial(self) -> None:
        if self.is_standing():
            return
        while self.wanted > 0 and self.lease.may_start(now=self.clock):
            self.wanted -= 1
            permit = self.lease.start(now=self.clock)
            self.world.after(
                self.world.random.choice([0.0, 0.0, 0.001, 0.2]) if self.world.faults else 0.0,
                lambda p=permit: self._leave(p),
            )
        opens = self.lease.opens_at(now=self.clock) - self.clock
        if self.wanted > 0 and 0 < opens < 1 and not self._is_woken:
            self._is_woken = True
            self.world.after(opens + 1e-6, self._dial_again)

    def _dial_again(self) -> None:
        self._is_woken = False
        self.dial()

    def _leave(self, permit: Permit) -> None:
        world = self.world
        if self.is_dead:
            return
        if self.is_standing():
            world.at(self.frozen_until, lambda: self._leave(permit))
            return
        if not permit.may_leave(now=self.clock):
            permit.ended(now=self.clock, answered=False)
            self.wanted += 1
            return
        self.placed += 1
        arrival = world.random.uniform(0.0, world.way)
        answer = world.random.uniform(*world.answer)
        world.after(arrival, lambda: world.receives(world.now + answer))
        world.after(arrival + answer + world.random.uniform(0.0, world.way), lambda: self._answered(permit))

    def _answered(self, permit: Permit) -> None:
        if self.is_dead:
            return
        if self.is_standing():
            self.world.at(self.frozen_until, lambda: self._answered(permit))
            return
        permit.ended(now=self.clock, answered=True)
        self.dial()

    def _renew(self) -> None:
        world = self.world
        began = self.clock
        holding = self.lease.report(now=began, backlog=self.wanted > 0)
        fault = world.random.random()
        if fault < world.faults / 2:
            return
        grant = world.change(
            lambda book: renew(
                book,
                budget=world.budget,
                zone=UTC,
                worker=self.name,
                run=Run(name=self.name, priority=self.priority, weight=self.weight),
                holding=holding,
                now=world.now + world.clock_error,
            )
        )
        if fault >= world.faults:
            self.lease.grant(grant, began=began, now=self.clock)  # type: ignore[arg-type]
