"""What a request held, sorted by how each value is hidden in the answer to it; and every piece of a secret."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterable, Iterator
from typing import TypeAlias

from airflow_provider_callkaro.calls.folding import Folded, fold, readings
from airflow_provider_callkaro.calls.masking import Span

_SECRET_PIECE = (4, 8)  # characters, at least and at most
_ENCODED_PIECE = 8  # characters of base64: six bytes

Find: TypeAlias = Callable[[Folded], Iterable[tuple[int, int]]]
"""Finds, in one reading of a text, where each thing to be hidden begins and ends."""
NUMBER_PIECE_OF_ID = 7  # digits of a phone number that an id may not repeat
SHORTEST_WORD = 3  # characters of a word that a sentence may not repeat
SHORTEST_WORD_OF_ID = 4  # letters of a word that an id may not repeat
_MAX_VALUES = 200_000  # of one request
_NUMBER = re.compile(r"\+?[0-9]{6,15}")
SPACELESS = re.compile("[\u0e00-\u0eff\u1000-\u11ff\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\U00020000-\U0003ffff]")
"""A letter of a script that puts no spaces between words: Thai, Han and others."""


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


class SentValues:
    """The values of one request.

    :param body: the body that was sent; None where there was none.
    :param shown_fields: the names of its fields whose values may be shown.
    :param secret_fields: the names of its fields of whose values no piece may be shown.
    :ivar names: the names of the fields.
    :ivar secrets: values of which no piece may be shown.
    :ivar numbers: phone numbers, as digits.
    :ivar words: texts and their words, folded.
    :ivar short: values of one or two characters, in lower case.
    :ivar symbols: values without a letter or a digit.
    :ivar verbatim: how a value looks inside an encoded text, in lower case.
    :ivar rows: the rows of a file that was sent, in lower case; empty where there was none.
    """

    def __init__(
        self,
        body: bytes | None,
        *,
        shown_fields: frozenset[str] = frozenset(),
        secret_fields: frozenset[str] = frozenset(),
    ) -> None:
        self.names: set[str] = set()
        self.secrets: list[str] = []
        self.numbers: list[str] = []
        self.words: set[str] = set()
        self.short: set[str] = set()
        self.symbols: set[str] = set()
        self.verbatim: set[bytes] = set()
        self.rows = b""
        try:
            value: object = json.loads(body) if body else None
        except (ValueError, RecursionError):
            self.rows = _rows_of(body or b"")
        else:
            self._read(value, shown_fields=shown_fields, secret_fields=secret_fields)

    def _read(self, body: object, *, shown_fields: frozenset[str], secret_fields: frozenset[str]) -> None:
        fields = body.items() if isinstance(body, dict) else [("", body)]
        self.names.update(name for name, _ in fields)
        self.secrets += [value for name, value in fields if name in secret_fields and isinstance(value, str)]
        pending: list[object] = [value for name, value in fields if name not in shown_fields]
        for _ in range(_MAX_VALUES):  # not recursive: a value may be nested deeper than Python calls
            if not pending:
                return
            value = pending.pop()
            if isinstance(value, dict):
                self.names.update(value)
                pending += value.values()
            elif isinstance(value, list):
                pending += value
            elif isinstance(value, (str, int, float)) and not isinstance(value, bool):
                self._keep(str(value))

    def _keep(self, value: str) -> None:
        if _NUMBER.fullmatch(value):
            self.numbers.append(value.lstrip("+"))
            self.verbatim.add(value[-NUMBER_PIECE_OF_ID:].encode())
            return
        folded = fold(value)
        whole = folded.text
        if len(whole) < SHORTEST_WORD and not (len(whole) > 1 and SPACELESS.search(whole)):
            plain = value.strip().casefold()
            self.short.add(plain)
            if not whole and (len(plain) > 3 or not plain.isascii()):
                self.symbols.add(value.strip())
            return
        self.words.add(whole)
        pieces = value.split()
        words = folded.words
        if len(words) != len(pieces):
            words = [*words, *(fold(piece).text for piece in pieces)]
        self.words.update(word for word in words if len(word) >= SHORTEST_WORD)
        self.verbatim.update(piece.encode().lower() for piece in pieces if len(piece) >= SHORTEST_WORD_OF_ID)


def _rows_of(body: bytes) -> bytes:
    """The rows of the file in a multipart body, in lower case, without its header and without the other parts."""
    boundary, _, rest = body.partition(b"\r\n")
    file = rest.partition(b"\r\n\r\n")[2].partition(boundary)[0] if boundary else b""
    return file.partition(b"\n")[2].lower()
