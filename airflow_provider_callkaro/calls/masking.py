"""The one mask: how a phone number may be shown.

Logs, errors, XComs, links and reports show `+91••••••3210`: enough to recognise a number that one knows, too little to
dial it. Text that comes from outside (a vendor's message) is masked wherever it holds a run of digits long enough to be
a number.
"""

from __future__ import annotations

import os
import re

_DOTS = "••••••"
_NUMBER_IN_TEXT = re.compile(r"\+?\d(?:[ ./()\[\]\-\u2010-\u2015\u2212\u00b7]{0,3}\d){6,}")


def mask_number(number: str) -> str:
    """`+919876543210` as `+91••••••3210`; anything shorter than eight digits is hidden whole."""
    digits = "".join(filter(str.isdigit, number))
    if len(digits) < 8:
        return _DOTS
    return f"{'+' if number.lstrip().startswith('+') else ''}{digits[:2]}{_DOTS}{digits[-4:]}"


def mask_error(error: BaseException) -> str:
    """An error whose own words may quote data or keys: its kind, and the system's own word for it where it has one."""
    number = error.errno if isinstance(error, OSError) else None
    kind = type(error).__name__
    return f"{kind}, {os.strerror(number)}" if isinstance(number, int) else kind


def mask_text(text: str, *, limit: int = 200) -> str:
    """A text from outside, fit for a log line: one line, numbers masked, at most ``limit`` characters."""
    plain = " ".join("".join(character if character.isprintable() else " " for character in text[: 4 * limit]).split())
    masked = _NUMBER_IN_TEXT.sub(lambda match: mask_number(match.group()), plain)
    return masked if len(masked) <= limit else f"{masked[: limit - 1]}…"
