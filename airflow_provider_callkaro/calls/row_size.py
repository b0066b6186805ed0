"""How long a row may be: the one bound of whatever brings rows, be it a file, a query, a task or a vendor's export.

Whoever fills a list decides how long its rows are, and a few kilobytes that are packed well unfold to gigabytes. A row
beyond the bound counts as one that cannot be read; where a format cannot tell its rows before it has unfolded them, the
list is refused instead. The bound is chosen so that a row's objects in Python, which may take 25 times the room of
their text (``{},{},…`` in JSON), stay below 64 MB.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

MAX_ROW_BYTES = 1 << 20  # bytes, or characters where a reader has text
LONGEST_SKIPPED = 64 * MAX_ROW_BYTES  # of a line that is too long: one that does not end then never does
_PER_VALUE = 8  # bytes that any value counts at least


class EndlessLine(ValueError):
    """A line goes on beyond all measure: what follows cannot be told from it."""


def size_of(row: Any) -> int:
    """About how long a row is, in bytes; beyond the bound, anything beyond the bound."""
    if type(row) is str:
        return len(row)
    if type(row) is not dict:
        return _size_within(row)
    size = 0
    for value in row.values():
        kind = type(value)
        if kind is str or kind is bytes:
            size += len(value)
        elif kind is dict or kind is list:
            size += _size_within(value)
    return size


def is_too_long(row: Any) -> bool:
    """Whether a row is beyond the bound."""
    return size_of(row) > MAX_ROW_BYTES


def _size_within(value: Any) -> int:
    """The size of a value and all that it holds, added up until it is beyond the bound."""
    size, left = 0, [value]
    while left and size <= MAX_ROW_BYTES:
        each = left.pop()
        size += _PER_VALUE
        if isinstance(each, (str, bytes, bytearray)):
            size += len(each)
        elif isinstance(each, Mapping):
            size += _PER_VALUE * len(each) + sum(len(name) for name in each if isinstance(name, str))
            left.extend(each.values())
        elif isinstance(each, (list, tuple, set, frozenset)):
            left.extend(each)
    return size
