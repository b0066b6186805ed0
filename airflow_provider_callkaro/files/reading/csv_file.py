"""Rows in CSV.

A line that cannot be read costs one row. After a broken quotation it is unknown which of the next lines belong to it.
Each of them is then read as a line of its own; those with too few cells are rejected, because they may be the rest of
a note, until one has all the cells of a row.
"""

from __future__ import annotations

import csv
import io
import logging
import re
from collections.abc import Generator, Iterator
from itertools import chain, islice
from typing import BinaryIO

from airflow_provider_callkaro.calls.row_schema import ContactRow
from airflow_provider_callkaro.calls.row_size import MAX_ROW_BYTES
from airflow_provider_callkaro.exceptions import ConfigurationError
from airflow_provider_callkaro.files.reading.column_names import check_column_names
from airflow_provider_callkaro.files.reading.delimiters import found_delimiter, told_by_file
from airflow_provider_callkaro.files.reading.lines import pieces_of, skip_line
from airflow_provider_callkaro.files.reading.row_count import RowCount

_log = logging.getLogger(__name__)

# Lines held at a time, fewer if they are long. The lines after a broken quotation are read again from here.
BLOCK = 500
_TOO_LONG = "\0too long"  # replaces a line that is too long
_NO_TEXT = re.compile("[\0\udc80-\udcff]")  # NUL, and how errors="surrogateescape" marks a byte that is no UTF-8


def csv_rows(file: BinaryIO, *, name: str, delimiter: str | None, count: RowCount) -> Iterator[ContactRow]:
    """The lines of a CSV as mappings; the first line names the columns.

    :param file: an open binary file, in UTF-8.
    :param name: the file's name, for messages.
    :param delimiter: what separates cells; None finds it from the first line.
    :raises ConfigurationError: the columns have no names or the same, or the delimiter is not clear.
    :raises EndlessLine: a line does not end.
    """
    text = io.TextIOWrapper(file, encoding="utf-8-sig", errors="surrogateescape", newline="")
    records = _Records(text, name=name, delimiter=delimiter)
    lines = iter(records)
    columns = _columns(next(lines, None), name=name)
    width = records.width = len(columns)
    rows = 0
    try:
        for cells in lines:
            rows += 1
            row: ContactRow = None
            if cells is None:
                pass
            elif len(cells) >= width:
                if len(cells) == width or not any(cells[width:]):
                    records.in_doubt = False
                    row = dict(zip(columns, cells, strict=False))
            elif not records.in_doubt:
                row = dict(zip(columns, [*cells, *[None] * (width - len(cells))], strict=True))
            yield row
    finally:
        count.rows = rows


class _Records:
    """The records of a CSV, as lists of cells; None for a line that cannot be read. Blank lines are skipped.

    :ivar width: how many cells a record can have; the reader sets it once it has read the header.
    :ivar in_doubt: a broken quotation was met, and no whole row since; the reader clears it at the next whole row.
    """

    def __init__(self, text: io.TextIOWrapper, *, name: str, delimiter: str | None) -> None:
        self.width: int | None = None
        self.in_doubt = False
        self._text = pieces_of(text, "")
        self._name = name
        self._told = delimiter
        self._delimiter: str | None = None
        self._lines: list[str] = []
        self._read_error: Exception | None = None
        self._has_said_no_text = False

    def __iter__(self) -> Iterator[list[str] | None]:
        while self._fill():
            if self._delimiter is None:
                self._delimiter = self._chosen_delimiter()
            begin: int | None = 0
            while begin is not None:
                begin = yield from self._until_broken(begin)
        if self._read_error is not None:
            raise self._read_error

    def _until_broken(self, begin: int) -> Generator[list[str] | None, None, int | None]:
        """The records of the block from line ``begin`` on. Returns the line after one with a broken quotation, from
        which to go on; None at the end of the block."""
        lines = self._lines
        further = chain(islice(lines, begin, None), self._further())
        reader = csv.reader(further, delimiter=self._delimiter or ",", strict=True)
        last = begin
        while last < len(lines):
            first = last
            try:
                cells = next(reader)
            except csv.Error:
                cells = None
            last = begin + reader.line_num
            if cells is None or (last > first + 1 and self._is_too_wide(cells)):
                self.in_doubt = True
                yield None
                return first + 1
            if not cells or (len(cells) == 1 and not cells[0].strip()):
                continue
            joined = "".join(cells)
            is_bad = ("\0" in joined or not joined.isascii()) and _NO_TEXT.search(joined)
            if is_bad and joined == _TOO_LONG:
                self.in_doubt = True  # a quotation may have begun in it
            elif is_bad:
                self._say_no_text()
            yield None if is_bad or len(joined) > MAX_ROW_BYTES else cells
        return None

    def _chosen_delimiter(self) -> str:
        told = told_by_file(self._lines[0])
        if told is None:
            return self._told or found_delimiter(self._lines, name=self._name)
        if self._told not in (None, told):
            raise ConfigurationError(
                f"contacts: the first line of {self._name} says sep= and another character than delimiter=: leave "
                "delimiter out"
            )
        self._lines[0] = "\n"  # it is no header; blank lines are skipped
        return told

    def _say_no_text(self) -> None:
        if not self._has_said_no_text:
            _log.warning(
                "%s has lines with bytes that are no text in its encoding; they are rejected. It is read as UTF-8 "
                "unless encoding= names another, such as cp1252",
                self._name,
            )
        self._has_said_no_text = True

    def _is_too_wide(self, cells: list[str]) -> bool:
        return self.width is not None and len(cells) > self.width and any(cells[self.width :])

    def _fill(self) -> bool:
        """Read the next block of lines; False at the end."""
        lines: list[str] = []
        self._lines = lines
        size = 0
        while self._read_error is None and len(lines) < BLOCK and size <= MAX_ROW_BYTES:
            try:
                line = next(self._text, "")
                if not line:
                    break
                lines.append(line if len(line) <= MAX_ROW_BYTES else self._skipped(line))
                size += len(line)
            except Exception as error:
                self._read_error = error  # raised once the lines before it have been given
        return bool(lines)

    def _further(self) -> Iterator[str]:
        """The lines after the block, which a quotation may go on into. Raises csv.Error if the quotation is longer than
        a row may be."""
        if self._read_error is not None:
            raise self._read_error
        size = 0
        for line in self._text:
            kept = line if len(line) <= MAX_ROW_BYTES else self._skipped(line)
            self._lines.append(kept)
            size += len(line)
            if size > MAX_ROW_BYTES:
                raise csv.Error
            yield kept

    def _skipped(self, line: str) -> str:
        skip_line(line, self._text)
        return f"{_TOO_LONG}\n"


def _columns(cells: list[str] | None, *, name: str) -> list[str]:
    if cells is None:
        raise ConfigurationError(
            f"contacts: the first line of {name} must name the columns: add a header line, say encoding= where it is "
            "not UTF-8, or format= where it is no CSV"
        )
    columns = [cell.strip() for cell in cells]
    check_column_names(columns, name=name)
    return columns
