"""How keys, texts and times become values that every database can hold.

Users choose their keys and vendors their messages: any script, any length, now and then a character that no database
takes. A call must not fail for that, so texts are shortened and mended here. Only what must be told apart is digested.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from hashlib import blake2b
from typing import TypeVar

MAX_TEXT = 1_000  # characters of scope, key and run that are kept for whoever reads the table

_Item = TypeVar("_Item")


def digest(text: str) -> str:
    """BLAKE2b-128 of a text, as 32 hexadecimal digits: what tells two texts apart whatever their length and script."""
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def storable(text: str, *, limit: int = MAX_TEXT, ascii_only: bool = False) -> str:
    """The text as a column can hold it.

    :param limit: characters; what is beyond is cut off.
    :param ascii_only: write other scripts as escapes, for a connection whose character set lacks them.
    """
    if not text.isascii():
        text = (
            text.encode("ascii", "backslashreplace").decode()
            if ascii_only
            else text.encode("utf-8", "replace").decode()
        )
    if "\0" in text:  # PostgreSQL has no such character
        text = text.replace("\0", " ")
    return text if len(text) <= limit else text[:limit]


def distinct(text: str) -> str:
    """A short text as :func:`storable` gives it; a long one shortened so that two different ones stay different."""
    plain = storable(text, limit=len(text) * 10, ascii_only=True)
    return plain if len(plain) <= MAX_TEXT else plain[: MAX_TEXT - 33] + "#" + digest(text)


def as_digits(number: str) -> str:
    """A phone number, E.164, as the table keeps it: what caps and people search for."""
    return number.removeprefix("+")[:32]


def without_zone(instant: datetime) -> datetime:
    """An instant as the table keeps it: UTC, and no offset beside it."""
    return instant.astimezone(UTC).replace(tzinfo=None)


def as_text(instant: datetime) -> str:
    """What a driver is given for a column of instants: every database reads it, and SQLite keeps it so."""
    return instant.isoformat(" ", "microseconds")


def as_instant(value: datetime | str) -> datetime:
    """What a driver gave back for such a column."""
    return datetime.fromisoformat(value) if isinstance(value, str) else value


def chunks(items: Sequence[_Item], *, size: int) -> Iterator[Sequence[_Item]]:
    """The items in their order, at most ``size`` at a time."""
    for start in range(0, len(items), size):
        yield items[start : start + size]
