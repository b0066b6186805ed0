"""The soak's person on duty resumes the campaigns that wait for somebody, and no others."""

from __future__ import annotations

import json

import pytest
import requests

from airflow_provider_callkaro.sandbox import Sandbox
from tests.soak.witness import WAITED_FOR, _answer

CAMPAIGNS = "/api/v1/bulk_call_campaigns"


def paused(sandbox: Sandbox, name: str) -> None:
    """Leave a campaign of this name paused."""
    connection = json.loads(sandbox.airflow_connections["callaro_default"])
    url, headers = connection["host"] + CAMPAIGNS, {"X-Api-Key": connection["password"]}
    fields = {
        "name": name,
        "agent_id": 42,
        "timezone": "UTC",
        "campaign_phone_number_ids": [101],
        "contacts": [{"phone_e164": "+12025550123"}],
    }
    assert requests.post(url, headers=headers, json=fields, timeout=30).status_code == 201
    campaign = sandbox.callaro_campaigns[-1]
    for action in ("launch", "pause"):
        assert requests.post(f"{url}/{campaign.id}/{action}", headers=headers, timeout=30).status_code == 200


@pytest.mark.slow
def test_what_waits_for_somebody_is_resumed_and_nothing_else() -> None:
    with Sandbox(callaro_dial_seconds=600) as sandbox:
        paused(sandbox, f"soak-1 {WAITED_FOR}")
        paused(sandbox, "soak-1 steps")
        assert _answer(sandbox, sandbox, "resume", None) == [f"soak-1 {WAITED_FOR}"]
        assert [campaign.status == "paused" for campaign in sandbox.callaro_campaigns] == [False, True]
