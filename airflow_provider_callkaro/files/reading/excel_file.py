"""Rows in Excel (``.xlsx``), a row at a time: the values that the sheet shows, as texts, numbers and ISO dates."""

from __future__ import annotations

import logging
import re
from collections import deque
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, BinaryIO

from airflow_provider_callkaro.calls.row_schema import ContactRow
from airflow_provider_callkaro.calls.row_size import MAX_ROW_BYTES
from airflow_provider_callkaro.exceptions import ConfigurationError
from airflow_provider_callkaro.files.reading.column_names import check_column_names
from airflow_provider_callkaro.files.reading.row_count import RowCount
from airflow_provider_callkaro.files.reading.workbook import Attributes, Handlers, NoWorkbook, Workbook, unescaped

_log = logging.getLogger(__name__)

MAX_COLUMNS = 16_384  # of a sheet; ECMA-376
_EXACT = 2**53  # up to here a floating-point number is a whole number
_DATES = frozenset({*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)})  # built-in formats; 18.8.30
_NO_CODE = re.compile(r'"[^"]*"|\\.|_.|\*.|\[(?!h+\]|m+\]|s+\])[^\]]*\]', re.IGNORECASE)  # texts, colours, conditions
_DATE_CODE = re.compile(r"[dmyhs]", re.IGNORECASE)
_SPAN, _SPAN_CODE = 46, re.compile(r"\[(?:h+|m+|s+)\]", re.IGNORECASE)  # of hours that may be more than a day has
_WHOLE = re.compile(r"-?\d{1,15}")
_UNREAD = object()
"""A cell that cannot be read: an error, a formula whose value was not saved, a date that does not exist."""

Cells = dict[int, Any]


def excel_rows(file: BinaryIO, *, name: str, sheet: str | None, count: RowCount) -> Iterator[ContactRow]:
    """The rows of one sheet as mappings; its first row that is not blank names the columns.

    A row is None if a cell of it cannot be read, has no column's name above it, or is hidden.

    :param file: an open binary file that can seek.
    :param name: the file's name, for messages.
    :param sheet: the sheet's name; None takes the first one that is not hidden.
    :raises ConfigurationError: it is no workbook or a damaged one, has no such sheet, or the columns have no names or
        the same.
    """
    wrong = None
    try:
        workbook = Workbook(file)
        try:
            records = _records(workbook, _path_of(workbook, sheet, name=name))
            yield from _rows(records, name=name, count=count)
        finally:
            workbook.close()
    except NoWorkbook as error:
        wrong = str(error)
    if wrong is not None:
        raise ConfigurationError(f"contacts: {name} cannot be read behind row {count.rows}: {wrong}")


def _path_of(workbook: Workbook, sheet: str | None, *, name: str) -> str:
    if sheet is not None and sheet not in workbook.sheets:
        raise ConfigurationError(
            f"contacts: none of the {len(workbook.sheets)} sheets of {name} has the name that sheet= says: correct it"
        )
    if not workbook.sheets:
        raise NoWorkbook("it has no sheet with cells")
    return workbook.sheets[sheet] if sheet is not None else next(iter(workbook.sheets.values()))


def _rows(records: Iterator[Cells | None], *, name: str, count: RowCount) -> Iterator[ContactRow]:
    columns = _columns(next(records, None), name=name)
    known = frozenset(columns)
    for cells in records:
        count.rows += 1
        if cells is None or any(place not in known for place in cells) or _UNREAD in cells.values():
            yield None
        else:
            yield {column: cells.get(place) for place, column in columns.items()}


def _columns(cells: Cells | None, *, name: str) -> dict[int, str]:
    if not cells:
        raise ConfigurationError(f"contacts: the first row of {name} must name the columns: put a row of names first")
    names = [
        "" if cells.get(place) in (None, _UNREAD) else str(cells[place]).strip() for place in range(max(cells) + 1)
    ]
    first = min(cells)  # the table may begin further to the right
    check_column_names(names[first:], name=name)
    return {place: column for place, column in enumerate(names) if place >= first}


def _records(workbook: Workbook, path: str) -> Iterator[Cells | None]:
    """The cells of each row that is not blank, by their column from 0; None for a row that is hidden or too long."""
    handlers = _Sheet(workbook)
    has_said_hidden = False
    for _ in workbook.parse(path, handlers):
        while handlers.rows:
            cells, is_hidden = handlers.rows.popleft()
            if is_hidden and not has_said_hidden:
                has_said_hidden = True
                _log.warning(
                    "The sheet has hidden rows; they are rejected. Show them, or delete them, and save it anew"
                )
            yield None if is_hidden else cells


class _Sheet(Handlers):
    """Collects the rows of a sheet: the cells of each, None for a row that is too long, and whether it is hidden."""

    def __init__(self, workbook: Workbook) -> None:
        super().__init__()
        self.rows: deque[tuple[Cells | None, bool]] = deque()
        self._texts = workbook.texts
        self._are_dates = [_is_date(each) for each in workbook.formats]
        self._are_spans = [_is_span(each) for each in workbook.formats]
        self._epoch = datetime(1904, 1, 1) if workbook.begins_1904 else datetime(1899, 12, 30)
        self._cells: Cells = {}
        self._size = 0
        self._is_hidden = False
        self._place = -1
        self._kind = "n"
        self._style = 0
        self._has_formula = False
        self._pieces: list[str] = []
        self._in_value = False
        self._in_aid = False

    def begin(self, tag: str, attributes: Attributes) -> None:
        if tag == "c":
            self._place = _place_of(attributes.get("r", ""), after=self._place)
            self._kind = attributes.get("t", "n")
            self._style = _number(attributes.get("s", "0"))
            self._has_formula = False
            self._pieces = []
        elif tag in ("v", "t"):
            self._in_value = not self._in_aid
        elif tag == "f":
            self._has_formula = True
        elif tag == "rPh":
            self._in_aid = True
        elif tag == "row":
            self._cells, self._size, self._place = {}, 0, -1
            self._is_hidden = attributes.get("hidden") in ("1", "true")

    def end(self, tag: str) -> None:
        if tag == "c":
            value = self._value("".join(self._pieces))
            if value is not None:
                self._cells[self._place] = value
                self._size += 8 + (len(value) if isinstance(value, str) else 0)
        elif tag in ("v", "t"):
            self._in_value = False
        elif tag == "rPh":
            self._in_aid = False
        elif tag == "row" and self._cells:
            self.rows.append((None if self._size > MAX_ROW_BYTES else self._cells, self._is_hidden))

    def text(self, text: str) -> None:
        if self._in_value:
            self._size += len(text)
            if self._size <= MAX_ROW_BYTES:
                self._pieces.append(text)

    def _value(self, text: str) -> Any:
        """What a cell holds; None if it is empty."""
        kind = self._kind
        if kind in ("str", "inlineStr"):
            return unescaped(text) if text and not text.isspace() else None
        if not text:
            return _UNREAD if self._has_formula else None
        if kind == "s":
            place = _number(text)
            if not 0 <= place < len(self._texts):
                raise NoWorkbook("it is a damaged Excel workbook")
            shared = self._texts[place]
            return shared if shared and not shared.isspace() else None
        if kind == "b":
            return text.strip() == "1"
        if kind == "d":
            return text.strip()
        return _UNREAD if kind != "n" else self._number_in(text.strip())

    def _number_in(self, text: str) -> Any:
        if self._style < len(self._are_dates) and self._are_dates[self._style]:
            return self._date(text)
        if _WHOLE.fullmatch(text):
            return int(text)
        try:
            number = float(text)
        except ValueError:
            return _UNREAD
        if number != number or abs(number) == float("inf"):
            return _UNREAD
        return int(number) if number.is_integer() and abs(number) < _EXACT else number

    def _date(self, text: str) -> Any:
        """A day, a moment or a time of day as ISO 8601 writes it, to the second."""
        try:
            days = float(text)
            if self._are_spans[self._style] or 0 <= days < 1:
                minutes, seconds = divmod(round(days * 86_400), 60)
                return f"{minutes // 60:02}:{minutes % 60:02}:{seconds:02}" if days >= 0 else _UNREAD
            is_1900 = self._epoch.year == 1899
            if days < 0 or (is_1900 and 60 <= days < 61):  # 29 February 1900, which was none
                return _UNREAD
            moment = self._epoch + timedelta(days=1 if is_1900 and days < 60 else 0)
            moment += timedelta(seconds=round(days * 86_400))
        except (ValueError, OverflowError):
            return _UNREAD
        return f"{moment:%Y-%m-%d}" if not (moment.hour or moment.minute or moment.second) else moment.isoformat()


def _is_date(number_format: int | str) -> bool:
    if isinstance(number_format, int):
        return number_format in _DATES
    return _DATE_CODE.search(_NO_CODE.sub("", number_format.partition(";")[0])) is not None


def _is_span(number_format: int | str) -> bool:
    if isinstance(number_format, int):
        return number_format == _SPAN
    return _SPAN_CODE.search(_NO_CODE.sub("", number_format)) is not None


def _place_of(reference: str, *, after: int) -> int:
    """The column, from 0, of a cell such as ``AB12``; the one behind the last cell where it does not say."""
    letters = reference.rstrip("0123456789")
    place = 0
    for letter in letters[:4]:
        place = place * 26 + ord(letter.upper()) - 64
    place = place - 1 if letters else after + 1
    if not 0 <= place < MAX_COLUMNS:
        raise NoWorkbook("it is a damaged Excel workbook")
    return place


def _number(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise NoWorkbook("it is a damaged Excel workbook") from None
