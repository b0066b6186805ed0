"""Spellings of phone numbers that earlier versions took for people of their own: +44 0 20… beside +44 20….

A ledger from that time holds some people under such a spelling: as their number and, unless their row had a key of its
own, as their key. Such an entry still blocks and counts. The ledger looks for one only if it holds any.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class LegacyNumbers:
    """The spellings of earlier versions. ``spellings``: for a number, E.164, the other texts under which it may be
    stored. ``prefixes``: the digits with which such texts begin; no number of today begins so."""

    spellings: Callable[[str], Sequence[str]]
    prefixes: Sequence[str]

    def aliases(self, key: str) -> Sequence[str]:
        """The keys under which earlier versions may have stored the same person; none unless the key is a number."""
        return self.spellings(key) if key.startswith("+") else ()
