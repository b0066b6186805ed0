"""A span of time in which a phone may ring: the windows of a calling policy at one instant.

For a day (for a person, or for a vendor that takes times of day) the part of the span on that day counts; for how long
a judgement holds, its real end counts.
"""

from __future__ import annotations

import math
from datetime import datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from airflow_provider_callkaro.calls.timetable import Timetable
from airflow_provider_callkaro.calls.wall_clock import instant, local_day
from airflow_provider_callkaro.calls.window import SECONDS_PER_DAY


class Opening(NamedTuple):
    """A span of time in which a phone may ring.

    :param window: since when and until when, aware, UTC, the end excluded; at most the local day.
    :param ends: when it closes, in seconds since 1970 UTC; ``inf`` where it does not close within 400 days.
    :param zones: where the phone may be.
    """

    window: tuple[datetime, datetime]
    ends: float
    zones: tuple[ZoneInfo, ...]


def opening_of(timetable: Timetable, second: int, zones: tuple[ZoneInfo, ...]) -> Opening | None:
    """The opening that holds a second since 1970 UTC in all ``zones``; None when one of them is closed."""
    span = timetable.opening_at(second, zones)
    if span is None:
        return None
    opened, closes = span
    if closes - opened <= SECONDS_PER_DAY:
        return Opening((instant(opened), instant(closes)), closes, zones)
    ends = timetable.closes_at(second, zones)
    first, last = local_day(second, zones)
    window = instant(max(opened, first)), instant(min(closes, last))
    return Opening(window, math.inf if ends is None else ends, zones)
