"""When the next call may start (pace, concurrency, the circuit breaker), and how many to claim (headroom).

All calls of a run pass one flow control, so that what one call learns (slow down, the key is wrong, nothing answers)
holds for all. `FlowControl` reads no clock: the caller gives the time, in seconds of a monotonic clock.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from airflow_provider_callkaro.dispatch.breaker import Breaker, Closed
from airflow_provider_callkaro.dispatch.budgeting import Permit, Share
from airflow_provider_callkaro.exceptions import (
    AllRejected,
    NotSent,
    OutcomeUnknown,
    Throttled,
    TooLate,
    Unauthorized,
    VendorError,
)

_SLOWEST_GROWTH = 0.05  # calls in flight won back per answer after a throttling, at the least
LONGEST_HOLD = 0.25  # seconds for which answers wait for others before they are settled
_CLOSE_ENOUGH = 0.002  # seconds; how exactly a turn that waits for the budget ends
LEAST_LEAD = 0.1  # seconds, where a budget is shared: a token that waits for a claim is lost for all
SMOOTHING = 0.2  # weight of the newest turn in the averages: how long a turn takes, and how many calls it starts


class Pace:
    """Spaces the starts of calls, and keeps pauses. ``calls_per_second``: None sets no pace. ``calls_per_request``: how
    many calls a full request carries."""

    def __init__(self, calls_per_second: float | None, *, calls_per_request: int) -> None:
        self._interval = 0.0 if calls_per_second is None else 1.0 / calls_per_second
        self._calls_per_request = calls_per_request
        self.opens_at = -math.inf
        """The earliest moment at which the next call may start."""

    def slots_until(self, moment: float, *, now: float) -> float:
        """How many full requests may start from ``now`` to ``moment``."""
        first = max(now, self.opens_at)
        if first > moment:
            return 0
        if self._interval == 0:
            return math.inf
        return int((moment - first) / (self._interval * self._calls_per_request)) + 1

    def start(self, *, now: float, calls: int) -> None:
        """Note that so many calls start together."""
        self.opens_at = max(now, self.opens_at) + self._interval * calls

    def pause(self, until: float) -> None:
        """Start nothing before that moment."""
        self.opens_at = max(self.opens_at, until)


class Concurrency:
    """How many calls may be in flight: half as many after a throttling, won back answer by answer. ``most``: calls in
    flight at once, 1 or more."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._exact = float(most)
        self._throttled_at = -math.inf
        self.limit = most

    def throttled(self, *, started_at: float, now: float) -> None:
        """Note a throttling. Calls that were in flight together count once."""
        if started_at > self._throttled_at:
            self._throttled_at = now
            self._set(max(1.0, self._exact / 2))

    def answered(self) -> None:
        """Note a clear answer."""
        if self._exact < self._most:
            self._set(min(float(self._most), self._exact + max(1.0 / self._exact, _SLOWEST_GROWTH)))

    def _set(self, exact: float) -> None:
        self._exact = exact
        self.limit = int(exact)


class FlowControl:
    """When the next call may start.

    Two threads share it. The event loop alone notes what starts and what comes of it; the main thread only reads, one
    value at a time, and what it reads may be one call old.

    :param max_concurrency: calls in flight at once.
    :param calls_per_second: calls per second at most, evenly spaced, also right after a pause; None sets no pace.
    :param calls_per_request: how many calls a request may carry; a pace counts each of them.
    :param stop_after_unknown: so many lost answers close the flow, where a clear answer makes up for a quarter of one:
        a streak of so many does, and so does a vendor that keeps losing every second or every fourth. Until the vendor
        has answered a first call, no more than this many are in flight. None never closes it.
    :param stop_after_unreachable: a streak of this many calls that could not be sent closes the flow.
    :param share: the run's share of a budget that others share; a call starts only where both let it. None: no budget.
    """

    def __init__(
        self,
        *,
        max_concurrency: int,
        calls_per_second: float | None = None,
        calls_per_request: int = 1,
        stop_after_unknown: int | None = 20,
        stop_after_unreachable: int | None = 100,
        share: Share | None = None,
    ) -> None:
        self._share = share
        self._pace = Pace(calls_per_second, calls_per_request=calls_per_request)
        self._concurrency = Concurrency(max_concurrency)
        self._breaker = Breaker(stop_after_unknown=stop_after_unknown, stop_after_unreachable=stop_after_unreachable)
        self.in_flight = 0
        self.started = 0
        self.pause: VendorError | None = None
        """The last error that made all calls wait, or slow down."""

    @property
    def shares_a_budget(self) -> bool:
        """Whether others share a budget with this run."""
        return self._share is not None

    @property
    def closed(self) -> Closed | None:
        """Why nothing more starts; None while calls may start."""
        return self._breaker.tripped

    @property
    def refusal(self) -> VendorError | None:
        """The error that closed the flow."""
        return self._breaker.refusal

    def capacity(self) -> int:
        """How many calls may be in flight now."""
        limit = self._concurrency.limit
        if self._share is not None and (limit := min(limit, self._share.limit)) == 0:
            return 0
        return self._breaker.bound(limit)

    def opens_at(self) -> float:
        """The earliest moment, by pace and pauses alone, at which the next call may start."""
        return self._pace.opens_at

    def starts_at(self, *, now: float) -> float:
        """The earliest moment, by pace, pauses and budget, at which the next call may start; it may be infinite."""
        if self._share is None:
            return self._pace.opens_at
        return max(self._pace.opens_at, self._share.opens_at(now=now))

    def slots_until(self, moment: float, *, now: float) -> float:
        """How many full requests may start from ``now`` to ``moment``, by pace, pauses and budget alone."""
        slots = self._pace.slots_until(moment, now=now)
        if self._share is None or slots == 0:
            return slots
        return min(slots, self._share.slots_until(moment, now=now))

    def may_start(self, *, now: float) -> bool:
        """Whether a call may start at once."""
        return (
            self._breaker.tripped is None
            and now >= self._pace.opens_at
            and self.in_flight < self.capacity()
            and (self._share is None or self._share.may_start(now=now))
        )

    def start(self, *, now: float, calls: int = 1) -> Permit | None:
        """Note that a request starts. ``calls``: how many it carries. Returns its permit, where there is a budget."""
        self.in_flight += 1
        self.started += 1
        self._pace.start(now=now, calls=calls)
        return None if self._share is None else self._share.start(now=now, calls=calls)

    def answered(self) -> None:
        """Note that the vendor took a call."""
        self.in_flight -= 1
        self._breaker.accepted()
        self._concurrency.answered()

    def failed(self, error: VendorError, *, started_at: float, now: float, wait: float) -> None:
        """Note that a call failed, and what it means for all others. ``started_at``: when this call started. ``wait``:
        seconds in which nothing starts, for an error that asks for it."""
        self.in_flight -= 1
        if isinstance(error, TooLate):
            return  # nothing of it left, so it says nothing of the vendor
        if isinstance(error, (Unauthorized, AllRejected)):
            self._breaker.stop(error)
        elif isinstance(error, Throttled):
            self._pause(now + wait, error)
            self._concurrency.throttled(started_at=started_at, now=now)
            if self._share is not None:
                self._share.throttled(started_at=started_at, now=now, wait=wait)
        elif isinstance(error, NotSent):
            self._pause(now + wait, error)
            self._breaker.unreachable(error)
        elif isinstance(error, OutcomeUnknown):
            self._breaker.lost(error)
        else:
            self._breaker.rejected(error)
            self._concurrency.answered()

    def _pause(self, until: float, error: VendorError) -> None:
        self._pace.pause(until)
        self.pause = error


class Headroom:
    """Measures the turns of a run, and says how many requests the next turn may claim: for the free places, and a
    little ahead of them, so that no start waits for the ledger. Those ahead are as many as start before the next turn
    has claimed more, and never more than one window of concurrency. Used from the main thread only.

    ``many``: whether a request carries many calls. ``clock``: seconds of a monotonic clock."""

    def __init__(self, *, flow: FlowControl, many: bool, clock: Callable[[], float]) -> None:
        self._flow = flow
        self._many = many
        self._clock = clock
        self._turn_seconds = 0.005
        self._renewal_seconds = 0.0
        self._rate = 0.0  # starts per second, in the fastest recent burst
        self._counted = (clock(), 0)
        self._ended = clock()

    def lead(self) -> float:
        """How far ahead of its start a call is claimed, in seconds.

        A call that is claimed ahead starts when a place falls free. Until another one is claimed in its stead, answers
        gather, the current turn ends and the next one writes: two turns and two milliseconds. Turns vary, so it is
        more. Where a budget is shared, a renewal of the share may come before each of them.
        """
        lead = 3.0 * self._turn_seconds + 0.004
        return max(LEAST_LEAD, lead + 2.0 * self._renewal_seconds) if self._flow.shares_a_budget else lead

    def room(self, now: float, *, out: int, waiting: int) -> int:
        """How many requests to fill now. Requests that carry many calls are never claimed ahead of their start.
        ``out``: requests that are claimed and not answered. ``waiting``: those of them that have not started."""
        capacity = self._flow.capacity()
        lead = self.lead()
        ahead = 0 if self._many else min(capacity, max(1, math.ceil(self._rate * lead)))
        free = capacity + ahead - out
        due = self._flow.slots_until(now + lead, now=now) - waiting
        room = max(0, int(min(free, due)))
        group = min(ahead, max(1, capacity // 8))
        return room if room >= group or waiting == 0 else 0

    def hold(self, now: float, *, out: int) -> float:
        """Seconds for which the next turn waits for more answers, so that its one write carries a whole window.

        Where more than half a window starts during a turn, two windows do not bridge two turns and places stay free,
        whatever is claimed. Then few writes of a whole window each free them soonest: while one window is written, the
        other one is in flight. A turn waits no longer than a turn takes, and never while a pace or a pause holds calls
        back. ``out``: requests that are claimed and not answered."""
        if self._flow.shares_a_budget:
            return 0.0  # its capacity is a share, and tokens hold calls back
        capacity = self._flow.capacity()
        is_slow = 2.0 * self._rate * self._turn_seconds > capacity
        if not is_slow or out <= capacity or self._flow.opens_at() > now:
            return 0.0
        return max(0.0, self._ended + min(self._turn_seconds, LONGEST_HOLD) - now)

    def patience(self, now: float, *, waiting: int, longest: float) -> float:
        """Seconds until another request may be claimed, where time alone can bring that; at most ``longest``.
        ``waiting``: as in `room`."""
        lead = self.lead()
        if not self._flow.shares_a_budget:
            pause = self._flow.opens_at() - now - lead
            return min(longest, pause) if pause > 0 else longest

        def due(wait: float) -> bool:
            return self._flow.slots_until(now + wait + lead, now=now) > waiting

        if due(0.0) or not due(longest):
            return longest
        early, late = 0.0, longest
        while late - early > _CLOSE_ENOUGH:
            middle = (early + late) / 2
            early, late = (early, middle) if due(middle) else (middle, late)
        return late

    def renewed(self, seconds: float) -> None:
        """Note how long a renewal of the share took; 0 where there was none."""
        if seconds > 0:
            self._renewal_seconds += SMOOTHING * (seconds - self._renewal_seconds)

    def measure(self, began: float, *, claimed: bool = True) -> None:
        """Note the end of a turn: how long it took, and how many calls started. ``began``: when it began.
        ``claimed``: whether calls were claimed in it; where a budget makes many turns idle, only those others count."""
        now = self._ended = self._clock()
        if claimed or not self._flow.shares_a_budget:
            self._turn_seconds += SMOOTHING * (now - began - self._turn_seconds)
        since, started = self._counted
        if now - since >= 0.05:
            rate = (self._flow.started - started) / (now - since)
            # Answers come in bursts, and so do free places: the rate within a burst counts.
            self._rate = max(rate, self._rate + SMOOTHING * (rate - self._rate))
            self._counted = (now, self._flow.started)
