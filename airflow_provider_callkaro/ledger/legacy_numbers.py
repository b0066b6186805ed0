"""Spellings of phone numbers that earlier versions took for people of their own: +44 0 20… beside +44 20….

A ledger that was begun then holds some people under such a spelling, as number and, where they have no key of their
own, as key. An entry there is theirs all the same: it blocks, and it counts. It is looked for only where there is any.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class LegacyNumbers:
    """What is known of the spellings of earlier versions.

    :param spellings: for a number, E.164, the other texts under which it may have been written.
    :param prefixes: with which digits such texts begin, and no number as it is read today does.
    """

    spellings: Callable[[str], Sequence[str]]
    prefixes: Sequence[str]

    def aliases(self, key: str) -> Sequence[str]:
        """The keys under which earlier versions may have written whoever has this one: none, unless it is a number."""
        return self.spellings(key) if key.startswith("+") else ()
