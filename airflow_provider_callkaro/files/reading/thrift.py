"""Thrift's compact protocol, in which Parquet writes its headers and its footer.

It is read here because a library's reader may end the process at a damaged file.

The format: https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md
"""

from __future__ import annotations

from typing import Any


class Damaged(ValueError):
    """The bytes cannot be read. A signal between the readers of Parquet; it never leaves them."""


def read_struct(data: bytes, at: int, *, depth: int = 0) -> tuple[dict[int, Any], int]:
    """A structure, as a mapping of its fields' ids to their values, and the position after it.

    Whole numbers, structures and lists of them are kept; texts and fractions are skipped.

    :param at: the position at which it begins.
    :raises IndexError: the data ends before the structure does.
    :raises Damaged: it is no structure.
    """
    if depth > 8:
        raise Damaged
    found: dict[int, Any] = {}
    name = 0
    while (first := data[at]) != 0:
        at += 1
        kind, step = first & 0x0F, first >> 4
        if step:
            name += step
        else:
            name, at = _whole(data, at)
        found[name], at = _value(kind, data, at, depth=depth)
    return found, at + 1


def whole_number(structure: dict[int, Any], name: int) -> int:
    """The whole number in a field of a structure. Raises Damaged if there is none."""
    value = structure.get(name)
    if isinstance(value, bool) or not isinstance(value, int):
        raise Damaged
    return value


def _value(kind: int, data: bytes, at: int, *, depth: int) -> tuple[Any, int]:
    if kind in (1, 2):  # true and false
        return kind == 1, at
    if kind == 3:
        return data[at], at + 1
    if kind in (4, 5, 6):
        return _whole(data, at)
    if kind == 7:
        return None, at + 8
    if kind == 8:
        length, at = _length(data, at)
        data[at + length]
        return None, at + length
    if kind in (9, 10):
        count, inner = data[at] >> 4, data[at] & 0x0F
        count, at = _length(data, at + 1) if count == 15 else (count, at + 1)
        values = []
        for _ in range(count):
            value, at = (data[at], at + 1) if inner in (1, 2) else _value(inner, data, at, depth=depth + 1)
            values.append(value)
        return values, at
    if kind == 12:
        return read_struct(data, at, depth=depth + 1)
    raise Damaged


def _whole(data: bytes, at: int) -> tuple[int, int]:
    number, at = _length(data, at)
    return (number >> 1) ^ -(number & 1), at


def _length(data: bytes, at: int) -> tuple[int, int]:
    number = shift = 0
    while True:
        part = data[at]
        at += 1
        number |= (part & 0x7F) << shift
        if part < 0x80:
            return number, at
        shift += 7
        if shift > 63:
            raise Damaged
