"""Each task shows what there is to open, and nothing where there is nothing; no link tells a number or a key."""

from __future__ import annotations

import json
from importlib import import_module
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import DAG
from fanning_out import connect, context_of, fan_out, people
from fsspec.implementations.memory import MemoryFileSystem

try:
    from airflow.serialization.serialized_objects import DagSerialization
except ImportError:  # before Airflow 3.3
    from airflow.serialization.serialized_objects import SerializedDAG as DagSerialization

from airflow_provider_callkaro.exceptions import ConfigurationError
from airflow_provider_callkaro.get_provider_info import get_provider_info
from airflow_provider_callkaro.hooks.callaro import CallaroHook
from airflow_provider_callkaro.hooks.mrassistant import MrAssistantHook
from airflow_provider_callkaro.operators import callaro, callkaro, mrassistant
from airflow_provider_callkaro.operators.callaro import CallaroCreateCampaignOperator, CallaroLaunchCampaignOperator
from airflow_provider_callkaro.operators.callkaro import CallKaroCreateCampaignOperator, CallKaroPreflightOperator
from airflow_provider_callkaro.operators.mrassistant import (
    MrAssistantCreateCampaignOperator,
    MrAssistantPreflightOperator,
)

OPERATORS = [getattr(module, name) for module in (callkaro, callaro, mrassistant) for name in module.__all__]
REPORT, PAGE, CAMPAIGN = "_link_CallReportLink", "_link_PreflightPageLink", "_link_CallKaroCampaignLink"
UUID_AGENT = "3c90c3cc-0d44-4b50-8888-8dd25736052a"


@pytest.fixture
def bucket(monkeypatch, sandbox, tmp_path):
    """A bucket of Google's, as far as Airflow knows, in memory."""
    from airflow.providers.common.compat.sdk import ObjectStoragePath

    connect(sandbox, monkeypatch, tmp_path)
    monkeypatch.setenv("AIRFLOW_CONN_MRASSISTANT_DEFAULT", sandbox.airflow_connections["mrassistant_default"])
    files = _Bucket(skip_instance_cache=True)
    monkeypatch.setattr(MemoryFileSystem, "store", {})
    stores = import_module(f"{ObjectStoragePath.__module__.rpartition('.')[0]}.store")
    monkeypatch.delitem(stores._STORE_CACHE, "gs", raising=False)  # what another test has opened would be given back
    stores.attach("gs", fs=files)
    return "gs://outreach"


class _Bucket(MemoryFileSystem):
    protocol = ("gs", "gcs")


def links_of(context: dict[str, Any]) -> dict[str, str]:
    return {name: value for name, value in context["ti"].xcoms.items() if name.startswith("_link_")}


def test_a_fan_out_shows_its_campaign_at_once_and_its_report_once_it_is_written(bucket):
    context = context_of()
    campaign = CallKaroCreateCampaignOperator(task_id="campaign", name="Renewals").execute(context_of())
    fan_out(context, batch_id=campaign, report_path=f"{bucket}/r.csv")
    links = links_of(context)
    assert set(links) == {REPORT, CAMPAIGN}
    assert links[CAMPAIGN].endswith(f"/dashboard/batch-calls/{campaign}")
    assert links[REPORT] == "https://storage.cloud.google.com/outreach/r.csv"


def test_a_campaign_of_mrassistant_shows_its_report(bucket):
    context = context_of()
    arguments = {"contacts": people(2), "name": "Renewals", "agent_id": UUID_AGENT}
    MrAssistantCreateCampaignOperator(task_id="calls", report_path=f"{bucket}/r.jsonl", **arguments).execute(context)
    assert links_of(context) == {REPORT: "https://storage.cloud.google.com/outreach/r.jsonl"}


@pytest.mark.parametrize(
    ("operator", "arguments"),
    [
        (CallKaroPreflightOperator, {"agent_id": "asha"}),
        (MrAssistantPreflightOperator, {"agent_id": UUID_AGENT, "name": "Renewals"}),
    ],
)
def test_a_preflight_shows_its_page_and_hands_on_its_address_in_markdown(bucket, operator, arguments):
    context = context_of()
    priced = {"price_per_minute": 6.0, "currency": "INR|$", **arguments}
    task = operator(task_id="preflight", contacts=people(3), page_path=f"{bucket}/p.html", **priced)
    result = task.execute(context)
    address = "https://storage.cloud.google.com/outreach/p.html"
    assert links_of(context) == {PAGE: address}
    assert (result["page_link"], result["page"]) == (address, f"{bucket}/p.html")
    lines = result["markdown"].splitlines()
    assert lines[:3] == ["|  |  |", "| --- | ---: |", "| rows | 3 |"]
    assert "| cost | 18.00 INR\\|$ |" in lines
    assert lines[-1] == f"[The whole page]({address})"
    assert "98765" not in result["markdown"]


PAGE_OF_CAMPAIGN = {"extra": {"campaign_page": "https://app.example.org/c/{campaign_id}"}}


@pytest.mark.parametrize("extra", [PAGE_OF_CAMPAIGN, {}])
def test_a_campaign_has_a_link_where_the_connection_says_what_its_page_is_called(bucket, sandbox, monkeypatch, extra):
    for vendor in ("callaro", "mrassistant"):
        given = json.loads(sandbox.airflow_connections[f"{vendor}_default"])
        monkeypatch.setenv(f"AIRFLOW_CONN_{vendor.upper()}_DEFAULT", json.dumps({**given, **extra}))
    arguments = {"name": "Renewals", "agent_id": UUID_AGENT}
    context = context_of()
    MrAssistantCreateCampaignOperator(task_id="calls", contacts=people(2), **arguments).execute(context)
    [one] = sandbox.mrassistant_campaigns
    page = "https://app.example.org/c"
    assert links_of(context) == ({"_link_MrAssistantCampaignLink": f"{page}/{one.campaign_id}"} if extra else {})

    several = context_of(run_id="scheduled__2")
    arguments |= {"contacts": people(2, start=7), "targets_per_campaign": 1}
    MrAssistantCreateCampaignOperator(task_id="calls", **arguments).execute(several)
    assert links_of(several) == {}

    created, launched = context_of(), context_of()
    campaign = CallaroCreateCampaignOperator(
        task_id="create", name="R", agent_id=42, campaign_phone_number_ids=[1]
    ).execute(created)
    CallaroLaunchCampaignOperator(task_id="launch", campaign_id=campaign).pre_execute(launched)
    expected = {"_link_CallaroCampaignLink": f"{page}/{campaign}"} if extra else {}
    assert links_of(created) == links_of(launched) == expected


@pytest.mark.parametrize(
    "address",
    ["https://app.example.org/", "app/{campaign_id}", "javascript:{campaign_id}", "https://u:p@h/{campaign_id}"],
)
def test_an_address_that_is_none_is_refused_with_its_connection(sandbox, monkeypatch, address):
    for hook, vendor in ((CallaroHook, "callaro"), (MrAssistantHook, "mrassistant")):
        given = json.loads(sandbox.airflow_connections[f"{vendor}_default"])
        extra = {"extra": {"campaign_page": address}}
        monkeypatch.setenv(f"AIRFLOW_CONN_{vendor.upper()}_DEFAULT", json.dumps({**given, **extra}))
        with pytest.raises(ConfigurationError, match=rf'"campaign_page" in the extra of connection "{vendor}_default"'):
            hook().connection  # noqa: B018


def test_there_is_no_link_where_no_browser_could_follow_it(bucket, tmp_path):
    context = context_of()
    fan_out(context, report_path=str(tmp_path / "r.csv"))
    task = CallKaroPreflightOperator(
        task_id="preflight", contacts=people(3), agent_id="asha", page_path=str(tmp_path / "p.html")
    )
    result = task.execute(context)
    assert links_of(context) == {}
    assert result["page_link"] is None
    assert "[" not in result["markdown"]


def test_airflow_knows_every_link_of_every_operator_when_it_reads_the_dag_again():
    registered = set(get_provider_info()["extra-links"])
    used = {
        f"{type(link).__module__}.{type(link).__name__}" for each in OPERATORS for link in each.operator_extra_links
    }
    assert used == registered
    for operator in OPERATORS:
        for link in operator.operator_extra_links:
            assert link.key == getattr(link, "xcom_key", link.key) == f"_link_{type(link).__name__}"
    with DAG("outreach", schedule=None) as dag:
        MrAssistantCreateCampaignOperator(task_id="calls", contacts=[], name="Renewals")
        CallKaroPreflightOperator(task_id="preflight", contacts=[])
    stored = json.dumps(DagSerialization.to_dict(dag))
    assert "CallReportLink" in stored  # Airflow 3 stores the key of its XCom, 2.11 the path of its class
    assert "PreflightPageLink" in stored
