"""Which formats contact files may have.

Every reader of one takes an open binary file and gives rows as they are asked for. A row that cannot be read is given
as None, so that it is counted and rejected; a file that cannot be what it should be is an error that names it.
"""

from __future__ import annotations

from enum import StrEnum

from airflow_provider_callkaro.exceptions import ConfigurationError


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
