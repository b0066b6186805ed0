"""A person and a key, planted in what comes from outside, and the looks at whether they come out again.

The suite runs some hundred examples of each property; as many as wanted with the variable ``LEAK_EXAMPLES``.
"""

from __future__ import annotations

import os
import random
import resource
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

EXAMPLES = int(os.environ.get("LEAK_EXAMPLES", "200"))
BOUND = 64 * 1024  # KB by which one example may raise the memory's highest mark
LONGEST = 20.0  # seconds of the processor that one example may take, and ends after
KEY = "ck_live_9f8a7b6c5d4e3f2a1b0c"
NUMBER = "+919876543210"
PERSON = {"name": "Zebulon Quaxworth", "ssn": "917-63-8254", "note": "owes wugfyxjuk"}
PLANTED = ("9876543210", "98765 43210", "98765-43210", "Zebulon", "Quaxworth", "917-63-8254", "wugfyxjuk", KEY, KEY[8:])

ODD = [None, True, 0, -1, 1e400, "", " ", "nan", "\ud800", "\0", "{{ 1 }}", "2026-13-45T99:00", [[]], {}, "9" * 5000]
SPECIAL = [b'"', b"\n", b"\r", b"\0", b",", b"\xff", b"\xe2\x80", b"{", b"["]
ANSWER_FIELDS = [
    *("id", "status", "state", "data", "meta", "pages", "page", "detail", "loc", "msg", "message", "error", "errors"),
    *("call_sid", "batch_id", "campaign_id", "request_id", "error_code", "next", "total_targets", "access_token"),
    *("name", "code", "reason", "success", "items", "results", "count", "fields", "type", "to_number", "phone_number"),
]


def planted(chance: random.Random) -> Any:
    return chance.choice([NUMBER, "98765 43210", *PERSON.values(), KEY, f"{PERSON['name']} <{NUMBER}>", *ODD])


def nested(chance: random.Random, names: list[str], depth: int = 0) -> Any:
    """Any JSON, with what was planted in it."""
    kind = chance.random()
    if depth > 3 or kind < 0.4:
        return planted(chance)
    if kind < 0.6:
        return [nested(chance, names, depth + 1) for _ in range(chance.randrange(4))]
    return {
        (chance.choice(names) if chance.random() < 0.9 else str(planted(chance))): nested(chance, names, depth + 1)
        for _ in range(chance.randrange(1, 6))
    }


def mutated(chance: random.Random, content: bytes, bits: bytes) -> bytes:
    """Bytes cut short, turned, doubled, or with others put in."""
    changed = bytearray(content)
    for _ in range(chance.randrange(3)):
        at = chance.randrange(len(changed) + 1)
        match chance.randrange(5):
            case 0:
                changed[at:at] = bits
            case 1:
                del changed[at : at + chance.randrange(40)]
            case 2:
                changed[at : at + 1] = bytes([chance.randrange(256)])
            case 3:
                changed[at:at] = changed[: chance.randrange(200)]
            case 4:
                changed[at : at + 1] = chance.choice(
                    [b'"', b"\n", b"\r", b"\0", b",", b"\xff", b"\xe2\x80", b"{", b"["]
                )
    return bytes(changed)


def told_of(error: BaseException) -> None:
    """Look at all that a log prints of an error, and at what it carries."""
    link: BaseException | None = error
    while link is not None:
        told(f"{link!r} {link} {getattr(link, 'reason', '')}")
        told(str(getattr(link, "request_id", "")))
        link = link.__cause__ or (None if link.__suppress_context__ else link.__context__)


def told(text: str) -> None:
    """Look at what is shown."""
    assert not [secret for secret in PLANTED if secret.casefold() in text.casefold()], text


@contextmanager
def within_bounds() -> Iterator[None]:
    """See that one example neither hangs nor takes much memory."""

    def end(*_: object) -> None:
        raise TimeoutError("an example hangs")

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.process_time()
    handler = signal.signal(signal.SIGPROF, end)
    signal.setitimer(signal.ITIMER_PROF, LONGEST)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, handler)
    assert time.process_time() - began < LONGEST
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < BOUND
