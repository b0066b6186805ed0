"""A DAG that waits for a campaign learns how its fan-out ended, by counts alone."""

from __future__ import annotations

from pathlib import Path

import pytest
from airflow.providers.common.compat.sdk import Asset, AssetAlias
from fanning_out import connect, context_of, fan_out
from outlets import OutletEvents

from airflow_provider_callkaro.hooks.callkaro import CallKaroHook
from airflow_provider_callkaro.sandbox import Sandbox
from airflow_provider_callkaro.tasks.asset_events import campaign_asset, campaigns_of


def test_a_fan_out_tells_each_of_its_outlets_how_it_ended(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asset, alias = Asset("renewals"), AssetAlias("campaigns of the night")
    context = context_of() | {"outlet_events": OutletEvents()}
    with Sandbox() as vendor:
        connect(vendor, monkeypatch, tmp_path)
        batch_id = CallKaroHook().create_campaign("night")
        fan_out(context, batch_id=batch_id, outlets=[asset, alias], ledger_conn_id="call_ledger")
    told = context["outlet_events"][asset].extra
    assert told == {
        "event": "fan_out_ended",
        "batch_id": batch_id,
        "total": 5,
        "accepted": 5,
        "rejected": 0,
        "skipped": 0,
        "unknown": 0,
        "pending": 0,
        "report": None,
    }
    assert context["outlet_events"][alias].added == [
        (f"callkaro://campaigns/{batch_id}", {**told, "campaign_id": batch_id})
    ]


def test_each_campaign_of_a_list_has_an_asset_of_its_own() -> None:
    created = {"campaigns": 2, "created": [{"campaign_id": "a"}, {"campaign_id": "b"}]}
    assert campaigns_of(created) == ["a", "b"]
    assert [campaign_asset("mrassistant", each).uri for each in campaigns_of(created)] == [
        "mrassistant://campaigns/a",
        "mrassistant://campaigns/b",
    ]
    assert campaigns_of({"batch_id": None}) == []
    assert campaign_asset("callkaro", "night 1/2").uri == "callkaro://campaigns/night%201%2F2"
