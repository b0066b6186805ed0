"""Contact rows in CSV.

A line that cannot be read costs one row. Where a quotation is broken, nobody can tell which of the lines behind it it
was meant to hold: each of them is read as a line of its own, and until one of them has all the cells of a row, what has
fewer is rejected rather than taken for a row, because it may be the rest of somebody's note.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Generator, Iterator
from itertools import chain, islice
from typing import Any

from airflow_provider_callkaro.calls.contact_row import ContactRow
from airflow_provider_callkaro.calls.row_size import MAX_ROW_BYTES
from airflow_provider_callkaro.exceptions import ConfigurationError
from airflow_provider_callkaro.files.reading.column_names import check_column_names
from airflow_provider_callkaro.files.reading.lines import pass_over, pieces_of
from airflow_provider_callkaro.files.reading.row_count import RowCount

BLOCK = (
    500  # lines held at a time, so that those behind a broken quotation can be read again; fewer where they are long
)
_TOO_LONG = "\0too long"  # stands for a line that is
_NO_TEXT = re.compile("[\0\udc80-\udcff]")  # NUL, and how errors="surrogateescape" marks a byte that is no UTF-8


def csv_rows(file: Any, *, name: str, delimiter: str, count: RowCount) -> Iterator[ContactRow]:
    """The lines of a CSV as mappings; the first names the columns.

    :param file: an open binary file.
    :param name: the file's name, for messages.
    :raises ConfigurationError: the columns have no names or the same.
    :raises EndlessLine: a line does not end.
    """
    text = io.TextIOWrapper(file, encoding="utf-8-sig", errors="surrogateescape", newline="")
    records = _Records(text, delimiter=delimiter)
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
    """The records of a CSV, as lists of cells; None is a line that cannot be read. Blank lines are passed over.

    :ivar width: how many cells a record can have; set once that is known.
    :ivar in_doubt: whether a broken quotation was met, and no whole row behind it yet; whoever sees one sets it back.
    """

    def __init__(self, text: io.TextIOWrapper, *, delimiter: str) -> None:
        self.width: int | None = None
        self.in_doubt = False
        self._text = pieces_of(text, "")
        self._delimiter = delimiter
        self._lines: list[str] = []
        self._broken_off: Exception | None = None

    def __iter__(self) -> Iterator[list[str] | None]:
        while self._fill():
            begin: int | None = 0
            while begin is not None:
                begin = yield from self._until_broken(begin)
        if self._broken_off is not None:
            raise self._broken_off

    def _until_broken(self, begin: int) -> Generator[list[str] | None, None, int | None]:
        """The records from one line of the block on.

        :return: the line to go on from, behind one whose quotation is broken; None at the end of the block.
        """
        lines = self._lines
        reader = csv.reader(chain(islice(lines, begin, None), self._further()), delimiter=self._delimiter, strict=True)
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
                self.in_doubt = True  # it may have held the beginning of a quotation
            yield None if is_bad or len(joined) > MAX_ROW_BYTES else cells
        return None

    def _is_too_wide(self, cells: list[str]) -> bool:
        return self.width is not None and len(cells) > self.width and any(cells[self.width :])

    def _fill(self) -> bool:
        """Have the next lines; False at the end."""
        lines: list[str] = []
        self._lines = lines
        size = 0
        while self._broken_off is None and len(lines) < BLOCK and size <= MAX_ROW_BYTES:
            try:
                line = next(self._text, "")
                if not line:
                    break
                lines.append(line if len(line) <= MAX_ROW_BYTES else self._passed_over(line))
                size += len(line)
            except Exception as error:
                self._broken_off = error  # raised once the lines that came before it have been given
        return bool(lines)

    def _further(self) -> Iterator[str]:
        """Lines behind the block, which only a quotation reaches.

        :raises csv.Error: it goes on for longer than a row may.
        """
        if self._broken_off is not None:
            raise self._broken_off
        size = 0
        for line in self._text:
            kept = line if len(line) <= MAX_ROW_BYTES else self._passed_over(line)
            self._lines.append(kept)
            size += len(line)
            if size > MAX_ROW_BYTES:
                raise csv.Error
            yield kept

    def _passed_over(self, line: str) -> str:
        pass_over(line, self._text)
        return f"{_TOO_LONG}\n"


def _columns(cells: list[str] | None, *, name: str) -> list[str]:
    if cells is None:
        raise ConfigurationError(
            f"contacts: the first line of {name} must name the columns, in UTF-8: add a header line, or say format= "
            "where it is no CSV"
        )
    columns = [cell.strip() for cell in cells]
    check_column_names(columns, name=name)
    return columns
