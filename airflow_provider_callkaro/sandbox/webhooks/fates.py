"""What becomes of a call: the tries that the vendor makes, and how each of them ends.

A fate is a function of a seed, the number and how often the number was rung, so that two runs of a test see the same
outcomes whatever the order in which the calls arrive. The shares are plausible and not measured.
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from airflow_provider_callkaro.sandbox.request_log import Ring

CONVERTED = 0.3  # of those that were reached
LONGEST_TALK = 240  # seconds


class Ending(StrEnum):
    """How one try ends."""

    REACHED = "reached"
    """Somebody spoke with the agent."""
    ASKED_NOT_TO_BE_CALLED = "asked_not_to_be_called"
    """Somebody spoke with the agent and wants no more calls."""
    NO_ANSWER = "no_answer"
    """It rang, and nobody answered."""
    UNREACHABLE = "unreachable"
    """It never rang."""
    REJECTED = "rejected"
    """The callee rejected the call."""
    VOICEMAIL = "voicemail"
    """A machine answered."""
    INVALID_NUMBER = "invalid_number"
    """The number belongs to nobody."""
    FAILED = "failed"
    """The vendor could not place the call."""
    NEW_WORD = "new_word"
    """It ended in a way for which the vendor has a word that no page lists."""
    DELETED = "deleted"
    """The scheduled call was deleted before it rang. The deletion decides this; it has no share."""


SPOKEN = frozenset({Ending.REACHED, Ending.ASKED_NOT_TO_BE_CALLED})
REDIALLED = frozenset({Ending.NO_ANSWER, Ending.UNREACHABLE})  # where the call asks for retries
DEFAULT_SHARES: Mapping[Ending, float] = {
    Ending.REACHED: 44,
    Ending.ASKED_NOT_TO_BE_CALLED: 2,
    Ending.NO_ANSWER: 24,
    Ending.UNREACHABLE: 8,
    Ending.REJECTED: 10,
    Ending.VOICEMAIL: 7,
    Ending.INVALID_NUMBER: 3,
    Ending.FAILED: 2,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Try:
    """One try of the vendor to reach a callee.

    :param number: 0 is the first.
    :param seconds: how long they spoke; 0 where they did not.
    :param is_last: whether the vendor rings no more for this call.
    """

    number: int
    ending: Ending
    seconds: int
    has_converted: bool
    is_last: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class EndedTry:
    """A try that has ended, with the call to which it belongs. ``ended_at``: UTC."""

    ring: Ring
    tried: Try
    ended_at: datetime


def read_shares(values: object) -> Mapping[Ending, float]:
    """Check shares of endings that came from outside: an object of names and numbers, which need not add up to 100.
    Raises ValueError where a name is unknown, a number is below 0, or all are 0."""
    if not isinstance(values, Mapping):
        raise ValueError("outcomes must be an object of endings and their shares")
    shares = {}
    for name, share in values.items():
        if name not in list(Ending) or name == Ending.DELETED:
            raise ValueError(f"an ending is one of {', '.join(each for each in Ending if each != Ending.DELETED)}")
        if isinstance(share, bool) or not isinstance(share, int | float) or not 0 <= share < math.inf:
            raise ValueError(f"the share of {name} must be a number from 0")
        shares[Ending(name)] = float(share)
    if not any(shares.values()):
        raise ValueError("the shares of the outcomes are all 0")
    return shares


def fate(*, seed: str, shares: Mapping[Ending, float], retries: int) -> list[Try]:
    """What becomes of a call.

    :param seed: the same seed has the same fate.
    :param shares: of each ending; they need not add up to anything.
    :param retries: how often the vendor may ring again where nobody answers, 0 or more.
    """
    dice = random.Random(seed)  # noqa: S311  # no secret: it has to be the same each time
    tries: list[Try] = []
    while True:
        (ending,) = dice.choices(list(shares), weights=list(shares.values()))
        has_spoken = ending in SPOKEN
        tries.append(
            Try(
                number=len(tries),
                ending=ending,
                seconds=dice.randint(5, LONGEST_TALK) if has_spoken else 0,
                has_converted=ending is Ending.REACHED and dice.random() < CONVERTED,
                is_last=ending not in REDIALLED or len(tries) >= retries,
            )
        )
        if tries[-1].is_last:
            return tries
