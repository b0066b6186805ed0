"""MrAssistant's outbound configuration at the sandbox: kept, judged by the clock, and refused in FastAPI's words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

AGENT = "3c90c3cc-0d44-4b50-8888-8dd25736052a"
PATH = f"/outbound/agents/{AGENT}/outbound-config"
NUMBER = {"phone_number": "+12025550190"}
ALWAYS = {"start_time": "00:00", "end_time": "24:00"}
KEYS = {
    "agent_id",
    "phone_numbers",
    "schedules",
    "default_schedule_id",
    "total_calls_today",
    "calls_remaining_today",
    "can_call_now",
    "next_available_time",
}


def write(client, *windows, **fields):
    schedules = [{"name": "Day", "time_windows": list(windows)}]
    body = {"agent_id": AGENT, "phone_numbers": [NUMBER], "schedules": schedules} | fields
    return client.mrassistant("POST", PATH, json=body)


def test_it_keeps_what_was_written_and_answers_with_the_documented_keys(client):
    written = write(client, ALWAYS)
    assert (written.status_code, set(written.json())) == (200, KEYS)
    assert client.mrassistant("GET", PATH).json() == written.json()
    assert written.json()["can_call_now"]
    assert written.json()["phone_numbers"][0]["daily_limit"] == 5_000


def test_an_agent_that_was_never_configured_has_none(client):
    assert client.mrassistant("GET", PATH).status_code == 404
    assert client.control("GET", PATH).status_code == 401


def test_an_agent_outside_its_windows_says_when_the_next_one_opens(client):
    today = datetime.now(UTC).weekday()
    answer = write(client, ALWAYS | {"days_of_week": [(today + 2) % 7]}).json()
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    opens = datetime.fromisoformat(answer["next_available_time"])
    assert not answer["can_call_now"]
    assert opens - midnight in (timedelta(days=2), timedelta(days=1))  # the test may run over midnight


@pytest.mark.parametrize("schedules", [[], [{"time_windows": [ALWAYS], "enabled": False}], [{"time_windows": []}]])
def test_an_agent_without_hours_may_never_call(client, schedules):
    answer = write(client, schedules=schedules).json()
    assert (answer["can_call_now"], answer["next_available_time"]) == (False, None)


def test_calls_count_against_the_daily_limit(client):
    write(client, ALWAYS, phone_numbers=[NUMBER | {"daily_limit": 1}])
    client.mrassistant("POST", "/calls/outbound", json={"agent_id": AGENT, "to_number": "+12025550101"})
    answer = client.mrassistant("GET", PATH).json()
    if answer["total_calls_today"]:  # the test may run over midnight
        assert (answer["calls_remaining_today"], answer["can_call_now"]) == (0, False)
        assert datetime.fromisoformat(answer["next_available_time"]) > datetime.now(UTC)


def test_a_reset_forgets_it(client, sandbox):
    write(client, ALWAYS)
    sandbox.reset()
    assert client.mrassistant("GET", PATH).status_code == 404


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        ({"phone_numbers": []}, ["body", "phone_numbers"]),
        ({"phone_numbers": ["+12025550190"]}, ["body", "phone_numbers", 0]),
        ({"phone_numbers": [{"phone_number": "12"}]}, ["body", "phone_numbers", 0, "phone_number"]),
        ({"schedules": [5]}, ["body", "schedules", 0]),
        ({"schedules": [{"max_concurrent_calls": 0}]}, ["body", "schedules", 0, "max_concurrent_calls"]),
    ],
)
def test_what_cannot_be_is_found_in_its_place(client, fields, place):
    answer = write(client, **fields)
    assert answer.status_code == 422
    assert [finding["loc"] for finding in answer.json()["detail"]] == [place]


@pytest.mark.parametrize(
    ("name", "value"),
    [("start_time", "25:00"), ("timezone", "Mars/Olympus"), ("days_of_week", [7]), ("days_of_week", "mon")],
)
def test_a_window_that_cannot_be_is_found_in_its_place(client, name, value):
    answer = write(client, ALWAYS | {name: value})
    assert [each["loc"] for each in answer.json()["detail"]] == [["body", "schedules", 0, "time_windows", 0, name]]
