"""Keyed digests (HMAC-SHA256): only who has the secret can tell people, calls and runs apart.

An unkeyed digest of a phone number hides nothing: there are so few numbers that all can be tried. The secret of a keyed
ledger is not stored in it. Each purpose has a key of its own, derived from the secret, so a digest for one purpose is
useless for another. A digest names the key that made it (``k1:…``): no clear value looks like one, and two keys can be
in use while one replaces the other.
"""

from __future__ import annotations

import hmac
import re
from binascii import b2a_base64
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from typing import Any

from airflow_provider_callkaro.exceptions import ConfigurationError
from airflow_provider_callkaro.half_made import shown_half_made

FIELD = "ledger_secret"  # of a connection's extra; Airflow masks the values of fields that are called so
SHORTEST_SECRET = 32  # characters
_BLOCK = 64  # bytes of a block of SHA-256
_BYTES = 16  # of a digest: 128 bits
_CHARACTERS = 22  # that many characters hold them
_URL_SAFE = bytes.maketrans(b"+/", b"-_")
_SALT = b"airflow-provider-callkaro ledger 1"
_SECRET = re.compile(rf"([a-z][a-z0-9]{{0,7}}):(\S{{{SHORTEST_SECRET},}})")
_DIGEST = re.compile(rf"([a-z][a-z0-9]{{0,7}}):[A-Za-z0-9_-]{{{_CHARACTERS}}}")
_HOW = (
    f'"k1:" and a secret of at least {SHORTEST_SECRET} characters without blanks, such as what python -c "import '
    "secrets; print('k1:' + secrets.token_hex(32))\" prints"
)


class Purpose(StrEnum):
    """What a digest is for. These words are part of every stored digest: they never change."""

    NUMBER = "number"
    """Of the digits of a phone number."""
    CALL = "call"
    """Of the key under which a person may be rung once."""
    RUN = "run"
    """Of the task instance of one run."""
    PLACE = "place"
    """Of the id that a row has in a ledger without a key."""
    CHECK = "check"
    """Tells whether two secrets of one name are the same."""
    AUDIT = "audit"
    """Seals a line of the audit trail."""

    __hash__ = str.__hash__  # that of an enumeration takes half as long as the digest itself


class LedgerKey:
    """One secret and its name.

    :param id: its name: a lower-case letter, then up to seven lower-case letters or digits. Each digest begins with it.
    :param secret: a text that cannot be guessed. It is not kept, only the keys derived from it are.
    """

    __slots__ = ("_prefix", "_states", "id")

    def __init__(self, *, id: str, secret: str) -> None:  # noqa: A002
        self.id = id
        self._prefix = f"{id}:"
        root = hmac.digest(_SALT, secret.encode(), "sha256")
        self._states = {purpose: _states(hmac.digest(root, purpose.encode() + b"\1", "sha256")) for purpose in Purpose}

    @shown_half_made
    def __repr__(self) -> str:
        return f"LedgerKey(id={self.id!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, LedgerKey) and (self.id, self.check) == (other.id, other.check)

    def __hash__(self) -> int:
        return hash((self.id, self.check))

    @property
    def check(self) -> str:
        """A value, safe to keep with the ledger, that differs for another secret of the same name."""
        return self.digest(Purpose.CHECK, self.id)

    def digest(self, purpose: Purpose, text: str) -> str:
        """The digest of a text, 128 bits, after the key's name: 31 characters at most."""
        mac = b2a_base64(self._mac(purpose, text)[:_BYTES], newline=False)
        return self._prefix + mac[:_CHARACTERS].translate(_URL_SAFE).decode()

    def place(self, id_: str) -> str:
        """The 20 hexadecimal digits of the digest of an id, without the key's name."""
        return self._mac(Purpose.PLACE, id_)[:10].hex()

    def _mac(self, purpose: Purpose, text: str) -> bytes:
        # HMAC by its definition, from states that are prepared once: hmac.digest takes three times as long.
        before, after = self._states[purpose]
        inner, outer = before.copy(), after.copy()
        inner.update(text.encode("utf-8", "surrogatepass"))
        outer.update(inner.digest())
        digest: bytes = outer.digest()
        return digest


@dataclass(frozen=True, slots=True)
class LedgerKeys:
    """The keys that a process knows, at least one; the first is for writing. Raises ValueError if there is none, or two
    have one name."""

    keys: tuple[LedgerKey, ...]

    def __post_init__(self) -> None:
        if len({key.id for key in self.keys}) != len(self.keys) or not self.keys:
            raise ValueError("a ledger needs one key at least, and each must have a name of its own")

    @property
    def first(self) -> LedgerKey:
        """The key for writing."""
        return self.keys[0]

    def find(self, id_: str) -> LedgerKey | None:
        """The key of this name; None if there is none."""
        return next((key for key in self.keys if key.id == id_), None)


def read_keys(value: object, *, where: str) -> LedgerKeys | None:
    """The keys that the field of a connection's extra holds.

    :param value: ``"k1:secret"``, or a list of such texts, the one for writing first; no value means a clear ledger.
    :param where: what holds the field, for the message, such as ``connection "call_ledger"``.
    :return: None without a value.
    :raises ConfigurationError: it is something else, or two have one name. The message does not quote it.
    """
    if value in (None, "", []):
        return None
    texts = value if isinstance(value, (list, tuple)) else [value]
    found = [_SECRET.fullmatch(text.strip()) if isinstance(text, str) else None for text in texts]
    keys = [LedgerKey(id=one[1], secret=one[2]) for one in found if one is not None]
    expected = len(texts)
    del value, texts, found  # a traceback that keeps the variables of this frame keeps no secret
    if len(keys) < expected:
        raise ConfigurationError(f'"{FIELD}" in the extra of {where} must be {_HOW}, or a list of such texts')
    if len({key.id for key in keys}) < len(keys):
        raise ConfigurationError(f'two secrets in "{FIELD}" in the extra of {where} have one name: call the new one k2')
    return LedgerKeys(tuple(keys))


def key_of(text: str) -> str | None:
    """The name of the key that made a digest; None for a text that is no digest."""
    found = _DIGEST.fullmatch(text)
    return found and found[1]


def _states(key: bytes) -> tuple[Any, Any]:
    """SHA-256 after the inner and after the outer block of HMAC."""
    block = key.ljust(_BLOCK, b"\0")
    return sha256(bytes(byte ^ 0x36 for byte in block)), sha256(bytes(byte ^ 0x5C for byte in block))
