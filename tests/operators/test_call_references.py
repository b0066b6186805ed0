"""The reference that a call carries: its outcome finds the call by it, even if nobody ever told the call's id."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy
from airflow_task_state import TaskStateInMemory
from fanning_out import connect, context_of, fan_out, people

from airflow_provider_callkaro.calls.disposition import Disposition
from airflow_provider_callkaro.hooks.ledger import sql_engine
from airflow_provider_callkaro.operators.callkaro import CallKaroCreateCampaignOperator, CallKaroOutboundCallOperator
from airflow_provider_callkaro.operators.mrassistant import MrAssistantCreateCampaignOperator
from airflow_provider_callkaro.outcomes.store import OutcomeStore
from airflow_provider_callkaro.vendors.call_events import read_event

LEDGER = {"ledger_conn_id": "call_ledger", "ledger_scope": "renewals"}
AGENT = "3c90c3cc-0d44-4b50-8888-8dd25736052a"


@pytest.fixture(autouse=True)
def _connected(sandbox: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    connect(sandbox, monkeypatch, tmp_path)
    monkeypatch.setenv("AIRFLOW_CONN_MRASSISTANT_DEFAULT", sandbox.airflow_connections["mrassistant_default"])


def references(sandbox: Any) -> list[str]:
    return [ring.metadata["call_reference"] for ring in sandbox.rings]


def ended(number: str, reference: str) -> dict[str, Any]:
    """The vendor's webhook about a call, with an id that the ledger does not know."""
    data = {
        "callSid": f"sid-{reference}",
        "to": number[1:],
        "hangup_reason": "CLIENT_INITIATED",
        "call_metadata": {"call_reference": reference},
    }
    return {"event": "call_ended", "data": data}


def test_an_outcome_settles_the_call_whose_answer_was_lost(sandbox: Any) -> None:
    sandbox.fault("drop_answer_after_accepting", every=2)
    campaign = CallKaroCreateCampaignOperator(task_id="campaign", name="Renewals").execute(context_of())
    summary = fan_out(context_of(), contacts=people(6), batch_id=campaign, **LEDGER)
    assert (summary["accepted"], summary["unknown"]) == (3, 3)
    deliveries = [ended(ring.to_number, ring.metadata["call_reference"]) for ring in sandbox.rings]
    events = [event for one in deliveries if (event := read_event("callkaro", one)) is not None]
    with OutcomeStore(sql_engine("call_ledger")) as store:
        recorded = store.record(events, conn_id="callkaro_default")
        assert (recorded.new, recorded.unknown_resolved) == (6, 3)
        for selection in ({"scope": "renewals"}, {"campaign": campaign}, {}):
            counts = store.counts(**selection, unresolved_after=timedelta(days=1))
            assert (counts.accepted, counts.unknown, counts.outcomes) == (6, 0, {Disposition.REACHED: 6})


def test_every_call_has_a_reference_of_its_own_and_a_retry_sends_the_same(sandbox: Any) -> None:
    sandbox.fault("throttled", every=2)
    fan_out(context_of(), contacts=people(4), **LEDGER)
    found = references(sandbox)
    assert len(set(found)) == 4
    assert {len(reference) for reference in found} == {22}


def test_a_single_call_and_a_campaign_carry_one_too(sandbox: Any) -> None:
    CallKaroOutboundCallOperator(task_id="call", to_number="+919876500001", agent_id="a", **LEDGER).execute(
        context_of()
    )
    arguments = {"contacts": people(2), "name": "Renewals", "agent_id": AGENT, **LEDGER, "ledger_scope": "campaigns"}
    MrAssistantCreateCampaignOperator(task_id="calls", **arguments).execute(context_of("another"))
    assert len(set(references(sandbox))) == 3


@pytest.mark.parametrize("arguments", [{"call_reference": False, **LEDGER}, {}], ids=["switched off", "no SQL ledger"])
def test_a_call_carries_none_where_nobody_could_read_it(sandbox: Any, arguments: dict[str, Any]) -> None:
    fan_out(context_of(store=TaskStateInMemory()), contacts=people(1), **arguments)
    assert ["call_reference" in ring.metadata for ring in sandbox.rings] == [False]


def test_a_column_of_that_name_is_refused_with_the_way_out(sandbox: Any, tmp_path: Any) -> None:
    rows = [{**people(1)[0], "call_reference": "mine"}, *people(1, start=1)]
    summary = fan_out(context_of(), contacts=rows, **LEDGER, report_path=str(tmp_path / "report.csv"))
    assert (summary["accepted"], summary["reasons"]) == (1, {"bad_metadata": 1})
    assert "call_reference=False" in (tmp_path / "report.csv").read_text()
    assert (
        fan_out(context_of("another"), contacts=rows, **LEDGER | {"ledger_scope": "b"}, call_reference=False)[
            "accepted"
        ]
        == 2
    )
    assert "mine" in [ring.metadata.get("call_reference") for ring in sandbox.rings]


def test_a_ledger_whose_user_may_make_no_table_rings_without_references(sandbox: Any, caplog: Any) -> None:
    fan_out(context_of(), contacts=people(1), **LEDGER, call_reference=False)
    with sql_engine("call_ledger").begin() as connection:  # a view of that name: no table can be made, or written
        connection.execute(sqlalchemy.text("CREATE VIEW voice_call_secrets AS SELECT 1 AS something"))
    summary = fan_out(context_of(), contacts=people(1, start=1), **LEDGER)
    assert summary["accepted"] == 1
    assert "carry no reference" in caplog.text
