"""Redaction: how a phone number, or a text from outside, may be shown.

Logs, errors, XComs, links and reports show `+91••••••3210`: enough to recognise a known number, too little to find an
unknown one. The country gives away its code and the length of its numbers, so at least six digits after the code are
hidden; where a country's numbers are short, fewer are shown, or none. A text from outside (a vendor's message) is
masked wherever it holds a run of digits long enough to be a number.
"""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Iterable, Sequence
from typing import TypeAlias

DOTS = "••••••"
HIDDEN_DIGITS = 6  # after the country code, at least
SHOWN_DIGITS = 4  # at the end, at most
FEWEST_DIGITS = 7  # of a possible number in a text
HIDDEN = "•••"  # in the place of hidden text that is no number
_NUMBER = re.compile(rf"\+?0(?:(?:-{{0,3}}|\+)0){{{FEWEST_DIGITS - 1},}}")  # in the outline of a text
# The country code. Source: ITU-T E.164, list of assigned codes; those that are not spelt out have three digits.
_CODE = re.compile(r"[17]|2[07]|3[0-469]|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58]|[0-9]{0,3}")

Span: TypeAlias = tuple[int, int]
"""Where a piece of a text begins and ends (excluded)."""


def mask_number(number: str) -> str:
    """`+919876543210` as `+91••••••3210`.

    Without a ``+`` no country code is shown, and of a number too short to hide six digits nothing is.
    """
    digits = plain_digits(number)
    match = _CODE.match(digits) if number.lstrip().startswith("+") else None
    code = match[0] if match else ""
    shown = len(digits) - len(code) - HIDDEN_DIGITS
    if shown < 0:
        return DOTS
    tail = digits[-min(shown, SHOWN_DIGITS) :] if shown else ""
    return f"{'+' if code else ''}{code}{DOTS}{tail}"


def mask_error(error: BaseException) -> str:
    """An error whose message may quote data or keys: its class, and the system's message where it has one."""
    number = error.errno if isinstance(error, OSError) else None
    kind = type(error).__name__
    return f"{kind}, {os.strerror(number)}" if isinstance(number, int) else kind


def mask_text(text: str, *, limit: int = 200) -> str:
    """A text from outside, fit for a log line: one line, numbers masked, at most ``limit`` characters."""
    return covered(in_one_line(text, limit=limit), (), limit=limit)


def in_one_line(text: str, *, limit: int) -> str:
    """As much of a text as is needed to show ``limit`` characters of it, in one line of printable characters."""
    longest = 4 * limit
    plain = " ".join("".join(character if character.isprintable() else " " for character in text[:longest]).split())
    if len(text) > longest:
        plain = plain.rpartition(" ")[0] or plain  # half a word could not be recognised
    return plain


def covered(plain: str, hidden: Iterable[Span], *, limit: int) -> str:
    """A text in one line with hidden spans and numbers masked, at most ``limit`` characters. ``hidden``: the spans that
    must not be shown; a span within a number is masked as the number."""
    numbers = [match.span() for match in _NUMBER.finditer(_outline(plain))]
    within = (span for span in hidden if not any(start <= span[0] and span[1] <= end for start, end in numbers))
    shown, at = [], 0
    for start, end, is_number in _merged([(*span, True) for span in numbers] + [(*span, False) for span in within]):
        shown += [plain[at:start], mask_number(plain[start:end]) if is_number else HIDDEN]
        at = end
    text = "".join([*shown, plain[at:]])
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def without(text: str, hidden: Sequence[Span]) -> str:
    """A text with its hidden spans masked; nothing else of it changes."""
    shown, at = [], 0
    for start, end, _ in _merged([(*span, False) for span in hidden]):
        shown += [text[at:start], HIDDEN]
        at = end
    return "".join([*shown, text[at:]])


def _merged(spans: list[tuple[int, int, bool]]) -> list[tuple[int, int, bool]]:
    """The spans in their order, with those that touch joined; a joined span is a number if all its parts are."""
    merged: list[tuple[int, int, bool]] = []
    for start, end, is_number in sorted(spans):
        if merged and start < merged[-1][1] + (not is_number and not merged[-1][2]):
            first, last, was_number = merged[-1]
            merged[-1] = (first, max(last, end), was_number and is_number)
        else:
            merged.append((start, end, is_number))
    return merged


def _outline(text: str) -> str:
    """A text with each digit as 0, each letter as a, each plus sign as +, and each other character as -."""
    if text.isascii():
        return text.translate(_ASCII_OUTLINE)
    return "".join(_shape(character) for character in text)


def _shape(character: str) -> str:
    if character == "+":
        return "+"
    if character.isdigit():  # in any script, and as a superscript or in a circle
        return "0"
    return "a" if character.isalpha() else "-"


_ASCII_OUTLINE = {ordinal: _shape(chr(ordinal)) for ordinal in range(128)}


def plain_digits(text: str) -> str:
    """The digits of a text, of any script, as ASCII."""
    return "".join(str(unicodedata.digit(character)) for character in text if character.isdigit())
