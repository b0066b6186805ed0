"""A campaign's call windows as a calling policy: written in one place, and refused where they cannot be read."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from test_callaro_shapes import CAMPAIGNS, hook, vendor  # noqa: F401 - fixtures

from airflow_provider_callkaro.exceptions import ConfigurationError

SATURDAY_AT_TEN = datetime(2026, 11, 21, 4, 30, tzinfo=UTC)  # in Asia/Kolkata
MONDAY_AT_TEN = datetime(2026, 11, 23, 4, 30, tzinfo=UTC)
MONDAY_AT_NOON = datetime(2026, 11, 23, 6, 30, tzinfo=UTC)
WEEKDAYS = ["monday", "tuesday", "wednesday", "thursday", "friday"]


def policy_of(hook, vendor, **fields):  # noqa: F811
    vendor.says[f"GET {CAMPAIGNS}/7"] = [(200, {"data": {"id": 7, "status": "draft", **fields}})]
    return hook.calling_policy(campaign_id=7)


@pytest.mark.parametrize(
    "fields",
    [
        {"call_windows": [{"start": "09:00", "end": "18:00", "days": WEEKDAYS}]},
        {"calling_windows": [{"start_time": "09:00:00", "end_time": "18:00", "days": "mon-fri", "enabled": True}]},
        {"schedule": {"windows": [{"from": "09:00", "to": "18:00", "day": day, "id": 1} for day in WEEKDAYS]}},
        {"call_windows": {day: [{"start": "09:00", "end": "18:00"}] for day in WEEKDAYS} | {"sunday": []}},
        {"call_windows": {day: ["09:00", "18:00"] for day in ("Mon", "Tues", "wed", "Thurs", "fri")} | {"sat": None}},
        {"call_windows": dict.fromkeys(WEEKDAYS, "09:00-18:00")},
        {"calling_window": {"start": "09:00", "end": "18:00", "days": WEEKDAYS}},
        {
            "call_windows": [
                {"start": "09:00", "end": "18:00", "days": WEEKDAYS},
                {"start": "09:00", "end": "18:00", "days": ["sat"], "enabled": False},
            ]
        },
    ],
)
def test_the_likely_shapes_of_windows_are_read(hook, vendor, fields):  # noqa: F811
    policy = policy_of(hook, vendor, timezone="Asia/Kolkata", **fields)
    assert policy.timezone == "Asia/Kolkata"
    assert policy.is_open(MONDAY_AT_TEN)
    assert not policy.is_open(SATURDAY_AT_TEN)
    assert policy.next_open(SATURDAY_AT_TEN) == datetime(2026, 11, 23, 3, 30, tzinfo=UTC)


def test_dates_on_which_nobody_is_called_are_kept(hook, vendor):  # noqa: F811
    window = {"call_windows": [{"start": "09:00", "end": "18:00"}], "blackout_dates": ["2026-11-23"]}
    assert not policy_of(hook, vendor, timezone="Asia/Kolkata", **window).is_open(MONDAY_AT_NOON)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"call_windows": [{"start": "09:00", "end": "18:00"}]}, "names no time zone"),
        ({"timezone": "Mars/Olympus", "call_windows": [{"start": "09:00", "end": "18:00"}]}, "no time zone"),
        ({"timezone": "Asia/Kolkata"}, "shows no call windows"),
        ({"timezone": "Asia/Kolkata", "call_windows": []}, "shows no call windows"),
        ({"timezone": "Asia/Kolkata", "call_windows": "9 to 5"}, "neither a list"),
        ({"timezone": "Asia/Kolkata", "call_windows": [{"start": "9 AM", "end": "5 PM"}]}, "local time of day"),
        ({"timezone": "Asia/Kolkata", "call_windows": [{"start": "09:00"}]}, "no start or no end"),
        ({"timezone": "Asia/Kolkata", "call_windows": [{"start": 9, "end": 18}]}, "no start or no end"),
        ({"timezone": "Asia/Kolkata", "call_windows": [{"start": "09:00", "end": "18:00", "days": [1, 2]}]}, "number"),
        ({"timezone": "Asia/Kolkata", "call_windows": [{"start": "09:00", "end": "18:00", "date": "x"}]}, "not known"),
        (
            {"timezone": "Asia/Kolkata", "call_windows": [{"start": "09:00", "end": "18:00", "timezone": "UTC"}]},
            "time zone of its own",
        ),
        ({"timezone": "Asia/Kolkata", "call_windows": {"weekend": []}}, "no day and no time"),
        ({"timezone": "Asia/Kolkata", "call_windows": {"monday": None}}, "none of its windows"),
        (
            {"timezone": "Asia/Kolkata", "call_windows": [["09:00", "18:00"]]},
            "no start and end",
        ),
        (
            {
                "timezone": "Asia/Kolkata",
                "call_windows": [{"start": "09:00", "end": "18:00"}],
                "schedule": {"windows": [{"start": "10:00", "end": "12:00"}]},
            },
            "in two places",
        ),
    ],
)
def test_what_cannot_be_read_is_refused_and_never_taken_for_open(hook, vendor, fields, said):  # noqa: F811
    with pytest.raises(ConfigurationError, match=said) as error:
        policy_of(hook, vendor, **fields)
    assert "campaign 7" in str(error.value)


def test_windows_are_a_campaigns(hook):  # noqa: F811
    for given in ({}, {"agent_id": 42}, {"campaign_id": 7, "agent_id": 42}):
        with pytest.raises(ConfigurationError, match="give campaign_id"):
            hook.calling_policy(**given)
