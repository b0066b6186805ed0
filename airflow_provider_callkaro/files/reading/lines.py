"""The lines of a file, of which no more than the length of a row is held at a time."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import IO, AnyStr

from airflow_provider_callkaro.calls.row_size import LONGEST_SKIPPED, MAX_ROW_BYTES, EndlessLine


def pieces_of(file: IO[AnyStr], end: AnyStr) -> Iterator[AnyStr]:
    """The lines of a file. A line longer than `MAX_ROW_BYTES` comes in pieces, all but the last longer than that.
    ``end``: what ``readline`` returns at the end of the file: an empty text, or no bytes."""
    return iter(partial(file.readline, MAX_ROW_BYTES + 1), end)


def skip_line(piece: AnyStr, pieces: Iterator[AnyStr]) -> None:
    """Read to the end of a line whose first piece is too long. Raises EndlessLine if the line does not end within 64
    MiB."""
    ends = (b"\n", b"\r") if isinstance(piece, bytes) else ("\n", "\r")
    skipped = len(piece)
    while piece and not piece.endswith(ends):  # type: ignore[arg-type]
        if skipped > LONGEST_SKIPPED:
            raise EndlessLine
        piece = next(pieces, piece[:0])
        skipped += len(piece)
