"""How long a vendor asks to wait: said in seconds or as a date, and sometimes in nonsense."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_callkaro.exceptions import OutcomeUnknown, Throttled
from airflow_provider_callkaro.vendors.answers import raise_refusal, retry_after
from airflow_provider_callkaro.vendors.callkaro.api import CallKaro
from airflow_provider_callkaro.vendors.http import Response

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("7", 7.0),
        (" 7 ", 7.0),
        ("0", 0.0),
        ("0.5", 0.5),
        ("-30", 0.0),
        ("1e3", 1000.0),
        ("99999999999", 99999999999.0),
        ("Mon, 05 Jan 2026 12:02:00 GMT", 120.0),
        ("Mon, 05 Jan 2026 12:02:00 -0000", 120.0),
        ("Mon, 05 Jan 2026 17:32:00 +0530", 120.0),
        ("Monday, 05-Jan-26 12:02:00 GMT", 120.0),  # the older forms that RFC 9110 still allows
        ("Mon Jan  5 12:02:00 2026", 120.0),
        ("Mon, 05 Jan 2026 11:00:00 GMT", 0.0),
        ("", None),
        ("soon", None),
        ("nan", None),
        ("inf", None),
        ("1e400", None),
        ("7, 7", None),
        ("Mon, 99 Jan 2026 12:02:00 GMT", None),
        ("Mon, 99999999999999999999 Jan 2026 12:02:00 GMT", None),
        ("Mon, 05 Jan 99999 12:02:00 GMT", None),
        ("9" * 5000, None),
        ("\x00", None),
    ],
)
def test_a_wait_is_understood_or_not_said(text, seconds):
    assert retry_after(Response(429, b"", {"retry-after": text}), now=NOON) == seconds


def test_no_header_is_no_wait():
    assert retry_after(Response(429), now=NOON) is None


def test_a_wrong_clock_on_our_side_makes_nobody_wait_for_years():
    headers = {"retry-after": "Mon, 05 Jan 2060 12:00:30 GMT", "date": "Mon, 05 Jan 2060 12:00:00 GMT"}
    assert retry_after(Response(429, b"", headers)) == 30.0


def test_a_date_without_the_answers_own_clock_is_measured_by_ours():
    assert retry_after(Response(429, b"", {"retry-after": "Mon, 05 Jan 2015 12:00:00 GMT"})) == 0.0
    assert retry_after(Response(429, b"", {"retry-after": "Mon, 05 Jan 2015 12:00:00 GMT", "date": "today"})) == 0.0


@pytest.mark.parametrize("status", [429, 503])
def test_whoever_says_how_long_has_not_accepted(status):
    with pytest.raises(Throttled) as error:
        raise_refusal("CallKaro", Response(status, b"", {"retry-after": "7"}))
    assert error.value.retry_after == 7.0


def test_429_has_not_accepted_even_if_it_does_not_say_how_long():
    for headers in ({}, {"retry-after": "soon"}):
        with pytest.raises(Throttled) as error:
            CallKaro().read_placed_call(Response(429, b"Too Many Requests", headers))
        assert error.value.retry_after is None


@pytest.mark.parametrize("headers", [{}, {"retry-after": ""}, {"retry-after": "soon"}])
def test_503_that_does_not_say_how_long_may_have_accepted(headers):
    with pytest.raises(OutcomeUnknown):
        CallKaro().read_placed_call(Response(503, b"", headers))


@given(text=st.text() | st.from_regex(r"[A-Z][a-z]{2}, \d+ [A-Z][a-z]{2} \d+ \d+:\d+:\d+ [+-]?\w+"), date=st.text())
def test_no_header_makes_a_wait_of_nonsense(text, date):
    seconds = retry_after(Response(429, b"", {"retry-after": text, "date": date}))
    assert seconds is None or 0 <= seconds < float("inf")
