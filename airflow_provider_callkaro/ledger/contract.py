"""What every ledger keeps, and what it promises.

A ledger knows who has been rung. Before a dispatch the call's key is *claimed*, durably and atomically; after it
the claim is *settled* with what became of the call. A claim that was never settled means that nobody knows: it
reads as ``unknown``. One ``commit`` is one durable write, however many calls it settles and claims: when it
returns, it is on disk.

A claim stays *open* until it is settled. While it is younger than `CLAIM_LEASE` somebody may be ringing under it, be it
another run or a frozen try of the same one, and nobody takes it over. Its age is told by one clock, the ledger's own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol, TypeAlias

CLAIM_LEASE = timedelta(hours=1)  # an open claim that is older than this: nobody is ringing any more


class EntryState(StrEnum):
    """What the ledger says of one key."""

    CLAIMED = "claimed"
    """Another run holds the claim and may be ringing right now."""
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    UNKNOWN = "unknown"
    """Dispatched, and nobody knows what became of it; never dispatched again unasked."""


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
    """What became of one claimed call.

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
    :param may_be_ringing: nobody has settled it, and it is younger than the lease: no redial takes it over. It is no
        part of what tells two entries apart, because it changes while nobody does anything.
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
    """Why a claim was lost that no entry blocks: the person has been called too often.

    :param until: when the gap since their last call is over, UTC; None where the cap on the number of calls is reached.
    """

    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Erasure:
    """Why a claim was lost that no entry blocks: the person has asked to be erased, and is never rung again."""


ClaimRefusal: TypeAlias = Entry | OverCap | Erasure
"""What stood in the way of a claim."""


class CallLedger(Protocol):
    """The durable record of each dispatch. Opened with ``with``; used from one thread only."""

    def __enter__(self) -> CallLedger: ...

    def __exit__(self, *exc_info: object) -> None: ...

    def commit(self, *, settle: Sequence[Settlement] = (), claim: Sequence[Claim] = ()) -> Mapping[str, ClaimRefusal]:
        """Settle what came back and claim what goes out next, in one durable write.

        A claim is won or lost atomically: two workers that claim one key at once cannot both win. Where a ledger has
        several scopes, a claim is won in all of them or in none. A claim with ``replaces`` is won only if the entry
        still stands as given, in whichever of the scopes something stands, and nobody may be ringing under it.

        :return: for each key whose claim was *lost*, what stood in the way: the entry, that of the ledger's own scope
            first, or a cap. A key that is absent was won.
        :raises LedgerError: nothing can be said of the claims, so none of them may be dispatched.
        """
        ...

    def state_of(self, keys: Sequence[str]) -> Mapping[str, Entry]:
        """The entries under ``keys``; a key never claimed, or released, is absent."""
        ...
