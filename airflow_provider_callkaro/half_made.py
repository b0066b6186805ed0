"""What an object says of itself before it is made.

A constructor that refuses an argument leaves an object without its attributes. A debugger, pytest and error trackers
show it nevertheless, and a `__repr__` that needs an attribute would fail then, in the place of the refusal.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TypeVar

T = TypeVar("T")


def shown_half_made(describe: Callable[[T], str]) -> Callable[[T], str]:
    """The same `__repr__`, which for an object without its attributes names the class alone."""

    @wraps(describe)
    def shown(self: T) -> str:
        try:
            return describe(self)
        except AttributeError:
            return f"{type(self).__name__}, not made yet"

    return shown
