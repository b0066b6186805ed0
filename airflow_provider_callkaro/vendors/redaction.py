"""Redaction: what a vendor's answer repeats of the request is hidden before any text of it is kept.

A vendor, or a gateway before it, may repeat anything of a request: the key, the number, the facts about a person. These
are hidden, however they are spelt (case, accents, separators, escapes of URLs, JSON and HTML, base64, hexadecimal):

- of the key, a token and other secrets: every piece that is as long as a quarter of it, but at least 4 and at most 8
  characters, so that nothing useful is left;
- of a phone number: every five digits in a row;
- of any other value of the body: the whole value, and each of its words of three letters or digits and more. Words of
  six and more are hidden inside other words too, shorter ones only as words of their own;
- a value of one or two characters: only where it is written as a value, in quotes or after ``=`` or ``:``. ``a`` and
  ``no`` are words of every sentence, and a text without them would be unreadable.

The names of fields are kept, and so are the values of the fields that the vendor names in its request
(`Request.shown_fields`): ids of agents and campaigns and a campaign's name, which the author of a DAG has chosen. In an
id that the vendor gives, only seven digits of a number in a row and words of four letters are hidden, because hiding
more would make it another id. Words with which ids begin anyway (``call_8d7f``) are kept.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from airflow_provider_callkaro.calls.folding import Folded, encoded
from airflow_provider_callkaro.calls.masking import Span, covered, in_one_line, without
from airflow_provider_callkaro.vendors.sent_values import (
    NUMBER_PIECE_OF_ID,
    SHORTEST_WORD,
    SHORTEST_WORD_OF_ID,
    SPACELESS,
    Find,
    Secrets,
    SentValues,
    places,
)

if TYPE_CHECKING:
    from airflow_provider_callkaro.vendors.http import Request

_HARMLESS_HEADERS = frozenset({"accept", "accept-encoding", "content-type", "user-agent", "x-tenant-id"})
_NUMBER_PIECE = 5  # digits of a phone number that a sentence may not repeat; a mask shows four
_WORDS_OF_IDS = frozenset(  # about no person: metadata such as "call back" must not hide part of call_8d7f
    {"batch", "call", "calls", "campaign", "conversation", "inbound", "outbound", "queue", "room", "session", "voice"}
)
_LONG_WORD = 6  # characters; a word this long is hidden within other words too
_AS_VALUE = re.compile(r"[=:\"'`“‘«(\[{]\s?([^\s,;=:\"'`”’»()\[\]{}]{1,4})(?=[\s.,;\"'`”’»)\]}]|$)")
_ID_WORD = re.compile(b"[a-z]{%d,}" % SHORTEST_WORD_OF_ID)
# The looks of an id: digits, hexadecimal letters, and what else there may be; its separators are left out.
_LOOKS = bytes(ord("0" if 48 <= each <= 57 else "h" if chr(each) in "abcdefABCDEF" else "w") for each in range(256))
_DIGITS = b"0" * NUMBER_PIECE_OF_ID
_SEPARATORS = bytes(each for each in range(128) if not chr(each).isalnum() and chr(each) != "=")
_NO_DIGITS = bytes(each for each in range(256) if not 48 <= each <= 57)


class Redaction:
    """What must be hidden in every answer to one connection. ``headers``: the headers of its requests; they hold the
    key. ``keeps_messages``: whether the vendor's own words are kept at all. Default: yes."""

    def __init__(self, headers: Mapping[str, str] | None = None, *, keeps_messages: bool = True) -> None:
        self._headers = headers or {}
        self.keeps_messages = keeps_messages

    @cached_property
    def secrets(self) -> Secrets:
        """The key or token, from every header that may hold one."""
        sent = [value for name, value in self._headers.items() if name.lower() not in _HARMLESS_HEADERS]
        return Secrets(word for value in sent for word in {value, value.rpartition(" ")[2]})

    def scrub(self, request: Request | None) -> Scrub:
        """The redaction of one answer's texts. ``request``: the request that it answers; None where it is not known."""
        return Scrub(request, secrets=self.secrets, keeps_messages=self.keeps_messages)

    def is_repeated_in(self, body: bytes) -> bool:
        """Whether an answer holds the key as it is: a quick look."""
        return bool(self._keys) and any(map(body.lower().__contains__, self._keys))

    def may_repeat(self, label: str, *, sent: bytes) -> bool:
        """Whether an id could repeat something of a request or of the key: a quick look, which may say yes wrongly.

        Every accepted call has an id. Most ids are hexadecimal digits, for which the look of them is enough.

        :param sent: the body of the request.
        """
        lowered = label.lower().encode(errors="replace")
        plain = lowered.translate(None, _SEPARATORS)
        for piece in self._pieces:
            if piece in plain:
                return True
        looks = plain.translate(_LOOKS)
        has_words, has_digits = b"w" in looks, _DIGITS in looks
        if not has_words and not has_digits:
            return False
        body = sent.lower().translate(None, _SEPARATORS)  # a value may have separators where the id has none
        if has_words and (
            not label.isascii() or plain.endswith(b"=") or any(word in body for word in _ID_WORD.findall(lowered))
        ):
            return True
        digits = plain.translate(None, _NO_DIGITS)
        # every third place: it finds five of any seven digits in a row
        looks_alike = any(
            digits[at : at + _NUMBER_PIECE] in body for at in range(0, len(digits) - _NUMBER_PIECE + 1, 3)
        )
        pieces = range(len(digits) - NUMBER_PIECE_OF_ID + 1)
        return looks_alike and any(digits[at : at + NUMBER_PIECE_OF_ID] in body for at in pieces)

    def without_secrets(self, value: object) -> Any:
        """An answer with the key hidden in all its names and values."""
        if isinstance(value, str):
            return without(value, [*places(value, self.secrets.spans)])
        if isinstance(value, list):
            return [self.without_secrets(each) for each in value]
        if isinstance(value, dict):
            return {self.without_secrets(name): self.without_secrets(each) for name, each in value.items()}
        return value

    @cached_property
    def _keys(self) -> tuple[bytes, ...]:
        return tuple(value.lower().encode() for value in self.secrets.values)

    @cached_property
    def _pieces(self) -> tuple[bytes, ...]:
        return self.secrets.sparse_pieces()


class Scrub:
    """Redacts the texts of one answer. It reads the request when it is made, so make it only for a text to be kept.
    ``request``: the request that it answers; None where it is not known. ``keeps_messages``: as in `Redaction`."""

    def __init__(self, request: Request | None, *, secrets: Secrets, keeps_messages: bool) -> None:
        self._secrets = secrets
        self._keeps_messages = keeps_messages
        self._sent = (
            SentValues(None)
            if request is None
            else SentValues(request.body, shown_fields=request.shown_fields, secret_fields=request.secret_fields)
        )
        self._own = Secrets(self._sent.secrets)
        self._symbols = {*self._sent.symbols, *secrets.symbols, *self._own.symbols}
        known = (*secrets.values, *self._own.values)
        self._verbatim = {*self._sent.verbatim, *(value.encode().lower() for value in known if len(value) > 3)}
        self._number_pieces: dict[int, set[str]] = {}

    @property
    def names(self) -> set[str]:
        """The names of the fields that were sent."""
        return self._sent.names

    def message(self, text: str, *, limit: int = 200) -> str:
        """A message of the vendor, redacted; empty where the connection keeps no messages."""
        return self.shown(text, limit=limit) if self._keeps_messages else ""

    def shown(self, text: str, *, limit: int = 200) -> str:
        """A text in one line of at most ``limit`` characters, without what was sent and without phone numbers."""
        plain = in_one_line(text, limit=limit)
        return covered(plain, self._hidden(plain), limit=limit)

    def label(self, text: str) -> str:
        """An id without what was sent. Its own digits are kept: they are the id."""
        return without(text, self._repeated(text, self._of_an_id))

    def _hidden(self, text: str) -> list[Span]:
        return [*self._repeated(text, self._of_a_sentence), *self._values_in(text)]

    def _repeated(self, text: str, find: Find) -> list[Span]:
        within = [place for place, meant in encoded(text) if any(map(meant.__contains__, self._verbatim))]
        return [*places(text, find), *within, *self._symbols_in(text)]

    def _of_a_sentence(self, reading: Folded) -> Iterator[tuple[int, int]]:
        yield from self._of_any(reading, digits=_NUMBER_PIECE, words=self._sent.words)

    def _of_an_id(self, reading: Folded) -> Iterator[tuple[int, int]]:
        words = [
            word
            for word in self._sent.words - _WORDS_OF_IDS
            if len(word) >= (NUMBER_PIECE_OF_ID if word.isdigit() else SHORTEST_WORD_OF_ID)
        ]
        yield from self._of_any(reading, digits=NUMBER_PIECE_OF_ID, words=words)

    def _of_any(self, reading: Folded, *, digits: int, words: Iterable[str]) -> Iterator[tuple[int, int]]:
        yield from self._secrets.spans(reading)
        yield from self._own.spans(reading)
        if pieces := self._number_pieces_of(digits):
            for start in range(len(reading.text) - digits + 1):
                if reading.text[start : start + digits] in pieces:
                    yield start, start + digits
        for word in words:
            start = reading.text.find(word)
            while start >= 0:
                end = start + len(word)
                if len(word) >= _LONG_WORD or {start, end} <= reading.edges or SPACELESS.search(word):
                    yield start, end
                start = reading.text.find(word, start + 1)
        if self._sent.rows:
            starts = accumulate(map(len, reading.words), initial=0)
            for word, start in zip(reading.words, starts, strict=False):
                if len(word) >= SHORTEST_WORD and word.encode() in self._sent.rows:
                    yield start, start + len(word)

    def _number_pieces_of(self, size: int) -> set[str]:
        """Every ``size`` digits in a row of the numbers that were sent."""
        if size not in self._number_pieces:
            ends = ((digits, end) for digits in self._sent.numbers for end in range(size, len(digits) + 1))
            self._number_pieces[size] = {digits[end - size : end] for digits, end in ends}
        return self._number_pieces[size]

    def _values_in(self, text: str) -> Iterator[Span]:
        if self._sent.short:
            for match in _AS_VALUE.finditer(text):
                if match[1].casefold() in self._sent.short or match[1].casefold().rstrip(".") in self._sent.short:
                    yield match.span(1)

    def _symbols_in(self, text: str) -> Iterator[Span]:
        for symbol in self._symbols:
            start = text.find(symbol)
            while start >= 0:
                yield start, start + len(symbol)
                start = text.find(symbol, start + len(symbol))
