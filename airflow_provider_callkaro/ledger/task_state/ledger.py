"""The ledger in Airflow's own task state: needs no setup, and survives retry, SIGKILL and clear.

It remembers one task instance of one run. A commit writes one key of the store, because a write costs about 20 ms and
is the only durable thing at hand; the entries are kept in segments well under the 64 KB that Airflow advises, and only
the newest segment is ever written again. What a later segment says of a key overrules an earlier one. Only a commit of
many hundred calls takes several writes; its settlements come first, and nothing is dispatched before the last one.

Each segment says when it was last written, and an open claim is at most as old as that. The store has no clock that
could be asked, so this is a worker's: where two workers' clocks differ, so does what they take for an hour.

The store is shown on a page of Airflow's, so the keys stand there as digests. Without a secret these are short and
unkeyed: no number can be read off, but all numbers can be tried. With one they are HMACs; then each segment says under
which key it was written, and a process that lacks that key refuses to guess.
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
from airflow_provider_callkaro.ledger.contract import (
    CLAIM_LEASE,
    Claim,
    ClaimRefusal,
    Entry,
    Settlement,
)
from airflow_provider_callkaro.ledger.digests import FIELD, LedgerKey, LedgerKeys, Purpose, key_of
from airflow_provider_callkaro.ledger.legacy_numbers import LegacyNumbers
from airflow_provider_callkaro.ledger.task_state.records import entry_of, is_record, packed, settled, size_of

SEGMENT_BYTES = 24_000  # of JSON, then a new segment begins: a write of that size still costs about 20 ms
DIGEST_BYTES = 9  # 72 bits: among a million keys two agree once in ten billion lists
_FORMAT = 1
_KEYED_FORMAT = 2  # earlier versions would look for unkeyed digests in it and find nobody


Digest: TypeAlias = Callable[[str], str]
"""What the store is told of a key."""


class TaskState(Protocol):
    """What is needed of Airflow's task-state store."""

    def get(self, key: str, default: Any = None) -> Any: ...

    def set(self, key: str, value: Any, *, retention: timedelta | None = ...) -> None: ...


class TaskStateLedger:
    """Who has been rung by this task instance.

    Used from the task's main thread only, as the store demands. The store belongs to one run, so there is one scope.

    :param store: Airflow's task-state store.
    :param prefix: of the keys in the store.
    :param retention: how long the store keeps an entry; None takes Airflow's default (30 days).
    :param legacy: how earlier versions may have spelled a number; None looks for none. It is only looked for where a
        segment was written by such a version.
    :param keys: under which the digests are made, the first one for whatever is new; None makes unkeyed ones.
    :param clock: seconds since 1970 UTC, as this worker's clock tells them.
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
        self._digests: Sequence[Digest] = (_unkeyed if keys is None else _under(keys.first),)
        """How a key is digested: as it is written, then as earlier tries wrote it under other keys."""
        self._legacy_known = legacy
        self._legacy: LegacyNumbers | None = None
        self._earlier: dict[str, str] = {}  # digest -> record, from the tries before this one
        self._left_open: dict[str, float] = {}  # digest -> when its claim was written at the latest, by another try
        self._held: dict[str, str | None] = {}  # digest of an open claim -> the record that it replaces
        self._segment: dict[str, str] = {}
        self._number = 0
        self._size = 0

    def __enter__(self) -> TaskStateLedger:
        """Read what earlier tries left.

        :raises LedgerError: the store holds something that is not ours, or cannot be read.
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
        """Settle and claim in one write to the store; see `CallLedger.commit`.

        :param settle: a call that this ledger object does not hold is left as it stands.
        """
        lost: dict[str, ClaimRefusal] = {}
        changes: dict[str, str] = {}
        held = dict(self._held)
        for settlement in settle:
            digest = self._digests[0](settlement.key)
            if digest in held:
                changes[digest] = settled(settlement, held.pop(digest))
        for wanted in claim:
            digest = self._digests[0](wanted.key)
            at, standing = digest, changes[digest] if digest in changes else self._record(digest)
            if not standing:
                at, standing = self._elsewhere(wanted.key)
            if standing and (digest in held or self._is_young(at, standing) or entry_of(standing) != wanted.replaces):
                lost[wanted.key] = self._seen(at, standing)
                continue
            held[digest] = standing or None
            changes[digest] = packed("c", entry_of(standing).redials + 1 if standing else 0)
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
                at, record = self._elsewhere(key)
            if record:
                found[key] = self._seen(at, record)
        return found

    def _elsewhere(self, key: str) -> tuple[str, str]:
        """The digest and record of the person under another key or, of an earlier version, in another spelling."""
        if len(self._digests) == 1 and self._legacy is None:
            return "", ""
        for alias in (key, *(self._legacy.aliases(key) if self._legacy is not None else ())):
            for digested in self._digests:
                if record := self._record(digest := digested(alias)):
                    return digest, record
        return "", ""

    def _digest_under(self, check: str) -> Digest:
        """How the keys of a segment were digested.

        :param check: of the key under which it was written; empty where there was none.
        :raises LedgerError: this process does not have that key.
        """
        if not check:
            return _unkeyed
        id_ = str(key_of(check))
        key = self._keys.find(id_) if self._keys is not None else None
        if key is None or key.check != check:
            raise LedgerError(
                f"the task state was written under the key {id_}, and this process does not have it: add its secret to "
                f'"{FIELD}" in the extra of the vendor\'s connection, the newest first; nobody was rung'
            )
        return _under(key)

    def _seen(self, digest: str, record: str) -> Entry:
        is_own = digest in self._held and record[:1] == "c"
        return entry_of(record, may_be_ringing=is_own or self._is_young(digest, record))

    def _is_young(self, digest: str, record: str) -> bool:
        """Whether a record is a claim that another try left open less than the lease ago: it may be frozen."""
        return (
            record[:1] == "c"
            and digest in self._left_open
            and self._clock() - self._left_open[digest] < CLAIM_LEASE.total_seconds()
        )

    def _record(self, digest: str) -> str:
        """The newest record; empty where the key is free."""
        return self._segment[digest] if digest in self._segment else self._earlier.get(digest, "")

    def _load(self, number: int) -> tuple[dict[str, str], float, str] | None:
        """A segment, when it was last written, and the check value of the key under which it was.

        Long ago, where an earlier version has not said so; an empty text where there was no key.
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
            self._number += 1  # before the segment is let go: a signal in between must not have it overwritten
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


def _is_segment(value: Any) -> bool:
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
    """The changes in their order, in as few parts as fit into a segment each."""
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


def _under(key: LedgerKey) -> Digest:
    return partial(key.digest, Purpose.CALL)


def _unkeyed(key: str) -> str:
    return urlsafe_b64encode(blake2b(key.encode("utf-8", "surrogatepass"), digest_size=DIGEST_BYTES).digest()).decode()
