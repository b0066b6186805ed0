"""How a command answers on standard output: a plain table for a person, JSON for a program, and nothing else."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence

_PIPED_WIDTH = 240  # characters a line, where no terminal has a width


def show_rows(rows: Sequence[Mapping[str, object]], *, output: str, nothing: str) -> None:
    """Print rows that all have the same columns. ``output``: ``table`` or ``json``. ``nothing``: the sentence for a
    person where there are none."""
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


def show_result(result: Mapping[str, object], *, output: str, sentence: str) -> None:
    """Print the result of an action: as JSON, or as the sentence for a person."""
    if output == "json":
        print_json(result)
    else:
        sys.stdout.write(f"{sentence}\n")


def counted(count: int, noun: str) -> str:
    """A count with its noun: ``1 row``, ``2 rows``."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def print_note(sentence: str) -> None:
    """Print a sentence beside the answer, on standard error."""
    sys.stderr.write(f"{sentence}\n")


def print_json(value: object) -> None:
    """Print a value that a program reads."""
    sys.stdout.write(json.dumps(value, indent=2, default=str) + "\n")


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _as_text(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else str(value)
