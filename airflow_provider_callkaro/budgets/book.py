"""What the database keeps of one budget: what each worker holds, and what rests before somebody may have it.

All moments are seconds since 1970 UTC of the database's clock. A `Book` is read, changed and written whole within one
transaction, which has locked it.
"""

from __future__ import annotations

import json
import math
from bisect import insort
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from airflow_provider_callkaro.budgets.answer_times import ENOUGH

LONGEST_SILENCE = 2.0  # seconds without any renewal, while somebody has a lease, after which the clock is not trusted
MINUTE = 60.0  # seconds after which the fastest answer is measured anew
HALVING = 60.0  # seconds in which what is known of slow answers counts half


@dataclass(slots=True, kw_only=True)
class LeaseRow:
    """What one worker holds.

    ``fresh`` tokens and slots are those of its last grant. It may not know of them yet, because the answer to the
    commit may have been lost; then its next report names an older ``version``.

    :param run: its name for people.
    :param tokens: from when each token may be used, as it reported them. After the end of the lease they are good
        for others only if they could not be used before that.
    :param out: tokens in requests.
    :param wanted_tokens: see `Holding`, as for the further ones that have the same name.
    :param target_tokens: how many it should have, by its last renewal.
    :param share_tokens: its exact share at its last renewal.
    :param owed_tokens: how much its share was above what it held, times seconds.
    """

    run: str
    priority: int
    weight: float
    version: int = 0
    renewed_at: float = 0.0
    expires_at: float = 0.0
    size: int = 1
    tokens: list[float] = field(default_factory=list)
    fresh: list[float] = field(default_factory=list)
    out: int = 0
    stretch: float = 1.0
    wanted_tokens: int = 0
    target_tokens: int = 0
    share_tokens: float = 0.0
    owed_tokens: float = 0.0
    slots: int = 0
    fresh_slots: int = 0
    in_flight: int = 0
    wanted_slots: int = 0
    target_slots: int = 0
    share_slots: float = 0.0
    owed_slots: float = 0.0
    rest: float = 1.0
    used: int = 0
    allowed: int = 0
    recent: int = 0

    @property
    def token_count(self) -> int:
        """All tokens that it may hold."""
        return len(self.tokens) + len(self.fresh) + self.out

    @property
    def slot_count(self) -> int:
        """All slots that it may use, and more if more calls are in flight than that."""
        return max(self.slots + self.fresh_slots, self.in_flight)

    @property
    def outstanding(self) -> int:
        """Calls that it may start without asking."""
        return max(0, self.allowed - self.used)


@dataclass(slots=True, kw_only=True)
class Book:
    """One budget.

    :param seen_at: the moment of the last transaction.
    :param period: seconds that a token rests after a use.
    :param size: calls per token; 0 before there were any.
    :param cooling: tokens of nobody, each with the moment from which it may be used; sorted.
    :param resting: slots of nobody: how many, and from when they may be used.
    :param slowest: for how long a call may be in flight, by what all workers have seen; it halves each minute.
    :param fastest: seconds of the fastest answer that any worker has seen lately; None without any.
    :param answers: how many answers the worker has seen that has seen most lately.
    :param fastest_before: likewise, of the minute before the one that began at ``fastest_since``.
    :param answers_before: likewise.
    :param pause_until: nothing starts before.
    :param factor: the part of the budget that was left at ``factor_at``; it grows from then on.
    :param throttled_at: of calls that started before, a throttling says nothing new.
    :param hour: beginning and end of the clock hour in which ``hour_spent`` calls were started.
    :param day: likewise, for ``day_spent``.
    :param minutes: what the outcomes of today's calls took together, and ``minutes_of`` how many calls that were.
    :param minutes_at: when they were last asked for.
    :param conn_ids: the connections that use the budget.
    """

    seen_at: float = 0.0
    period: float = 1.0
    size: int = 0
    cooling: list[float] = field(default_factory=list)
    resting: list[list[float]] = field(default_factory=list)
    slowest: float = 0.0
    fastest: float | None = None
    answers: int = 0
    fastest_before: float | None = None
    answers_before: int = 0
    fastest_since: float = 0.0
    pause_until: float = 0.0
    factor: float = 1.0
    factor_at: float = 0.0
    throttled_at: float = 0.0
    hour: list[float] = field(default_factory=lambda: [0.0, 0.0])
    hour_spent: int = 0
    day: list[float] = field(default_factory=lambda: [0.0, 0.0])
    day_spent: int = 0
    minutes: float = 0.0
    minutes_of: int = 0
    minutes_at: float = 0.0
    conn_ids: list[str] = field(default_factory=list)
    leases: dict[str, LeaseRow] = field(default_factory=dict)
    is_new: bool = False
    """Nobody has used it before this transaction."""

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The book that `as_json` wrote, still without its leases."""
        return cls(**json.loads(text))

    def as_json(self) -> str:
        """All of it but the leases, which have rows of their own."""
        values: dict[str, Any] = {name: getattr(self, name) for name in _KEPT}
        return json.dumps(values, separators=(",", ":"))

    def turn_to(self, now: float) -> None:
        """Begin a transaction.

        If the clock went back, or leaped while somebody had a lease, all moments move along, as if no time had passed:
        then nothing is ready too early, whatever the clock does.
        """
        self.is_new = self.seen_at == 0
        leaped = now - self.seen_at > LONGEST_SILENCE and any(
            lease.expires_at > self.seen_at for lease in self.leases.values()
        )
        if not self.is_new and (now < self.seen_at or leaped):
            self._move(now - self.seen_at)
        self.slowest *= 0.5 ** (max(0.0, now - self.seen_at) / HALVING)
        self.seen_at = now

    def expect(self, *, slowest: float, fastest: float | None, answers: int) -> None:
        """Note what a worker says of the answers: for how long a call may be in flight, the fastest, how many."""
        self.slowest = max(self.slowest, slowest)
        if not 0 <= self.seen_at - self.fastest_since < MINUTE:
            self.fastest_before, self.fastest, self.fastest_since = self.fastest, None, self.seen_at
            self.answers_before, self.answers = self.answers, 0
        seen = [each for each in (self.fastest, fastest) if each is not None]
        self.fastest = min(seen, default=None)
        self.answers = max(self.answers, answers)

    @property
    def fastest_answer(self) -> float | None:
        """Seconds of the fastest answer of the last one or two minutes; None while nobody has seen enough of them."""
        if max(self.answers, self.answers_before) < ENOUGH:
            return None
        return min((each for each in (self.fastest, self.fastest_before) if each is not None), default=None)

    def bury(self, *, but: str) -> list[str]:
        """End the leases that have run out; their tokens and slots rest, their allowance is lost. ``but``: the id of
        the worker that renews. Returns the ids of those that have ended."""
        dead = [id_ for id_, lease in self.leases.items() if id_ != but and lease.expires_at <= self.seen_at]
        for id_ in dead:
            lease = self.leases.pop(id_)
            used_at_last = lease.expires_at + self.period * lease.stretch
            if lease.size == self.size:
                for moment in [*lease.tokens, *lease.fresh]:
                    self.cool(moment if moment > lease.expires_at else used_at_last)
                for _ in range(lease.out):
                    self.cool(used_at_last)
            self.rest(lease.slot_count, until=lease.expires_at + max(lease.rest, self.slowest))
            self.spend(lease.outstanding)
        return dead

    def cool(self, moment: float) -> None:
        """Take back a token that may be used from that moment on."""
        insort(self.cooling, moment)

    def rest(self, slots: int, *, until: float) -> None:
        """Take back slots that may be used from that moment on."""
        if slots > 0:
            self.resting.append([slots, until])

    def resting_slots(self) -> int:
        """How many slots rest, of those that are no longer ready."""
        self.resting = [each for each in self.resting if each[1] > self.seen_at]
        return int(sum(slots for slots, _ in self.resting))

    def spend(self, calls: int, *, since: float = math.inf) -> None:
        """Count calls as started; fewer than none where some that were counted did not go out after all. ``since``:
        when they were counted. An hour or day that has begun after that has not counted them, so it gets none back."""
        if calls > 0 or since >= self.hour[0]:
            self.hour_spent = max(0, self.hour_spent + calls)
        if calls > 0 or since >= self.day[0]:
            self.day_spent = max(0, self.day_spent + calls)

    def _move(self, seconds: float) -> None:
        self.cooling = [moment + seconds for moment in self.cooling]
        self.resting = [[slots, until + seconds] for slots, until in self.resting]
        self.pause_until += seconds
        self.factor_at += seconds
        self.throttled_at += seconds
        self.minutes_at += seconds
        for lease in self.leases.values():
            lease.expires_at += seconds
            lease.renewed_at += seconds
            lease.tokens = [moment + seconds for moment in lease.tokens]
            lease.fresh = [moment + seconds for moment in lease.fresh]


_KEPT = tuple(name for name in Book.__dataclass_fields__ if name not in ("leases", "is_new"))


def lease_from_json(text: str) -> LeaseRow:
    """The lease that `lease_as_json` wrote."""
    return LeaseRow(**json.loads(text))


def lease_as_json(lease: LeaseRow) -> str:
    """All of a lease."""
    return json.dumps(asdict(lease), separators=(",", ":"))
