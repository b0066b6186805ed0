"""What is planted, and by which of its pieces each is recognised."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

PIECE = 10  # characters of a key in a row that give it away
_SYLLABLES = [consonant + vowel for consonant in "bdfgklmnprstvz" for vowel in "aeiou"]
_SIZES = (8, 9, 10, 12, 16, 20, 32, 64)  # bytes of a BLAKE2 digest
_TELLING = 9  # letters and digits of a digest


class Kind(StrEnum):
    """The kinds of data, by the words of the table in SECURITY.md."""

    NUMBER = "phone number"
    NAME = "name"
    METADATA = "metadata"
    CALL_KEY = "call key"
    KEY = "key, token, secret"
    VENDOR_TEXT = "vendor's text"
    DIGEST = "digest"


@dataclass(frozen=True, slots=True)
class Planted:
    """One value that is recognised wherever it turns up.

    :param text: as it is planted.
    :param whose: says in a failure which one it is, without showing it.
    """

    kind: Kind
    text: str
    whose: str

    def pieces(self) -> Iterator[str]:
        """What gives it away, in small letters and digits alone."""
        plain = "".join(filter(str.isalnum, self.text.lower()))
        match self.kind:
            case Kind.NUMBER:
                yield plain[2:]  # without the country: so it is found with and without
            case Kind.KEY:
                for start in range(len(plain) - PIECE + 1):
                    yield plain[start : start + PIECE]
            case Kind.NAME:
                yield from self.text.lower().split()
            case _:
                yield plain


def number(whose: str) -> Planted:
    """A mobile number of India that nobody else has here."""
    return Planted(Kind.NUMBER, f"+9198{int(_hash(whose), 16) % 10**8:08d}", whose)


def name(whose: str) -> Planted:
    """A first and a last name that are nobody's."""
    return Planted(Kind.NAME, " ".join(_word(f"{whose} {part}").title() for part in ("first", "last")), whose)


def fact(whose: str) -> Planted:
    """Something that is known of a person."""
    return Planted(Kind.METADATA, f"{_word(whose)} {int(_hash(whose), 16) % 1000}", whose)


def call_key(whose: str) -> Planted:
    """Under which a person may be rung once."""
    return Planted(Kind.CALL_KEY, f"customer-{_word(whose)}", whose)


def secret(whose: str) -> Planted:
    """A key, a token or a password."""
    return Planted(Kind.KEY, _hash(whose)[:40], whose)


def given_by_the_vendor(token: str) -> Planted:
    """A token that a vendor made up."""
    return Planted(Kind.KEY, token, "token")


VENDOR_TEXT = Planted(Kind.VENDOR_TEXT, "You sent", "echo")


def digests_of(planted: Iterable[Planted]) -> Iterator[Planted]:
    """What numbers come to without a key, by every common way: whoever has that has the number, by trying all."""
    for each in planted:
        for spelling in {each.text, each.text.lstrip("+"), each.text[3:], f"key:{each.text}"}:
            data = spelling.encode()
            made = [hashlib.new(way, data).digest() for way in ("md5", "sha1", "sha256", "sha512")]
            made += [hashlib.blake2b(data, digest_size=size).digest() for size in _SIZES]
            for digest in made:
                yield Planted(Kind.DIGEST, digest.hex()[:16], each.whose)
                short = "".join(filter(str.isalnum, base64.urlsafe_b64encode(digest).decode()[: _TELLING + 3]))
                yield Planted(Kind.DIGEST, short[:_TELLING], each.whose)


def _hash(whose: str) -> str:
    return hashlib.sha256(f"planted {whose}".encode()).hexdigest()


def _word(whose: str) -> str:
    digest = hashlib.sha256(whose.encode()).digest()
    return "".join(_SYLLABLES[byte % len(_SYLLABLES)] for byte in digest[:6])
