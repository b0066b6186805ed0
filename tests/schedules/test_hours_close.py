"""A deadline at the moment at which calling hours close."""

from __future__ import annotations

import json
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from airflow_provider_callkaro.calls import CallingPolicy, ScheduleWindow
from airflow_provider_callkaro.exceptions import ConfigurationError
from airflow_provider_callkaro.plugin import CallKaroPlugin

deadline = pytest.importorskip("airflow_provider_callkaro.schedules.deadline", exc_type=ImportError)

KOLKATA = ZoneInfo("Asia/Kolkata")
POLICY = CallingPolicy(
    windows=[ScheduleWindow("10:00", "13:00", "mon-sat"), ScheduleWindow("22:00", "02:00", "fri")],
    timezone="Asia/Kolkata",
)


@pytest.mark.parametrize(
    ("due", "closes"),
    [
        ("2026-11-27T11:00", "2026-11-27T13:00"),  # within the hours
        ("2026-11-27T13:00", "2026-11-28T02:00"),  # between two of them: the next ones, over midnight
        ("2026-11-29T09:00", "2026-11-30T13:00"),  # a Sunday
    ],
)
def test_the_deadline_is_the_close_of_the_hours_in_which_a_run_is_due(due, closes):
    moment, close = (datetime.fromisoformat(text).replace(tzinfo=KOLKATA) for text in (due, closes))
    assert deadline.HoursClose(POLICY).closes_after(moment) == close


def test_hours_that_never_close_give_no_deadline():
    always = deadline.HoursClose(CallingPolicy(timezone="Asia/Kolkata"))
    assert always.closes_after(datetime(2026, 11, 27, tzinfo=KOLKATA)) is None


def test_hours_of_each_recipient_are_refused():
    with pytest.raises(ConfigurationError, match="needs hours in one time zone"):
        deadline.HoursClose(CallingPolicy(timezone="recipient"))


def test_the_reference_survives_the_database_of_airflow():
    reference = deadline.HoursClose(POLICY)
    twin = deadline.HoursClose.deserialize_reference(json.loads(json.dumps(reference.serialize_reference())))
    assert twin == reference
    assert hash(twin) == hash(reference)


def test_airflow_learns_of_the_reference_by_the_plugin():
    assert CallKaroPlugin.deadline_references == [deadline.HoursClose]
