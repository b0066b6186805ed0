"""How long a row may be: one bound for all sources, be it a file, a query, a task or a vendor's export.

Rows are data from outside, and a few compressed kilobytes can become gigabytes. A row beyond the bound counts as one
that cannot be read; where a format does not separate its rows before it is decompressed, the list is refused. The bound
keeps the Python objects of a row, which may take 25 times the room of their text (``{},{},…`` in JSON), below 64 MB.
"""

from __future__ import annotations

from collections.abc import Mapping

MAX_ROW_BYTES = 1 << 20  # bytes, or characters where a reader has text
LONGEST_SKIPPED = 64 * MAX_ROW_BYTES  # of a line that is too long; a longer one counts as endless
_PER_VALUE = 8  # bytes that any value counts at least


class EndlessLine(ValueError):
    """A line does not end within `LONGEST_SKIPPED`, so the lines after it cannot be found.

    It never leaves this package: the reader of the file turns it into an error of the tree in `exceptions`.
    """


def size_of(row: object) -> int:
    """The size of a row in bytes, roughly; beyond the bound, any number beyond it."""
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


def is_too_long(row: object) -> bool:
    """Whether a row is beyond the bound."""
    return size_of(row) > MAX_ROW_BYTES


def _size_within(value: object) -> int:
    """The size of a value with everything in it, added up until it is beyond the bound."""
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
