"""A file of rows from a vendor: complete, or not there at all.

Rows are gathered in a temporary file first. Only after the last row are the columns and their types known, and only
then is the file written to its place, where it replaces the file before it.
"""

from __future__ import annotations

import csv
import io
import json
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from itertools import islice
from math import isfinite
from typing import IO, Any, Self

from airflow_provider_callkaro.calls.row_size import MAX_ROW_BYTES
from airflow_provider_callkaro.exceptions import ConfigurationError
from airflow_provider_callkaro.files.formats import FileFormat, format_to_write
from airflow_provider_callkaro.files.storage import storage_of
from airflow_provider_callkaro.files.writing.publishing import published
from airflow_provider_callkaro.files.writing.spreadsheet import plain_cell

ROW_GROUP = 10_000  # rows of a Parquet file that are held, and written, together; fewer where they are long
MAX_COLUMNS = 5_000  # our own bound; rows with ever new fields would fill the memory
_GROUP_CHARACTERS = 4 * MAX_ROW_BYTES
_MEMORY = 1 << 20  # bytes kept in memory before the rows go to a temporary file
_WHOLE = range(-(2**63), 2**63)  # the range of a whole number in Parquet
_EXACT = range(-(2**53), 2**53 + 1)  # whole numbers that a float represents exactly
_compact = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode


class Kind(StrEnum):
    """What the values of a column are."""

    TEXT = "text"
    FLAG = "flag"
    WHOLE = "whole"
    LONG = "long"
    """Whole numbers that a floating-point number would round."""
    NUMBER = "number"
    NESTED = "nested"


_BOTH = {  # a column that holds two kinds; any other two are text
    frozenset({Kind.WHOLE, Kind.NUMBER}): Kind.NUMBER,
    frozenset({Kind.WHOLE, Kind.LONG}): Kind.LONG,
}


def file_format(path: str, named: str | None) -> FileFormat:
    """The format in which to write a file: the named one, else that of its path's ending.

    :param named: ``csv``, ``jsonl`` or ``parquet``; None goes by the ending.
    :raises ConfigurationError: there is no such format, the ending names none, or pyarrow is not installed.
    """
    chosen = format_to_write(path, named)
    if chosen is FileFormat.PARQUET:
        try:
            import pyarrow  # noqa: F401
        except ImportError:
            raise ConfigurationError(
                "a Parquet file needs the pyarrow library: install airflow-provider-callkaro[parquet]"
            ) from None
    return chosen


class ResultFile:
    """Gathers rows, and writes them to their place at the end.

    In CSV, a value that is no text is written as JSON (``true``, ``12.5``, ``{"a":1}``), no value is an empty cell, and
    a text that a spreadsheet would run as a formula gets an apostrophe in front. In Parquet, a column of numbers, whole
    numbers or flags keeps its type; nested values are text in JSON, and so is every value of a column that mixes kinds,
    except texts. JSON Lines keeps the rows as they came. NaN, which JSON does not have, is no value in any format.

    :param path: anything that Airflow's ``ObjectStoragePath`` understands.
    :param kind: the format of the file.
    :ivar rows: how many rows have been added.
    :raises ConfigurationError: Airflow has no storage of that kind.
    """

    def __init__(self, path: str, *, kind: FileFormat) -> None:
        storage_of(path)
        self.rows = 0
        self._path = path
        self._kind = kind
        self._columns: dict[str, Kind | None] = {}
        self._names_length = 0  # characters of all columns' names
        self._spool: IO[str] = tempfile.SpooledTemporaryFile(  # noqa: SIM115 - closed by `close`
            max_size=_MEMORY, mode="w+", encoding="utf-8", errors="surrogatepass", newline="\n"
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._spool.close()

    def name_columns(self, names: Sequence[str]) -> None:
        """Add these columns, in this order, even if no row has them."""
        for name in names:
            self._columns.setdefault(name, None)

    def add(self, row: Mapping[str, Any]) -> None:
        """Add one row. Raises ConfigurationError if the rows have more columns than a table can have."""
        try:
            line = _compact(row)
        except ValueError:
            row = {name: _without_nan(value) for name, value in row.items()}
            line = _compact(row)
        for name, value in row.items():
            if name not in self._columns:
                self._names_length += len(name)
            if value is not None:
                self._columns[name] = _merged(self._columns.get(name), _kind(value))
            elif name not in self._columns:
                self._columns[name] = None
        if len(self._columns) > MAX_COLUMNS or self._names_length > MAX_ROW_BYTES:
            raise ConfigurationError(f"the rows have more than {MAX_COLUMNS} different fields: that is no table")
        self._spool.write(line + "\n")
        self.rows += 1

    def add_all(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Add every row, as `add` does."""
        for row in rows:
            self.add(row)

    def publish(self) -> None:
        """Write all rows to the path. The new file replaces the old one once it is complete. Raises NotWritten if it
        cannot be written there; the old file is untouched."""
        with published(self._path) as file:
            self._write(file)

    def _write(self, file: IO[bytes]) -> None:
        match self._kind:
            case FileFormat.CSV:
                self._write_csv(file)
            case FileFormat.JSONL:
                for line in self._lines():
                    file.write(line.encode("utf-8", "replace"))
            case FileFormat.PARQUET:
                self._write_parquet(file)

    def _lines(self) -> Iterator[str]:
        self._spool.seek(0)
        return iter(self._spool)

    def _write_csv(self, file: IO[bytes]) -> None:
        text = io.TextIOWrapper(file, encoding="utf-8", errors="replace", newline="")
        writer = csv.writer(text, lineterminator="\n")
        if self._columns:
            writer.writerow([plain_cell(name) for name in self._columns])
        for line in self._lines():
            row = json.loads(line)
            values = (row.get(name) for name in self._columns)
            writer.writerow([None if value is None else plain_cell(_text(value)) for value in values])
        text.flush()
        text.detach()

    def _write_parquet(self, file: IO[bytes]) -> None:
        import pyarrow as pa
        from pyarrow.parquet import ParquetWriter

        types = {Kind.FLAG: pa.bool_(), Kind.WHOLE: pa.int64(), Kind.LONG: pa.int64(), Kind.NUMBER: pa.float64()}
        fields = [
            pa.field(_encodable(name), pa.string() if kind is None else types.get(kind, pa.string()))
            for name, kind in self._columns.items()
        ]
        schema = pa.schema(fields)
        lines = self._lines()
        with ParquetWriter(file, schema) as writer:
            while group := [_flat(line) for line in _some(lines)]:
                arrays = []
                for name, field in zip(self._columns, fields, strict=True):
                    values = [row.get(name) for row in group]
                    if field.type == pa.string():
                        values = [None if value is None else _encodable(_text(value)) for value in values]
                    arrays.append(pa.array(values, type=field.type))
                writer.write_batch(pa.record_batch(arrays, schema=schema), row_group_size=ROW_GROUP)


def _some(lines: Iterator[str]) -> Iterator[str]:
    """The next lines that are held, and written, together."""
    size = 0
    for line in islice(lines, ROW_GROUP):
        yield line
        size += len(line)
        if size > _GROUP_CHARACTERS:
            return


def _flat(line: str) -> dict[str, Any]:
    """A row with its nested values as text, which takes much less memory."""
    row: dict[str, Any] = json.loads(line)
    return {name: _compact(value) if isinstance(value, (dict, list)) else value for name, value in row.items()}


def _kind(value: object) -> Kind:
    if isinstance(value, str):
        return Kind.TEXT
    if isinstance(value, bool):
        return Kind.FLAG
    if isinstance(value, int):
        return Kind.WHOLE if value in _EXACT else Kind.LONG if value in _WHOLE else Kind.TEXT
    return Kind.NUMBER if isinstance(value, float) else Kind.NESTED


def _without_nan(value: object) -> object:
    if isinstance(value, dict):
        return {name: _without_nan(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_without_nan(inner) for inner in value]
    return None if isinstance(value, float) and not isfinite(value) else value


def _merged(known: Kind | None, found: Kind) -> Kind:
    """The kind of a column with values of both kinds."""
    if known is None or known is found:
        return found
    return _BOTH.get(frozenset({known, found}), Kind.TEXT)


def _text(value: object) -> str:
    return value if isinstance(value, str) else _compact(value)


def _encodable(text: str) -> str:
    """The text without lone surrogates, which JSON can hold and UTF-8 cannot."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()
