"""The schedule window sensor waits for the hours that stand in the account of a vendor, by the vendor's own hook."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException, AirflowSensorTimeout
from task_context import task_context

from airflow_provider_callkaro.exceptions import ConfigurationError
from airflow_provider_callkaro.hooks.callaro import CallaroHook
from airflow_provider_callkaro.hooks.mrassistant import MrAssistantHook
from airflow_provider_callkaro.sandbox import Sandbox
from airflow_provider_callkaro.sensors.schedule_window import ScheduleWindowSensor

AGENT = "3c90c3cc-0d44-4b50-8888-8dd25736052a"
OPEN = {"start": "00:00", "end": "24:00"}
TOO_LATE = (AirflowSensorTimeout, AirflowFailException)
EVERY_DAY = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


@pytest.fixture
def sandbox(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    with Sandbox() as vendor:
        for conn_id, text in vendor.airflow_connections.items():
            monkeypatch.setenv(f"AIRFLOW_CONN_{conn_id.upper()}", text)
        yield vendor


def closed_now() -> dict[str, str]:
    """A window that opens in three hours."""
    opens = datetime.now(UTC) + timedelta(hours=3)
    return {"start": f"{opens:%H:%M}", "end": f"{opens + timedelta(hours=1):%H:%M}"}


def wait(**arguments):
    return ScheduleWindowSensor(task_id="hours", timeout=1, **arguments).execute(task_context())


@pytest.mark.parametrize("where", ["open", "closed"])
def test_of_a_callaro_campaign(sandbox: Sandbox, where: str) -> None:
    window = {**(OPEN if where == "open" else closed_now()), "days": EVERY_DAY}
    fields = {"name": "Renewals", "agent_id": 42, "timezone": "UTC", "campaign_phone_number_ids": [101]}
    campaign = CallaroHook().create_campaign({**fields, "call_windows": [window]})
    arguments = {"conn_id": "callaro_default", "campaign_id": str(campaign.id)}
    if where == "open":
        assert wait(**arguments) is None  # it never closes again
    else:
        with pytest.raises(
            (AirflowSensorTimeout, AirflowFailException), match="may not ring before the sensor's timeout"
        ):
            wait(**arguments)


@pytest.mark.parametrize("where", ["open", "closed"])
def test_of_a_mrassistant_agent(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, where: str) -> None:
    given = json.loads(sandbox.airflow_connections["mrassistant_default"])
    extra = {**given.get("extra", {}), "day_numbers": "mon=0"}
    monkeypatch.setenv("AIRFLOW_CONN_MRASSISTANT_DEFAULT", json.dumps({**given, "extra": extra}))
    window = OPEN if where == "open" else closed_now()
    hours = {
        "start_time": window["start"],
        "end_time": window["end"],
        "days_of_week": list(range(7)),
        "timezone": "UTC",
    }
    MrAssistantHook().configure_outbound(
        agent_id=AGENT,
        phone_numbers=[{"phone_number": "+12025550190", "daily_limit": 7}],
        schedules=[{"name": "Day", "time_windows": [hours]}],
    )
    arguments = {"conn_id": "mrassistant_default", "agent_id": AGENT}
    if where == "open":
        assert wait(**arguments) is None
    else:
        with pytest.raises(
            (AirflowSensorTimeout, AirflowFailException), match="may not ring before the sensor's timeout"
        ):
            wait(**arguments)


def test_a_campaign_without_windows_is_not_taken_for_open(sandbox: Sandbox) -> None:
    fields = {"name": "Renewals", "agent_id": 42, "timezone": "UTC", "campaign_phone_number_ids": [101]}
    campaign = CallaroHook().create_campaign(fields)
    with pytest.raises(ConfigurationError, match="window"):
        wait(conn_id="callaro_default", campaign_id=str(campaign.id))
