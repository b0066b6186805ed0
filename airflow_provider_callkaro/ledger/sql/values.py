"""Coercion of keys, texts and instants to values that every database can hold.

Users choose their keys and vendors their messages: in any script and length, sometimes with a character that no
database takes. A call must not fail because of that, so texts are shortened and cleaned here. Texts that must remain
distinct are replaced by a digest.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from hashlib import blake2b
from typing import TypeVar

MAX_TEXT = 1_000  # characters of scope, key and run that are kept for readers of the table

_Item = TypeVar("_Item")


def digest(text: str) -> str:
    """BLAKE2b-128 of a text, as 32 hexadecimal digits: distinct for texts of any length and script."""
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def storable(text: str, *, limit: int = MAX_TEXT, ascii_only: bool = False) -> str:
    """The text as a column can hold it. ``limit``: characters; a longer text is cut. ``ascii_only``: escape other
    scripts, for a connection whose character set lacks them."""
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
    """A text as `storable` gives it; a long one is shortened so that two different texts stay different."""
    plain = storable(text, limit=len(text) * 10, ascii_only=True)
    return plain if len(plain) <= MAX_TEXT else plain[: MAX_TEXT - 33] + "#" + digest(text)


def as_digits(number: str) -> str:
    """A phone number, E.164, as the table keeps it: its digits, for which caps and people search."""
    return number.removeprefix("+")[:32]


def without_zone(instant: datetime) -> datetime:
    """An instant as the table keeps it: UTC, and no offset beside it."""
    return instant.astimezone(UTC).replace(tzinfo=None)


def as_text(instant: datetime) -> str:
    """An instant as a driver takes it: a text that every database reads, and that SQLite stores."""
    return instant.isoformat(" ", "microseconds")


def as_instant(value: datetime | str) -> datetime:
    """An instant as a driver returns it."""
    return datetime.fromisoformat(value) if isinstance(value, str) else value


def chunks(items: Sequence[_Item], *, size: int) -> Iterator[Sequence[_Item]]:
    """The items in their order, at most ``size`` at a time."""
    for start in range(0, len(items), size):
        yield items[start : start + size]
