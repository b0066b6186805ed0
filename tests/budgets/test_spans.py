"""Hours and days of a budget begin where a clock on the wall of its zone says so, also when the clocks change."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_callkaro.budgets.spans import Span, day_of, hour_of

ZONES = ["UTC", "Asia/Kolkata", "America/New_York", "Australia/Lord_Howe", "America/Sao_Paulo"]


def moment(text: str, zone: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()


@given(st.floats(1.4e9, 2.2e9), st.sampled_from(ZONES))
def test_a_moment_lies_in_its_hour_and_its_day(instant: float, zone: str) -> None:
    assert instant in hour_of(instant, ZoneInfo(zone))
    assert instant in day_of(instant, ZoneInfo(zone))


@given(st.floats(1.4e9, 2.2e9), st.sampled_from(ZONES))
def test_the_next_day_begins_where_this_one_ends(instant: float, zone: str) -> None:
    today = day_of(instant, ZoneInfo(zone))
    assert day_of(today.ends, ZoneInfo(zone)).begins == today.ends
    assert 22 <= (today.ends - today.begins) / 3600 <= 26


@pytest.mark.parametrize(
    ("day", "zone", "hours"),
    [
        ("2026-03-08", "America/New_York", 23),
        ("2026-11-01", "America/New_York", 25),
        ("2026-03-08", "Asia/Kolkata", 24),
        ("2026-04-05", "Australia/Lord_Howe", 24.5),
    ],
)
def test_days_of_a_clock_change_are_shorter_or_longer(day: str, zone: str, hours: float) -> None:
    begins = moment(day + "T00:00", zone)
    assert day_of(moment(day + "T12:34", zone), ZoneInfo(zone)) == Span(begins, begins + hours * 3600)


def test_an_hour_of_a_half_hour_zone_begins_at_its_full_hour() -> None:
    zone = "Asia/Kolkata"
    begins = moment("2026-11-22T09:00", zone)
    assert hour_of(moment("2026-11-22T09:59:59.5", zone), ZoneInfo(zone)) == Span(begins, begins + 3600)
