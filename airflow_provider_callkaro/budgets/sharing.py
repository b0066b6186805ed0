"""Who gets how much of a budget: strict priority, and shares by weight within one priority."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

PATIENCE = 1.0  # how much more another worker must be owed before it takes a part that cannot be divided
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What one worker claims.

    :param wanted: how much it has use for, 0 or more.
    :param priority: higher goes first.
    :param weight: its part among those of one priority, above 0.
    :param owed: how much it has had too little of so far, times seconds.
    :param held: how much it has.
    """

    wanted: int
    priority: int = 0
    weight: float = 1.0
    owed: float = 0.0
    held: int = 0


@dataclass(frozen=True, slots=True)
class Share:
    """What one worker should have. ``exact``: if it could be divided at will. ``whole``: in whole numbers."""

    exact: float
    whole: int


def share_out(total: int, claims: Sequence[Claim]) -> list[Share]:
    """Share out a whole number of tokens or slots.

    Those of a higher priority get what they want first. Within one priority each gets its part by weight; what one does
    not want goes to the others. What cannot be divided goes to whom the most is missing, and changes hands only after
    some time.

    :return: a share for each claim, in their order. Together they are ``total``, or all that is wanted if that is less.
    """
    shares = [Share(0.0, 0)] * len(claims)
    left = total
    for priority in sorted({claim.priority for claim in claims}, reverse=True):
        places = [place for place, claim in enumerate(claims) if claim.priority == priority and claim.wanted > 0]
        exact = _filled(left, [claims[place] for place in places])
        whole = [math.floor(part + _ROUNDING) for part in exact]
        rest = min(left, sum(claims[place].wanted for place in places)) - sum(whole)
        waiting = [number for number, place in enumerate(places) if claims[place].wanted > whole[number]]
        waiting.sort(key=lambda number: -_missing(claims[places[number]], exact[number], whole[number]))
        for number in waiting[:rest]:
            whole[number] += 1
        for number, place in enumerate(places):
            shares[place] = Share(exact[number], whole[number])
        left -= sum(whole)
    return shares


def _missing(claim: Claim, exact: float, whole: int) -> float:
    return exact - whole + claim.owed + (PATIENCE if claim.held > whole else 0.0)


def _filled(total: float, claims: Sequence[Claim]) -> list[float]:
    """Shares by weight, none above what is wanted: what one leaves goes to the others."""
    parts = [0.0] * len(claims)
    weights = sum(claim.weight for claim in claims)
    for place in sorted(range(len(claims)), key=lambda place: claims[place].wanted / claims[place].weight):
        claim = claims[place]
        parts[place] = min(float(claim.wanted), total * claim.weight / weights) if weights > 0 else 0.0
        total = max(0.0, total - parts[place])
        weights -= claim.weight
    return parts
