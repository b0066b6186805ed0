"""The right of one request to leave, which the event loop takes from the lease."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_provider_callkaro.budgets.tokens import Loan

if TYPE_CHECKING:
    from airflow_provider_callkaro.budgets.lease import Lease


@dataclass(slots=True, eq=False)
class Permit:
    """The right of one request to leave. From `Lease.start`; the event loop uses it."""

    _lease: Lease
    _loan: Loan | None
    _calls: int
    _is_over: bool = False
    _has_left: bool = False

    def may_leave(self, *, now: float) -> bool:
        """The last look before the wire: whether the request may leave at once. If so, it counts as sent."""
        return self._lease._leave(self, now)

    def again_at(self, *, now: float) -> float:
        """From when the same request may leave once more, after an answer that came now and asks for that. The second
        time is asked and counted like the first."""
        return self._lease._again_at(self, now)

    def ended(self, *, now: float, answered: bool) -> None:
        """Give back what the request held; a second time it does nothing. ``answered``: the vendor answered, whatever
        it said. A request that never left gives everything back unused."""
        self._lease._end(self, now, answered)
