"""The formats in which this package reads and writes files of rows, and the endings that name them."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from airflow_provider_callkaro.exceptions import ConfigurationError


class FileFormat(StrEnum):
    """How a file holds rows."""

    CSV = "csv"
    JSONL = "jsonl"
    JSON = "json"
    PARQUET = "parquet"
    EXCEL = "xlsx"


WRITTEN = (FileFormat.CSV, FileFormat.JSONL, FileFormat.PARQUET)
"""The formats in which files are written; all are read."""
PACKED_BY_THEMSELVES = (FileFormat.PARQUET, FileFormat.EXCEL)
"""The formats that are no text, and that no other packing is around."""

ENDINGS = {
    ".csv": FileFormat.CSV,
    ".jsonl": FileFormat.JSONL,
    ".ndjson": FileFormat.JSONL,
    ".json": FileFormat.JSON,
    ".parquet": FileFormat.PARQUET,
    ".xlsx": FileFormat.EXCEL,
}

WRITTEN_ENDINGS = tuple(ending for ending, file_format in ENDINGS.items() if file_format in WRITTEN)


def format_of(path: str) -> FileFormat | None:
    """The format that a path's ending names (such as ``.csv``); None for any other."""
    lowered = path.lower()
    return next((file_format for ending, file_format in ENDINGS.items() if lowered.endswith(ending)), None)


def format_named(name: str, *, among: Iterable[FileFormat] = FileFormat) -> FileFormat:
    """The format that a user names. Raises ConfigurationError if it is none of those."""
    allowed = tuple(among)
    if name not in allowed:
        raise ConfigurationError(f"format {name!r} is unknown: use {', '.join(allowed)}")
    return FileFormat(name)


def format_to_write(path: str, named: str | None) -> FileFormat:
    """The format in which to write a file: the named one, else that of its path's ending.

    :raises ConfigurationError: there is no such format, or the ending names none.
    """
    chosen = format_named(named, among=WRITTEN) if named else format_of(path)
    if chosen not in WRITTEN:
        raise ConfigurationError(
            f"path must end in {', '.join(WRITTEN_ENDINGS)}, or format must say how the file is written: "
            f"{', '.join(WRITTEN)}"
        )
    return chosen
