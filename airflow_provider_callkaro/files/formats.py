"""The formats in which this package reads and writes files of rows, and the endings that name them."""

from __future__ import annotations

from enum import StrEnum

from airflow_provider_callkaro.exceptions import ConfigurationError


class FileFormat(StrEnum):
    """How a file holds rows."""

    CSV = "csv"
    JSONL = "jsonl"
    PARQUET = "parquet"


ENDINGS = {
    ".csv": FileFormat.CSV,
    ".jsonl": FileFormat.JSONL,
    ".ndjson": FileFormat.JSONL,
    ".parquet": FileFormat.PARQUET,
}


def format_of(path: str) -> FileFormat | None:
    """The format that a path's ending names (``.csv``, ``.jsonl``, ``.ndjson``, ``.parquet``); None for any other."""
    lowered = path.lower()
    return next((file_format for ending, file_format in ENDINGS.items() if lowered.endswith(ending)), None)


def format_named(name: str) -> FileFormat:
    """The format that a user names. Raises ConfigurationError if there is no such format."""
    try:
        return FileFormat(name)
    except ValueError:
        raise ConfigurationError(f"format {name!r} is unknown: use {', '.join(FileFormat)}") from None


def format_to_write(path: str, named: str | None) -> FileFormat:
    """The format in which to write a file: the named one, else that of its path's ending. Raises ConfigurationError if
    there is no such format, or the ending names none."""
    chosen = format_named(named) if named else format_of(path)
    if chosen is None:
        raise ConfigurationError(
            f"path must end in {', '.join(ENDINGS)}, or format must say how the file is written: "
            f"{', '.join(FileFormat)}"
        )
    return chosen
