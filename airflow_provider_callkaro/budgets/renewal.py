"""One renewal: what a worker reports goes into the book, and what it may do until the next one comes out.

Everything here is pure; the transaction around it has locked the budget and read the database's clock after that.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from airflow_provider_callkaro.budgets.allowances import Allowances
from airflow_provider_callkaro.budgets.book import Book, LeaseRow
from airflow_provider_callkaro.budgets.limits import CallBudget
from airflow_provider_callkaro.budgets.messages import Grant, Holding, Throttle
from airflow_provider_callkaro.budgets.sharing import Claim, Share, share_out

SHORTEST_LEASE = 0.6  # seconds
PER_WORKER = 0.02  # seconds by which a lease gets longer, so that the renewals of all stay under 200 per second
MOST_OWED = 3.0  # tokens or slots, times seconds
LOWEST_FACTOR = 1 / 64
RECOVERY = 1 / 20  # of the budget, per second without a throttling
LONGEST_PAUSE = 600.0  # seconds
MOST_NAMES = 5  # of other runs in a grant


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A run that dials. ``name``: for people. ``priority``: higher goes first. ``weight``: its part among those of one
    priority, above 0."""

    name: str
    priority: int = 0
    weight: float = 1.0


def renew(
    book: Book,
    *,
    budget: CallBudget,
    zone: ZoneInfo,
    worker: str,
    run: Run,
    holding: Holding,
    now: float,
    shortest: float = SHORTEST_LEASE,
) -> Grant:
    """Renew a lease, and change the book accordingly.

    :param budget: what is allowed now.
    :param zone: in which hours and days begin.
    :param worker: the id of the lease.
    :param run: whose lease it is.
    :param holding: what the worker reports.
    :param now: the database's clock, read in this transaction.
    :param shortest: seconds that a lease lasts at least.
    """
    book.turn_to(now)
    book.expect(slowest=holding.rest, fastest=holding.fastest, answers=holding.answers)
    book.bury(but=worker)
    own = book.leases.setdefault(worker, LeaseRow(run=run.name, priority=run.priority, weight=run.weight))
    own.priority, own.weight = run.priority, run.weight
    allowances = Allowances(book, budget=budget, zone=zone)
    allowances.account(own, holding)
    if holding.throttle is not None:
        throttle(book, holding.throttle)
    settle_tokens(book, budget=budget)
    kept = take_report(book, own, holding)
    fill(book, budget=budget)
    factor = factor_of(book)
    _share(book, own, budget=budget, factor=factor, calls_per_request=holding.calls_per_request)
    live = [lease for lease in book.leases.values() if lease is own or lease.expires_at > now]
    seconds = max(shortest, PER_WORKER * len(live))
    own.version = max(own.version, holding.version) + 1
    # The worker keeps to its earlier lease until it hears of this one, and that may have been longer.
    own.renewed_at, own.expires_at = now, max(own.expires_at, now + seconds)
    allowance = allowances.grant(own, holding)
    others = sorted((lease for lease in live if lease is not own), key=lambda lease: -lease.priority)
    return Grant(
        version=own.version,
        seconds=seconds,
        period=budget.period,
        size=budget.calls_per_token,
        kept=kept,
        tokens=None if budget.tokens is None else tuple(moment - now for moment in own.fresh),
        target_tokens=own.target_tokens,
        slots=None if budget.max_concurrency is None else own.slots + own.fresh_slots,
        target_slots=own.target_slots,
        allowed=allowance.allowed,
        exhausted=allowance.exhausted,
        resumes_in=allowance.resumes_in,
        pause=max(0.0, book.pause_until - now),
        fastest=book.fastest_answer,
        factor=factor,
        others=tuple(lease.run for lease in others[:MOST_NAMES]),
    )


def release(book: Book, *, worker: str, holding: Holding, budget: CallBudget, zone: ZoneInfo, now: float) -> None:
    """Give back all that a worker holds that ends in order."""
    book.turn_to(now)
    book.bury(but=worker)
    own = book.leases.get(worker)
    if own is None:
        return
    Allowances(book, budget=budget, zone=zone).account(own, holding)
    settle_tokens(book, budget=budget)
    take_report(book, own, holding)
    del book.leases[worker]
    if own.size == book.size:
        for moment in own.tokens:
            book.cool(moment)
        for _ in range(own.out):
            book.cool(now + book.period * own.stretch)
    book.rest(holding.in_flight, until=now + holding.rest)


def throttle(book: Book, seen: Throttle) -> None:
    """Slow everybody down: a pause, and half the budget. Calls that were out together count once."""
    now = book.seen_at
    if now - seen.started_ago > book.throttled_at:
        book.factor = max(LOWEST_FACTOR, factor_of(book) / 2)
        book.throttled_at = now
    book.pause_until = max(book.pause_until, now + min(LONGEST_PAUSE, seen.wait))
    book.factor_at = max(now, book.pause_until)


def factor_of(book: Book) -> float:
    """The part of the budget that is used now."""
    if book.factor >= 1.0:
        return 1.0
    return min(1.0, book.factor + max(0.0, book.seen_at - book.factor_at) * RECOVERY)


def settle_tokens(book: Book, *, budget: CallBudget) -> None:
    """Begin with new tokens if their kind has changed."""
    size = 0 if budget.tokens is None else budget.calls_per_token
    book.period = budget.period
    if size != book.size:
        book.size, book.cooling = size, []


def fill(book: Book, *, budget: CallBudget) -> None:
    """Make the tokens as many as the budget has. A new one rests a period first, because another one may have been
    taken out of the budget just now."""
    if budget.tokens is None:
        return
    held = sum(lease.token_count * lease.size for lease in book.leases.values())
    missing = budget.tokens - len(book.cooling) - math.ceil(held / book.size)
    for _ in range(missing):
        book.cool(book.seen_at + (0.0 if book.is_new else book.period))
    if missing < 0:
        del book.cooling[: min(-missing, len(book.cooling))]


def take_report(book: Book, own: LeaseRow, holding: Holding) -> int:
    """Write down what a worker has, and take back what it gives up or was never told of. Returns how many tokens it
    keeps of those that it reported: others may have taken some after its lease had ended."""
    now = book.seen_at
    is_told = holding.version == own.version
    owned, slots = len(own.tokens) + own.out, own.slots
    if is_told:
        owned, slots = owned + len(own.fresh), slots + own.fresh_slots
    elif own.size == book.size:
        for moment in own.fresh:
            book.cool(moment)
    own.fresh, own.fresh_slots = [], 0
    reported = len(holding.tokens) + holding.out
    kept = min(reported, owned) if holding.size == own.size == book.size else 0
    if own.size == book.size:
        surplus = owned - kept if holding.size == own.size else 0
        back = [now + seconds for seconds in holding.returned[max(0, len(holding.returned) - surplus) :]]
        back += [max(now, own.expires_at) + book.period * own.stretch] * (surplus - len(back))
        for moment in back:
            book.cool(moment)
    out = min(kept, holding.out)
    own.tokens = sorted(now + seconds for seconds in holding.tokens)[len(holding.tokens) - (kept - out) :]
    own.out = out
    own.size = book.size or 1
    own.slots = min(holding.slots, slots)
    own.in_flight = holding.in_flight
    own.stretch, own.rest, own.recent = holding.stretch, holding.rest, holding.recent
    own.wanted_tokens, own.wanted_slots = holding.wanted_tokens, holding.wanted_slots
    return kept


def _share(book: Book, own: LeaseRow, *, budget: CallBudget, factor: float, calls_per_request: int) -> None:
    """Set the worker's targets, and give it what is free of them."""
    passed = max(0.0, min(5.0, book.seen_at - own.renewed_at)) if own.renewed_at else 0.0
    own.owed_tokens = _owed(own.owed_tokens, own.share_tokens - own.token_count, passed)
    own.owed_slots = _owed(own.owed_slots, own.share_slots - own.slots, passed)
    leases = list(book.leases.values())
    tokens = None if budget.tokens is None else max(1, math.floor(budget.tokens * factor))
    slots = None if budget.max_concurrency is None else max(1, math.floor(budget.max_concurrency * factor))
    token_share, slot_share = _shares(leases, tokens=tokens, slots=slots)[leases.index(own)]
    own.share_tokens, own.target_tokens = token_share.exact, token_share.whole
    own.share_slots, own.target_slots = slot_share.exact, slot_share.whole
    if 0 < own.target_tokens < own.token_count:  # a full request by those that it keeps makes them rest for the others
        own.stretch = max(own.stretch, calls_per_request / (own.target_tokens * own.size))
    if tokens is not None and budget.tokens is not None:
        free = min(len(book.cooling), tokens - sum(each.token_count for each in leases))
        new = max(0, min(free, token_share.whole - own.token_count))
        first, book.cooling = book.cooling[:new], book.cooling[new:]
        # Tokens that nobody has used for long come one after the other, so that the vendor sees an even pace.
        step = book.period / budget.tokens
        own.fresh = [max(moment, book.seen_at + step * number) for number, moment in enumerate(first)]
    if slots is not None:
        others = sum(each.slot_count for each in leases if each is not own)
        own.fresh_slots = max(0, min(slots - book.resting_slots() - others, slot_share.whole) - own.slots)


def _shares(leases: list[LeaseRow], *, tokens: int | None, slots: int | None) -> list[tuple[Share, Share]]:
    """Each worker's share of tokens and of slots. One without the other is of no use, so whoever gets none of the
    scarcer has no use for the other either."""
    none = [Share(0.0, 0)] * len(leases)
    token_shares, slot_shares = none, none
    slots_first = slots is not None and (tokens is None or slots < tokens)
    if slots is not None and slots_first:
        slot_shares = share_out(slots, [_slot_claim(each, each.wanted_slots) for each in leases])
    if tokens is not None:
        wanted = [
            each.wanted_tokens if share.whole > 0 or not slots_first else 0
            for each, share in zip(leases, slot_shares, strict=True)
        ]
        token_shares = share_out(tokens, [_token_claim(*pair) for pair in zip(leases, wanted, strict=True)])
    if slots is not None and not slots_first:
        wanted = [
            each.wanted_slots if share.whole > 0 else each.in_flight
            for each, share in zip(leases, token_shares, strict=True)
        ]
        slot_shares = share_out(slots, [_slot_claim(*pair) for pair in zip(leases, wanted, strict=True)])
    return list(zip(token_shares, slot_shares, strict=True))


def _token_claim(lease: LeaseRow, wanted: int) -> Claim:
    return _claim(lease, wanted, lease.owed_tokens, lease.token_count)


def _slot_claim(lease: LeaseRow, wanted: int) -> Claim:
    return _claim(lease, wanted, lease.owed_slots, lease.slot_count)


def _claim(lease: LeaseRow, wanted: int, owed: float, held: int) -> Claim:
    return Claim(wanted=wanted, priority=lease.priority, weight=lease.weight, owed=owed, held=held)


def _owed(before: float, missing: float, seconds: float) -> float:
    return max(-MOST_OWED, min(MOST_OWED, before + missing * seconds))
