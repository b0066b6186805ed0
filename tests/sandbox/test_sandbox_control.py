"""The sandbox's own endpoints: what somebody who develops a DAG looks at instead of a real phone."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
import requests


def test_the_list_of_calls_has_everything_that_was_asked_for(sandbox, client):
    batch_id = client.campaign()
    before = datetime.now(UTC)
    client.call("+14155550100", batch_id=batch_id, metadata={"name": "Asha"}, schedule_at="2027-01-01T10:00:00")
    client.call("+14155550101")
    listed = client.control("GET", "/_sandbox/calls").json()
    first, second = listed["calls"]
    received_at = datetime.fromisoformat(first.pop("received_at"))
    assert before <= received_at <= datetime.now(UTC)
    assert first == {
        "order": 1,
        "to_number": "+14155550100",
        "agent_id": "agent",
        "batch_id": batch_id,
        "call_id": "a1b2c3d4e5",
        "rings_at": "2027-01-01T10:00:00",
        "metadata": {"name": "Asha"},
        "body": {
            "to_number": "+14155550100",
            "agent_id": "agent",
            "batch_id": batch_id,
            "metadata": {"name": "Asha"},
            "schedule_at": "2027-01-01T10:00:00",
        },
        "scheduled": True,
        "deleted": False,
        "vendor": "CallKaro",
    }
    assert (second["order"], second["scheduled"], second["metadata"], second["batch_id"]) == (2, False, None, None)
    assert second["rings_at"] == second["received_at"]


def test_the_totals_show_a_double_ring_and_what_was_deleted(sandbox, client):
    for number in ("+14155550100", "+14155550100", "+14155550101"):
        client.call(number)
    client.call("+14155550102", schedule_at="2027-01-01T10:00:00")
    client.call("nonsense")
    client.post("/call/delete-schedule-call?agent_id=agent", json={"to_number": "+14155550102"})
    listed = client.control("GET", "/_sandbox/calls").json()
    assert listed["rings_per_number"] == {"+14155550100": 2, "+14155550101": 1}
    assert listed["totals"] == {
        "requests": 6,
        "most_in_flight": 1,
        "held": 0,
        "rings": 3,
        "numbers": 2,
        "numbers_rung_more_than_once": 1,
        "scheduled": 1,
        "deleted": 1,
    }


def test_metadata_that_only_json_escapes_can_carry_is_listed(sandbox, client):
    body = b'{"to_number": "+14155550100", "agent_id": "agent", "metadata": {"name": "\\ud800 \xe0\xa4\x86"}}'
    assert client.post("/call/outbound", data=body).status_code == 200
    assert client.control("GET", "/_sandbox/calls").json()["calls"][0]["metadata"] == {"name": "\ud800 आ"}


def test_the_list_of_campaigns_counts_their_calls(sandbox, client):
    one, two = client.campaign(agent_id="agent"), client.campaign()
    for batch_id in (one, two, two):
        client.call(batch_id=batch_id)
    listed = client.control("GET", "/_sandbox/campaigns").json()["campaigns"]
    assert [(entry["batch_id"], entry["agent_id"], entry["name"], entry["calls"]) for entry in listed] == [
        (one, "agent", "Renewals", 1),
        (two, None, "Renewals", 2),
    ]
    assert datetime.fromisoformat(listed[0]["created_at"]).utcoffset() is not None


def test_the_campaigns_of_the_other_vendors_are_listed_beside_them_with_their_calls(sandbox, client):
    client.callaro("POST", f"/{client.draft(contacts=[{'phone_e164': '+12025550101'}])}/launch")
    body = {
        "agent_id": "3c90c3cc-0d44-4b50-8888-8dd25736052a",
        "name": "May",
        "targets": [{"to_number": "+12025550102"}],
    }
    client.mrassistant("POST", "/campaigns", json=body)
    listed = client.control("GET", "/_sandbox/campaigns").json()
    assert listed["campaigns"] == []
    [callaro], [mrassistant] = listed["callaro_campaigns"], listed["mrassistant_campaigns"]
    assert (callaro["id"], callaro["launches"], callaro["calls"]) == (123, 1, 1)
    assert (mrassistant["name"], mrassistant["total_targets"], mrassistant["calls"]) == ("May", 1, 1)


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_a_fault_switched_on_over_http_strikes_and_is_listed_with_its_count(sandbox, client, method):
    answer = client.control(method, "/_sandbox/faults", json={"kind": "error_after_accepting", "every": 2})
    assert answer.status_code == 200
    assert [client.call().status_code for _ in range(3)] == [200, 500, 200]
    listed = client.control("GET", "/_sandbox/faults").json()
    assert listed["faults"] == [
        {
            "kind": "error_after_accepting",
            "path": "/call/outbound",
            "every": 2,
            "after": 0,
            "status": 500,
            "seen": 3,
            "hit": 1,
        }
    ]
    assert "latency" in listed["kinds"]
    assert client.control("DELETE", "/_sandbox/faults").json()["faults"] == []
    assert client.call().status_code == 200


@pytest.mark.parametrize("body", [b"", b"{", b"[" * 100_000, b"[]", b'{"kind": "earthquake"}', b'{"kind": NaN}'])
def test_a_fault_that_cannot_be_is_refused_over_http_and_changes_nothing(sandbox, client, body):
    answer = client.control("POST", "/_sandbox/faults", data=body)
    assert answer.status_code == 400
    assert answer.json()["message"]
    assert client.control("GET", "/_sandbox/faults").json()["faults"] == []


def test_held_calls_are_seen_and_released_over_http(sandbox, client, in_background):
    client.control("POST", "/_sandbox/faults", json={"kind": "hold_after_accepting"})
    answer = in_background(client.call)
    sandbox.wait_for_held(1)
    assert client.control("GET", "/_sandbox/calls").json()["totals"]["held"] == 1
    assert client.control("POST", "/_sandbox/release").json() == {"status": "ok", "released": 1}
    assert answer.result().status_code == 200


def test_a_reset_over_http_forgets_everything(sandbox, client):
    client.campaign()
    client.call()
    sandbox.fault("throttled")
    assert client.control("POST", "/_sandbox/reset").json() == {"status": "ok"}
    assert client.call().status_code == 200
    assert len(sandbox.rings) == 1
    assert sandbox.campaigns == []


def test_a_call_held_over_a_reset_over_http_never_rings(sandbox, client, in_background):
    sandbox.fault("hold_before_accepting")
    held = in_background(client.call)
    sandbox.wait_for_held(1)
    client.control("POST", "/_sandbox/reset")
    with pytest.raises(requests.exceptions.ConnectionError):
        held.result()
    assert sandbox.rings == []


def test_looking_is_neither_a_request_to_the_vendor_nor_hit_by_faults(sandbox, client):
    sandbox.fault("throttled")
    assert client.control("GET", "/_sandbox/health").json() == {"status": "ok"}
    assert client.control("GET", "/_sandbox/calls").status_code == 200
    assert sandbox.requests == []
