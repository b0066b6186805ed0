"""Rows in JSON Lines."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO

from airflow_provider_callkaro.calls.row_size import MAX_ROW_BYTES
from airflow_provider_callkaro.files.reading.lines import pieces_of, skip_line
from airflow_provider_callkaro.files.reading.row_count import RowCount


def unambiguous(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """The mapping of an object. Raises ValueError if it names something twice: JSON does not say which of the two
    values it means, and with two numbers one of them would be another person's."""
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ValueError("an object names something twice")
    return made


def jsonl_rows(file: BinaryIO, *, count: RowCount) -> Iterator[Any]:
    """The values of a JSON Lines file; None for a line that is no JSON, that Python cannot hold, that names
    something twice, or that is too long. ``file``: an open binary file. Raises EndlessLine if a line does not end."""
    rows = 0
    lines = pieces_of(file, b"")
    try:
        for line in lines:
            if line.isspace():
                continue
            if len(line) > MAX_ROW_BYTES:
                skip_line(line, lines)
                line = b""
            rows += 1
            try:
                row = json.loads(line, object_pairs_hook=unambiguous)
            except (ValueError, RecursionError):
                row = None
            yield row
    finally:
        count.rows = rows
