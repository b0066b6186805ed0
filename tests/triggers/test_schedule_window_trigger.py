"""What a deferred task stands on: a trigger that fires at its moment, wherever and however often it is started."""

from __future__ import annotations

import asyncio
import importlib
import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_callkaro.exceptions import ConfigurationError
from airflow_provider_callkaro.triggers.schedule_window import LONGEST_NAP, ScheduleWindowTrigger, nap

MOMENT = datetime(2026, 11, 23, 4, 30, tzinfo=UTC)


def events(trigger: ScheduleWindowTrigger) -> list[Any]:
    """Everything that a trigger says until it ends."""

    async def run() -> list[Any]:
        return [event.payload async for event in trigger.run()]

    return asyncio.run(run())


def test_it_fires_once_and_not_before_its_moment() -> None:
    moment = datetime.now(UTC) + timedelta(seconds=0.2)
    assert events(ScheduleWindowTrigger(moment)) == [{"moment": moment.isoformat()}]
    assert datetime.now(UTC) >= moment


def test_a_moment_that_passed_while_no_triggerer_ran_fires_at_once() -> None:
    assert events(ScheduleWindowTrigger(MOMENT - timedelta(days=365))) == [{"moment": "2025-11-23T04:30:00+00:00"}]


def test_what_it_says_can_be_stored() -> None:
    (payload,) = events(ScheduleWindowTrigger(datetime(2020, 1, 1, tzinfo=UTC)))
    assert json.loads(json.dumps(payload)) == payload


@pytest.mark.parametrize("zone", [UTC, timezone(timedelta(hours=5, minutes=30))], ids=str)
def test_another_triggerer_makes_the_same_trigger_of_what_was_stored(zone: timezone) -> None:
    path, arguments = ScheduleWindowTrigger(MOMENT.astimezone(zone)).serialize()
    module, _, name = path.rpartition(".")
    again = getattr(importlib.import_module(module), name)(**arguments)
    assert again.moment == MOMENT
    assert again.serialize() == (path, arguments)


def test_a_moment_without_a_zone_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="moment has no time zone"):
        ScheduleWindowTrigger(MOMENT.replace(tzinfo=None))


@given(st.timedeltas(min_value=timedelta(days=-400), max_value=timedelta(days=400)))
def test_no_sleep_outlasts_a_minute_or_the_moment(ahead: timedelta) -> None:
    now = datetime(2026, 11, 21, tzinfo=UTC)
    asleep = timedelta(seconds=nap(until=now + ahead, now=now))
    assert timedelta(0) <= asleep <= max(ahead, timedelta(0))
    assert asleep <= LONGEST_NAP
    assert (asleep == timedelta(0)) == (ahead <= timedelta(0))
