"""What a worker tells the database at a renewal of its lease, and what it hears back."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Exhausted(StrEnum):
    """Which limit of the budget is used up."""

    HOUR = "calls_per_hour"
    DAY = "calls_per_day"
    MONEY = "max_cost_per_day"

    @property
    def ends_the_run(self) -> bool:
        """Whether waiting is too long, so that the run ends in order."""
        return self is not Exhausted.HOUR


@dataclass(frozen=True, slots=True, kw_only=True)
class Throttle:
    """A throttling by the vendor. ``wait``: seconds that are left of the pause. ``started_ago``: seconds since the
    throttled call started."""

    wait: float
    started_ago: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """What a worker has and wants. All times are seconds, relative to the moment of the report.

    :param version: of the last grant that reached the worker; 0 before the first.
    :param tokens: for each token that no request holds, how long until it is ready; negative where it has been.
    :param out: tokens that requests hold.
    :param returned: tokens that the worker gives up, oldest first, each with how long until it is ready. Those of
        reports without an answer are repeated: the database counts what is missing, and takes the last ones.
    :param size: calls per token.
    :param calls_per_request: how many calls a full request carries.
    :param stretch: how many periods a token that is used now may have to rest, 1 or more.
    :param slots: calls that the worker may have in flight, in use or not.
    :param in_flight: calls that are in flight.
    :param wanted_tokens: how many tokens it has use for.
    :param wanted_slots: how many slots it has use for.
    :param used: calls started since the lease began.
    :param allowed: how far ``used`` may go; the worker keeps to that until the next grant.
    :param recent: calls started in the last second.
    :param rest: how long a slot rests after the lease of a dead worker has ended.
    :param fastest: the fastest answer that the worker has seen lately; None without any.
    :param answers: how many answers it has seen lately.
    :param throttle: a throttling that no grant has answered yet.
    """

    version: int
    tokens: tuple[float, ...]
    out: int
    returned: tuple[float, ...]
    size: int
    calls_per_request: int
    stretch: float
    slots: int
    in_flight: int
    wanted_tokens: int
    wanted_slots: int
    used: int
    allowed: int
    recent: int
    rest: float
    fastest: float | None = None
    answers: int = 0
    throttle: Throttle | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What a worker may do until its lease ends. All times are seconds, relative to the database's now.

    :param version: of this grant.
    :param seconds: length of the lease, from the moment at which the transaction began.
    :param period: of a token.
    :param size: calls per token.
    :param kept: how many of the tokens that it reported it keeps.
    :param tokens: new tokens, each with how long until it is ready; None if the budget sets no rate.
    :param target_tokens: how many tokens it should have; it gives up what is above.
    :param slots: calls that it may have in flight; None if the budget sets no such limit.
    :param target_slots: how many slots it should have.
    :param allowed: how far its count of started calls may go; None if nothing counts them.
    :param pause: how long nothing starts.
    :param exhausted: a limit that is used up; None while there is something left.
    :param resumes_in: how long until that limit begins anew; 0 without one.
    :param fastest: the fastest answer that any worker has seen lately; None while nobody has seen enough of them.
    :param factor: the part of the budget that is used since the vendor throttled, 1 for all of it.
    :param others: names of the other runs that hold a part of the budget, higher priority first.
    """

    version: int
    seconds: float
    period: float
    size: int = 1
    kept: int = 0
    tokens: tuple[float, ...] | None = ()
    target_tokens: int = 0
    slots: int | None = None
    target_slots: int = 0
    allowed: int | None = None
    pause: float = 0.0
    exhausted: Exhausted | None = None
    resumes_in: float = 0.0
    fastest: float | None = None
    factor: float = 1.0
    others: tuple[str, ...] = ()
