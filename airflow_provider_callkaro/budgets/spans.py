"""The clock hour and the calendar day that a moment lies in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True)
class Span:
    """A span of time, in seconds since 1970 UTC: from its beginning up to its end."""

    begins: float
    ends: float

    def __contains__(self, moment: float) -> bool:
        return self.begins <= moment < self.ends


def hour_of(moment: float, zone: ZoneInfo) -> Span:
    """The clock hour, as a clock in the zone shows it."""
    local = datetime.fromtimestamp(moment, zone)
    begins = moment - (local.minute * 60 + local.second + local.microsecond / 1e6)
    return Span(round(begins), round(begins) + 3600)


def day_of(moment: float, zone: ZoneInfo) -> Span:
    """The calendar day in the zone; on the day of a clock change it is longer or shorter."""
    today = datetime.fromtimestamp(moment, zone).replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    tomorrow = (today.replace(tzinfo=None) + timedelta(days=1)).replace(tzinfo=zone)
    return Span(today.timestamp(), tomorrow.timestamp())
