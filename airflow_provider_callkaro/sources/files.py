"""Contact rows from files, wherever Airflow can read them.

A path is anything that Airflow's `ObjectStoragePath` understands: a local path, `file://`, `s3://`, `gs://` and what
other providers add. One path may match many files.
"""

from __future__ import annotations

import os
from collections.abc import Generator, Sequence
from typing import TYPE_CHECKING

from airflow_provider_callkaro.calls.masking import mask_error
from airflow_provider_callkaro.exceptions import ConfigurationError, NotThereYet, SourceBroken, VoiceCallError
from airflow_provider_callkaro.files.formats import PACKED_BY_THEMSELVES, FileFormat, format_named, format_of
from airflow_provider_callkaro.files.reading.delimiters import check_delimiter
from airflow_provider_callkaro.files.reading.encoding import check_encoding
from airflow_provider_callkaro.files.storage import connection_in, redacted_path, storage_of
from airflow_provider_callkaro.half_made import shown_half_made
from airflow_provider_callkaro.sources.contact_file import ContactFile
from airflow_provider_callkaro.sources.contract import ContactRow

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context
    from fsspec import AbstractFileSystem

_HIDDEN = ("_", ".")  # such as _SUCCESS and .part-0.crc, which Spark leaves beside its data


class FileContacts:
    """The rows of a file, of every file in a folder, or of the files that a pattern matches.

    - CSV (``.csv``, ``.csv.gz``): the first line names the columns. Blank lines are skipped, missing cells are None,
      and a line with more cells than columns is rejected, because it is unknown which cell is one too many.
    - JSON Lines (``.jsonl``, ``.ndjson``, also with ``.gz``): one object, or one number as text, per line.
    - JSON (``.json``, ``.json.gz``): a list of such values, or JSON Lines.
    - Parquet (``.parquet``, extra ``[parquet]``): read in batches.
    - Excel (``.xlsx``): one sheet, whose first row names the columns. A row with a cell that cannot be read is
      rejected, and so is a hidden one.

    A line, or a row of Parquet, that cannot be read counts as a row and is rejected, and the other rows are read: text
    that is no UTF-8, a date that Python does not have, a quotation that never ends (after which lines with too few
    cells are rejected as well, until one has them all). A file that is cut short ends the reading. Files are read in
    the order of their names; names that begin with ``_`` or ``.`` are skipped in folders and patterns.

    :param path: a path or URL; a folder is read with everything below it; ``*``, ``?`` and ``[…]`` make it a pattern.
        It may name its connection (``s3://conn_id@bucket/…``) only if the DAG's author wrote it, not if it comes from a
        template or an upstream task. Templated.
    :param conn_id: the Airflow connection that opens the storage; None takes the storage's default. Templated.
    :param format: ``csv``, ``jsonl``, ``json``, ``parquet`` or ``xlsx``; None goes by each file's ending.
    :param delimiter: what separates the cells of a CSV, one character. None (default) finds it from the first line,
        where only one of comma, semicolon, tab and ``|`` can be it.
    :param encoding: of CSV and JSON, as Python names it, such as ``cp1252``. None (default) is UTF-8, or what the byte
        order mark says.
    :param sheet: the name of the sheet of an Excel workbook. None (default) is the first that is not hidden.
    :raises ConfigurationError: ``format``, ``delimiter`` or ``encoding`` is none of these.
    """

    __slots__ = ("_format", "_names_connection", "conn_id", "delimiter", "encoding", "path", "sheet")

    template_fields: Sequence[str] = ("path", "conn_id")

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        conn_id: str | None = None,
        format: str | None = None,  # noqa: A002 - the word users look for
        delimiter: str | None = None,
        encoding: str | None = None,
        sheet: str | None = None,
    ) -> None:
        self.path, self.conn_id = plain_path(path, conn_id)
        self._names_connection = isinstance(self.path, str) and connection_in(self.path) is not None
        self._format = None if format is None else format_named(format)
        self.delimiter = check_delimiter(delimiter)
        self.encoding = check_encoding(encoding)
        self.sheet = sheet

    @shown_half_made
    def __repr__(self) -> str:
        return f"rows of {redacted_path(str(self.path))}{_through(self.conn_id)}"

    def rows(self, context: Context) -> Generator[ContactRow, None, None]:  # noqa: ARG002
        """The files' rows, read as they are asked for; which files there are is decided at the first row.

        :raises ConfigurationError: there is no such file, or one that cannot be read as what it should be.
        """
        if isinstance(self.path, str) and not self._names_connection and connection_in(self.path) is not None:
            raise ConfigurationError(
                f"contacts: {redacted_path(self.path)} came with a connection before its @, which is not written in "
                "the DAG: name it with conn_id, and take it out of the path"
            )
        found = contact_files(
            self.path,
            conn_id=self.conn_id,
            file_format=self._format,
            delimiter=self.delimiter,
            encoding=self.encoding,
            sheet=self.sheet,
        )
        for file in found:
            yield from file.rows()

    def total(self, context: Context) -> None:  # noqa: ARG002
        """None: only reading all of it would tell."""
        return


def contact_files(
    path: object,
    *,
    conn_id: str | None,
    file_format: FileFormat | None,
    delimiter: str | None = None,
    encoding: str | None = None,
    sheet: str | None = None,
) -> list[ContactFile]:
    """The files at a path, in a folder, or that match a pattern, in the order of their names.

    :raises ConfigurationError: there is none, the storage is unknown, or a file's format is.
    :raises SourceBroken: the storage does not answer, or refuses.
    """
    path, conn_id = plain_path(path, conn_id)
    if not isinstance(path, str) or not path.strip():
        raise ConfigurationError("contacts: the path of the file is empty")
    try:
        storage = storage_of(path, conn_id=conn_id)
        filesystem, names = storage.fs, _names(storage.fs, storage.path, asked_for=redacted_path(path))
    except VoiceCallError as error:
        raise type(error)(f"contacts: {error}") from None
    except Exception as error:  # each storage's library has errors of its own
        raise SourceBroken(
            f"contacts: {redacted_path(path)} cannot be looked up ({mask_error(error)}): see to its storage and the "
            "connection that opens it"
        ) from None
    return [
        ContactFile(
            filesystem=filesystem,
            path=name,
            format=file_format or _format_of(name),
            compressed=name.lower().endswith(".gz"),
            delimiter=delimiter,
            encoding=encoding,
            sheet=sheet,
        )
        for name in names
    ]


def _format_of(name: str) -> FileFormat:
    packed = name[: -len(".gz")] if name.lower().endswith(".gz") else ""
    found = format_of(packed or name)
    if found is None or (packed and found in PACKED_BY_THEMSELVES):
        raise ConfigurationError(
            f"contacts: the ending of {name} tells no format: name it with format= ({', '.join(FileFormat)})"
        )
    return found


def _names(filesystem: AbstractFileSystem, place: str, *, asked_for: str) -> list[str]:
    try:
        # Not isfile(): it also says no if the storage cannot be reached.
        kind = filesystem.info(place)["type"]
    except (FileNotFoundError, NotADirectoryError):
        kind = "pattern" if any(character in place for character in "*?[") else "missing"
    names: list[str] = []
    if kind == "directory":
        root = place.rstrip("/") + "/"
        names = [name for name in filesystem.find(place) if not _is_hidden(name.removeprefix(root))]
    elif kind == "pattern":
        matched = filesystem.glob(place, detail=True)
        names = [
            name
            for name, info in matched.items()
            if info["type"] != "directory" and not _is_hidden(name.rpartition("/")[2])
        ]
    elif kind != "missing":
        names = [place]
    if not names:
        raise NotThereYet(f"no file is at {asked_for}: mend the path, or let the task wait for it")
    return sorted(names)


def _is_hidden(name: str) -> bool:
    return any(part.startswith(_HIDDEN) for part in name.split("/"))


def plain_path(path: object, conn_id: str | None) -> tuple[object, str | None]:
    """A path object as a text, because each version of Airflow's templater treats such objects differently."""
    # Of an ObjectStoragePath, which is not an os.PathLike in every version.
    options = getattr(path, "storage_options", None)
    if options is None and not isinstance(path, os.PathLike):
        return path, conn_id
    return str(path), conn_id or getattr(path, "conn_id", None) or (options or {}).get("conn_id")


def _through(conn_id: str | None) -> str:
    return "" if conn_id is None else f" through connection {conn_id}"
