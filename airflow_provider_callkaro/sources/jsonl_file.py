"""Contact rows in JSON Lines."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from airflow_provider_callkaro.sources.reached import Reached


def jsonl_rows(file: Any, *, reached: Reached) -> Iterator[Any]:
    """The lines of a JSON Lines file, as they are; what is no JSON, or none that Python can hold, is None.

    :param file: an open binary file.
    """
    rows = 0
    try:
        for line in file:
            if line.isspace():
                continue
            rows += 1
            try:
                row = json.loads(line)
            except (ValueError, RecursionError):
                row = None
            yield row
    finally:
        reached.rows = rows
