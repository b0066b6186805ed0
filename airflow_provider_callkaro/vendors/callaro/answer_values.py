"""The values of an answer by dotted names, where its shape is not documented.

A dot goes one level deeper. A list has a ``length``, and ``[]`` means each of its elements: in
``{"checks": [{"status": "ok"}, {"status": "failed"}]}``, ``checks.length`` is 2 and ``checks[].status`` is both words.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

EACH = "[]"
LENGTH = "length"


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
