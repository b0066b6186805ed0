"""One value of a JSON answer, where it has the type that it should have; None where it has another."""

from __future__ import annotations


def text_in(value: object) -> str | None:
    """A text."""
    return value if isinstance(value, str) else None


def whole_in(value: object) -> int | None:
    """A whole number, which true and false are not."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def number_in(value: object) -> float | None:
    """A number, which true and false are not."""
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else None
