"""When a row wants to be rung: a moment or an hour that is misread rings somebody at night."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest

from airflow_provider_callkaro.calls import InvalidCall, Reason
from airflow_provider_callkaro.calls.row import RowReader

NUMBER = "+919876543210"


def read(row):
    return RowReader(agent_id="agent", schedule_timezone=ZoneInfo("Asia/Kolkata")).read(row)


def reason_for(row):
    with pytest.raises(InvalidCall) as refusal:
        read(row)
    return refusal.value.reason


@pytest.mark.parametrize(
    "value",
    [
        "2026-01-05T10:00:00",
        " 2026-01-05 10:00 ",
        datetime(2026, 1, 5, 10),
        "2026-01-05T04:30:00Z",
        "2026-01-05T10:00:00+05:30",
        datetime(2026, 1, 5, 4, 30, tzinfo=UTC),
    ],
)
def test_a_schedule_means_one_moment_however_it_is_written(value):
    assert read({"to_number": NUMBER, "schedule_at": value}).schedule_at == datetime(2026, 1, 5, 4, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    "value",
    [
        "tomorrow",
        "05/01/2026 10:00",
        1767587400,
        time(10),
        b"2026-01-05T10:00:00",
        "9999-12-31T23:59:59",
        "0001-01-01T00:00",
    ],
)
def test_a_schedule_that_cannot_be_read_costs_one_row(value):
    assert reason_for({"to_number": NUMBER, "schedule_at": value}) is Reason.BAD_SCHEDULE_AT


@pytest.mark.parametrize("value", ["2026-01-05", "20260105", "2026-W02-1", date(2026, 1, 5)])
def test_a_bare_date_does_not_ring_at_midnight(value):
    assert reason_for({"to_number": NUMBER, "schedule_at": value}) is Reason.BAD_SCHEDULE_AT


@pytest.mark.parametrize("value", ["09:30", " 09:30:00 ", time(9, 30), timedelta(hours=9, minutes=30)])
def test_a_time_of_day_is_read_whatever_the_database_made_of_it(value):
    assert read({"to_number": NUMBER, "min_trigger_time": value}).min_trigger_time == "09:30"
    assert read({"to_number": NUMBER, "max_trigger_time": value}).max_trigger_time == "09:30"


@pytest.mark.parametrize(
    "value",
    [
        "9.30",
        "09:30:15",
        "09:30 am",
        time(9, 30, 15),
        time(9, 30, tzinfo=UTC),  # would lose its offset, and ring at another hour
        time(9, 30, tzinfo=timezone(timedelta(hours=5, minutes=30))),
        "09:30:00+00:00",
        timedelta(days=1),
        timedelta(seconds=-1),
        930,
        0.395833,
    ],
)
def test_a_time_of_day_that_cannot_be_said_costs_one_row(value):
    assert reason_for({"to_number": NUMBER, "max_trigger_time": value}) is Reason.BAD_TRIGGER_TIME
