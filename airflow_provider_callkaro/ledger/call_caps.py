"""How often one person may be called. A dispatcher checks it early, and a ledger with each claim."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from airflow_provider_callkaro.ledger.contract import OverCap


@dataclass(frozen=True, slots=True, kw_only=True)
class CallCaps:
    """A cap on the calls to one number per span of time, and a gap between two of them.

    Every call counts that was accepted or may have rung, in any scope.

    :param max_calls: calls to one number within ``per``, 1 or more; None sets no cap.
    :param per: the span; None only without ``max_calls``.
    :param min_gap: between two calls to one number; None sets no gap.
    """

    max_calls: int | None = None
    per: timedelta | None = None
    min_gap: timedelta | None = None

    @property
    def span(self) -> timedelta:
        """How far back calls count."""
        return max(self.per or timedelta(0), self.min_gap or timedelta(0))

    def verdict(self, earlier: Sequence[datetime], *, now: datetime) -> OverCap | None:
        """Whether one more call now is too many.

        :param earlier: when the number was called, at least as far back as `span`.
        :param now: by the clock of those instants.
        :return: the refusal; None if the call may go out.
        """
        if self.max_calls is not None:
            counted = sum(moment > now - (self.per or timedelta(0)) for moment in earlier)
            if counted >= self.max_calls:
                return OverCap()
        if self.min_gap is not None and earlier and now < (again := max(earlier) + self.min_gap):
            return OverCap(until=again)
        return None
