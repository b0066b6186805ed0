"""Secret values, and every piece of them that a text may repeat."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Iterator
from typing import TypeAlias

from airflow_provider_callkaro.calls.folding import Folded, fold, readings
from airflow_provider_callkaro.calls.masking import Span

_SECRET_PIECE = (4, 8)  # characters, at least and at most
_ENCODED_PIECE = 8  # characters of base64: six bytes

Find: TypeAlias = Callable[[Folded], Iterable[tuple[int, int]]]
"""Finds, in one reading of a text, where each thing to be hidden begins and ends."""


def places(text: str, find: Find) -> Iterator[Span]:
    """Where in a text something is to be hidden, in whichever reading of the text it is found."""
    for reading in readings(text):
        yield from (reading.place(start, end) for start, end in find(reading))


class Secrets:
    """Values of which no piece may be shown.

    :ivar values: those that have letters or digits.
    :ivar symbols: those that have neither.
    """

    def __init__(self, values: Iterable[str]) -> None:
        self.values: list[str] = []
        self.symbols: list[str] = []
        self._pieces: dict[int, set[str]] = {}
        for value in filter(str.strip, values):
            plain = fold(value).text
            if not plain:
                self.symbols.append(value.strip())
                continue
            self.values.append(value)
            self._add(plain, size=_piece_size(plain))
            for form in _in_base64(value):
                self._add(fold(form).text, size=_ENCODED_PIECE)

    def spans(self, reading: Folded) -> Iterator[tuple[int, int]]:
        """Where a reading of a text holds a piece of a secret."""
        text = reading.text
        for size, pieces in self._pieces.items():
            for start in range(len(text) - size + 1):
                if text[start : start + size] in pieces:
                    yield start, start + size

    def sparse_pieces(self) -> tuple[bytes, ...]:
        """Pieces for a quick look, so close together that a text half as long again as one of them holds one."""
        found: dict[bytes, None] = {}
        for text in (fold(value).text for value in self.values):
            size = _piece_size(text)
            found.update(
                (text[start : start + size].encode(), None)
                for start in range(0, len(text) - size + 1, max(1, size // 2))
            )
        return tuple(found)

    def _add(self, text: str, *, size: int) -> None:
        self._pieces.setdefault(size, set()).update(text[start : start + size] for start in range(len(text) - size + 1))


def _piece_size(secret: str) -> int:
    """The length, in characters, from which a piece of a secret is hidden."""
    least, most = _SECRET_PIECE
    return min(len(secret), max(len(secret) // 4, least), most)


def _in_base64(secret: str) -> Iterator[str]:
    """A secret in base64, as it looks wherever in a longer text it begins, without the characters shared with that."""
    for before, shared in ((0, 0), (1, 2), (2, 3)):
        text = base64.b64encode(b"\0" * before + secret.encode()).decode()
        end = len(text.rstrip("=")) - (text.endswith("="))
        if end - shared >= _ENCODED_PIECE:
            yield text[shared:end]
