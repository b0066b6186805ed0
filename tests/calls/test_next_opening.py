"""The moment at which a wait may end, against a reckoning that only reads the clock on the wall, minute by minute."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_callkaro.calls.next_opening import NextOpening, next_opening
from airflow_provider_callkaro.calls.policy import CallingPolicy
from airflow_provider_callkaro.calls.window import DAY_NAMES, ScheduleWindow

MINUTE = timedelta(minutes=1)
KOLKATA = "Asia/Kolkata"
SATURDAY = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)

clocks = st.integers(0, 1439).map(lambda minute: f"{minute // 60:02}:{minute % 60:02}")
days = st.lists(st.sampled_from(DAY_NAMES), min_size=1, max_size=7, unique=True)
windows = st.lists(
    st.tuples(clocks, clocks, days).filter(lambda window: window[0] != window[1]), min_size=1, max_size=3
)
zones = st.sampled_from([KOLKATA, "America/New_York", "Australia/Lord_Howe", "UTC"])
minutes = st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 31)).map(
    lambda at: at.replace(second=0, microsecond=0, tzinfo=UTC)
)


def reads_open(at: datetime, windows: list[tuple[str, str, list[str]]], zone: ZoneInfo) -> bool:
    """Whether the clock on the wall reads a time of one of the windows."""
    wall = at.astimezone(zone)
    clock, today, yesterday = f"{wall:%H:%M}", DAY_NAMES[wall.weekday()], DAY_NAMES[wall.weekday() - 1]
    return any(
        (start <= clock < end and today in on)
        if start < end
        else (clock >= start and today in on) or (clock < end and yesterday in on)
        for start, end, on in windows
    )


@settings(max_examples=150)
@given(windows=windows, zone=zones, after=minutes, wanted=st.integers(0, 600), patience=st.integers(0, 2 * 1440))
@pytest.mark.slow
def test_nobody_waits_past_the_first_moment_with_enough_time_left(
    windows: list[tuple[str, str, list[str]]], zone: str, after: datetime, wanted: int, patience: int
) -> None:
    policy = CallingPolicy(windows=[ScheduleWindow(*window) for window in windows], timezone=zone)
    found = next_opening(policy, after=after, until=after + patience * MINUTE, min_remaining=timedelta(minutes=wanted))

    is_open = [reads_open(after + minute * MINUTE, windows, ZoneInfo(zone)) for minute in range(patience + 601)]
    enough = max(wanted, 1)
    first = next((minute for minute in range(patience + 1) if all(is_open[minute : minute + enough])), None)
    assert (found and found.at) == (None if first is None else after + first * MINUTE)
    if found is not None and found.closes_at is not None:
        assert found.closes_at - found.at >= wanted * MINUTE
        assert not reads_open(found.closes_at, windows, ZoneInfo(zone))


def test_the_last_half_hour_is_left_for_the_next_day_when_an_hour_is_needed() -> None:
    policy = CallingPolicy(windows=[ScheduleWindow("10:00", "21:00", "mon-sat")], timezone=KOLKATA)
    evening = datetime(2026, 11, 21, 15, 0, tzinfo=UTC)  # Saturday, 20:30 in India
    in_a_week = evening + timedelta(days=7)
    assert next_opening(policy, after=evening, until=in_a_week) == NextOpening(
        at=evening, closes_at=datetime(2026, 11, 21, 15, 30, tzinfo=UTC)
    )
    assert next_opening(policy, after=evening, until=in_a_week, min_remaining=timedelta(hours=1)) == NextOpening(
        at=datetime(2026, 11, 23, 4, 30, tzinfo=UTC), closes_at=datetime(2026, 11, 23, 15, 30, tzinfo=UTC)
    )


def test_an_opening_at_the_very_end_of_the_patience_counts() -> None:
    policy = CallingPolicy(windows=[ScheduleWindow("18:00", "21:00")], timezone=KOLKATA)
    opens = SATURDAY + timedelta(minutes=30)
    assert next_opening(policy, after=SATURDAY, until=opens - MINUTE) is None
    found = next_opening(policy, after=SATURDAY, until=opens)
    assert found is not None
    assert found.at == opens


def test_windows_that_are_all_too_short_end_the_search() -> None:
    policy = CallingPolicy(windows=[ScheduleWindow("10:00", "12:00")], timezone=KOLKATA)
    forever = datetime.max.replace(tzinfo=UTC)
    assert next_opening(policy, after=SATURDAY, until=forever, min_remaining=timedelta(hours=3)) is None
