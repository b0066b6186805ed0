"""Hours that stand in a connection or come from a vendor: a mistake there is named, and never means open all day."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_callkaro.calls import CallingPolicy, ScheduleWindow
from airflow_provider_callkaro.calls.described import policy_from_json
from airflow_provider_callkaro.exceptions import ConfigurationError

KOLKATA = "Asia/Kolkata"


@pytest.mark.parametrize(
    ("windows", "meant"),
    [
        ([{"start": "10:00", "end": "19:00"}], [ScheduleWindow("10:00", "19:00")]),
        ({"start": "10:00", "end": "19:00", "days": None}, [ScheduleWindow("10:00", "19:00")]),
        (
            [{"start": "10:00", "end": "13:00", "days": "mon-sat"}, {"start": "14:00", "end": "24:00", "days": [1, 3]}],
            [ScheduleWindow("10:00", "13:00", "mon-sat"), ScheduleWindow("14:00", "24:00", "mon,wed")],
        ),
        ('[{"start": "20:00", "end": "02:00", "days": ["fri", "sat"]}]', [ScheduleWindow("20:00", "02:00", "fri,sat")]),
    ],
)
def test_windows_as_json_are_a_policy(windows: Any, meant: list[ScheduleWindow]) -> None:
    assert policy_from_json(windows, timezone=KOLKATA) == CallingPolicy(windows=meant, timezone=KOLKATA)


@pytest.mark.parametrize(
    ("windows", "message"),
    [
        ([], "at least one"),
        (None, "at least one"),
        (7, "at least one"),
        ("10:00-19:00", "no JSON"),
        ("[" * 100_000, "no JSON"),
        (["10:00"], "calling window 1 must be an object"),
        ([{"start": "10:00"}], "calling window 1 has no end"),
        ([{"start": "10:00", "end": "19:00"}, {"start": "1", "end": "2"}], "calling window 2: window start"),
        ([{"start": "10:00", "end": "10:00"}], "calling window 1: .*never open"),
        ([{"start": "10:00", "end": "19:00", "day": "mon"}], "calling window 1 has day, which is not known"),
        ([{"start": "10:00", "end": "19:00", "days": "someday"}], "calling window 1: .*someday"),
        ([{"start": "10:00", "end": "19:00", 5: 5}], "calling window 1 has 5"),
    ],
)
def test_what_is_no_window_is_named(windows: Any, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        policy_from_json(windows, timezone=KOLKATA)


def test_a_zone_that_does_not_exist_is_named() -> None:
    with pytest.raises(ConfigurationError, match="Atlantis"):
        policy_from_json([{"start": "10:00", "end": "19:00"}], timezone="Asia/Atlantis")
