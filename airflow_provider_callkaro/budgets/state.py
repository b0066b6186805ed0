"""Who holds what of a budget, for people."""

from __future__ import annotations

from dataclasses import dataclass
from zoneinfo import ZoneInfo

from airflow_provider_callkaro.budgets.allowances import Allowances
from airflow_provider_callkaro.budgets.book import Book
from airflow_provider_callkaro.budgets.limits import CallBudget
from airflow_provider_callkaro.budgets.renewal import factor_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """What one run holds.

    :param run: its name.
    :param calls_per_second: that its tokens start, rounded down; None without a rate.
    :param slots: calls that it may have in flight; None without such a limit.
    :param in_flight: calls in flight at its last renewal.
    :param recent: calls that it started in the last second before that.
    :param seconds_left: of its lease; none left if it is dead or frozen.
    """

    run: str
    priority: int
    weight: float
    calls_per_second: int | None
    slots: int | None
    in_flight: int
    recent: int
    seconds_left: float


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetState:
    """One budget as it is now.

    :param name: of the budget.
    :param budget: what is allowed; None if nothing has been set.
    :param overridden: the settings that the command line has set.
    :param conn_ids: the connections that use it.
    :param holders: higher priority first.
    :param recent: calls started in the last second.
    :param in_flight: calls in flight.
    :param pause: seconds for which nothing starts, because the vendor asked for it.
    :param factor: the part of the budget that is used since the vendor throttled, 1 for all of it.
    :param spent_this_hour: calls of this clock hour, given allowances with them.
    :param spent_today: likewise, of this calendar day.
    :param cost_today: in the currency of the price; None without a price.
    """

    name: str
    budget: CallBudget | None
    overridden: tuple[str, ...]
    conn_ids: tuple[str, ...]
    holders: tuple[Holder, ...]
    recent: int
    in_flight: int
    pause: float
    factor: float
    spent_this_hour: int
    spent_today: int
    cost_today: float | None

    @classmethod
    def of(
        cls, name: str, book: Book, *, budget: CallBudget | None, overridden: tuple[str, ...], now: float
    ) -> BudgetState:
        """The state that a book shows at a moment of the database's clock."""
        book.seen_at = now
        rated = budget is not None and budget.calls_per_second is not None
        bounded = budget is not None and budget.max_concurrency is not None
        cost = None
        allowances = Allowances(book, budget=budget or CallBudget(), zone=zone_of(budget))
        if budget is not None and budget.price_per_minute is not None:
            cost = allowances.minutes() * budget.price_per_minute
        holders = [
            Holder(
                run=lease.run,
                priority=lease.priority,
                weight=lease.weight,
                calls_per_second=lease.token_count * lease.size if rated else None,
                slots=lease.slots + lease.fresh_slots if bounded else None,
                in_flight=lease.in_flight,
                recent=lease.recent,
                seconds_left=max(0.0, lease.expires_at - now),
            )
            for lease in book.leases.values()
        ]
        live = [holder for holder in holders if holder.seconds_left > 0]
        given = sum(lease.outstanding for lease in book.leases.values())
        return cls(
            name=name,
            budget=budget,
            overridden=overridden,
            conn_ids=tuple(book.conn_ids),
            holders=tuple(sorted(holders, key=lambda holder: (-holder.priority, holder.run))),
            recent=sum(holder.recent for holder in live),
            in_flight=sum(holder.in_flight for holder in live),
            pause=max(0.0, book.pause_until - now),
            factor=factor_of(book),
            spent_this_hour=book.hour_spent + given,
            spent_today=book.day_spent + given,
            cost_today=cost,
        )


def zone_of(budget: CallBudget | None) -> ZoneInfo:
    """The zone in which the hours and days of a budget begin."""
    return ZoneInfo((budget.timezone if budget is not None else None) or "UTC")
