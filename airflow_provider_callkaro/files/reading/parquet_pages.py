"""How much room a Parquet file takes once it is unpacked, found out before any of it is.

A Parquet file is made of pages, and each says in its header how long it is unpacked. Readers believe that, and they
unpack whole pages: a few kilobytes can ask for gigabytes, and one word of a dictionary can stand in every row. So the
headers are looked through first. A file whose pages would fill the memory is refused as a whole, before any of its rows
is given; where it is the rows that would, fewer are read at a time.

The format: https://parquet.apache.org/docs/file-format/data-pages/ (headers are Thrift's compact protocol).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from struct import Struct
from typing import Any

from airflow_provider_callkaro.calls.row_size import MAX_ROW_BYTES
from airflow_provider_callkaro.files.reading.parquet_footer import FIXED_LENGTH, TEXT, Column, groups_of, read_at
from airflow_provider_callkaro.files.reading.thrift import Damaged, read_struct, whole_number

BATCHES = (1_000, 250, 60, 15, 4, 1)  # rows read at a time: as many as have room
CELLS = 200_000  # values read at a time
PAGES_ROOM = 16 * MAX_ROW_BYTES  # bytes of the pages that are open at once, and four times the file's own length
ROWS_ROOM = 16 * MAX_ROW_BYTES  # bytes of the rows that are read at a time, and the file's own length
_HEADER = 512  # bytes of a page's header read at first; statistics can make it longer
_LONGEST_HEADER = MAX_ROW_BYTES
_DATA, _DICTIONARY, _DATA_V2 = 0, 2, 3  # PageType
_DICTIONARY_ENCODINGS = (2, 8)  # Encoding: PLAIN_DICTIONARY, RLE_DICTIONARY
_DELTA_BYTE_ARRAY = 7  # each value goes on from the one before
_LENGTH = Struct("<I").unpack_from


class TooMuchRoom(ValueError):
    """The file's pages would fill the memory."""


@dataclass(slots=True)
class _Chunk:
    """What is known of one column in one group of rows.

    :ivar pages: how many values each page holds, and its bytes unpacked.
    :ivar dictionary: bytes of the dictionary.
    :ivar widest: bytes of the longest value that can stand in any row, whatever the length of its page.
    """

    repeated: bool
    pages: list[tuple[int, int]] = field(default_factory=list)
    dictionary: int = 0
    widest: int = 16

    def open_at_once(self) -> int:
        """Bytes unpacked at any time: one page and the dictionary."""
        return self.dictionary + max((size for _, size in self.pages), default=0)

    def rows_room(self, rows: int) -> int:
        """Bytes of so many rows, wherever they are."""
        if self.repeated:  # one row may hold all of it
            return sum(size + values * self.widest for values, size in self.pages)
        most, room, held, begin = 0, 0, 0, 0
        for values, size in self.pages:
            room, held = room + size, held + values
            while begin < len(self.pages) and held - self.pages[begin][0] - values >= rows - 1:
                held, room = held - self.pages[begin][0], room - self.pages[begin][1]
                begin += 1
            most = max(most, room)
        return most + rows * self.widest


def rows_at_once(file: Any, schema: Any) -> int:
    """How many rows of a Parquet file may be read at a time.

    :param file: an open binary file that can seek.
    :param schema: the file's, as pyarrow has read it.
    :raises TooMuchRoom: not even one.
    :raises Damaged: its footer does not fit it, or a page is not what it should be.
    """
    end = file.seek(0, 2)
    end = file.tell() if end is None else end
    fewest = next((rows for rows in BATCHES if rows * len(schema) <= CELLS), 1)
    for columns in groups_of(file, end=end):
        if len(columns) != len(schema):
            raise Damaged
        chunks = [_chunk(file, column, schema.column(place), end=end) for place, column in enumerate(columns)]
        if sum(chunk.open_at_once() for chunk in chunks) > PAGES_ROOM + 4 * end:
            raise TooMuchRoom
        if sum(chunk.rows_room(1) for chunk in chunks if chunk.repeated) > ROWS_ROOM + end:
            raise TooMuchRoom
        fits = (rows for rows in BATCHES if sum(chunk.rows_room(rows) for chunk in chunks) <= ROWS_ROOM + end)
        fewest = min(fewest, next(fits, 1))
    return fewest


def _chunk(file: Any, column: Column, schema: Any, *, end: int) -> _Chunk:
    chunk = _Chunk(repeated=schema.max_repetition_level > 0)
    if column.kind == FIXED_LENGTH:
        chunk.widest += schema.length
    seen = 0
    for header, at, size in _pages(file, column.start, min(end, column.start + column.length + 100)):
        unpacked = whole_number(header, 2)
        kind = header.get(1)
        if kind == _DICTIONARY:
            chunk.dictionary += unpacked
            if chunk.dictionary > PAGES_ROOM + 4 * end:
                raise TooMuchRoom
            if column.kind == TEXT:
                packed = read_at(file, at, size)
                chunk.widest += _longest_word(packed, unpacked=unpacked, codec=column.codec)
        elif kind in (_DATA, _DATA_V2):
            told = header.get(5 if kind == _DATA else 8)
            if not isinstance(told, dict):
                raise Damaged
            values = whole_number(told, 1)
            if told.get(2 if kind == _DATA else 4) == _DELTA_BYTE_ARRAY:
                chunk.widest = max(chunk.widest, unpacked)
            chunk.pages.append((values, unpacked))
            seen += values
            if seen >= column.values:
                break
    return chunk


def _longest_word(packed: bytes, *, unpacked: int, codec: str | None) -> int:
    """Bytes of the longest word of a dictionary; where that cannot be told, of all of it."""
    from pyarrow import ArrowException, decompress

    words = packed
    if codec is not None:
        try:
            words = decompress(packed, decompressed_size=unpacked, codec=codec, asbytes=True)
        except (ArrowException, ValueError, OSError):
            return unpacked
    longest = place = 0
    while place + 4 <= len(words):
        (length,) = _LENGTH(words, place)
        longest = max(longest, length)
        place += 4 + length
    return min(longest, unpacked)


def _pages(file: Any, start: int, end: int) -> Iterator[tuple[dict[int, Any], int, int]]:
    """The pages of a column: each one's header, where its content begins, and how long that is, packed."""
    at = start
    while at < end:
        header, length = _header(file, at, end)
        size = whole_number(header, 3)
        if size < 0 or whole_number(header, 2) < 0:
            raise Damaged
        yield header, at + length, size
        at += length + size


def _header(file: Any, at: int, end: int) -> tuple[dict[int, Any], int]:
    wanted = _HEADER
    while True:
        begin = read_at(file, at, min(wanted, end - at))
        try:
            return read_struct(begin, 0)
        except IndexError:
            if len(begin) < wanted or wanted >= _LONGEST_HEADER:
                raise Damaged from None
            wanted *= 8
