"""Contact rows in JSON Lines."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from airflow_provider_callkaro.calls.row_size import MAX_ROW_BYTES
from airflow_provider_callkaro.files.reading.lines import pass_over, pieces_of
from airflow_provider_callkaro.files.reading.row_count import RowCount


def jsonl_rows(file: Any, *, count: RowCount) -> Iterator[Any]:
    """The lines of a JSON Lines file, as they are.

    What is no JSON, or none that Python can hold, or longer than a row may be, is None.

    :param file: an open binary file.
    :raises EndlessLine: a line does not end.
    """
    rows = 0
    lines = pieces_of(file, b"")
    try:
        for line in lines:
            if line.isspace():
                continue
            if len(line) > MAX_ROW_BYTES:
                pass_over(line, lines)
                line = b""
            rows += 1
            try:
                row = json.loads(line)
            except (ValueError, RecursionError):
                row = None
            yield row
    finally:
        count.rows = rows
