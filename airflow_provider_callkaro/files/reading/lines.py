"""The lines of a file, none of which is ever held at a greater length than a row may have."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any, AnyStr

from airflow_provider_callkaro.calls.row_size import LONGEST_SKIPPED, MAX_ROW_BYTES, EndlessLine


def pieces_of(file: Any, end: AnyStr) -> Iterator[AnyStr]:
    """The lines of a file; one that is longer than `MAX_ROW_BYTES` comes in pieces, each of them longer than that.

    :param file: has ``readline``.
    :param end: what it gives at its end: an empty text or no bytes.
    """
    return iter(partial(file.readline, MAX_ROW_BYTES + 1), end)


def pass_over(piece: AnyStr, pieces: Iterator[AnyStr]) -> None:
    """Read on to the end of the line whose first piece is too long.

    :raises EndlessLine: it does not end.
    """
    ends = (b"\n", b"\r") if isinstance(piece, bytes) else ("\n", "\r")
    passed = len(piece)
    while piece and not piece.endswith(ends):  # type: ignore[arg-type]
        if passed > LONGEST_SKIPPED:
            raise EndlessLine
        piece = next(pieces, piece[:0])
        passed += len(piece)
