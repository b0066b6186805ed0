"""Spellings of phone numbers that earlier versions took for people of their own: +44 0 20… beside +44 20….

A ledger that was begun then holds some people under such a spelling. They are looked for only where there are any.
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
