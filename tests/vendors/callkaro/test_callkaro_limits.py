"""What CallKaro is never asked for, because it could only be refused or would mean something else."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from airflow_provider_callkaro.calls import Call, InvalidCall, Reason
from airflow_provider_callkaro.calls.call import NEXT_WINDOW
from airflow_provider_callkaro.exceptions import ConfigurationError
from airflow_provider_callkaro.vendors.callkaro.api import CallKaro

NUMBER = "+919876543210"


@pytest.mark.parametrize("name", ["", "   ", "x" * 201, None, 7])
def test_a_campaign_needs_a_name_of_1_to_200_characters(name):
    with pytest.raises(ConfigurationError, match="name must have 1 to 200 characters"):
        CallKaro().create_campaign(name)


def test_the_longest_name_is_taken():
    assert json.loads(CallKaro().create_campaign("é" * 200).body) == {"name": "é" * 200}


@pytest.mark.parametrize(
    ("zone", "moment", "said"),
    [
        ("Asia/Kolkata", datetime(2026, 1, 5, 4, 30, tzinfo=UTC), "2026-01-05T10:00:00"),
        ("Asia/Kolkata", datetime(2026, 1, 5, 10, 0, tzinfo=ZoneInfo("Asia/Kolkata")), "2026-01-05T10:00:00"),
        ("America/New_York", datetime(2026, 7, 1, 14, 0, tzinfo=UTC), "2026-07-01T10:00:00"),
        ("America/New_York", datetime(2026, 1, 1, 14, 0, 0, 999_999, tzinfo=UTC), "2026-01-01T09:00:00"),
    ],
)
def test_a_schedule_is_said_in_the_zone_of_the_account(zone, moment, said):
    request = CallKaro(schedule_timezone=ZoneInfo(zone)).place_call(Call(to_number=NUMBER, schedule_at=moment))
    assert json.loads(request.body)["schedule_at"] == said


def test_a_schedule_without_a_known_zone_rings_at_no_guessed_hour():
    call = Call(to_number=NUMBER, schedule_at=datetime(2026, 1, 5, 10, tzinfo=UTC))
    with pytest.raises(ConfigurationError, match='set "schedule_timezone" in the extra of the connection'):
        CallKaro().place_call(call)


@pytest.mark.parametrize("hour", [5, 6])
def test_an_hour_that_the_vendors_clock_shows_twice_is_not_said(hour):
    """01:30 in New York is two moments on that day, an hour apart."""
    call = Call(to_number=NUMBER, schedule_at=datetime(2026, 11, 1, hour, 30, tzinfo=UTC))
    with pytest.raises(InvalidCall, match="comes twice on the vendor's clock") as refusal:
        CallKaro(schedule_timezone=ZoneInfo("America/New_York")).place_call(call)
    assert refusal.value.reason is Reason.BAD_SCHEDULE_AT


def test_the_next_window_is_no_moment_and_does_not_ring_at_once():
    with pytest.raises(InvalidCall, match="needs a calling policy"):
        CallKaro(schedule_timezone=UTC).place_call(Call(to_number=NUMBER, schedule_at=NEXT_WINDOW))


def test_what_was_not_asked_for_is_left_to_the_vendor():
    assert json.loads(CallKaro().place_call(Call(to_number=NUMBER, agent_id="agent")).body) == {
        "to_number": NUMBER,
        "agent_id": "agent",
    }


def test_what_is_zero_or_false_is_said():
    call = Call(to_number=NUMBER, carry_over=False, number_of_retries=0, gap_between_retries=0, priority=0)
    body = json.loads(CallKaro().place_call(call).body)
    assert body == {
        "to_number": NUMBER,
        "carry_over": False,
        "number_of_retries": 0,
        "gap_between_retries": 0,
        "priority": 0,
    }


def test_our_own_key_of_a_row_is_not_sent():
    assert b"customer" not in CallKaro().place_call(Call(to_number=NUMBER, call_key="customer 42")).body


def test_the_campaigns_page_can_be_opened_whatever_the_id_is():
    assert CallKaro.campaign_page("68433b7b0dee98e59245ebab").endswith("/batch-calls/68433b7b0dee98e59245ebab")
    assert CallKaro.campaign_page("../x?y#z").endswith("/batch-calls/..%2Fx%3Fy%23z")
