"""The rows of an export that a vendor sends, in any of its formats.

The format of Callaro's exports is not documented, so it is found from the answer: CSV, JSON Lines, a JSON list, or a
JSON object with a list, page by page. Anything else is an error that says so, never an empty file.
"""

from __future__ import annotations

import codecs
import csv
import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, NoReturn, TypeAlias

from airflow_provider_callkaro.calls.outcome import Reason
from airflow_provider_callkaro.calls.row_size import is_too_long
from airflow_provider_callkaro.exceptions import ConfigurationError, OutcomeUnknown
from airflow_provider_callkaro.files.reading.csv_file import csv_rows
from airflow_provider_callkaro.files.reading.jsonl_file import jsonl_rows
from airflow_provider_callkaro.files.reading.row_count import RowCount
from airflow_provider_callkaro.tasks.callaro.export_document import ExportDocument
from airflow_provider_callkaro.vendors.callaro.answers import paging_of

if TYPE_CHECKING:
    from airflow_provider_callkaro.transport.download import Download

MAX_PAGES = 100_000  # our own bound, against a vendor that always has one more
_DELIMITERS = ",;\t|"
_OTHER_TYPES = frozenset(  # types that a message may name; any other text could hold anything
    f"application/{each}" for each in ("gzip", "json", "octet-stream", "pdf", "xml", "vnd.ms-excel", "zip")
) | {"text/plain", "text/csv", "text/xml"}
_JSON_LINES = ("ndjson", "jsonl", "json-lines", "jsonlines", "json-seq")

OpenPage: TypeAlias = "Callable[[int], AbstractContextManager[Download]]"


class ExportRows:
    """The rows of one export, read as they are asked for, and once.

    :param open_page: opens a page, from 1. There is a second page only if the answer says so.
    :ivar columns: the names of a CSV's columns, even if it has no rows.
    """

    def __init__(self, open_page: OpenPage, *, vendor: str) -> None:
        self.columns: Sequence[str] = ()
        self._open_page = open_page
        self._vendor = vendor
        self._page: Any = None
        self._number = 1
        self._pages = 1

    def __iter__(self) -> Iterator[Mapping[str, Any]]:
        """Read the rows of every page. Raises VendorError if it cannot be fetched, was cut short, or cannot be read as
        rows."""
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
        except ConfigurationError as error:  # of a reader, which takes every file for contacts
            wrong = str(error).removeprefix("contacts: ")
        except (ValueError, RecursionError) as error:
            wrong = f"it cannot be read to its end ({type(error).__name__})"
        else:
            return
        self._refuse(wrong)  # outside the except block: else the error, which may quote rows, would be its context

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
        document = ExportDocument(body.pieces())
        count = 0
        for row in document.rows():
            count += 1
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
        if paging.goes_on and not paging.is_unclear and count and paging.next_page in (None, self._number + 1):
            self._pages = self._number + 1
            return
        rows = document.meta.get("count")
        if (isinstance(rows, int) and rows > count and paging.is_last is None) or paging.goes_on:
            self._refuse("it says that there is more of it, in a way that is not understood")

    def _refuse(self, what: str) -> NoReturn:
        raise OutcomeUnknown(
            f"the export that {self._vendor} answered with cannot be used: {what}. If its path is another one, set "
            '"routes" in the extra of the connection',
            vendor=self._vendor,
            reason=Reason.UNREADABLE_ANSWER,
        )


class _Body(io.RawIOBase):
    """A body in pieces, as a file."""

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


def _are_json_lines(content_type: str, first: bytes) -> bool:
    """Whether a body that begins with an object has one object per line, not one object around everything."""
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
    """The names of a CSV's columns, and its delimiter."""
    line = first.decode("utf-8-sig", "replace").partition("\n")[0].rstrip("\r")
    delimiter = max(_DELIMITERS, key=line.count)
    return [name.strip() for name in next(csv.reader([line], delimiter=delimiter), [])], delimiter
