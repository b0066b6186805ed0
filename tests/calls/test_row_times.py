"""When a row wants to be rung: a moment or an hour that is misread rings somebody at night."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest

from airflow_provider_callkaro.calls import InvalidCall, Reason
from airflow_provider_callkaro.calls.call import NEXT_WINDOW
from airflow_provider_callkaro.calls.options import refuse_next_window
from airflow_provider_callkaro.calls.row import RowReader
from airflow_provider_callkaro.calls.row_schema import CALLKARO, RowSchema
from airflow_provider_callkaro.exceptions import ConfigurationError
from airflow_provider_callkaro.vendors.mrassistant.fields import ROW_SCHEMA

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


class TestClockChanges:
    """A time of day that the clock shows twice, or never, is not guessed: it would ring an hour beside."""

    NEW_YORK = ZoneInfo("America/New_York")

    def reader(self, **changes):
        return RowReader(agent_id="agent", schedule_timezone=self.NEW_YORK, **changes)

    @pytest.mark.parametrize("judged", [True, False])
    @pytest.mark.parametrize(
        "value",
        [
            "2026-11-01T01:30:00",
            datetime(2026, 11, 1, 1, 30),
            datetime(2026, 11, 1, 1, 30, fold=1),
            "2026-03-08T02:30:00",
            datetime(2026, 3, 8, 2, 30),
        ],
    )
    def test_without_an_offset_nobody_knows_the_moment(self, value, judged):
        for changes in ({}, {"row_schema": ROW_SCHEMA}):
            with pytest.raises(InvalidCall) as refusal:
                self.reader(judged=judged, **changes).read({"to_number": NUMBER, "schedule_at": value})
            assert refusal.value.reason is Reason.BAD_SCHEDULE_AT

    def test_with_an_offset_it_depends_on_whether_the_vendor_is_told_it(self):
        row = {"to_number": NUMBER, "schedule_at": "2026-11-01T01:30:00-05:00"}
        moment = datetime(2026, 11, 1, 6, 30, tzinfo=UTC)
        with pytest.raises(InvalidCall) as refusal:
            self.reader().read(row)
        assert refusal.value.reason is Reason.BAD_SCHEDULE_AT
        assert self.reader(judged=True).read(row).schedule_at == moment  # a policy moves it
        assert self.reader(row_schema=ROW_SCHEMA).read(row).schedule_at == moment

    def test_the_hours_beside_are_ordinary(self):
        for text in ("2026-11-01T00:59", "2026-11-01T02:00", "2026-03-08T01:59", "2026-03-08T03:00"):
            row = {"to_number": NUMBER, "schedule_at": text}
            assert self.reader().read(row).schedule_at == datetime.fromisoformat(text).replace(tzinfo=self.NEW_YORK)


def test_the_next_window_without_a_policy_does_not_ring_at_once():
    row = {"to_number": NUMBER, "schedule_at": " Next_Window "}
    with pytest.raises(InvalidCall, match="needs a policy") as refusal:
        read(row)
    assert refusal.value.reason is Reason.BAD_SCHEDULE_AT
    with pytest.raises(ConfigurationError, match="needs a policy"):
        RowReader(agent_id="agent", schedule_timezone=UTC, options={"schedule_at": "next_window"})
    with pytest.raises(ConfigurationError, match="needs a policy"):
        refuse_next_window("next_window", has_policy=False)
    refuse_next_window("next_window", has_policy=True)
    refuse_next_window("2026-01-05T10:00:00", has_policy=False)
    refuse_next_window(None, has_policy=False)
    judged = RowReader(agent_id="agent", schedule_timezone=UTC, judged=True)
    assert judged.read(row).schedule_at is NEXT_WINDOW


@pytest.mark.parametrize(("earliest", "latest"), [("10:00", "09:00"), ("9:30", "09:30"), ("18:00", "7:00")])
def test_times_of_day_that_hold_nothing_cost_one_row(earliest, latest):
    """A vendor may take them for a night; none says so."""
    row = {"to_number": NUMBER, "min_trigger_time": earliest, "max_trigger_time": latest}
    assert reason_for(row) is Reason.BAD_TRIGGER_TIME
    options = {"min_trigger_time": earliest, "max_trigger_time": latest}
    with pytest.raises(ConfigurationError, match="min_trigger_time must be earlier"):
        RowReader(agent_id="agent", schedule_timezone=UTC, options=options)
    reader = RowReader(agent_id="agent", schedule_timezone=UTC, options={"min_trigger_time": earliest})
    with pytest.raises(InvalidCall):
        reader.read({"to_number": NUMBER, "max_trigger_time": latest})


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


AT_ONCE = RowSchema(fields=("to_number", "agent_id", "metadata"), own_fields={"whisper": str})
"""The rows of a vendor that takes no time."""


@pytest.mark.parametrize("column", ["schedule_at", "SCHEDULE_AT", "min_trigger_time", "max_trigger_time"])
def test_a_time_that_the_vendor_cannot_take_refuses_the_list(column):
    """As metadata it would go along, and the phone would ring at once."""
    row = {"to_number": NUMBER, column: "2026-11-22 10:00"}
    with pytest.raises(ConfigurationError, match=f"rings at once.*: {column}.*column_map") as error:
        RowReader(agent_id="a", row_schema=AT_ONCE).read(row)
    assert "2026" not in str(error.value)


def test_a_later_row_with_such_a_time_is_rejected():
    reader = RowReader(agent_id="a", row_schema=AT_ONCE)
    reader.read({"to_number": NUMBER})
    with pytest.raises(InvalidCall) as error:
        reader.read({"to_number": NUMBER, "schedule_at": "2026-11-22 10:00"})
    assert error.value.reason is Reason.FIELD_NOT_ALLOWED
    assert reader.read({"to_number": NUMBER, "schedule_at": None}).metadata == {}


@pytest.mark.parametrize(
    ("choice", "metadata"),
    [({"column_map": {"schedule_at": None}}, {}), ({"metadata_columns": ["schedule_at"]}, {"schedule_at": "10:00"})],
)
def test_the_author_can_say_that_such_a_column_is_no_time_to_ring(choice, metadata):
    row = {"to_number": NUMBER, "schedule_at": "10:00"}
    assert RowReader(agent_id="a", row_schema=AT_ONCE, **choice).read(row).metadata == metadata


def test_a_vendor_that_takes_a_time_reads_its_rows_as_before():
    row = {"to_number": NUMBER, "schedule_at": "2026-11-22T10:00:00+05:30"}
    for schema in (CALLKARO, ROW_SCHEMA):
        call = RowReader(agent_id="a", row_schema=schema, schedule_timezone=ZoneInfo("Asia/Kolkata")).read(row)
        assert call.schedule_at is not None
    assert RowReader(agent_id="a", row_schema=ROW_SCHEMA).read({"to_number": NUMBER, "max_trigger_time": "9"})
