"""Calling hours worked out a second time, by other means, so that the two can contradict each other.

Nothing of the package's arithmetic is used. The offsets of 2026 are written down by hand, the wall is a text such as
"Sun 2026-03-08 03:00:00", and what opens next is found by walking from minute to minute.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

# zone -> (from when on, in UTC; minutes east). Transitions of 2026, from the rules as governments publish them.
OFFSETS: dict[str, list[tuple[str, int]]] = {
    "America/New_York": [
        ("2025-11-02 06:00", -300),
        ("2026-03-08 07:00", -240),
        ("2026-11-01 06:00", -300),
        ("2027-03-14 07:00", -240),
    ],
    "America/Chicago": [("2025-11-02 07:00", -360), ("2026-03-08 08:00", -300), ("2026-11-01 07:00", -360)],
    "America/Los_Angeles": [("2025-11-02 10:00", -480), ("2026-03-08 10:00", -420), ("2026-11-01 09:00", -480)],
    "Europe/London": [("2025-10-26 01:00", 0), ("2026-03-29 01:00", 60), ("2026-10-25 01:00", 0)],
    "Europe/Paris": [("2025-10-26 01:00", 60), ("2026-03-29 01:00", 120), ("2026-10-25 01:00", 60)],
    "Asia/Kolkata": [("1945-10-15 00:00", 330)],
    "Asia/Kathmandu": [("1986-01-01 00:00", 345)],
    "Australia/Lord_Howe": [("2025-10-04 15:30", 660), ("2026-04-04 15:00", 630), ("2026-10-03 15:30", 660)],
    "Indian/Reunion": [("1911-06-01 00:00", 240)],
}
DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


@dataclass(frozen=True)
class Rule:
    """What the oracle knows of a policy: (days, start, end) as texts, the closed dates as texts, and the zones."""

    windows: tuple[tuple[str, str, str], ...]
    zones: tuple[str, ...]
    closed: tuple[str, ...] = ()


def wall(at: datetime, zone: str) -> datetime:
    """What the clock on the wall shows, as a naive datetime."""
    stamp = at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
    minutes = [offset for since, offset in OFFSETS[zone] if since <= stamp][-1]
    return at.astimezone(UTC).replace(tzinfo=None) + timedelta(minutes=minutes)


def reads_open(reading: datetime, rule: Rule) -> bool:
    """Whether a clock that shows this lets a phone ring."""
    today, yesterday = reading, reading - timedelta(days=1)
    clock = reading.strftime("%H:%M:%S")
    if today.strftime("%Y-%m-%d") in rule.closed:
        return False
    for days, start, end in rule.windows:
        starts_today = DAYS[today.weekday()] in days.split(",")
        started_yesterday = (
            DAYS[yesterday.weekday()] in days.split(",") and yesterday.strftime("%Y-%m-%d") not in rule.closed
        )
        if start < end:
            if starts_today and f"{start}:00" <= clock < f"{end}:00":
                return True
        elif (starts_today and clock >= f"{start}:00") or (started_yesterday and clock < f"{end}:00"):
            return True
    return False


def is_open(at: datetime, rule: Rule) -> bool:
    """Whether it is open in every zone."""
    return all(reads_open(wall(at, zone), rule) for zone in rule.zones)


class Strip:
    """The minutes from one instant to another, each open or closed."""

    def __init__(self, rule: Rule, start: datetime, days: int) -> None:
        self.start = start
        self.minutes = [is_open(start + timedelta(minutes=minute), rule) for minute in range(days * 1440)]

    def at(self, minute: int) -> datetime:
        return self.start + timedelta(minutes=minute)

    def edges(self) -> list[int]:
        """The minutes that are unlike the one before."""
        return [minute for minute in range(1, len(self.minutes)) if self.minutes[minute] != self.minutes[minute - 1]]

    def first_like(self, minute: int, wanted: bool) -> int | None:
        """The first minute from this one on that is open, or closed."""
        return next((each for each in range(minute, len(self.minutes)) if self.minutes[each] is wanted), None)

    def last_unlike(self, minute: int) -> int | None:
        """The first minute of the stretch that this one is in."""
        return next(
            (each + 1 for each in range(minute, -1, -1) if self.minutes[each] is not self.minutes[minute]), None
        )
