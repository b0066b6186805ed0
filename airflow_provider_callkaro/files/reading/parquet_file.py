"""Rows in Parquet."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any, BinaryIO

from airflow_provider_callkaro.calls.row_schema import ContactRow
from airflow_provider_callkaro.calls.row_size import MAX_ROW_BYTES, is_too_long
from airflow_provider_callkaro.exceptions import ConfigurationError
from airflow_provider_callkaro.files.reading.column_names import check_column_names
from airflow_provider_callkaro.files.reading.parquet_pages import TooMuchRoom, rows_at_once
from airflow_provider_callkaro.files.reading.row_count import RowCount
from airflow_provider_callkaro.files.reading.thrift import Damaged

if TYPE_CHECKING:
    from pyarrow import Array, RecordBatch
    from pyarrow.parquet import ParquetFile, ParquetSchema

MOST_PARTS = 20_000  # columns, or row groups, that a file may claim
BUFFER = 1 << 20  # bytes read at a time from each column


def parquet_rows(file: BinaryIO, *, name: str, count: RowCount) -> Iterator[ContactRow]:
    """The rows of a Parquet file, up to a thousand at a time.

    A row is None if it holds a value that Python cannot represent, or if it is longer than a row may be.

    :param file: an open binary file that can seek.
    :param name: the file's name, for messages.
    :raises ConfigurationError: pyarrow is not installed, or the file is no Parquet file, is damaged, or would fill the
        memory.
    """
    try:
        from pyarrow import ArrowException
        from pyarrow.parquet import ParquetFile
    except ImportError:
        raise ConfigurationError(
            f"contacts: {name} needs the pyarrow library: install airflow-provider-callkaro[parquet]"
        ) from None
    try:
        parquet = ParquetFile(file, buffer_size=BUFFER, pre_buffer=False, thrift_container_size_limit=MOST_PARTS)
    except ArrowException:
        raise ConfigurationError(f"contacts: {name} is no Parquet file, or a damaged one") from None
    with parquet:
        check_column_names(_names(parquet, file=name), name=name)
        rows = _rows_at_once(file, parquet.schema, name=name)
        try:
            for batch in parquet.iter_batches(batch_size=rows, use_threads=False):
                if batch.nbytes <= MAX_ROW_BYTES:
                    yield from _python_rows(batch)
                else:
                    yield from (None if is_too_long(row) else row for row in _python_rows(batch))
                count.rows += batch.num_rows
        except ArrowException as error:
            raise ConfigurationError(
                f"contacts: {name} cannot be read behind row {count.rows}: it is damaged ({type(error).__name__})"
            ) from None


def _rows_at_once(file: BinaryIO, schema: ParquetSchema, *, name: str) -> int:
    try:
        return rows_at_once(file, schema)
    except TooMuchRoom:
        wrong = "would fill the memory once it is unpacked: write it with smaller row groups and pages, or as CSV"
    except Damaged:
        wrong = "is damaged: its footer or its pages do not say what they should"
    raise ConfigurationError(f"contacts: {name} {wrong}; none of its rows was read")


def _names(parquet: ParquetFile, *, file: str) -> list[str]:
    with suppress(UnicodeDecodeError):
        return list(parquet.schema_arrow.names)
    raise ConfigurationError(f"contacts: {file} has a column whose name is not UTF-8: rename it")


def _python_rows(batch: RecordBatch) -> list[ContactRow]:
    """The rows of a batch; None only for those with a value that cannot be converted."""
    try:
        rows: list[ContactRow] = batch.to_pylist()
    except MemoryError:
        raise
    except Exception:  # such as nanoseconds, a year beyond 9999, text that is no UTF-8: each fails in its own way
        rows = _rows_one_by_one(batch)
    return rows


def _rows_one_by_one(batch: RecordBatch) -> list[ContactRow]:
    unread: set[int] = set()
    columns = [_values(column, unread) for column in batch.columns]
    names = batch.schema.names
    return [
        None if place in unread else dict(zip(names, values, strict=True))
        for place, values in enumerate(zip(*columns, strict=True))
    ]


def _values(column: Array, unread: set[int]) -> list[Any]:
    """A column's values; the row numbers of those that cannot be converted are added to ``unread``."""
    try:
        values: list[Any] = column.to_pylist()
    except MemoryError:
        raise
    except Exception:
        values = []
        for place in range(len(column)):
            try:
                values.append(column[place].as_py())
            except MemoryError:
                raise
            except Exception:
                values.append(None)
                unread.add(place)
    return values
