"""Texts in one spelling for comparison, with the place of each character in the original.

A text that repeats a value rarely repeats it letter by letter: case, accents, width and the characters between the
words change, and so do escapes (of URLs, JSON, HTML) and encodings (base64, hexadecimal). A `Folded` text has none of
these: it has letters and digits only, and knows the place of each in the original text.
"""

from __future__ import annotations

import binascii
import html
import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import accumulate
from typing import TypeAlias
from urllib.parse import unquote

from airflow_provider_callkaro.calls.masking import Span

MOST_LAYERS = 3  # of escapes around one another
_WORD = re.compile(r"[^\W\d_]+|\d+")
_BETWEEN = re.compile(r"[\W_]+")
_ESCAPE = re.compile(
    r"(?:%[0-9A-Fa-f]{2})+|(?:\\u[0-9A-Fa-f]{4})+|(?:\\x[0-9A-Fa-f]{2})+|\\."
    r"|&(?:#[0-9]{1,7}|#[xX][0-9A-Fa-f]{1,6}|[A-Za-z]{2,8});"
)
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{6,}")
_HEXADECIMAL = re.compile(r"[0-9A-Fa-f]{8,}")
_CONTROLS = frozenset("bfnrt")  # after a backslash, in JSON

_Origin: TypeAlias = Sequence[Span]
"""The place of each character in the original text."""


class Folded:
    """A text without case, accents, and characters between its words.

    :param plain: the text in lower case and without accents.
    :param origin: the place of each of its characters in the original text; None where the places are the same.
    :ivar text: its letters and digits, without anything between them.
    """

    def __init__(self, plain: str, origin: _Origin | None) -> None:
        self.text = _BETWEEN.sub("", plain)
        self._plain = plain
        self._origin = origin

    @cached_property
    def words(self) -> list[str]:
        """Its runs of letters, and its runs of digits."""
        return _WORD.findall(self._plain)

    @cached_property
    def edges(self) -> frozenset[int]:
        """The places in ``text`` at which a word begins or ends."""
        return frozenset(accumulate(map(len, self.words), initial=0))

    def place(self, start: int, end: int) -> Span:
        """The place of a piece of ``text`` in the original text."""
        first, last = self._places[start], self._places[end - 1]
        return (first, last + 1) if self._origin is None else (self._origin[first][0], self._origin[last][1])

    @cached_property
    def _places(self) -> list[int]:
        return [place for match in _WORD.finditer(self._plain) for place in range(*match.span())]


def fold(text: str, origin: _Origin | None = None) -> Folded:
    """A text folded for comparison. ``origin``: the place of each of its characters in the original text; None where it
    is the original."""
    return Folded(text.lower(), origin) if text.isascii() else Folded(*_plain(text, origin))


def readings(text: str) -> Iterator[Folded]:
    """A text as it is, then with its escapes undone, layer by layer."""
    origin: _Origin | None = None
    yield fold(text)
    for _ in range(MOST_LAYERS):
        if not _ESCAPE.search(text):
            return
        text, origin = _unescaped(text, origin)
        yield fold(text, origin)


def encoded(text: str) -> Iterator[tuple[Span, bytes]]:
    """The pieces of a text that may be base64 or hexadecimal, each with its decoded bytes in lower case."""
    for match in _BASE64.finditer(text):
        yield match.span(), b"\n".join(_from_base64(match[0])).lower()
    for match in _HEXADECIMAL.finditer(text):
        run = match[0]
        ends = ((start, len(run) - (len(run) - start) % 2) for start in (0, 1))
        yield match.span(), b"\n".join(bytes.fromhex(run[start:end]) for start, end in ends).lower()


def _plain(text: str, origin: _Origin | None) -> tuple[str, _Origin]:
    characters: list[str] = []
    places: list[Span] = []
    for index, character in enumerate(text):
        place = (index, index + 1) if origin is None else origin[index]
        for each in unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", character).casefold()):
            if not unicodedata.category(each).startswith("M"):
                characters.append(str(unicodedata.digit(each)) if each.isdigit() else each)
                places.append(place)
            elif places:  # an accent, or a vowel sign, belongs to the character before it
                places[-1] = (places[-1][0], place[1])
    return "".join(characters), places


def _unescaped(text: str, origin: _Origin | None) -> tuple[str, _Origin]:
    before = [(index, index + 1) for index in range(len(text))] if origin is None else origin
    characters: list[str] = []
    places: list[Span] = []
    at = 0
    for match in _ESCAPE.finditer(text):
        start, end = match.span()
        meant = _unescape(match[0])
        characters += [text[at:start], meant]
        places += [*before[at:start], *[(before[start][0], before[end - 1][1])] * len(meant)]
        at = end
    return "".join([*characters, text[at:]]), [*places, *before[at:]]


def _unescape(escape: str) -> str:
    if escape.startswith("%"):
        return unquote(escape, errors="replace")
    if escape.startswith("&"):
        return html.unescape(escape)
    if escape.startswith("\\u") and len(escape) > 2:
        units = bytes.fromhex(escape.replace("\\u", ""))
        return units.decode("utf-16-be", errors="replace")
    if escape.startswith("\\x") and len(escape) > 2:
        return bytes.fromhex(escape.replace("\\x", "")).decode(errors="replace")
    return " " if escape[1] in _CONTROLS else escape[1]


def _from_base64(run: str) -> Iterator[bytes]:
    """The decoded bytes of a run of characters, for each place at which the encoding may begin."""
    plain = run.replace("-", "+").replace("_", "/")
    for start in range(4):
        piece = plain[start : len(plain) - ((len(plain) - start) % 4 == 1)]
        yield binascii.a2b_base64(piece + "=" * (-len(piece) % 4))
