"""From contact rows to calls that could be dispatched: number each row, read it, and skip duplicates."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable
from hashlib import blake2b

from airflow_provider_callkaro.calls.call import Call, InvalidCall
from airflow_provider_callkaro.calls.outcome import Outcome, Reason
from airflow_provider_callkaro.dispatch.job import Job
from airflow_provider_callkaro.dispatch.limits import Shard
from airflow_provider_callkaro.dispatch.tally import RowOutcome

_SMALLEST = 1 << 12
_EMPTY = 0


class CompactSet:
    """A set of texts that only grows, in little memory: a million in about 20 MB, a fifth of what a plain set takes.

    It keeps the 64-bit hash of each key in an open-addressed table. Two keys of a million-row list share a hash once in
    forty million lists; then one row is skipped as a duplicate.
    """

    __slots__ = ("_count", "_mask", "_table")

    def __init__(self) -> None:
        self._table = array("Q", [_EMPTY]) * _SMALLEST
        self._mask = _SMALLEST - 1
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def __contains__(self, key: object) -> bool:
        value = _hash(str(key))
        return self._table[self._place(value)] == value

    def add(self, key: str) -> bool:
        """Add a key. Returns whether it is new."""
        value = _hash(key)
        place = self._place(value)
        if self._table[place] == value:
            return False
        self._table[place] = value
        self._count += 1
        if 3 * self._count > 2 * len(self._table):
            self._grow()
        return True

    def _place(self, value: int) -> int:
        """The place of the value, or the empty place for it."""
        table, mask = self._table, self._mask
        place = value & mask
        while table[place] not in (_EMPTY, value):
            place = (place + 1) & mask
        return place

    def _grow(self) -> None:
        old = self._table
        self._mask = 2 * len(old) - 1
        self._table = array("Q", [_EMPTY]) * (2 * len(old))
        for value in old:
            if value != _EMPTY:
                self._table[self._place(value)] = value


def _hash(key: str) -> int:
    return int.from_bytes(blake2b(key.encode(), digest_size=8).digest(), "little") or 1


class Intake:
    """Reads rows one after another: as calls, or as rows that end here.

    :param rows: contact rows, lazily.
    :param read: turns a row into a call, or raises `InvalidCall`.
    :param shard: the part of the rows to take; None takes all.
    :param on_row: called with the number of each row that is taken, and the row, before anything becomes of it.
    """

    def __init__(
        self,
        *,
        rows: Iterable[object],
        read: Callable[[object], Call],
        shard: Shard | None = None,
        on_row: Callable[[int, object], None] | None = None,
    ) -> None:
        self._rows = iter(rows)
        self._read = read
        self._shard = shard
        self._on_row = on_row
        self._row_number = 0
        self._keys = CompactSet()
        self.exhausted = False
        self.taken = 0
        """Rows that were read and belong to this shard."""

    def next(self) -> Job | RowOutcome | None:
        """The next call, or the next row that cannot be one; None at the end of the list."""
        for row in self._rows:
            self._row_number += 1
            try:
                call = self._read(row)
            except InvalidCall as error:
                if self._shard is None or self._shard.holds(str(self._row_number)):
                    self._take(row)
                    return self._ended(Outcome.REJECTED, error.reason, detail=str(error))
                continue
            key = call.key
            if self._shard is not None and not self._shard.holds(key):
                continue
            self._take(row)
            if not self._keys.add(key):
                return self._ended(Outcome.SKIPPED, Reason.DUPLICATE)
            return Job(row_number=self._row_number, key=key, number=call.to_number, call=call)
        self.exhausted = True
        return None

    def _take(self, row: object) -> None:
        self.taken += 1
        if self._on_row is not None:
            self._on_row(self._row_number, row)

    def _ended(self, outcome: Outcome, reason: Reason, *, detail: str | None = None) -> RowOutcome:
        return RowOutcome(row_number=self._row_number, outcome=outcome, reason=reason, detail=detail)
