"""Which formats contact files may have, and how each is read as rows.

Every reader takes an open binary file and gives rows as they are asked for. A row that cannot be read is given as None,
so that it is counted and rejected; a file that cannot be what it should be is an error that names it.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections import Counter
from collections.abc import Iterator
from enum import StrEnum
from typing import Any

from airflow_provider_callkaro.calls.masking import mask_text
from airflow_provider_callkaro.exceptions import ConfigurationError
from airflow_provider_callkaro.sources.contract import ContactRow

PARQUET_BATCH = 1_000  # rows decoded at a time
PARQUET_BUFFER = 1 << 20  # bytes read at a time from each column
_NOT_UTF8 = re.compile("[\udc80-\udcff]")  # how errors="surrogateescape" marks a byte that is no UTF-8


class FileFormat(StrEnum):
    """What a contact file is written in."""

    CSV = "csv"
    JSONL = "jsonl"
    PARQUET = "parquet"


_ENDINGS = {
    ".csv": FileFormat.CSV,
    ".csv.gz": FileFormat.CSV,
    ".jsonl": FileFormat.JSONL,
    ".jsonl.gz": FileFormat.JSONL,
    ".ndjson": FileFormat.JSONL,
    ".ndjson.gz": FileFormat.JSONL,
    ".parquet": FileFormat.PARQUET,
}


def format_named(name: str) -> FileFormat:
    """The format that a user names.

    :raises ConfigurationError: there is no such format.
    """
    try:
        return FileFormat(name)
    except ValueError:
        raise ConfigurationError(f"format {name!r} is unknown: use {', '.join(FileFormat)}") from None


def format_of(path: str) -> FileFormat:
    """The format that a file's ending tells.

    :raises ConfigurationError: it tells none.
    """
    lowered = path.lower()
    for ending, file_format in _ENDINGS.items():
        if lowered.endswith(ending):
            return file_format
    raise ConfigurationError(
        f"contacts: the ending of {path} tells no format: name it with format= ({', '.join(FileFormat)})"
    )


def check_delimiter(delimiter: str) -> str:
    """The delimiter, if it can be one.

    :raises ConfigurationError: it is not a single character, or one that a CSV uses otherwise.
    """
    if not isinstance(delimiter, str) or len(delimiter) != 1 or delimiter in '"\r\n':
        raise ConfigurationError("delimiter must be one character, such as a comma, a semicolon or a tab")
    return delimiter


def csv_rows(file: Any, *, name: str, delimiter: str) -> Iterator[ContactRow]:
    """The lines of a CSV as mappings; the first names the columns.

    :param file: an open binary file.
    :param name: the file's name, for messages.
    :raises ConfigurationError: the columns have no names or the same, or a quotation runs over several lines and never
        ends properly, so that it is unknown how many rows it swallowed.
    """
    text = io.TextIOWrapper(file, encoding="utf-8-sig", errors="surrogateescape", newline="")
    records = _csv_records(csv.reader(text, delimiter=delimiter, strict=True), name=name)
    columns = _csv_columns(next(records, None), name=name)
    for cells in records:
        if cells is None or (len(cells) > len(columns) and any(cells[len(columns) :])):
            yield None
        else:
            missing = len(columns) - len(cells)
            yield dict(zip(columns, cells + [None] * missing if missing > 0 else cells, strict=False))


def _csv_records(reader: Any, *, name: str) -> Iterator[list[str | None] | None]:
    while True:
        first_line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error:
            if reader.line_num > first_line:
                raise ConfigurationError(
                    f"contacts: {name} has a quotation on line {first_line} that does not end where it should: "
                    "mend the quotes"
                ) from None
            yield None
            continue
        if not cells or (len(cells) == 1 and not cells[0].strip()):
            continue
        joined = "".join(cells)
        yield None if not joined.isascii() and _NOT_UTF8.search(joined) else cells


def _csv_columns(cells: list[str | None] | None, *, name: str) -> list[str]:
    if cells is None:
        raise ConfigurationError(
            f"contacts: the first line of {name} must name the columns, in UTF-8: add a header line, or say format= "
            "where it is no CSV"
        )
    columns = [(cell or "").strip() for cell in cells]
    _check_names(columns, name=name)
    return columns


def _check_names(columns: list[str], *, name: str) -> None:
    if not all(columns):
        raise ConfigurationError(f"contacts: column {columns.index('') + 1} of {name} has no name: give it one")
    twice = sorted(mask_text(column) for column, count in Counter(columns).items() if count > 1)
    if twice:
        raise ConfigurationError(f"contacts: {name} has two columns named {', '.join(twice)}: rename one")


def jsonl_rows(file: Any) -> Iterator[Any]:
    """The lines of a JSON Lines file, as they are; what is no JSON is None.

    :param file: an open binary file.
    """
    for line in file:
        if line.isspace():
            continue
        try:
            yield json.loads(line)
        except (ValueError, RecursionError):
            yield None


def parquet_rows(file: Any, *, name: str) -> Iterator[ContactRow]:
    """The rows of a Parquet file, some thousand at a time.

    :param file: an open binary file that can seek.
    :param name: the file's name, for messages.
    :raises ConfigurationError: pyarrow is not installed, or the file is no Parquet file.
    """
    try:
        from pyarrow import ArrowException, ArrowInvalid
        from pyarrow.parquet import ParquetFile
    except ImportError:
        raise ConfigurationError(
            f"contacts: {name} needs the pyarrow library: install airflow-provider-callkaro[parquet]"
        ) from None
    try:
        parquet = ParquetFile(file, buffer_size=PARQUET_BUFFER, pre_buffer=False)
    except ArrowInvalid:
        raise ConfigurationError(f"contacts: {name} is no Parquet file, or a damaged one") from None
    with parquet:
        _check_names(list(parquet.schema_arrow.names), name=name)
        try:
            for batch in parquet.iter_batches(batch_size=PARQUET_BATCH, use_threads=False):
                yield from batch.to_pylist()
        except ArrowException as error:
            raise ConfigurationError(
                f"contacts: {name} cannot be read to its end: it is damaged ({type(error).__name__})"
            ) from None
