"""What a user writes as a date or an instant means what it meant to the standard library; nothing more is accepted."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import pendulum
import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_callkaro.exceptions import ConfigurationError
from airflow_provider_callkaro.tasks.instants import in_utc, read_date, read_instant, to_iso, to_minute, to_second

NO_DATES = ["2026", "2026-04", "2026-091", "now", "10:00", "P1D", "2026-02-30", "2026-04-01T10:00", "1/4/2026", "soon"]
NO_DATES += ["2026-W00", "2026-W01-0", "2026W001", "2026W010", "2026-W60", "2026-W01-8"]
TEXTS = st.one_of(
    st.datetimes(timezones=st.none() | st.timezones() | st.just(UTC)).map(datetime.isoformat),
    st.dates().map(date.isoformat),
    st.from_regex(r"[0-9]{4}-?[0-9]{2}-?[0-9]{2}([T ][0-9:.,]{2,12}(Z|[+-][0-9:]{2,6})?)?", fullmatch=True),
    st.sampled_from(NO_DATES),
)


def by_the_standard_library(read: Any, text: str) -> Any:
    try:
        return read(text)
    except ValueError:
        return None


@given(TEXTS)
def test_an_instant_is_read_as_the_standard_library_reads_it_or_not_at_all(text):
    found = read_instant(f" {text} ")
    if isinstance(found, str):
        assert found == f" {text} "
    else:
        expected = by_the_standard_library(datetime.fromisoformat, text)
        assert (found, found.utcoffset(), type(found)) == (expected, expected.utcoffset(), datetime)


@given(st.datetimes(min_value=datetime(1970, 1, 1), timezones=st.none() | st.just(UTC)))
def test_an_instant_in_the_form_of_the_documents_is_read(moment):
    assert read_instant(moment.isoformat()) == moment


@given(TEXTS)
def test_a_date_is_read_as_the_standard_library_reads_it(text):
    expected = by_the_standard_library(date.fromisoformat, text)
    if expected is None:
        with pytest.raises(ConfigurationError, match="from_date must be a date"):
            read_date("from_date", text)
    else:
        found = read_date("from_date", text)
        assert (found, type(found)) == (expected, date)


@pytest.mark.parametrize("text", NO_DATES)
def test_what_pendulum_alone_would_take_for_a_date_is_refused(text):
    with pytest.raises(ConfigurationError, match="to_date must be a date"):
        read_date("to_date", text)


@pytest.mark.parametrize("value", [None, "", "next_window", "tomorrow", 5, datetime(2026, 4, 1), "2026-04-01"])
def test_what_is_no_date_and_time_in_a_text_stays_as_it_is(value):
    assert read_instant(value) is value


@given(st.datetimes(timezones=st.timezones(), min_value=datetime(1970, 1, 2), max_value=datetime(2037, 1, 1)))
def test_an_instant_of_airflow_goes_down_as_the_standard_librarys_in_utc(instant):
    found = in_utc(instant)
    assert in_utc(pendulum.instance(instant.astimezone(UTC))) == found
    assert (found, found.tzinfo, type(found)) == (instant.astimezone(UTC), UTC, datetime)
    assert to_minute(instant) == f"{instant.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    assert to_second(instant) == f"{instant.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
    assert to_iso(found) == found.isoformat(timespec="seconds")


def test_an_offset_and_a_zone_say_the_same_instant():
    kolkata = datetime(2026, 4, 1, 10, tzinfo=ZoneInfo("Asia/Kolkata"))
    assert in_utc(kolkata) == in_utc(datetime(2026, 4, 1, 10, tzinfo=timezone(timedelta(hours=5, minutes=30))))
