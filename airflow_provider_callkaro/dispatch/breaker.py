"""The circuit breaker: when a run starts no more calls.

A broken vendor should cost twenty people a call, not twenty thousand. So a run ends where the vendor loses too many
answers, cannot be reached, refuses the key, or refuses every call in the same way.
"""

from __future__ import annotations

import math
from enum import Enum

from airflow_provider_callkaro.dispatch.refusals import UNIFORM_REFUSALS, RefusalWatch
from airflow_provider_callkaro.exceptions import AllRejected, OutcomeUnknown, Rejected, Unauthorized, VendorError

FORGIVEN = 0.25  # of a lost answer, per clear one: a vendor that loses more than every fifth answer ends the run


class Closed(Enum):
    """Why nothing more starts."""

    UNAUTHORIZED = "the vendor refused the key or token"
    ALL_REJECTED = "the vendor refused what all calls have in common"
    BREAKER = "too many answers were lost"
    UNREACHABLE = "the vendor could not be reached"
    LIST_REFUSED = "the vendor refused every call of the list in the same way"


class Breaker:
    """Counts failures, and trips when there are too many. It stays tripped.

    :param stop_after_unknown: so many lost answers trip it; see `FlowControl`. None never does.
    :param stop_after_unreachable: a streak of so many calls that could not be sent trips it. None never does.
    """

    def __init__(self, *, stop_after_unknown: int | None, stop_after_unreachable: int | None) -> None:
        self._stop_after_unknown = stop_after_unknown
        self._stop_after_unreachable = stop_after_unreachable
        self._lost = 0.0
        self._unreachable_streak = 0
        self._has_answered = False
        self._refusals = RefusalWatch()
        self.tripped: Closed | None = None
        self.refusal: VendorError | None = None
        """The error that tripped it."""

    def bound(self, limit: int) -> int:
        """How many of ``limit`` calls may be in flight: few until the vendor has answered, and when failures add up."""
        if not self._refusals.is_over:
            limit = max(1, min(limit, UNIFORM_REFUSALS - self._refusals.longest))
        most = self._stop_after_unknown
        if most is not None and (not self._has_answered or 2 * self._lost >= most):
            limit = max(1, min(limit, math.ceil(most - self._lost)))
        return limit

    def accepted(self) -> None:
        """Note that the vendor took a call."""
        self._refusals.is_over = True
        self._answered()

    def rejected(self, error: VendorError) -> None:
        """Note a clear answer that is no acceptance."""
        self._answered()
        if isinstance(error, Rejected) and self._refusals.refused(error) and self._refusals.condemns_the_list:
            self._trip(Closed.LIST_REFUSED, error)

    def stop(self, error: Unauthorized | AllRejected) -> None:
        """Note an error that every other call would get too."""
        self._trip(Closed.UNAUTHORIZED if isinstance(error, Unauthorized) else Closed.ALL_REJECTED, error)

    def unreachable(self, error: VendorError) -> None:
        """Note that a call could not be sent."""
        self._unreachable_streak += 1
        if self._stop_after_unreachable is not None and self._unreachable_streak >= self._stop_after_unreachable:
            self._trip(Closed.UNREACHABLE, error)

    def lost(self, error: OutcomeUnknown) -> None:
        """Note that an answer is lost."""
        self._lost += 1
        if self._stop_after_unknown is not None and self._lost >= self._stop_after_unknown:
            self._trip(Closed.BREAKER, error)

    def _answered(self) -> None:
        self._has_answered = True
        self._unreachable_streak = 0
        if self._lost:
            self._lost = max(0.0, self._lost - FORGIVEN)

    def _trip(self, why: Closed, error: VendorError) -> None:
        if self.tripped is None:
            self.refusal = error  # first: another thread looks at `tripped`
            self.tripped = why
