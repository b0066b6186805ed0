"""When a wait may end: the one decision that every mode of the sensor asks for. Pure: it reads no clock."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta

from airflow_provider_callkaro.calls.policy import CallingPolicy
from airflow_provider_callkaro.calls.wall_clock import instant
from airflow_provider_callkaro.exceptions import NeverOpens

LONGEST_SEARCH = timedelta(days=366)
"""How far ahead to look. Windows that are too short for a whole year stay too short."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """A stretch of time in which calls may ring.

    :param at: from when on, aware.
    :param closes_at: until when, aware, excluded; None if it never closes.
    """

    at: datetime
    closes_at: datetime | None


def next_opening(
    policy: CallingPolicy, *, after: datetime, until: datetime, min_remaining: timedelta = timedelta(0)
) -> Opening | None:
    """The first moment that is open and stays open long enough.

    :param policy: which hours are open.
    :param after: the earliest moment to consider, aware; it is the answer itself when it qualifies.
    :param until: the latest moment to consider, aware; no more than `LONGEST_SEARCH` after ``after`` is looked at.
    :param min_remaining: how long it must stay open from then on. Windows shorter than this are passed over.
    :returns: the opening, or None where none comes in time.
    """
    until = min(until, after + LONGEST_SEARCH)
    try:
        for at, opening in policy.openings(after):
            if at > until:
                return None
            closes_at = None if opening.ends == math.inf else instant(int(opening.ends))
            if closes_at is None or closes_at - at >= min_remaining:
                return Opening(at=at, closes_at=closes_at)
    except NeverOpens:
        pass
    return None
