"""The report: one line per contact row, complete or not there at all.

Lines go to a temporary file, which is published in one go at the end of the run: object storage cannot be appended to,
and half a report is worse than none. The next try of the task writes the report whole, from the ledger.
"""

from __future__ import annotations

import csv
import json
import logging
import tempfile
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from typing import IO, Protocol

from airflow_provider_callkaro.calls.masking import mask_error
from airflow_provider_callkaro.dispatch.report_columns import COLUMNS, ReportColumns
from airflow_provider_callkaro.dispatch.tally import RowOutcome
from airflow_provider_callkaro.exceptions import ConfigurationError, NotWritten
from airflow_provider_callkaro.files.formats import ENDINGS, FileFormat, format_of
from airflow_provider_callkaro.files.writing.spreadsheet import plain_cell

log = logging.getLogger(__name__)

_FORMATS = (FileFormat.CSV, FileFormat.JSONL)  # a Parquet file cannot be written line by line
_MEMORY = 1 << 20  # bytes kept in memory before the lines go to a temporary file
_CHUNK = 1 << 16  # characters copied at once

_compact = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def report_format(path: str) -> FileFormat:
    """The format of a report, CSV or JSON Lines, by the ending of its path. Raises ConfigurationError if it ends
    otherwise."""
    found = format_of(path)
    if found not in _FORMATS:
        endings = ", ".join(ending for ending, file_format in ENDINGS.items() if file_format in _FORMATS)
        raise ConfigurationError(f"report_path must end in {endings}: that says how the report is written")
    return found


class RowSink(Protocol):
    """Takes the outcome of every row, once."""

    def add(self, row: RowOutcome) -> None: ...


class Report:
    """Gathers one line per row, and publishes them at the end.

    A report that cannot take a line (the disk for temporary files is full) does not end the run: it takes no more
    lines, and `publish` raises.

    :param kind: CSV or JSON Lines; see `report_format`. In CSV, an apostrophe stands before what a spreadsheet would
        run as a formula.
    :param open_target: opens the place of the report for writing bytes. They appear there when the block ends well, and
        not at all when it raises.
    :param columns: what each line says of its row beside the outcome; None: nothing.
    """

    def __init__(
        self,
        *,
        kind: FileFormat,
        open_target: Callable[[], AbstractContextManager[IO[bytes]]],
        columns: ReportColumns | None = None,
    ) -> None:
        self._open_target = open_target
        self._columns = columns
        self._names = (*COLUMNS, *(columns.titles if columns is not None else ()))
        self._broken: str | None = None
        self._lines: IO[str] = tempfile.SpooledTemporaryFile(  # noqa: SIM115 - closed by `close`
            max_size=_MEMORY, mode="w+", encoding="utf-8", errors="backslashreplace", newline=""
        )
        self._write: Callable[[tuple[object, ...]], object]
        if kind == FileFormat.CSV:
            writer = csv.writer(self._lines, lineterminator="\n")
            writer.writerow(map(plain_cell, self._names))
            self._write = lambda values: writer.writerow([*values[:3], *map(_cell, values[3:])])
        else:
            self._write = self._write_json

    def add(self, row: RowOutcome) -> None:
        """Add the line of one row. It never raises: an outcome is settled whether or not it can be reported."""
        of_row = () if self._columns is None else self._columns.take(row.row_number)
        if self._broken is None:
            try:
                self._write((row.row_number, row.outcome, row.reason, row.call_id, row.detail, *of_row))
            except Exception as error:
                self._break_off(error)
                log.error("The report cannot be gathered from row %d on: %s", row.row_number, self._broken)

    def publish(self) -> None:
        """Write the report to its place, and replace what is there. Raises NotWritten if it cannot be written there, or
        lines are missing in it; what was there before is still there."""
        if self._broken is None:
            try:
                self._lines.seek(0)  # writes what is still held in memory
            except Exception as error:
                self._break_off(error)
        if self._broken is not None:
            raise NotWritten(
                f"the report is not published, because its lines could not be gathered ({self._broken}), and what "
                "stood in its place before still stands: see to the disk for temporary files (TMPDIR); the next try of "
                "the task writes it whole"
            )
        try:
            with self._open_target() as target:
                while chunk := self._lines.read(_CHUNK):
                    target.write(chunk.encode("utf-8"))
        except OSError as error:
            raise NotWritten(f"the report cannot be published ({mask_error(error)})") from None

    def close(self) -> None:
        """Delete the temporary file."""
        with suppress(Exception):  # closing writes what is still in memory, and may fail
            self._lines.close()

    def _break_off(self, error: Exception) -> None:
        self._broken = mask_error(error)

    def _write_json(self, values: tuple[object, ...]) -> None:
        self._lines.write(json.dumps(dict(zip(self._names, values, strict=True))) + "\n")


def _cell(value: object) -> str | None:
    if value is None:
        return None
    return plain_cell(value if isinstance(value, str) else _compact(value))
