"""How many calls the hour, the day and the money leave, and how many of them a worker may start without asking."""

from __future__ import annotations

import math
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from airflow_provider_callkaro.budgets.book import Book, LeaseRow
from airflow_provider_callkaro.budgets.limits import CallBudget
from airflow_provider_callkaro.budgets.messages import Exhausted, Holding
from airflow_provider_callkaro.budgets.spans import Span, day_of, hour_of

AHEAD = 10  # calls that a worker may start without asking, where no rate says how many it can


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """See `Grant`, whose fields these are."""

    allowed: int | None = None
    exhausted: Exhausted | None = None
    resumes_in: float = 0.0


class Allowances:
    """The counters of one book. An allowance counts as started when it is given; what is left of it comes back with
    the next report, and that of a dead worker is lost.

    :param zone: in which hours and days begin.
    """

    def __init__(self, book: Book, *, budget: CallBudget, zone: ZoneInfo) -> None:
        self._book = book
        self._budget = budget
        self._begin(zone)

    def account(self, own: LeaseRow, holding: Holding) -> None:
        """Count what a worker has started since its last report."""
        if own.version == 0:  # what an earlier lease of it allowed was counted when that ended
            own.used = own.allowed = holding.used
            return
        self._book.spend(holding.used - own.used, since=own.renewed_at)
        own.used = holding.used
        own.allowed = min(own.allowed, holding.allowed)

    def grant(self, own: LeaseRow, holding: Holding) -> Allowance:
        """What a worker may start until its next report."""
        limits = self.left()
        if not limits:
            own.allowed = own.used
            return Allowance()
        # of several that are used up, one that ends the run: there is nothing to wait for
        limit = min(limits, key=lambda each: (max(0, limits[each]), not each.ends_the_run))
        left = max(0, limits[limit])
        is_served = self._is_served(own)
        if holding.wanted_tokens > 0 and left > 0 and is_served:
            size = self._book.size
            need = own.target_tokens * size if size else AHEAD + 2 * holding.recent
            hungry = sum(1 for lease in self._book.leases.values() if lease.wanted_tokens > 0)
            fair = max(holding.calls_per_request, left // max(1, hungry))
            new = max(0, min(max(need, holding.calls_per_request) - own.outstanding, fair, left))
            own.allowed = max(own.allowed, own.used) + new
            left -= new
        # What it has and cannot use counts as its own until it says that it has heard so; then others may have it.
        allowed = max(own.allowed, own.used) if is_served else own.used
        given = sum(lease.outstanding for lease in self._book.leases.values() if lease is not own)
        if left > 0 or given > 0 or own.outstanding >= holding.calls_per_request:
            return Allowance(allowed=allowed)
        ends = self._book.hour[1] if limit is Exhausted.HOUR else self._book.day[1]
        return Allowance(allowed=allowed, exhausted=limit, resumes_in=max(0.001, ends - self._book.seen_at))

    def _is_served(self, own: LeaseRow) -> bool:
        """Whether a worker has tokens and slots, or is about to have some, so that it can use an allowance."""
        has_tokens = self._budget.tokens is None or own.target_tokens > 0
        return has_tokens and (self._budget.max_concurrency is None or own.target_slots > 0)

    def left(self) -> dict[Exhausted, int]:
        """How many more calls each limit lets somebody have; only the limits that are set."""
        book, budget = self._book, self._budget
        given = sum(lease.outstanding for lease in book.leases.values())
        found: dict[Exhausted, int] = {}
        if budget.calls_per_hour is not None:
            found[Exhausted.HOUR] = budget.calls_per_hour - book.hour_spent - given
        if budget.calls_per_day is not None:
            found[Exhausted.DAY] = budget.calls_per_day - book.day_spent - given
        if budget.max_cost_per_day is not None and budget.price_per_minute is not None:
            minutes = budget.max_cost_per_day / budget.price_per_minute - self.minutes()
            found[Exhausted.MONEY] = math.floor((minutes - given * budget.minutes_per_call) / budget.minutes_per_call)
        return found

    def minutes(self) -> float:
        """What today's calls take: by their outcomes, or as expected where they have none yet."""
        waiting = max(0, self._book.day_spent - self._book.minutes_of)
        return self._book.minutes + waiting * self._budget.minutes_per_call

    def _begin(self, zone: ZoneInfo) -> None:
        """Begin a new hour or day where the last one is over; another zone only moves its ends."""
        book = self._book
        hour, day = hour_of(book.seen_at, zone), day_of(book.seen_at, zone)
        if book.seen_at not in Span(*book.hour):
            book.hour_spent = 0
        if book.seen_at not in Span(*book.day):
            book.day_spent, book.minutes, book.minutes_of, book.minutes_at = 0, 0.0, 0, 0.0
        book.hour, book.day = [hour.begins, hour.ends], [day.begins, day.ends]
