"""How a command answers: a plain table for a person, or JSON for a program. Standard output has nothing else."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

_PIPED_WIDTH = 240  # characters; a table that goes into a file is not folded to the width of no terminal


def show_rows(rows: Sequence[Mapping[str, Any]], *, output: str, nothing: str) -> None:
    """Print rows that all have the same columns.

    :param output: ``table`` or ``json``.
    :param nothing: what a person is told where there are none.
    """
    if output == "json":
        print_json(rows)
        return
    if not rows:
        sys.stdout.write(f"{nothing}\n")
        return
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for name in rows[0]:
        table.add_column(name, overflow="fold", justify="right" if _is_count(rows[0][name]) else "left")
    for row in rows:
        table.add_row(*(Text(_as_text(value)) for value in row.values()))
    Console(width=None if sys.stdout.isatty() else _PIPED_WIDTH).print(table)


def show_result(result: Mapping[str, Any], *, output: str, sentence: str) -> None:
    """Print what became of an action.

    :param sentence: for a person.
    """
    if output == "json":
        print_json(result)
    else:
        sys.stdout.write(f"{sentence}\n")


def tell(sentence: str) -> None:
    """Say something beside the answer."""
    sys.stderr.write(f"{sentence}\n")


def print_json(value: Any) -> None:
    """Print a value that a program reads."""
    sys.stdout.write(json.dumps(value, indent=2, default=str) + "\n")


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _as_text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else str(value)
