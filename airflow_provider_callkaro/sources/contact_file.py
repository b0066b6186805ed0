"""One contact file: opened, unpacked, read as rows, and closed however the reading ends."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, cast

from airflow_provider_callkaro.calls.masking import mask_error
from airflow_provider_callkaro.calls.row_schema import ContactRow
from airflow_provider_callkaro.calls.row_size import EndlessLine
from airflow_provider_callkaro.exceptions import ConfigurationError, SourceBroken, VoiceCallError
from airflow_provider_callkaro.files.formats import PACKED_BY_THEMSELVES, FileFormat
from airflow_provider_callkaro.files.reading.csv_file import csv_rows
from airflow_provider_callkaro.files.reading.encoding import in_utf8
from airflow_provider_callkaro.files.reading.excel_file import excel_rows
from airflow_provider_callkaro.files.reading.json_file import json_rows
from airflow_provider_callkaro.files.reading.parquet_file import parquet_rows
from airflow_provider_callkaro.files.reading.row_count import RowCount
from airflow_provider_callkaro.files.storage import redacted_path

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

_ARCHIVES = {  # the first bytes of a packed file
    b"\x1f\x8b": "gzip",
    b"PK\x03\x04": "zip",
    b"BZh": "bzip2",
    b"\xfd7zXZ\x00": "xz",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"7z\xbc\xaf\x27\x1c": "7z",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactFile:
    """A file of contact rows in some storage.

    :param filesystem: the storage.
    :param path: the file's name in that storage.
    :param format: what it is written in.
    :param compressed: whether it is a gzip file.
    :param delimiter: what separates the cells of a CSV; None finds it from the first line.
    :param encoding: of a CSV or JSON; None takes what the byte order mark says, and UTF-8 without one.
    :param sheet: of a workbook; None takes the first that is not hidden.
    """

    filesystem: AbstractFileSystem
    path: str
    format: FileFormat
    compressed: bool
    delimiter: str | None = None
    encoding: str | None = None
    sheet: str | None = None

    def rows(self) -> Iterator[ContactRow]:
        """The file's rows, read as they are asked for; None for one that cannot be read.

        :raises ConfigurationError: the file is gone, damaged, or not what it should be.
        :raises SourceBroken: its storage cannot deliver it to its end.
        """
        count = RowCount()
        try:
            with self._opened() as file:
                yield from self._read(file, count)
        except VoiceCallError:
            raise
        except (EOFError, gzip.BadGzipFile, zlib.error):
            failure: VoiceCallError = ConfigurationError(
                f"contacts: {self.name} is damaged: mend it, it cannot be read behind row {count.rows}"
            )
        except EndlessLine:
            failure = ConfigurationError(
                f"contacts: the line behind row {count.rows} of {self.name} does not end: see that the file is what "
                "its name or format= says"
            )
        except Exception as error:  # each storage's library has errors of its own
            failure = SourceBroken(
                f"contacts: {self.name} broke off behind row {count.rows} ({mask_error(error)}): see that the file "
                "is whole and its storage can be reached; a retry of the task reads it again"
            )
        else:
            return
        # Raised outside the except block: else the error, which may quote rows, would be its context.
        raise failure

    def _read(self, file: BinaryIO, count: RowCount) -> Iterator[ContactRow]:
        match self.format:
            case FileFormat.CSV:
                return csv_rows(file, name=self.name, delimiter=self.delimiter, count=count)
            case FileFormat.JSONL | FileFormat.JSON:
                return json_rows(file, name=self.name, are_lines=self.format is FileFormat.JSONL, count=count)
            case FileFormat.PARQUET:
                return parquet_rows(file, name=self.name, count=count)
            case FileFormat.EXCEL:
                return excel_rows(file, name=self.name, sheet=self.sheet, count=count)

    @property
    def name(self) -> str:
        """The file's name, as a message may have it."""
        return redacted_path(self.path)

    @property
    def url(self) -> str:
        """The file's name with that of its storage: the same for two references to one file."""
        return str(self.filesystem.unstrip_protocol(self.path))

    @contextmanager
    def _opened(self) -> Iterator[BinaryIO]:
        try:
            file = self.filesystem.open(self.path, "rb")
        except FileNotFoundError:
            raise ConfigurationError(f"contacts: there is no file at {self.name} any more") from None
        with file:
            if self.format in PACKED_BY_THEMSELVES:
                yield file
            elif self.compressed:
                with gzip.GzipFile(fileobj=file) as unpacked:
                    yield self._unpacked(unpacked)
            else:
                yield self._unpacked(io.BufferedReader(file))

    def _unpacked(self, file: gzip.GzipFile | io.BufferedReader) -> BinaryIO:
        """The file in UTF-8, if it is no archive: only gzip is unpacked, and only if the file's name says so."""
        begin = file.peek(8)
        for first, kind in _ARCHIVES.items():
            if begin.startswith(first):
                raise ConfigurationError(
                    f"contacts: {self.name} is packed with {kind}: unpack it, or pack it with gzip alone and let its "
                    f"name end in .gz{'; an Excel workbook is to end in .xlsx' if kind == 'zip' else ''}"
                )
        return in_utf8(cast(BinaryIO, file), self.encoding, name=self.name)
