"""The text of a file as UTF-8, whatever it is written in.

The author says which encoding that is, or a byte order mark at the file's beginning does. Nothing is guessed from the
letters: the same bytes are other letters in each of dozens of encodings, and names would be read aloud wrongly.
"""

from __future__ import annotations

import codecs
import io
from typing import Any, BinaryIO

from airflow_provider_callkaro.exceptions import ConfigurationError

_MARKS = (  # that of UTF-32 begins as that of UTF-16 does
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
    (codecs.BOM_UTF8, "utf-8"),
)
_ESCAPES = frozenset({"idna", "punycode", "raw_unicode_escape", "undefined", "unicode_escape", "utf-7"})
_PLAIN = '+0123456789,;|\t"\n'  # what any encoding of a list can hold
_UNREADABLE = "airflow_provider_callkaro.unreadable"
_PIECE = 1 << 16  # bytes

codecs.register_error(_UNREADABLE, lambda error: ("\udcff", getattr(error, "end", 0)))


def check_encoding(encoding: str | None) -> str | None:
    """The encoding as Python names it; None stays None. Raises ConfigurationError if Python knows no encoding of that
    name that a text file can have."""
    if encoding is None:
        return None
    try:
        name = codecs.lookup(encoding).name
        if name not in _ESCAPES and _PLAIN.encode(name).decode(name) == _PLAIN:
            return name
    except (LookupError, TypeError, ValueError):
        pass
    raise ConfigurationError("encoding is none that a text file can have: name one such as utf-8, utf-16 or cp1252")


def in_utf8(file: BinaryIO, encoding: str | None, *, name: str) -> BinaryIO:
    """The file as UTF-8. Bytes that mean nothing in its encoding become one that means nothing in UTF-8.

    :param file: a binary file that has ``peek``.
    :param encoding: as `check_encoding` gives it; None takes what the byte order mark says, and UTF-8 without one.
    :param name: the file's name, for messages.
    :raises ConfigurationError: the byte order mark says another encoding.
    """
    begin: bytes = file.peek(4)[:4]  # type: ignore[attr-defined]
    marked = next((found for mark, found in _MARKS if begin.startswith(mark)), None)
    if encoding is not None and marked is not None and not encoding.startswith(marked):
        raise ConfigurationError(
            f"contacts: {name} begins with the byte order mark of {marked}, and encoding says {encoding}: leave "
            "encoding out"
        )
    found = encoding or marked or "utf-8"
    return file if found.startswith("utf-8") else io.BufferedReader(_Recoded(file, found))


class _Recoded(io.RawIOBase):
    """A file in another encoding, as UTF-8."""

    def __init__(self, file: BinaryIO, encoding: str) -> None:
        self._file = file
        self._decoder = codecs.getincrementaldecoder(encoding)(errors=_UNREADABLE)
        self._left = memoryview(b"")
        self._has_ended = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._left and not self._has_ended:
            piece = self._file.read(_PIECE)
            self._has_ended = not piece
            text = self._decoder.decode(piece, final=self._has_ended)
            self._left = memoryview(text.encode("utf-8", errors="surrogateescape"))
        count = min(len(buffer), len(self._left))
        buffer[:count] = self._left[:count]
        self._left = self._left[count:]
        return count
