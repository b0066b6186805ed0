"""The lines of a report, or of another file of rows that this package has written, wherever it stands.

What wrote the file made it whole, so a line that cannot be read is an error here and no rejected row.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO, TypeAlias

from airflow_provider_callkaro.calls.masking import mask_error
from airflow_provider_callkaro.exceptions import ConfigurationError, SourceBroken, VoiceCallError
from airflow_provider_callkaro.files.formats import WRITTEN, WRITTEN_ENDINGS, FileFormat, format_of
from airflow_provider_callkaro.files.storage import redacted_path, storage_of
from airflow_provider_callkaro.files.writing.spreadsheet import cell_text

Line: TypeAlias = Mapping[str, Any]


def report_lines(path: str) -> Iterator[Line]:
    """The lines of a report, read as they are asked for. An empty cell of a CSV is None.

    :param path: anything that Airflow's ``ObjectStoragePath`` understands, ending in ``.csv``, ``.jsonl``, ``.ndjson``
        or ``.parquet``.
    :raises ConfigurationError: there is no such file, or it is no report.
    :raises SourceBroken: its storage cannot deliver it to its end.
    """
    kind = format_of(path)
    if kind not in WRITTEN:
        raise ConfigurationError(
            f"report_path must end in {', '.join(WRITTEN_ENDINGS)}: that says how the report is read"
        )
    shown, number = redacted_path(path), 0
    try:
        target = storage_of(path)
        with target.fs.open(target.path, "rb") as file:
            for line in _lines(file, kind):
                number += 1
                yield line
    except FileNotFoundError:
        failure: VoiceCallError = ConfigurationError(
            f"report_path: there is no report at {shown}: name the path that the task has as report_path"
        )
    except VoiceCallError as error:
        failure = type(error)(f"report_path: {error}")
    except (ValueError, csv.Error):  # of JSON, UTF-8 and Parquet: their messages quote the file
        failure = ConfigurationError(
            f"report_path: {shown} cannot be read behind line {number}: see that it is a report and is whole"
        )
    except OSError as error:
        failure = SourceBroken(
            f"report_path: {shown} broke off behind line {number} ({mask_error(error)}): see to its storage; a retry "
            "of the task reads it again"
        )
    else:
        return
    raise failure  # outside the except block: the error before it may quote the file


def _lines(file: BinaryIO, kind: FileFormat) -> Iterator[Line]:
    match kind:
        case FileFormat.CSV:
            return _csv_lines(file)
        case FileFormat.JSONL:
            return _json_lines(file)
        case _:
            return _parquet_lines(file)


def _csv_lines(file: BinaryIO) -> Iterator[Line]:
    cells = csv.reader(io.TextIOWrapper(file, encoding="utf-8-sig", newline=""), strict=True)
    columns = [cell_text(cell) for cell in next(cells, [])]
    for line in cells:
        yield dict(zip(columns, (cell_text(cell) or None for cell in line), strict=True))


def _json_lines(file: BinaryIO) -> Iterator[Line]:
    for text in file:
        line = json.loads(text)
        if not isinstance(line, dict):
            raise ValueError
        yield line


def _parquet_lines(file: BinaryIO) -> Iterator[Line]:
    try:
        from pyarrow.parquet import ParquetFile
    except ImportError:
        raise ConfigurationError(
            "a Parquet file needs the pyarrow library: install airflow-provider-callkaro[parquet]"
        ) from None
    with ParquetFile(file) as parquet:
        for batch in parquet.iter_batches(batch_size=1_000, use_threads=False):
            yield from batch.to_pylist()
