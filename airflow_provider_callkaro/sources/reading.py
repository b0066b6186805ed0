"""One contact file: opened, unpacked, read as rows, and closed again however the reading ends."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from airflow_provider_callkaro.exceptions import ConfigurationError
from airflow_provider_callkaro.sources.contract import ContactRow
from airflow_provider_callkaro.sources.file_formats import FileFormat, csv_rows, jsonl_rows, parquet_rows


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactFile:
    """A file of contact rows in some storage.

    :param filesystem: the storage, an fsspec file system.
    :param path: the file's name in that storage.
    :param format: what it is written in.
    :param compressed: whether it is packed with gzip.
    :param delimiter: what separates the cells of a CSV.
    """

    filesystem: Any
    path: str
    format: FileFormat
    compressed: bool
    delimiter: str

    def rows(self) -> Iterator[ContactRow]:
        """The file's rows, read as they are asked for.

        :raises ConfigurationError: the file is gone, damaged, or not what it should be.
        """
        with self._opened() as file:
            try:
                if self.format is FileFormat.CSV:
                    yield from csv_rows(file, name=self.path, delimiter=self.delimiter)
                elif self.format is FileFormat.JSONL:
                    yield from jsonl_rows(file)
                else:
                    yield from parquet_rows(file, name=self.path)
            except (EOFError, gzip.BadGzipFile, zlib.error):
                raise ConfigurationError(f"contacts: {self.path} is damaged: mend it, its end cannot be read") from None

    @property
    def url(self) -> str:
        """The file's name with that of its storage, by which two references to it are told to be one."""
        return str(self.filesystem.unstrip_protocol(self.path))

    @contextmanager
    def _opened(self) -> Iterator[Any]:
        try:
            file = self.filesystem.open(self.path, "rb")
        except FileNotFoundError:
            raise ConfigurationError(f"contacts: there is no file at {self.path} any more") from None
        with file:
            if self.compressed:
                with gzip.GzipFile(fileobj=file) as unpacked:
                    yield unpacked
            elif self.format is FileFormat.PARQUET:
                yield file
            else:
                yield io.BufferedReader(file)
