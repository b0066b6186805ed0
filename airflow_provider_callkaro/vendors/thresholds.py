"""Limits on the numbers in an answer whose shape no document shows: the user names the fields.

A name is dotted, as the answer nests: ``queue.depth`` is 3 in ``{"queue": {"depth": 3}}``. A name that the answer does
not have is an error and not a pass: a limit that is never checked protects nobody.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from airflow_provider_callkaro.calls.masking import mask_text
from airflow_provider_callkaro.exceptions import ConfigurationError

_NAMES_SHOWN = 30  # of the numbers that an answer has, in one message
_MESSAGE_LENGTH = 600  # characters


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """Limits on numbers.

    :param maximum: by dotted name, the largest number that is still well.
    :param minimum: by dotted name, the smallest number that is still well.
    :raises ConfigurationError: a limit is no number.
    """

    maximum: Mapping[str, float] = field(default_factory=dict)
    minimum: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "maximum", _limits("maximum", self.maximum))
        object.__setattr__(self, "minimum", _limits("minimum", self.minimum))

    def breaches(self, answer: Mapping[str, Any]) -> list[str]:
        """What is beyond its limit, a sentence each; empty where all is well.

        :param answer: a JSON object.
        :raises ConfigurationError: a name is not in the answer or is no number there, naming the numbers that are.
        """
        numbers = numbers_in(answer)
        missing = [name for name in (*self.maximum, *self.minimum) if name not in numbers]
        if missing:
            there = mask_text(", ".join(sorted(numbers)[:_NAMES_SHOWN]), limit=_MESSAGE_LENGTH)
            raise ConfigurationError(
                f"{missing[0]!r} is no number in the vendor's answer: its numbers are {there or '(none)'}"
            )
        above = [
            f"{name} is {numbers[name]:g}, above {limit:g}"
            for name, limit in self.maximum.items()
            if numbers[name] > limit
        ]
        below = [
            f"{name} is {numbers[name]:g}, below {limit:g}"
            for name, limit in self.minimum.items()
            if numbers[name] < limit
        ]
        return above + below


def numbers_in(answer: Mapping[str, Any]) -> dict[str, float]:
    """The numbers of a JSON object by their dotted names; what stands in lists has no name."""
    found: dict[str, float] = {}
    pending: list[tuple[str, Any]] = [("", answer)]
    while pending:  # not recursive: an answer may be nested deeper than Python calls
        name, value = pending.pop()
        if isinstance(value, Mapping):
            pending += [(f"{name}.{key}" if name else str(key), each) for key, each in value.items()]
        elif name and _is_number(value):
            found[name] = value
    return found


def _is_number(value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:  # an integer beyond any float
        return False


def _limits(which: str, given: Mapping[str, Any]) -> dict[str, float]:
    """The limits as numbers; a rendered template gives them as text."""
    if not isinstance(given, Mapping):
        raise ConfigurationError(f"{which} must be a mapping of dotted names to numbers")
    limits = {}
    for name, limit in given.items():
        try:
            number = float("nan") if isinstance(limit, bool) else float(limit)
        except (TypeError, ValueError, OverflowError):
            number = float("nan")
        if not isinstance(name, str) or not name or not math.isfinite(number):
            raise ConfigurationError(f"{which}[{name!r}] must be a number under a dotted name such as queue.depth")
        limits[name] = number
    return limits
