"""A file of contacts on its way to Callaro: how it is opened, its name there, and the columns that go."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import re
import zlib
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import BinaryIO, cast

from airflow_provider_callkaro.calls.row_rights import checked_names
from airflow_provider_callkaro.exceptions import ConfigurationError
from airflow_provider_callkaro.files.formats import FileFormat
from airflow_provider_callkaro.files.reading.csv_file import csv_rows
from airflow_provider_callkaro.files.reading.delimiters import check_delimiter, found_delimiter, told_by_file
from airflow_provider_callkaro.files.reading.encoding import check_encoding, in_utf8
from airflow_provider_callkaro.files.reading.row_count import RowCount
from airflow_provider_callkaro.files.storage import redacted_path
from airflow_provider_callkaro.hooks.callaro.files import MOST_BYTES

_NOT_PLAIN = re.compile(r"[^A-Za-z0-9._-]+")
_OTHER_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_BE)  # that of UTF-32 LE begins as the first
_LONGEST_HEADER = 65_536  # bytes of a first line that are looked at


@contextmanager
def open_contacts(path: str, conn_id: str | None) -> Iterator[tuple[BinaryIO, str]]:
    """One file of contacts, open for reading and unpacked, and its name. Raises ConfigurationError if there is no file
    at that place, or several, or it is damaged."""
    from airflow_provider_callkaro.sources.files import contact_files

    files = contact_files(path, conn_id=conn_id, file_format=FileFormat.CSV)
    if len(files) > 1:
        raise ConfigurationError(
            f"{len(files)} files are at {redacted_path(path)}: name one, and import each in a task of its own"
        )
    name = files[0].path.rpartition("/")[2]
    with files[0].filesystem.open(files[0].path, "rb") as file:
        if not files[0].compressed:
            yield file, name
            return
        try:
            with gzip.GzipFile(fileobj=file) as unpacked:
                yield cast("BinaryIO", unpacked), name[: -len(".gz")]
        except (EOFError, gzip.BadGzipFile, zlib.error):
            raise ConfigurationError(
                f"contacts: {redacted_path(path)} is damaged: mend it, its end cannot be read"
            ) from None


def marked_name(name: str, mark: str) -> str:
    """The name of a file with the task's mark in it."""
    stem, dot, ending = name.rpartition(".")
    plain = _NOT_PLAIN.sub("_", stem if dot else name)[:100]
    return f"{plain or 'contacts'}-{mark}.{ending if dot and ending.isalnum() else 'csv'}"


def named_in(mapping: Mapping[str, object]) -> frozenset[str]:
    """The columns that a mapping names on either of its sides, in lower case."""
    return frozenset(str(each).strip().lower() for pair in mapping.items() for each in pair if isinstance(each, str))


def unmapped_columns(file: BinaryIO, mapping: Mapping[str, object]) -> list[str]:
    """The columns of a file that no mapping names; none where the first line may be a contact rather than a header.
    ``file``: this reads its first line, and sets it back."""
    if not file.seekable():
        return []
    head = file.readline(_LONGEST_HEADER).decode("utf-8-sig", errors="replace")
    file.seek(0)
    columns = [cell.strip() for cell in next(csv.reader(head.splitlines()[:1]), [])]
    mapped = named_in(mapping)
    if mapped.isdisjoint(column.lower() for column in columns):
        return []
    return [column for column in columns if column.lower() not in mapped]


@dataclass(frozen=True, slots=True, kw_only=True)
class Spelling:
    """How a file of contacts is written, as far as its author says.

    :param delimiter: what separates cells; None finds it from the first line.
    :param encoding: as Python names it; None takes what the byte order mark says, and UTF-8 without one.
    :raises ConfigurationError: it can be no delimiter, or no encoding.
    """

    delimiter: str | None = None
    encoding: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "delimiter", check_delimiter(self.delimiter))
        object.__setattr__(self, "encoding", check_encoding(self.encoding))

    def is_callaros(self, file: BinaryIO, *, name: str) -> bool:
        """Whether a file is as Callaro reads it, with commas and in UTF-8; False where it cannot be looked at.
        ``file``: this reads its first lines, and sets it back. ``name``: the file's name, for messages. Raises
        ConfigurationError if it is not clear what separates its cells."""
        if self.delimiter not in (None, ",") or not (self.encoding or "utf-8").startswith("utf-8"):
            return False
        if not file.seekable():
            return self == Spelling()
        head = file.read(_LONGEST_HEADER)
        file.seek(0)
        if head.startswith(_OTHER_MARKS):
            return False
        lines = head.decode("utf-8-sig", errors="replace").splitlines(keepends=True)
        if not lines or told_by_file(lines[0]) is not None:
            return not lines
        return (self.delimiter or found_delimiter(lines, name=name)) == ","


def rewritten(
    file: BinaryIO, mapping: Mapping[str, object], others: Collection[str] | None, *, spelling: Spelling, name: str
) -> BinaryIO:
    """The file with commas and in UTF-8, held in memory.

    :param mapping: which column of the file is what.
    :param others: the columns that go beside the mapped ones; None lets all go.
    :param name: the file's name, for messages.
    :raises ConfigurationError: its first line names no mapped column; or a line cannot be read, so no cell can be
        assigned to a column.
    """
    mapped = named_in(mapping)
    wanted = None if others is None else checked_names("metadata_columns", others)
    buffer = io.BytesIO()
    text = io.TextIOWrapper(buffer, encoding="utf-8", newline="", write_through=True)
    writer = csv.writer(text, lineterminator="\n")
    kept: list[str] | None = None
    in_our_encoding = in_utf8(io.BufferedReader(cast("io.RawIOBase", file)), spelling.encoding, name=name)
    rows = csv_rows(in_our_encoding, name=name, delimiter=spelling.delimiter, count=RowCount())
    for number, row in enumerate(rows, start=1):
        if not isinstance(row, Mapping):
            raise ConfigurationError(
                f"contacts: row {number} of {name} cannot be read, so nobody can tell which cell is which: mend it; "
                "nothing was sent"
            )
        if kept is None:
            kept = _kept(row, mapped, wanted, name=name)
            writer.writerow(kept)
        writer.writerow(["" if row[column] is None else row[column] for column in kept])
        if buffer.tell() > MOST_BYTES:
            break  # it is refused as too long
    text.detach()
    buffer.seek(0)
    return buffer


def _kept(columns: Iterable[str], mapped: frozenset[str], wanted: frozenset[str] | None, *, name: str) -> list[str]:
    kept = [column for column in columns if wanted is None or column.lower() in mapped | wanted]
    if mapped.isdisjoint(column.lower() for column in kept):
        raise ConfigurationError(
            f"contacts: the first line of {name} names no column of column_mapping: correct one of them; nothing was "
            "sent"
        )
    return kept
