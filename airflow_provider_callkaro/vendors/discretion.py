"""What a vendor says, without what it was sent: the one place through which every text of an answer goes.

A vendor, or a gateway before it, may repeat anything of a request: the key, the number, what is known of a person. What
is hidden, however it is spelt (case, accents, separators, escapes of URLs, JSON and HTML, base64, hexadecimal):

- of the key, a token, and other secrets every piece: as long as a quarter of it, but at least 4 and at most 8
  characters, so that what is left tells nothing;
- of a phone number every five digits in a row;
- of any other value of the body all of it, and each of its words of three letters or digits and more. From six on they
  are hidden within other words too, shorter ones where they stand as a word;
- a value of one or two characters where it stands as a value, in quotes or behind ``=`` or ``:``. Elsewhere it is
  left: ``a`` and ``no`` are words of every sentence, and a text without them would tell neither the person nor us
  anything.

The names of fields stay, and so do the ids of agents and campaigns and a campaign's name, which the author of a DAG
has chosen. An id that the vendor gives is no sentence: there seven digits of a number are hidden, and words of four
letters, because a digit or two more or less make it another id. Words that ids begin with anyway (``call_8d7f``) stay.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property
from itertools import accumulate
from typing import Any, TypeAlias

from airflow_provider_callkaro.calls.folding import Folded, encoded, fold, readings
from airflow_provider_callkaro.calls.masking import Span, covered, in_one_line, without

_HARMLESS_HEADERS = frozenset({"accept", "accept-encoding", "content-type", "user-agent", "x-tenant-id"})
_SECRET_FIELDS = frozenset({"password", "refresh_token", "transfer_to", "webhook_secret"})  # of a body
_OWN_FIELDS = frozenset({"agent_id", "batch_id", "name"})  # of a body: the account's, not a person's
_SECRET_PIECE = (4, 8)  # characters, at least and at most
_ENCODED_PIECE = 8  # characters of base64: six bytes
_NUMBER_PIECE = 5  # digits; a mask shows four
_NUMBER_PIECE_OF_ID = 7  # digits
_SHORTEST_WORD_OF_ID = 4  # letters
_WORDS_OF_IDS = frozenset(  # of no person: metadata such as "call back" must not make call_8d7f an id of nothing
    {"batch", "call", "calls", "campaign", "conversation", "inbound", "outbound", "queue", "room", "session", "voice"}
)
_SHORTEST_WORD = 3  # characters
_LONG_WORD = 6  # characters; from here on it is looked for within other words
_MOST_VALUES = 200_000  # of one request
_NUMBER = re.compile(r"\+?[0-9]{6,15}")
_AS_VALUE = re.compile(r"[=:\"'`“‘«(\[{]\s?([^\s,;=:\"'`”’»()\[\]{}]{1,4})(?=[\s.,;\"'`”’»)\]}]|$)")
_SPACELESS = re.compile(
    "[\u0e00-\u0eff\u1000-\u11ff\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\U00020000-\U0003ffff]"  # Thai, Han, …
)
_ID_WORD = re.compile(b"[a-z]{%d,}" % _SHORTEST_WORD_OF_ID)
# The looks of an id: digits, hexadecimal letters, and what else there may be; what stands between them is left out.
_LOOKS = bytes(ord("0" if 48 <= each <= 57 else "h" if chr(each) in "abcdefABCDEF" else "w") for each in range(256))
_SEPARATORS = bytes(each for each in range(128) if not chr(each).isalnum() and chr(each) != "=")
_NO_DIGITS = bytes(each for each in range(256) if not 48 <= each <= 57)

_Find: TypeAlias = Callable[[Folded], Iterable[tuple[int, int]]]


class Discretion:
    """What may not be kept of any answer to one connection.

    :param headers: those that were sent; they hold the key.
    :param keeps_messages: whether the vendor's own words are kept at all. Default: yes.
    """

    def __init__(self, headers: Mapping[str, str] | None = None, *, keeps_messages: bool = True) -> None:
        self._headers = headers or {}
        self.keeps_messages = keeps_messages

    @cached_property
    def secrets(self) -> Secrets:
        """The key, or whatever else proves who asks."""
        sent = [value for name, value in self._headers.items() if name.lower() not in _HARMLESS_HEADERS]
        return Secrets(word for value in sent for word in {value, value.rpartition(" ")[2]})

    def scrub(self, sent: bytes | None) -> Scrub:
        """Scrubs the texts of one answer.

        :param sent: the body of the request; None where it had none.
        """
        return Scrub(sent, secrets=self.secrets, keeps_messages=self.keeps_messages)

    def is_repeated_in(self, body: bytes) -> bool:
        """Whether an answer holds the key as it is; a quick look."""
        return bool(self._keys) and any(map(body.lower().__contains__, self._keys))

    def may_be_met(self, label: str, *, sent: bytes) -> bool:
        """Whether an id could hold something of a request, or of the key; a quick look, which says yes once too often.

        Every accepted call has an id, so most of them are told by their looks alone: hexadecimal digits.

        :param sent: the body of the request.
        """
        lowered = label.lower().encode(errors="replace")
        plain = lowered.translate(None, _SEPARATORS)
        for piece in self._pieces:
            if piece in plain:
                return True
        looks = plain.translate(_LOOKS)
        has_words, has_digits = b"w" in looks, b"0" * _NUMBER_PIECE_OF_ID in looks
        if not has_words and not has_digits:
            return False
        body = sent.lower().translate(None, _SEPARATORS)  # a value may have separators where the id has none
        if has_words and (
            not label.isascii() or plain.endswith(b"=") or any(word in body for word in _ID_WORD.findall(lowered))
        ):
            return True
        digits = plain.translate(None, _NO_DIGITS)
        # every third place: of seven digits in a row five are then met
        looks_alike = any(
            digits[at : at + _NUMBER_PIECE] in body for at in range(0, len(digits) - _NUMBER_PIECE + 1, 3)
        )
        pieces = range(len(digits) - _NUMBER_PIECE_OF_ID + 1)
        return looks_alike and any(digits[at : at + _NUMBER_PIECE_OF_ID] in body for at in pieces)

    def without_secrets(self, value: Any) -> Any:
        """An answer without the key, wherever in it the key stands."""
        if isinstance(value, str):
            return without(value, [*_places(value, self.secrets.spans)])
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
        """Pieces of the key, so close together that whatever is half as long again as one holds one."""
        least, most = _SECRET_PIECE
        found: dict[bytes, None] = {}
        for text in (fold(value).text for value in self.secrets.values):
            size = min(len(text), max(len(text) // 4, least), most)
            found.update(
                (text[at : at + size].encode(), None) for at in range(0, len(text) - size + 1, max(1, size // 2))
            )
        return tuple(found)


class Secrets:
    """Values of which no piece may be shown.

    :ivar values: those that have letters or digits.
    :ivar symbols: those that are no letters and no digits.
    """

    def __init__(self, values: Iterable[str]) -> None:
        self.symbols: list[str] = []
        self._pieces: dict[int, set[str]] = {}
        least, most = _SECRET_PIECE
        self.values: list[str] = []
        for value in filter(str.strip, values):
            plain = fold(value).text
            if not plain:
                self.symbols.append(value.strip())
                continue
            self._add(plain, size=min(len(plain), max(len(plain) // 4, least), most))
            self.values.append(value)
            for form in _in_base64(value):
                self._add(fold(form).text, size=_ENCODED_PIECE)

    def spans(self, said: Folded) -> Iterator[tuple[int, int]]:
        """Where in it a text says a piece of a secret."""
        text = said.text
        for size, pieces in self._pieces.items():
            for start in range(len(text) - size + 1):
                if text[start : start + size] in pieces:
                    yield start, start + size

    def _add(self, text: str, *, size: int) -> None:
        self._pieces.setdefault(size, set()).update(text[start : start + size] for start in range(len(text) - size + 1))


class Scrub:
    """Scrubs the texts of one answer. What the request held is read once a text is to be kept, and not before.

    :param sent: the body of the request.
    :param secrets: the connection's.
    :param keeps_messages: as in `Discretion`.
    """

    def __init__(self, sent: bytes | None, *, secrets: Secrets, keeps_messages: bool) -> None:
        self._secrets = secrets
        self._keeps_messages = keeps_messages
        self._rows = b""
        self.names: set[str] = set()
        """The names of the fields that were sent."""
        self._own_secrets: list[str] = []
        self._words: set[str] = set()
        self._short: set[str] = set()
        self._symbols: set[str] = set()
        self._verbatim: set[bytes] = set()  # as it may stand in what is encoded
        self._numbers: list[str] = []
        self._pieces: dict[int, set[str]] = {}
        self._read(sent)
        self._own = Secrets(self._own_secrets)
        self._symbols.update(secrets.symbols, self._own.symbols)
        self._verbatim.update(form.encode().lower() for form in (*secrets.values, *self._own.values) if len(form) > 3)

    def message(self, text: str, *, limit: int = 200) -> str:
        """Words of the vendor, fit to be kept; empty where the connection keeps none."""
        return self.shown(text, limit=limit) if self._keeps_messages else ""

    def shown(self, text: str, *, limit: int = 200) -> str:
        """A text in one line, without what was sent and without numbers, at most ``limit`` characters."""
        plain = in_one_line(text, limit=limit)
        return covered(plain, self._hidden(plain), limit=limit)

    def label(self, text: str) -> str:
        """An id, without what was sent. Digits of its own stay: without them it would be none."""
        return without(text, self._repeated(text, self._of_an_id))

    def _hidden(self, text: str) -> list[Span]:
        return [*self._repeated(text, self._of_a_sentence), *self._values_in(text)]

    def _repeated(self, text: str, find: _Find) -> list[Span]:
        within = [place for place, meant in encoded(text) if any(map(meant.__contains__, self._verbatim))]
        return [*_places(text, find), *within, *self._symbols_in(text)]

    def _of_a_sentence(self, said: Folded) -> Iterator[tuple[int, int]]:
        yield from self._of_any(said, digits=_NUMBER_PIECE, words=self._words)

    def _of_an_id(self, said: Folded) -> Iterator[tuple[int, int]]:
        words = [
            word
            for word in self._words - _WORDS_OF_IDS
            if len(word) >= (_NUMBER_PIECE_OF_ID if word.isdigit() else _SHORTEST_WORD_OF_ID)
        ]
        yield from self._of_any(said, digits=_NUMBER_PIECE_OF_ID, words=words)

    def _of_any(self, said: Folded, *, digits: int, words: Iterable[str]) -> Iterator[tuple[int, int]]:
        yield from self._secrets.spans(said)
        yield from self._own.spans(said)
        if pieces := self._pieces_of(digits):
            for start in range(len(said.text) - digits + 1):
                if said.text[start : start + digits] in pieces:
                    yield start, start + digits
        for word in words:
            start = said.text.find(word)
            while start >= 0:
                end = start + len(word)
                if len(word) >= _LONG_WORD or {start, end} <= said.edges or _SPACELESS.search(word):
                    yield start, end
                start = said.text.find(word, start + 1)
        if self._rows:
            starts = accumulate(map(len, said.words), initial=0)
            for word, start in zip(said.words, starts, strict=False):
                if len(word) >= _SHORTEST_WORD and word.encode() in self._rows:
                    yield start, start + len(word)

    def _pieces_of(self, size: int) -> set[str]:
        """Every so many digits in a row of the numbers that were sent."""
        if size not in self._pieces:
            ends = ((digits, end) for digits in self._numbers for end in range(size, len(digits) + 1))
            self._pieces[size] = {digits[end - size : end] for digits, end in ends}
        return self._pieces[size]

    def _values_in(self, text: str) -> Iterator[Span]:
        if self._short:
            for match in _AS_VALUE.finditer(text):
                if match[1].casefold() in self._short or match[1].casefold().rstrip(".") in self._short:
                    yield match.span(1)

    def _symbols_in(self, text: str) -> Iterator[Span]:
        for symbol in self._symbols:
            start = text.find(symbol)
            while start >= 0:
                yield start, start + len(symbol)
                start = text.find(symbol, start + len(symbol))

    def _read(self, sent: bytes | None) -> None:
        try:
            body = json.loads(sent) if sent else None
        except (ValueError, RecursionError):
            self._rows = _rows_of(sent or b"")
            return
        known = body.items() if isinstance(body, dict) else [("", body)]
        self.names.update(name for name, _ in known)
        self._own_secrets += [value for name, value in known if name in _SECRET_FIELDS and isinstance(value, str)]
        pending = [value for name, value in known if name not in _OWN_FIELDS]
        for _ in range(_MOST_VALUES):  # not recursive: a value may be nested deeper than Python calls
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
            self._numbers.append(value.lstrip("+"))
            self._verbatim.add(value[-_NUMBER_PIECE_OF_ID:].encode())
            return
        said = fold(value)
        whole = said.text
        if len(whole) < _SHORTEST_WORD and not (len(whole) > 1 and _SPACELESS.search(whole)):
            plain = value.strip().casefold()
            self._short.add(plain)
            if not whole and (len(plain) > 3 or not plain.isascii()):
                self._symbols.add(value.strip())
            return
        self._words.add(whole)
        pieces = value.split()
        words = said.words if len(said.words) == len(pieces) else [*said.words, *(fold(each).text for each in pieces)]
        self._words.update(word for word in words if len(word) >= _SHORTEST_WORD)
        self._verbatim.update(each.encode().lower() for each in pieces if len(each) >= _SHORTEST_WORD_OF_ID)


def _places(text: str, find: _Find) -> Iterator[Span]:
    for said in readings(text):
        yield from (said.place(start, end) for start, end in find(said))


def _rows_of(body: bytes) -> bytes:
    """The rows of a file that was sent in parts, in lower case: not its header, nor what the other parts say."""
    boundary, _, rest = body.partition(b"\r\n")
    file = rest.partition(b"\r\n\r\n")[2].partition(boundary)[0] if boundary else b""
    return file.partition(b"\n")[2].lower()


def _in_base64(secret: str) -> Iterator[str]:
    """A secret in base64, as it looks wherever in a longer text it begins, without the characters shared with that."""
    for before, shared in ((0, 0), (1, 2), (2, 3)):
        text = base64.b64encode(b"\0" * before + secret.encode()).decode()
        end = len(text.rstrip("=")) - (text.endswith("="))
        if end - shared >= _ENCODED_PIECE:
            yield text[shared:end]
