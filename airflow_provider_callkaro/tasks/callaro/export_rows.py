"""The rows in what a vendor sends as an export, whichever way it writes them.

The shape of Callaro's exports is documented nowhere, so it is taken from the answer itself: CSV, JSON Lines, a JSON
list, or a JSON object around a list, page by page. What is none of these is an error that says so; never an empty file.
"""

from __future__ import annotations

import codecs
import csv
import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, NoReturn

from airflow_provider_callkaro.calls.outcome import Reason
from airflow_provider_callkaro.calls.row_size import MAX_ROW_BYTES, is_too_long
from airflow_provider_callkaro.exceptions import ConfigurationError, OutcomeUnknown
from airflow_provider_callkaro.files.reading.csv_file import csv_rows
from airflow_provider_callkaro.files.reading.jsonl_file import jsonl_rows
from airflow_provider_callkaro.files.reading.row_count import RowCount
from airflow_provider_callkaro.transport.download import Download
from airflow_provider_callkaro.vendors.callaro.paging import MORE, paging_of

MAX_PAGES = 100_000  # ours, against a vendor that always has one more
MAX_META = 1_000  # ours: fields that an answer says of its pages
_DELIMITERS = ",;\t|"
_OTHER_TYPES = frozenset(  # which a message may name; what else stands there may be anything
    f"application/{each}" for each in ("gzip", "json", "octet-stream", "pdf", "xml", "vnd.ms-excel", "zip")
) | {"text/plain", "text/csv", "text/xml"}
_JSON_LINES = ("ndjson", "jsonl", "json-lines", "jsonlines", "json-seq")

OpenPage = Callable[[int], AbstractContextManager[Download]]


class ExportRows:
    """The rows of one export, read as they are asked for, and once.

    :param open_page: opens a page of it, from 1; only an answer that says how many pages there are has more than one.
    :param vendor: the vendor's name, for messages.
    :ivar columns: the names of a CSV's columns, which are known even where no row comes.
    """

    def __init__(self, open_page: OpenPage, *, vendor: str) -> None:
        self.columns: Sequence[str] = ()
        self._open_page = open_page
        self._vendor = vendor
        self._page: Any = None
        self._number = 1
        self._pages = 1

    def __iter__(self) -> Iterator[Mapping[str, Any]]:
        """Read it.

        :raises VendorError: it cannot be had, it was cut short, or it is nothing that can be read as rows.
        """
        page, number, first_before = 1, 0, None
        while page <= self._pages:
            first, self._number = None, page
            with self._open_page(page) as download:
                for row in self._rows_of(download):
                    number += 1
                    if not isinstance(row, dict) or is_too_long(row):
                        self._refuse(f"row {number} of it cannot be read as a row")
                    first = first or row
                    yield row
            if page > 1 and self._page != page and (self._page is not None or first == first_before):
                self._refuse(f"its page {page} cannot be had: another one came instead")
            page, first_before = page + 1, first

    def _rows_of(self, download: Download) -> Iterator[Any]:
        pieces = download.chunks()
        first = next(pieces, b"")
        body = _Body(first, pieces)
        try:
            yield from self._read(download.headers.get("content-type", "").lower(), first, body)
        except ConfigurationError as error:  # as the reader of contact files says it
            wrong = str(error).removeprefix("contacts: ")
        except (ValueError, RecursionError) as error:
            wrong = f"it cannot be read to its end ({type(error).__name__})"
        else:
            return
        self._refuse(wrong)  # not where the error was caught: as the context it would carry along what it quotes

    def _read(self, content_type: str, first: bytes, body: _Body) -> Iterator[Any]:
        start = first.removeprefix(codecs.BOM_UTF8).lstrip()[:1]
        if start == b"<" or "html" in content_type:
            self._refuse("it is a web page")
        if start == b"[" or (start == b"{" and not _are_json_lines(content_type, first)):
            yield from self._document(body)
        elif start == b"{" or (not start and _says_json_lines(content_type)):
            yield from jsonl_rows(io.BufferedReader(body), count=RowCount())
        else:
            columns, delimiter = _header(first)
            if "json" in content_type or b"\0" in first or ("csv" not in content_type and len(columns) < 2):
                kind = content_type.partition(";")[0].strip()
                shown = kind if kind in _OTHER_TYPES else "another" if kind else "missing"
                self._refuse(f"it is neither CSV nor JSON (Content-Type: {shown})")
            self.columns = columns
            file = io.BufferedReader(body)
            yield from csv_rows(file, name="the export", delimiter=delimiter, count=RowCount())

    def _document(self, body: _Body) -> Iterator[Any]:
        document = _Document(body.pieces())
        came = 0
        for row in document.rows():
            came += 1
            yield row
        if document.lists == 0:
            self._refuse(f"it is JSON that holds no list of rows, among {document.fields} fields")
        if document.lists > 1:
            self._refuse("it is JSON that holds several lists, and nothing tells which are the rows")
        self._page = document.meta.get("page")
        pages = document.meta.get("pages")
        if isinstance(pages, int) and not isinstance(pages, bool):
            if pages > MAX_PAGES:
                self._refuse(f"it claims to have {pages} pages")
            self._pages = max(self._pages, pages)
            return
        paging = paging_of({**document.said, "meta": document.meta})
        if paging.goes_on and not paging.is_unclear and came and paging.next_page in (None, self._number + 1):
            self._pages = self._number + 1
            return
        rows = document.meta.get("count")
        if (isinstance(rows, int) and rows > came and paging.is_last is None) or paging.goes_on:
            self._refuse("it says that there is more of it, in a way that is not understood")

    def _refuse(self, what: str) -> NoReturn:
        raise OutcomeUnknown(
            f"the export that {self._vendor} answered with cannot be used: {what}. If its path is another one, set "
            '"routes" in the extra of the connection',
            vendor=self._vendor,
            reason=Reason.UNREADABLE_ANSWER,
        )


class _Body(io.RawIOBase):
    """A body that comes in pieces, as a file."""

    def __init__(self, first: bytes, rest: Iterator[bytes]) -> None:
        self._left = memoryview(first)
        self._rest = rest

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if not self._left:
            self._left = memoryview(next(self._rest, b""))
        count = min(len(buffer), len(self._left))
        buffer[:count] = self._left[:count]
        self._left = self._left[count:]
        return count

    def pieces(self) -> Iterator[bytes]:
        yield bytes(self._left)
        yield from self._rest


class _Document:
    """One JSON document, read as it comes: its rows are the elements of its one list.

    The list may be the document itself, or stand in an object, or in the object ``data`` of one. Empty lists count
    where there is no other.

    :ivar lists: how many lists there were; the empty ones as one, and not at all beside others.
    :ivar fields: how many fields the objects around the list hold.
    :ivar meta: what the object says of its pages.
    :ivar said: what it says of more beside that, in the words of other ways of paging.
    """

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self.fields = 0
        self.meta: Mapping[str, Any] = {}
        self.said: dict[str, Any] = {}
        self._filled = 0
        self._empty = 0
        self._pieces = pieces
        self._decode = codecs.getincrementaldecoder("utf-8-sig")().decode
        self._parse = json.JSONDecoder().raw_decode
        self._text = ""
        self._at = 0
        self._ended = False

    @property
    def lists(self) -> int:
        return self._filled or min(self._empty, 1)

    def rows(self) -> Iterator[Any]:
        """The rows.

        :raises ValueError: it is no JSON, or has something behind its end.
        """
        if self._peek() == "[":
            yield from self._list()
        else:
            yield from self._object(may_hold_data=True)
        if self._peek():
            raise ValueError("there is something behind the end")

    def _list(self) -> Iterator[Any]:
        self._take("[")
        if self._peek() == "]":
            self._take("]")
            self._empty += 1
            return
        self._filled += 1
        yield self._value()
        while self._peek() == ",":
            self._take(",")
            yield self._value()
        self._take("]")

    def _object(self, *, may_hold_data: bool) -> Iterator[Any]:
        self._take("{")
        if self._peek() == "}":
            return self._take("}")
        while True:
            name = self._value()
            if not isinstance(name, str):
                raise ValueError("a name must be text")
            self.fields += 1
            self._take(":")
            start = self._peek()
            if start == "[":
                yield from self._list()
            elif start == "{" and name == "data" and may_hold_data:
                yield from self._object(may_hold_data=False)
            else:
                value = self._value()
                if name in ("meta", "pagination") and isinstance(value, dict):
                    self.meta = {**self.meta, **value}
                    if len(self.meta) > MAX_META:
                        raise ValueError("it says too much of its pages")
                if name in MORE:
                    self.said[name] = value
            if self._peek() != ",":
                return self._take("}")
            self._take(",")

    def _peek(self) -> str:
        """The next character that is no space; empty at the end."""
        while True:
            while self._at < len(self._text) and self._text[self._at] in " \t\r\n":
                self._at += 1
            if self._at < len(self._text):
                return self._text[self._at]
            if self._ended:
                return ""
            self._more()

    def _take(self, character: str) -> None:
        if self._peek() != character:
            raise ValueError(f"{character} is missing")
        self._at += 1

    def _value(self) -> Any:
        self._peek()
        while True:
            try:
                value, end = self._parse(self._text, self._at)
            except ValueError:
                if self._ended or len(self._text) - self._at > MAX_ROW_BYTES:
                    raise
            else:
                if end < len(self._text) or self._ended:  # else a number might go on
                    self._at = end
                    return value
            self._more()

    def _more(self) -> None:
        """Have at least twice as much text as is left, so that a long value is not parsed again for every piece."""
        kept = self._text[self._at :]
        parts, length = [kept], 0
        while length <= len(kept) and not self._ended:
            piece = next(self._pieces, None)
            self._ended = piece is None
            parts.append(self._decode(piece or b"", self._ended))
            length += len(parts[-1])
        self._text, self._at = "".join(parts), 0


def _are_json_lines(content_type: str, first: bytes) -> bool:
    """Whether what begins as an object is one object a line, rather than one object around everything."""
    if _says_json_lines(content_type):
        return True
    line, _, rest = first.removeprefix(codecs.BOM_UTF8).lstrip().partition(b"\n")
    try:
        return isinstance(json.loads(line), dict) and bool(rest.strip())
    except (ValueError, RecursionError):
        return False


def _says_json_lines(content_type: str) -> bool:
    return any(word in content_type for word in _JSON_LINES)


def _header(first: bytes) -> tuple[list[str], str]:
    """The names of a CSV's columns, and what separates them."""
    line = first.decode("utf-8-sig", "replace").partition("\n")[0].rstrip("\r")
    delimiter = max(_DELIMITERS, key=line.count)
    return [name.strip() for name in next(csv.reader([line], delimiter=delimiter), [])], delimiter
