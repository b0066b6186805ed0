"""Whether a vendor has signed a body. Pure.

Callaro names a signature "v1" by HMAC and not the form of its header (source: post-call webhook reference), MrAssistant
a secret and nothing else (source: create campaign). So the forms that others use are read: the digest in hexadecimal or
base64, bare or named ``v1=`` or ``sha256=``, several of them while a secret is changed, and with ``t=`` an instant that
is signed along.

A signed delivery that somebody sends again changes nothing, because the same event is the same row. So the age of ``t``
is not judged: a vendor's own late delivery would be lost.
"""

from __future__ import annotations

import hashlib
import hmac
from base64 import b64encode
from collections.abc import Sequence

LONGEST_HEADER = 1000  # characters
MOST_DIGESTS = 5
_DIGEST_NAMES = ("v1", "sha256")


def is_signed(body: bytes, *, header: str | None, secrets: Sequence[str]) -> bool:
    """Whether one of the secrets made one of the digests of the header.

    :param header: the value of the header that carries the signature; None where there is none.
    :param secrets: the secrets that are good now.
    """
    if header is None or len(header) > LONGEST_HEADER or not header.isascii():
        return False
    instant, digests = _parts(header)
    signed = body if instant is None else instant.encode() + b"." + body
    made = [hmac.new(secret.encode(), signed, hashlib.sha256).digest() for secret in secrets]
    spelt = [text.encode() for each in made for text in (each.hex(), b64encode(each).decode())]
    # Every comparison is made, whichever holds, so that the time taken tells nothing.
    return sum(hmac.compare_digest(each, digest) for each in spelt for digest in digests) > 0


def _parts(header: str) -> tuple[str | None, list[bytes]]:
    """The instant, if one is signed along, and the digests."""
    instant, digests = None, []
    for part in header.split(","):
        name, _, value = (each.strip() for each in part.partition("="))
        if name == "t" and value:
            instant = value
        elif name in _DIGEST_NAMES:
            digests.append(_comparable(value))
        else:
            digests.append(_comparable(part.strip()))
    return instant, digests[:MOST_DIGESTS]


def _comparable(digest: str) -> bytes:
    is_hexadecimal = len(digest) == hashlib.sha256().digest_size * 2
    return (digest.lower() if is_hexadecimal else digest).encode()
