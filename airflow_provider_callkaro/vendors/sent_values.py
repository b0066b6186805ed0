"""What a request held, sorted by how each value is hidden in the answer to it."""

from __future__ import annotations

import json
import re

from airflow_provider_callkaro.calls.folding import fold

NUMBER_PIECE_OF_ID = 7  # digits of a phone number that an id may not repeat
SHORTEST_WORD = 3  # characters of a word that a sentence may not repeat
SHORTEST_WORD_OF_ID = 4  # letters of a word that an id may not repeat
_MAX_VALUES = 200_000  # of one request
_NUMBER = re.compile(r"\+?[0-9]{6,15}")
SPACELESS = re.compile("[\u0e00-\u0eff\u1000-\u11ff\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\U00020000-\U0003ffff]")
"""A letter of a script that puts no spaces between words: Thai, Han and others."""


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
