"""The columns of a Parquet file, as its footer describes them.

pyarrow reads the footer too, but if a footer contradicts itself, asking pyarrow for a column ends the process.

The format: https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

from airflow_provider_callkaro.calls.row_size import MAX_ROW_BYTES
from airflow_provider_callkaro.files.reading.thrift import Damaged, read_struct, whole_number

TEXT, FIXED_LENGTH = 6, 7  # Type: BYTE_ARRAY, FIXED_LEN_BYTE_ARRAY
LONGEST_FOOTER = 16 * MAX_ROW_BYTES
_END = 8  # bytes after the footer: its length, and a mark
_CODECS = (None, "snappy", "gzip", "lzo", "brotli", "lz4_raw", "zstd", "lz4_raw")  # CompressionCodec, as pyarrow says
_ROW_GROUPS, _COLUMNS, _META_DATA = 4, 1, 3
_TYPE, _CODEC, _VALUES, _LENGTH, _DATA_PAGE, _DICTIONARY_PAGE = 1, 4, 5, 7, 9, 11


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column in one group of rows.

    :param kind: `TEXT`, `FIXED_LENGTH`, or another of Parquet's types.
    :param codec: how its pages are compressed, as pyarrow names it; None if they are not.
    :param values: how many values it has.
    :param start: the position of its first page in the file.
    :param length: bytes of its pages, compressed.
    """

    kind: int
    codec: str | None
    values: int
    start: int
    length: int


def groups_of(file: BinaryIO, *, end: int) -> Iterator[list[Column]]:
    """The columns of each group of rows. ``file``: an open binary file that can seek. ``end``: its length in bytes.
    Raises Damaged if the footer cannot be read."""
    length = int.from_bytes(read_at(file, end - _END, 4), "little")
    if not 0 < length <= min(end - _END, LONGEST_FOOTER):
        raise Damaged
    try:
        footer, _ = read_struct(read_at(file, end - _END - length, length), 0)
    except IndexError:
        raise Damaged from None
    for group in _structures(footer, _ROW_GROUPS):
        yield [_column(chunk) for chunk in _structures(group, _COLUMNS)]


def read_at(file: BinaryIO, at: int, size: int) -> bytes:
    """``size`` bytes of a file from position ``at``, fewer at its end. Raises Damaged if the position is negative."""
    if at < 0:
        raise Damaged
    file.seek(at)
    content: bytes = file.read(size)
    return content


def _column(chunk: dict[int, Any]) -> Column:
    described = chunk.get(_META_DATA)
    if not isinstance(described, dict):
        raise Damaged
    kind, codec, values, length, start = (
        whole_number(described, name) for name in (_TYPE, _CODEC, _VALUES, _LENGTH, _DATA_PAGE)
    )
    dictionary = whole_number(described, _DICTIONARY_PAGE) if _DICTIONARY_PAGE in described else 0
    if not 0 <= codec < len(_CODECS):
        raise Damaged
    return Column(
        kind=kind,
        codec=_CODECS[codec],
        values=values,
        start=dictionary if 0 < dictionary < start else start,
        length=length,
    )


def _structures(holder: dict[int, Any], name: int) -> list[dict[int, Any]]:
    found = holder.get(name)
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise Damaged
    return found
