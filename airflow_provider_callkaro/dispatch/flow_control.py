"""When the next call may start: pacing, pauses, room for calls in flight, and the breaker.

One gate stands before everything a dispatcher sends, so what one call learns (slow down, the key is wrong, nobody
answers) holds for all. It reads no clock: the caller says what time it is, in seconds of a monotonic clock.
"""

from __future__ import annotations

import math
from enum import Enum

from airflow_provider_callkaro.dispatch.refusals import UNIFORM_REFUSALS, RefusalWatch
from airflow_provider_callkaro.exceptions import (
    AllRejected,
    NotSent,
    OutcomeUnknown,
    Rejected,
    Throttled,
    TooLate,
    Unauthorized,
    VendorError,
)

FORGIVEN = 0.25  # of a lost answer, per clear one: a vendor that loses more than every fifth answer ends the run
_SLOWEST_GROWTH = 0.05  # calls in flight won back per answer after a throttling, at the least


class Closed(Enum):
    """Why nothing more starts."""

    UNAUTHORIZED = "the vendor refused the key or token"
    ALL_REJECTED = "the vendor refused what all calls have in common"
    BREAKER = "too many answers were lost"
    UNREACHABLE = "the vendor could not be reached"
    LIST_REFUSED = "the vendor refused every call of the list in the same way"


class FlowControl:
    """When the next call may start.

    :param max_concurrency: calls in flight at once.
    :param calls_per_second: calls per second at most, evenly spaced, also right after a pause; None sets no pace.
    :param calls_per_request: how many calls a request may carry; a pace counts each of them.
    :param stop_after_unknown: so many lost answers close the flow, where a clear answer makes up for a quarter of one:
        a streak of so many does, and so does a vendor that keeps losing every second or every fourth. Until the vendor
        has answered a first call, no more than this many are in flight. None never closes it.
    :param stop_after_unreachable: a streak of this many calls that could not be sent closes the flow.
    """

    def __init__(
        self,
        *,
        max_concurrency: int,
        calls_per_second: float | None = None,
        calls_per_request: int = 1,
        stop_after_unknown: int | None = 20,
        stop_after_unreachable: int | None = 100,
    ) -> None:
        self._limit = float(max_concurrency)
        self._max_concurrency = max_concurrency
        self._interval = 0.0 if calls_per_second is None else 1.0 / calls_per_second
        self._calls_per_request = calls_per_request
        self._stop_after_unknown = stop_after_unknown
        self._stop_after_unreachable = stop_after_unreachable
        self._lost = 0.0
        self._unreachable_streak = 0
        self._proved = False
        self._refusals = RefusalWatch()
        self._next_start = -math.inf
        self._limited_at = -math.inf
        self.in_flight = 0
        self.started = 0
        self.pause: VendorError | None = None
        """What made everybody wait, or slow down, the last time."""
        self.closed: Closed | None = None
        self.refusal: VendorError | None = None

    def capacity(self) -> int:
        """How many calls may be in flight now."""
        limit = max(1, int(self._limit))
        if not self._refusals.is_over:
            limit = max(1, min(limit, UNIFORM_REFUSALS - self._refusals.longest))
        most = self._stop_after_unknown
        if most is not None and (self._lost or not self._proved) and (not self._proved or 2 * self._lost >= most):
            limit = max(1, min(limit, math.ceil(most - self._lost)))
        return limit

    def opens_at(self) -> float:
        """The earliest moment, by pace and pauses alone, at which the next call may start."""
        return self._next_start

    def slots_until(self, moment: float, *, now: float) -> float:
        """How many full requests may start from ``now`` to ``moment``, by pace and pauses alone."""
        first = max(now, self._next_start)
        if first > moment:
            return 0
        if self._interval == 0:
            return math.inf
        return int((moment - first) / (self._interval * self._calls_per_request)) + 1

    def may_start(self, *, now: float) -> bool:
        """Whether a call may start at once."""
        return self.closed is None and now >= self._next_start and self.in_flight < self.capacity()

    def start(self, *, now: float, calls: int = 1) -> None:
        """Note that a request starts.

        :param calls: how many it carries.
        """
        self.in_flight += 1
        self.started += 1
        self._next_start = max(now, self._next_start) + self._interval * calls

    def answered(self) -> None:
        """Note that the vendor took a call."""
        self._refusals.is_over = True
        self._had_a_clear_word()

    def withdrawn(self) -> None:
        """Note that a call had started and nothing of it left: it says nothing of the vendor."""
        self.in_flight -= 1

    def failed(self, error: VendorError, *, started_at: float, now: float, wait: float) -> None:
        """Note that a call failed, and what it means for all others.

        :param started_at: when this call started: calls of one wave, told to slow down, count once.
        :param wait: seconds in which nothing starts, for an error that asks for it.
        """
        if isinstance(error, TooLate):
            self.withdrawn()
        elif isinstance(error, (Unauthorized, AllRejected)):
            self.in_flight -= 1
            self._close(Closed.UNAUTHORIZED if isinstance(error, Unauthorized) else Closed.ALL_REJECTED, error)
        elif isinstance(error, Throttled):
            self.in_flight -= 1
            self._pause(now + wait, error)
            if started_at > self._limited_at:
                self._limited_at = now
                self._limit = max(1.0, self._limit / 2)
        elif isinstance(error, NotSent):
            self.in_flight -= 1
            self._pause(now + wait, error)
            self._unreachable_streak += 1
            if self._stop_after_unreachable is not None and self._unreachable_streak >= self._stop_after_unreachable:
                self._close(Closed.UNREACHABLE, error)
        elif isinstance(error, OutcomeUnknown):
            self.in_flight -= 1
            self._lost += 1
            if self._stop_after_unknown is not None and self._lost >= self._stop_after_unknown:
                self._close(Closed.BREAKER, error)
        else:
            self._had_a_clear_word()
            if isinstance(error, Rejected) and self._refusals.refused(error) and self._refusals.condemns_the_list:
                self._close(Closed.LIST_REFUSED, error)

    def _had_a_clear_word(self) -> None:
        self.in_flight -= 1
        self._proved = True
        if self._lost:
            self._lost = max(0.0, self._lost - FORGIVEN)
        self._unreachable_streak = 0
        if self._limit < self._max_concurrency:
            self._limit = min(self._max_concurrency, self._limit + max(1.0 / self._limit, _SLOWEST_GROWTH))

    def _pause(self, until: float, why: VendorError) -> None:
        self._next_start = max(self._next_start, until)
        self.pause = why

    def _close(self, why: Closed, error: VendorError) -> None:
        if self.closed is None:
            self.closed, self.refusal = why, error
