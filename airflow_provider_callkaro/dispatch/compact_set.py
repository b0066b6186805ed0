"""Which keys a list has had already, in little memory: a million of them in about 20 MB.

A plain set of a million numbers takes five times as much. This one keeps the 64-bit hash of each key in an
open-addressed table; two keys of a million-row list share a hash once in forty million lists, and then one row is
skipped as a duplicate.
"""

from __future__ import annotations

from array import array
from hashlib import blake2b

_SMALLEST = 1 << 12
_EMPTY = 0


class CompactSet:
    """The keys of this list so far."""

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
        """Whether the key is new; it is not afterwards."""
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
        """Where the value stands, or the empty place where it would."""
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
