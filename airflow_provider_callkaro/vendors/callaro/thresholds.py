"""Limits on the numbers and words of an answer whose shape is not documented, so that the user names its fields.

A name is dotted, as the answer nests: ``queue.depth`` is 3 in ``{"queue": {"depth": 3}}``. Of a list,
``checks.length`` is how many elements it has, ``checks[].status`` is judged for every one of them, and
``checks[].status=failed`` counts those with that word. A name that the answer does not have is an error: a limit that
is never checked does not protect.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NoReturn

from airflow_provider_callkaro.calls.masking import mask_text
from airflow_provider_callkaro.exceptions import ConfigurationError

EACH = "[]"
LENGTH = "length"
_NAMES_SHOWN = 30  # of what an answer has, in one message
_MESSAGE_LENGTH = 600  # characters
_WORD_LENGTH = 60  # characters of a word that is shown


class AnswerValues:
    """The values of one answer.

    :ivar by_name: the values under each name; several where the name goes through a list.
    :ivar about_lists: the names of a list's length or elements.
    """

    def __init__(self, answer: Mapping[str, object]) -> None:
        self.by_name: dict[str, list[Any]] = {}
        self.about_lists: set[str] = set()
        self._lists: dict[str, int] = {}
        pending: list[tuple[str, Any]] = [("", answer)]
        while pending:  # not recursive: an answer may be nested deeper than Python calls
            name, value = pending.pop()
            if isinstance(value, Mapping):
                pending += [
                    (f"{name}.{key}" if name else str(key), each) for key, each in reversed(list(value.items()))
                ]
            elif isinstance(value, list) and name:
                self._keep(f"{name}.{LENGTH}", len(value))
                self.about_lists.add(f"{name}.{LENGTH}")
                inside = f"{name}{EACH}"
                self._lists[inside] = self._lists.get(inside, 0) + len(value)
                pending += [(inside, each) for each in reversed(value)]
            elif name:
                self._keep(name, value)

    def under(self, name: str) -> Sequence[Any] | None:
        """The values under a name: empty where it goes through an empty list, None where there is no such name."""
        found = self.by_name.get(name)
        if found is None and self.expected(name) == 0:
            return ()
        return found

    def expected(self, name: str) -> int | None:
        """How many values a name through a list must have, one for each element; None for any other name."""
        around = name.rpartition(EACH)[0]
        return self._lists.get(f"{around}{EACH}") if around else None

    def _keep(self, name: str, value: object) -> None:
        self.by_name.setdefault(name, []).append(value)
        if EACH in name:
            self.about_lists.add(name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """Limits on numbers and words. Words are compared without regard to case; ``true`` and ``false`` are words.

    :param maximum: by dotted name, the largest number that is still well.
    :param minimum: by dotted name, the smallest number that is still well.
    :param allowed: by dotted name, the word or words that are well; any other is not.
    :param forbidden: by dotted name, the word or words that are not well.
    :raises ConfigurationError: a limit is no number, or no word.
    """

    maximum: Mapping[str, float] = field(default_factory=dict)
    minimum: Mapping[str, float] = field(default_factory=dict)
    allowed: Mapping[str, Any] = field(default_factory=dict)
    forbidden: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for which in ("maximum", "minimum"):
            object.__setattr__(self, which, _limits(which, getattr(self, which)))
        for which in ("allowed", "forbidden"):
            object.__setattr__(self, which, _words(which, getattr(self, which)))

    def __bool__(self) -> bool:
        """Whether there is any limit."""
        return bool(self.maximum or self.minimum or self.allowed or self.forbidden)

    def breaches(self, answer: Mapping[str, object]) -> list[str]:
        """One sentence for each value beyond its limit; empty where all is well. Raises ConfigurationError if a name is
        not in the answer, or is no number or no word there; the message lists the names that are."""
        values = AnswerValues(answer)
        above = [_beyond(values, name, limit, "above") for name, limit in self.maximum.items()]
        below = [_beyond(values, name, limit, "below") for name, limit in self.minimum.items()]
        others = [
            _wrong(values, name, partial(_is_none_of, known), f"none of {', '.join(known)}")
            for name, known in self.allowed.items()
        ]
        bad = [_wrong(values, name, known.__contains__, "which is forbidden") for name, known in self.forbidden.items()]
        return [breach for breach in (*above, *below, *others, *bad) if breach is not None]


def numbers_in(answer: Mapping[str, object]) -> dict[str, float]:
    """The numbers of a JSON object by their dotted names, without those in lists."""
    values = AnswerValues(answer)
    return {
        name: found[0]
        for name, found in values.by_name.items()
        if name not in values.about_lists and _is_number(found[0])
    }


def _beyond(values: AnswerValues, name: str, limit: float, side: str) -> str | None:
    numbers = _numbers(values, name)
    beyond = [number for number in numbers if (number > limit if side == "above" else number < limit)]
    if not beyond:
        return None
    worst = max(beyond) if side == "above" else min(beyond)
    return f"{name} is {worst:g}{_share(name, beyond, numbers)}, {side} {limit:g}"


def _wrong(values: AnswerValues, name: str, is_wrong: Callable[[str], bool], why: str) -> str | None:
    words = _words_of(values, name, kind="word")
    wrong = [word for word in words if is_wrong(word)]
    if not wrong:
        return None
    shown = ", ".join(f'"{mask_text(word, limit=_WORD_LENGTH)}"' for word in sorted(set(wrong))[:3])
    return f"{name} is {shown}{_share(name, wrong, words)}, {why}"


def _is_none_of(known: Sequence[str], word: str) -> bool:
    return word not in known


def _share(name: str, beyond: Sequence[object], found: Sequence[object]) -> str:
    return f" ({len(beyond)} of {len(found)})" if EACH in name and "=" not in name else ""


def _numbers(values: AnswerValues, name: str) -> Sequence[float]:
    found = values.under(name)
    if found is None and "=" in name:
        field_name, _, word = name.rpartition("=")
        if values.under(field_name) is not None:
            return [_words_of(values, field_name, kind="number", asked=name).count(_plain(word))]
    if found is None or not all(map(_is_number, found)):
        _refuse(values, name, kind="number")
    _check_complete(values, name, found)
    return found


def _words_of(values: AnswerValues, name: str, *, kind: str, asked: str | None = None) -> list[str]:
    found = values.under(name)
    if found is None or not all(isinstance(value, (str, bool)) for value in found):
        _refuse(values, asked or name, kind=kind)
    _check_complete(values, name, found)
    return [_plain(value) for value in found]


def _check_complete(values: AnswerValues, name: str, found: Sequence[object]) -> None:
    expected = values.expected(name)
    if expected is not None and len(found) < expected:
        raise ConfigurationError(
            f"{name!r} is missing in {expected - len(found)} of the {expected} elements of the vendor's list: name "
            "what all of them have"
        )


def _refuse(values: AnswerValues, name: str, *, kind: str) -> NoReturn:
    fits: Callable[[Any], bool] = _is_number if kind == "number" else lambda value: isinstance(value, (str, bool))
    names = sorted(each for each, found in values.by_name.items() if all(map(fits, found)))
    there = mask_text(", ".join(names[:_NAMES_SHOWN]), limit=_MESSAGE_LENGTH)
    raise ConfigurationError(f"{name!r} is no {kind} in the vendor's answer: its {kind}s are {there or '(none)'}")


def _is_number(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:  # an integer beyond any float
        return False


def _plain(word: object) -> str:
    return str(word).strip().lower()


def _limits(which: str, limits_by_name: Mapping[str, Any]) -> dict[str, float]:
    """The limits as numbers; a rendered template gives them as text."""
    if not isinstance(limits_by_name, Mapping):
        raise ConfigurationError(f"{which} must be a mapping of dotted names to numbers")
    limits = {}
    for name, limit in limits_by_name.items():
        try:
            number = float("nan") if isinstance(limit, bool) else float(limit)
        except (TypeError, ValueError, OverflowError):
            number = float("nan")
        if not isinstance(name, str) or not name or not math.isfinite(number):
            raise ConfigurationError(f"{which}[{name!r}] must be a number under a dotted name such as queue.depth")
        limits[name] = number
    return limits


def _words(which: str, words_by_name: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """The words of each name, in the spelling in which they are compared."""
    if not isinstance(words_by_name, Mapping):
        raise ConfigurationError(f"{which} must be a mapping of dotted names to words")
    words = {}
    for name, word_or_words in words_by_name.items():
        several = [word_or_words] if isinstance(word_or_words, (str, bool)) else word_or_words
        are_words = isinstance(several, (list, tuple, set, frozenset)) and several
        if (
            not isinstance(name, str)
            or not name
            or not are_words
            or not all(isinstance(word, (str, bool)) and _plain(word) for word in several)
        ):
            raise ConfigurationError(f'{which}[{name!r}] must be a word, or a list of words such as ["healthy", "ok"]')
        words[name] = tuple(dict.fromkeys(map(_plain, several)))
    return words
