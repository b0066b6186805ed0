"""When a wait for calling hours may end: the first opening that lasts long enough."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta

from airflow_provider_callkaro.calls.policy import CallingPolicy
from airflow_provider_callkaro.calls.wall_clock import instant
from airflow_provider_callkaro.exceptions import NeverOpens

LONGEST_SEARCH = timedelta(days=366)
"""How far ahead to search. Windows that are too short for a whole year stay too short."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NextOpening:
    """What is left of the opening that ends a wait. ``at``: the first moment at which calls may ring, aware.
    ``closes_at``: the moment at which it closes, aware; None if it never closes."""

    at: datetime
    closes_at: datetime | None


def next_opening(
    policy: CallingPolicy, *, after: datetime, until: datetime, min_remaining: timedelta = timedelta(0)
) -> NextOpening | None:
    """The first moment that is open and stays open long enough.

    :param after: the earliest moment to consider, aware; it is the answer itself when it qualifies.
    :param until: the latest moment to consider, aware; at most `LONGEST_SEARCH` after ``after`` counts.
    :param min_remaining: how long it must stay open from then on. Shorter openings are skipped.
    """
    until = min(until, after + LONGEST_SEARCH)
    try:
        for at, opening in policy.openings(after):
            if at > until:
                return None
            closes_at = None if opening.ends == math.inf else instant(int(opening.ends))
            if closes_at is None or closes_at - at >= min_remaining:
                return NextOpening(at=at, closes_at=closes_at)
    except NeverOpens:
        pass
    return None
