"""What every ledger keeps, and what it promises.

A ledger records who has been rung: it is what makes a dispatch idempotent. Before a dispatch the call's key is
*claimed*, durably and atomically; after it the claim is *settled* with the outcome of the call. A claim that was never
settled has an unknown outcome and reads as ``unknown``. One ``commit`` is one durable write, however many calls it
settles and claims: when it returns, it is on disk.

A claim is *open* until it is settled. While it is younger than `CLAIM_LEASE`, another run or a frozen try of the same
run may be ringing under it, so no redial takes it over. Only one clock decides its age, the ledger's own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol, TypeAlias

CLAIM_LEASE = timedelta(hours=1)  # under an older open claim no phone rings any more


class EntryState(StrEnum):
    """The state of one key in the ledger."""

    CLAIMED = "claimed"
    """Another run holds the claim and may be ringing right now."""
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    UNKNOWN = "unknown"
    """Dispatched, with an unknown outcome; never dispatched again unless a redial asks for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """The intention to dispatch one call.

    :param key: under which the person may be rung once in the scope.
    :param number: the phone number, E.164, for the record and for frequency caps.
    :param replaces: the entry that a deliberate redial takes over; None for a first dispatch.
    """

    key: str = field(repr=False)
    number: str = field(repr=False)
    replaces: Entry | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """The outcome of one claimed call.

    :param state: how it ended, or None to release the claim: the vendor cannot have acted, so the key is free again.
    :param call_id: the vendor's id of the call, where it gave one.
    :param reason: a reason code, for everything but a plain acceptance.
    :param detail: one masked sentence for the report, such as the vendor's message.
    """

    key: str = field(repr=False)
    state: EntryState | None
    call_id: str | None = None
    reason: str | None = None
    detail: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What the ledger holds under a key.

    :param this_run: the entry was made by an earlier try of this very run, so its outcome is this run's outcome too.
    :param redials: how often it was dispatched again on purpose.
    :param may_be_ringing: it is not settled, and younger than the lease: no redial takes it over. Comparisons ignore
        it, because it changes with time alone.
    """

    state: EntryState
    this_run: bool
    call_id: str | None = None
    reason: str | None = None
    detail: str | None = None
    redials: int = 0
    may_be_ringing: bool = field(default=False, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class OverCap:
    """A claim was refused because the person has been called too often.

    :param until: when the gap since their last call is over, UTC; None where the cap on the number of calls is reached.
    """

    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Erasure:
    """A claim was refused because the person has asked to be erased, and is never rung again."""


ClaimRefusal: TypeAlias = Entry | OverCap | Erasure
"""Why a claim was lost: an entry under the key, a cap, or an erasure."""


class CallLedger(Protocol):
    """The durable record of each dispatch. Opened with ``with``; used from one thread only."""

    def __enter__(self) -> CallLedger: ...

    def __exit__(self, *exc_info: object) -> None: ...

    def commit(self, *, settle: Sequence[Settlement] = (), claim: Sequence[Claim] = ()) -> Mapping[str, ClaimRefusal]:
        """Settle what came back and claim what goes out next, in one durable write.

        A claim is won or lost atomically: two workers that claim one key at once cannot both win. Where a ledger has
        several scopes, a claim is won in all of them or in none. A claim with ``replaces`` is won only if every entry
        of the key, in any of the scopes, is still the given one, and no phone may be ringing under it.

        :return: for each key whose claim was *lost*, why: the entry, that of the ledger's own scope first, a cap or an
            erasure. A key that is absent was won.
        :raises LedgerError: it is unknown which claims were won, so none of them may be dispatched.
        """

    def state_of(self, keys: Sequence[str]) -> Mapping[str, Entry]:
        """The entries under ``keys``; a key never claimed, or released, is absent."""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class LegacyNumbers:
    """Spellings that earlier versions took for people of their own: +44 0 20… beside +44 20…. Such an entry still
    blocks and counts; a ledger looks for one only if it holds any. ``spellings``: for a number, E.164, the other texts
    under which it may be stored. ``prefixes``: the digits with which such texts begin; no number of today begins so.
    """

    spellings: Callable[[str], Sequence[str]]
    prefixes: Sequence[str]

    def aliases(self, key: str) -> Sequence[str]:
        """The keys under which earlier versions may have stored the same person; none unless the key is a number."""
        return self.spellings(key) if key.startswith("+") else ()
