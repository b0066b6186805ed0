"""How much memory a Parquet file takes once it is decompressed, computed before any of it is.

A Parquet file is made of pages, and the header of each says how long it is decompressed. Readers believe that and
decompress whole pages: a few kilobytes can ask for gigabytes, and one word of a dictionary can be in every row. So the
headers are read first. A file whose pages would fill the memory is refused before any of its rows is given; if only its
rows would, fewer of them are read at a time.

The format: https://parquet.apache.org/docs/file-format/data-pages/ (headers are Thrift's compact protocol).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from struct import Struct
from typing import TYPE_CHECKING, Any, BinaryIO

from airflow_provider_callkaro.calls.row_size import MAX_ROW_BYTES
from airflow_provider_callkaro.files.reading.parquet_footer import FIXED_LENGTH, TEXT, Column, groups_of, read_at
from airflow_provider_callkaro.files.reading.thrift import Damaged, read_struct, whole_number

if TYPE_CHECKING:
    from pyarrow.parquet import ColumnSchema, ParquetSchema

BATCHES = (1_000, 250, 60, 15, 4, 1)  # rows read at a time: the first of these that fits
CELLS = 200_000  # values read at a time
PAGES_ROOM = 16 * MAX_ROW_BYTES  # bytes of the pages that are open at once; four times the file's own length is added
ROWS_ROOM = 16 * MAX_ROW_BYTES  # bytes of the rows that are read at a time; the file's own length is added
_HEADER = 512  # bytes of a page's header that are read at first; statistics can make it longer
_LONGEST_HEADER = MAX_ROW_BYTES
_DATA, _DICTIONARY, _DATA_V2 = 0, 2, 3  # PageType
_DICTIONARY_ENCODINGS = (2, 8)  # Encoding: PLAIN_DICTIONARY, RLE_DICTIONARY
_DELTA_BYTE_ARRAY = 7  # each value goes on from the one before
_LENGTH = Struct("<I").unpack_from


class TooMuchRoom(ValueError):
    """The file would fill the memory. A signal between the readers of Parquet; it never leaves them."""


@dataclass(slots=True)
class _Chunk:
    """One column in one group of rows.

    :ivar pages: how many values each page holds, and its bytes decompressed.
    :ivar dictionary: bytes of the dictionary.
    :ivar widest: bytes of the longest value that any row can have, whatever the length of its page.
    """

    repeated: bool
    pages: list[tuple[int, int]] = field(default_factory=list)
    dictionary: int = 0
    widest: int = 16

    def open_at_once(self) -> int:
        """Bytes decompressed at any time: one page and the dictionary."""
        return self.dictionary + max((size for _, size in self.pages), default=0)

    def rows_room(self, rows: int) -> int:
        """Bytes of so many successive rows, at most."""
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


def rows_at_once(file: BinaryIO, schema: ParquetSchema) -> int:
    """How many rows of a Parquet file may be read at a time.

    :param file: an open binary file that can seek.
    :param schema: the file's schema, as pyarrow has read it.
    :raises TooMuchRoom: even one row takes too much memory.
    :raises Damaged: its footer does not fit it, or a page cannot be read.
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


def _chunk(file: BinaryIO, column: Column, schema: ColumnSchema, *, end: int) -> _Chunk:
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
            page = header.get(5 if kind == _DATA else 8)
            if not isinstance(page, dict):
                raise Damaged
            values = whole_number(page, 1)
            if page.get(2 if kind == _DATA else 4) == _DELTA_BYTE_ARRAY:
                chunk.widest = max(chunk.widest, unpacked)
            chunk.pages.append((values, unpacked))
            seen += values
            if seen >= column.values:
                break
    return chunk


def _longest_word(packed: bytes, *, unpacked: int, codec: str | None) -> int:
    """Bytes of the longest word of a dictionary, or of the whole dictionary if it cannot be decompressed."""
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


def _pages(file: BinaryIO, start: int, end: int) -> Iterator[tuple[dict[int, Any], int, int]]:
    """The pages of a column: each header, the position of its content, and the content's length, compressed."""
    at = start
    while at < end:
        header, length = _header(file, at, end)
        size = whole_number(header, 3)
        if size < 0 or whole_number(header, 2) < 0:
            raise Damaged
        yield header, at + length, size
        at += length + size


def _header(file: BinaryIO, at: int, end: int) -> tuple[dict[int, Any], int]:
    wanted = _HEADER
    while True:
        begin = read_at(file, at, min(wanted, end - at))
        try:
            return read_struct(begin, 0)
        except IndexError:
            if len(begin) < wanted or wanted >= _LONGEST_HEADER:
                raise Damaged from None
            wanted *= 8
