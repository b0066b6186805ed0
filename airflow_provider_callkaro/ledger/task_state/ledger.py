"""The ledger in Airflow's own task state: it needs no setup, and survives retry, SIGKILL and clear.

It belongs to one task instance of one run. A write to the store costs about 20 ms, so a commit writes one key. The
entries are in segments well under the 64 KB that Airflow advises, and only the newest segment is written again; what a
later segment holds under a key overrules an earlier one. Only a commit of many hundred calls takes several writes: its
settlements come first, and no call is dispatched before the last one.

Each segment holds the instant of its last write, so an open claim in it is at least as old as that. The store has no
clock, so the instants are those of the workers: if their clocks differ, so does the end of the lease.

Airflow shows the store on a page, so the keys are stored as digests. Without a secret these are short and unkeyed: no
number can be read there, but all numbers can be tried. With a secret they are HMACs; each segment then names the key
under which it was written, and a process without that key refuses to start.
"""

from __future__ import annotations

import math
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from functools import partial
from hashlib import blake2b
from typing import Any, Protocol, TypeAlias

from airflow_provider_callkaro.exceptions import LedgerError
from airflow_provider_callkaro.ledger.contract import CLAIM_LEASE, Claim, ClaimRefusal, Entry, LegacyNumbers, Settlement
from airflow_provider_callkaro.ledger.digests import FIELD, LedgerKey, LedgerKeys, Purpose, key_of
from airflow_provider_callkaro.ledger.task_state.records import as_record, entry_of, is_record, settled, size_of

SEGMENT_BYTES = 24_000  # of JSON; then a new segment begins. A write of this size still costs about 20 ms
DIGEST_BYTES = 9  # 72 bits: of ten billion lists with a million keys each, one has two keys of one digest
_FORMAT = 1
_KEYED_FORMAT = 2  # not 1: earlier versions would look for unkeyed digests in it, and find none


Digest: TypeAlias = Callable[[str], str]
"""Makes the digest of a key."""


class TaskState(Protocol):
    """Airflow's task-state store, as far as it is used here."""

    def get(self, key: str, default: Any = None) -> Any: ...

    def set(self, key: str, value: Any, *, retention: timedelta | None = ...) -> None: ...


class TaskStateLedger:
    """The ledger of one task instance.

    It is used on the task's main thread only, as the store demands. The store belongs to one run and has one scope.

    :param store: Airflow's task-state store.
    :param prefix: of the keys in the store.
    :param retention: how long the store keeps an entry; None takes Airflow's default (30 days).
    :param legacy: how earlier versions may have spelled a number; None looks for none. It looks only if such a
        version wrote a segment.
    :param keys: of the digests, the first one for new entries; None makes unkeyed digests.
    :param clock: seconds since 1970 UTC, by this worker's clock.
    """

    def __init__(
        self,
        store: TaskState,
        *,
        prefix: str = "calls",
        retention: timedelta | None = None,
        legacy: LegacyNumbers | None = None,
        keys: LedgerKeys | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._prefix = prefix
        self._keep: dict[str, Any] = {} if retention is None else {"retention": retention}
        self._clock = clock
        self._keys = keys
        self._digests: Sequence[Digest] = (_unkeyed if keys is None else _keyed(keys.first),)
        """The digest for new entries, then those that earlier tries used, with other keys."""
        self._legacy_known = legacy
        self._legacy: LegacyNumbers | None = None
        self._earlier: dict[str, str] = {}  # digest -> record, from the tries before this one
        self._left_open: dict[str, float] = {}  # digest -> the last write of the segment of another try's open claim
        self._held: dict[str, str | None] = {}  # digest of an open claim -> the record that it replaces
        self._segment: dict[str, str] = {}
        self._number = 0
        self._size = 0

    def __enter__(self) -> TaskStateLedger:
        """Read the entries of earlier tries.

        :raises LedgerError: the store holds something else, or cannot be read.
        """
        written_under: dict[str, Digest] = {}
        while (segment := self._load(self._number)) is not None:
            calls, written_at, check = segment
            if check not in written_under:
                written_under[check] = self._digest_under(check)
            if written_at == -math.inf:
                self._legacy = self._legacy_known
            self._earlier.update(calls)
            self._left_open.update((digest, written_at) for digest, record in calls.items() if record[:1] == "c")
            self._number += 1
        written_under.pop("" if self._keys is None else self._keys.first.check, None)
        self._digests = (self._digests[0], *written_under.values())
        return self

    def __exit__(self, *exc_info: object) -> None:
        return None

    def commit(self, *, settle: Sequence[Settlement] = (), claim: Sequence[Claim] = ()) -> Mapping[str, ClaimRefusal]:
        """Settle and claim in one write to the store; see `CallLedger.commit`. ``settle``: a call whose claim this
        ledger object does not hold is left as it is."""
        lost: dict[str, ClaimRefusal] = {}
        changes: dict[str, str] = {}
        held = dict(self._held)
        for settlement in settle:
            digest = self._digests[0](settlement.key)
            if digest in held:
                changes[digest] = settled(settlement, held.pop(digest))
        for wanted in claim:
            digest = self._digests[0](wanted.key)
            at, stored = digest, changes[digest] if digest in changes else self._record(digest)
            if not stored:
                at, stored = self._under_other_names(wanted.key)
            if stored and (digest in held or self._is_young(at, stored) or entry_of(stored) != wanted.replaces):
                lost[wanted.key] = self._entry_of(at, stored)
                continue
            held[digest] = stored or None
            changes[digest] = as_record("c", entry_of(stored).redials + 1 if stored else 0)
        for portion in _portions(changes):
            self._write(portion)
        self._held = held
        return lost

    def state_of(self, keys: Sequence[str]) -> Mapping[str, Entry]:
        """The entries under ``keys``; see `CallLedger.state_of`."""
        found: dict[str, Entry] = {}
        for key in keys:
            at = self._digests[0](key)
            record = self._record(at)
            if not record:
                at, record = self._under_other_names(key)
            if record:
                found[key] = self._entry_of(at, record)
        return found

    def _under_other_names(self, key: str) -> tuple[str, str]:
        """The digest and record of the person under another ledger key, or in an earlier version's spelling."""
        if len(self._digests) == 1 and self._legacy is None:
            return "", ""
        for alias in (key, *(self._legacy.aliases(key) if self._legacy is not None else ())):
            for digested in self._digests:
                if record := self._record(digest := digested(alias)):
                    return digest, record
        return "", ""

    def _digest_under(self, check: str) -> Digest:
        """The digest that a segment's keys were made with. ``check``: the check value of its ledger key; empty if it
        had none. Raises LedgerError if this process does not have that key."""
        if not check:
            return _unkeyed
        id_ = str(key_of(check))
        key = self._keys.find(id_) if self._keys is not None else None
        if key is None or key.check != check:
            raise LedgerError(
                f"the task state was written under the key {id_}, and this process does not have it: add its secret to "
                f'"{FIELD}" in the extra of the vendor\'s connection, the newest first; nobody was rung'
            )
        return _keyed(key)

    def _entry_of(self, digest: str, record: str) -> Entry:
        is_own = digest in self._held and record[:1] == "c"
        return entry_of(record, may_be_ringing=is_own or self._is_young(digest, record))

    def _is_young(self, digest: str, record: str) -> bool:
        """Whether a record is an open claim of another try, within its lease: that try may only be frozen."""
        return (
            record[:1] == "c"
            and digest in self._left_open
            and self._clock() - self._left_open[digest] < CLAIM_LEASE.total_seconds()
        )

    def _record(self, digest: str) -> str:
        """The newest record; empty if the key is free."""
        return self._segment[digest] if digest in self._segment else self._earlier.get(digest, "")

    def _load(self, number: int) -> tuple[dict[str, str], float, str] | None:
        """A segment, the instant of its last write, and the check value of its ledger key.

        The instant is minus infinity for a segment of an earlier version; the check value is empty without a key.
        """
        name = self._name(number)
        try:
            value = self._store.get(name)
        except Exception as error:
            raise LedgerError(f"the task state could not be read ({type(error).__name__}): nothing was sent") from error
        if value is None:
            return None
        if not _is_segment(value):
            raise LedgerError(
                f'the task state "{name}" is not this ledger\'s, so nobody can tell who has been rung: delete it on '
                "the task's page only if nobody has"
            )
        calls: dict[str, str] = value["calls"]
        return calls, float(value.get("at", -math.inf)), value.get("key", "")

    def _write(self, changes: Mapping[str, str]) -> None:
        if self._size > SEGMENT_BYTES:
            self._earlier.update(self._segment)
            self._number += 1  # first, because a signal before the next line must not lead to an overwritten segment
            self._segment, self._size = {}, 0
        segment = {**self._segment, **changes}
        try:
            value: dict[str, Any] = {"format": _FORMAT, "at": math.ceil(self._clock()), "calls": segment}
            if self._keys is not None:
                value |= {"format": _KEYED_FORMAT, "key": self._keys.first.check}
            self._store.set(self._name(self._number), value, **self._keep)
        except Exception as error:
            raise LedgerError(
                f"the task state could not be written ({type(error).__name__}): no call goes out without it"
            ) from error
        self._size += size_of(changes) - size_of({digest: self._segment.get(digest) for digest in changes})
        self._segment = segment

    def _name(self, number: int) -> str:
        return f"{self._prefix}/{number:05d}"


def _is_segment(value: object) -> bool:
    if not isinstance(value, dict) or not isinstance(value.get("calls"), dict):
        return False
    if value.get("format") == _KEYED_FORMAT:
        if not isinstance(value.get("key"), str) or key_of(value["key"]) is None:
            return False
    elif value.get("format") != _FORMAT or "key" in value:
        return False
    if "at" in value and type(value["at"]) not in (int, float):
        return False
    return all(is_record(record) for record in value["calls"].values())


def _portions(changes: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """The changes in their order, in as few parts as possible that fit into a segment each."""
    portion: dict[str, str] = {}
    size = 0
    for digest, record in changes.items():
        portion[digest] = record
        size += size_of({digest: record})
        if size > SEGMENT_BYTES:
            yield portion
            portion, size = {}, 0
    if portion:
        yield portion


def _keyed(key: LedgerKey) -> Digest:
    return partial(key.digest, Purpose.CALL)


def _unkeyed(key: str) -> str:
    return urlsafe_b64encode(blake2b(key.encode("utf-8", "surrogatepass"), digest_size=DIGEST_BYTES).digest()).decode()
