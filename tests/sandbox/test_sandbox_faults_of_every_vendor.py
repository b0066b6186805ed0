"""Faults at Callaro and MrAssistant: the same kinds at every path, each in the shape of the vendor it happens to."""

from __future__ import annotations

import pytest
import requests

from airflow_provider_callkaro.sandbox import Endpoint, FaultKind, Sandbox

AGENT = "3c90c3cc-0d44-4b50-8888-8dd25736052a"
NUMBER = "+12025550177"
CAMPAIGNS = "/api/v1/bulk_call_campaigns"
LAUNCH = CAMPAIGNS + "/{id}/launch"
OUTBOUND = {"agent_id": AGENT, "phone_numbers": [{"phone_number": NUMBER}]}
NEW = [endpoint for endpoint in Endpoint if endpoint.name.startswith(("CALLARO_", "MRASSISTANT_"))]


@pytest.fixture(scope="module")
def slow():
    with Sandbox(callaro_dial_seconds=3600, mrassistant_call_seconds=3600) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(slow):
    slow.reset()
    return slow


def right_request(client, endpoint):
    """Ask for something at an endpoint that is accepted."""
    call = {"agent_id": AGENT, "to_number": NUMBER}
    if endpoint.template.startswith("/api/"):
        campaign = client.draft(contacts=[{"phone_e164": NUMBER}])
        for action in {"pause": ["launch"], "resume": ["launch", "pause"], "cancel": ["launch"]}.get(
            endpoint.template.rpartition("/")[2], []
        ):
            client.callaro("POST", f"/{campaign}/{action}")
        files = {"file": ("c.csv", f"phone\n{NUMBER}"), "column_mapping": (None, "{}")}
        asked = campaign
        if "/contact-imports/" in endpoint.template:
            made = client.callaro("POST", "/" + Endpoint.CALLARO_CONTACTS_IMPORT.template, files=files).json()
            asked = made.get("data", made)["import_id"]
        path = "/" + endpoint.template.replace("{id}", str(asked))
        if endpoint is Endpoint.CALLARO_CONTACTS_IMPORT:
            return lambda: client.callaro("POST", path, files=files)
        body = {"name": "May", "agent_id": 42, "contacts": [{"phone_e164": NUMBER}]}
        return lambda: client.callaro(endpoint.method, path, json=None if endpoint.method == "GET" else body)
    call_id = client.mrassistant("POST", "/calls/outbound", json=call).json()["call_id"]
    login = {"username": "sandbox", "password": "sandbox"}
    tokens = client.control("POST", "/auth/token", json=login).json()
    body = {
        Endpoint.MRASSISTANT_TOKEN: login,
        Endpoint.MRASSISTANT_REFRESH: {"refresh_token": tokens["refresh_token"]},
        Endpoint.MRASSISTANT_CAMPAIGNS: {"agent_id": AGENT, "name": "May", "targets": [{"to_number": NUMBER}]},
        Endpoint.MRASSISTANT_OUTBOUND: call,
        Endpoint.MRASSISTANT_TRANSFER: {"transfer_to": "tel:+12025550199"},
        Endpoint.MRASSISTANT_CONFIGURE: OUTBOUND,
    }.get(endpoint)
    if endpoint is Endpoint.MRASSISTANT_CONFIGURATION:
        client.mrassistant("POST", f"/outbound/agents/{AGENT}/outbound-config", json=OUTBOUND)
    path = endpoint.template.replace("{call_id}", call_id).replace("{agent_id}", AGENT)
    return lambda: client.mrassistant(endpoint.method, path, json=body)


def message_in(answer):
    body = answer.json()
    return body["detail"] if "detail" in body else body["error"]


@pytest.mark.parametrize("endpoint", NEW)
def test_every_path_can_fail_before_and_after_accepting_and_then_works_again(sandbox, client, endpoint):
    ask = right_request(client, endpoint)
    requests_before = len(sandbox.requests)
    for kind, status in [
        ("throttled", 429),
        ("unavailable", 503),
        ("error_before_accepting", 500),
        ("key_refused", 403),
    ]:
        sandbox.fault(kind, path=str(endpoint))
        answer = ask()
        sandbox.clear_faults()
        assert (answer.status_code, bool(message_in(answer))) == (status, True)
    sandbox.fault("reset_before_accepting", path=endpoint)
    with pytest.raises(requests.ConnectionError):
        ask()
    sandbox.clear_faults()
    sandbox.fault("truncated_answer", path=endpoint)
    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        ask()
    assert [request.endpoint for request in sandbox.requests[requests_before:]] == [endpoint] * 6


@pytest.mark.parametrize("endpoint", NEW)
def test_every_path_answers_unreadably_when_told_to_although_it_was_accepted(sandbox, client, endpoint):
    ask = right_request(client, endpoint)
    sandbox.fault("unreadable_answer", path=endpoint)
    answer = ask()
    assert (answer.status_code, answer.headers["Content-Type"][:9]) == (200, "text/html")


def test_a_lost_launch_rings_although_nobody_knows(sandbox, client):
    campaign = client.draft()
    sandbox.fault("drop_answer_after_accepting", path=LAUNCH, first=1)
    with pytest.raises(requests.ConnectionError):
        client.callaro("POST", f"/{campaign}/launch")
    assert [(each.status, each.launches) for each in sandbox.callaro_campaigns] == [("running", 1)]
    assert client.callaro("POST", f"/{campaign}/launch").status_code == 409
    assert len(sandbox.rings) == 1


def test_a_fault_on_one_method_leaves_the_other_on_its_path_alone(sandbox, client):
    sandbox.fault("error_after_accepting", path=f"POST {CAMPAIGNS}")
    assert client.callaro("POST", json={"name": "May", "agent_id": 42}).status_code == 500
    assert len(client.callaro("GET").json()["data"]) == 1
    sandbox.fault("throttled", path=f"PATCH {CAMPAIGNS}/{{id}}")
    assert client.callaro("GET", "/123").status_code == 200
    assert client.callaro("PATCH", "/123", json={}).status_code == 429


def test_an_answer_without_id_lacks_it_one_level_down_too(sandbox, client):
    for path in (f"POST {CAMPAIGNS}", LAUNCH, "/campaigns", "/calls/outbound", "/auth/token"):
        sandbox.fault("answer_without_id", path=path)
    created = client.callaro("POST", json={"name": "May", "agent_id": 42})
    assert (created.status_code, "id" in created.json()["data"]) == (201, False)
    assert created.json()["data"]["status"] == "draft"
    for endpoint, name in [
        (Endpoint.CALLARO_LAUNCH, "id"),
        (Endpoint.MRASSISTANT_CAMPAIGNS, "campaign_id"),
        (Endpoint.MRASSISTANT_OUTBOUND, "call_id"),
        (Endpoint.MRASSISTANT_TOKEN, "access_token"),
    ]:
        sandbox.clear_faults()
        ask = right_request(client, endpoint)
        sandbox.fault("answer_without_id", path=endpoint)
        body = ask().json()
        assert name not in body.get("data", body)


def test_a_rejection_repeats_the_number_in_the_shape_of_each_vendor(sandbox, client):
    launch, create = (
        right_request(client, Endpoint.CALLARO_LAUNCH),
        right_request(client, Endpoint.MRASSISTANT_CAMPAIGNS),
    )
    for path in (LAUNCH, "/campaigns"):
        sandbox.fault("rejected", path=path, first=1)
    answer = launch()
    assert (answer.status_code, NUMBER in answer.json()["error"]) == (400, True)
    assert NUMBER in str(answer.json()["errors"])
    answer = create()
    assert (answer.status_code, NUMBER in answer.json()["detail"]) == (400, True)
    for path in (LAUNCH, "/campaigns"):
        sandbox.fault("rejected", path=path, status=422)
    assert launch().json()["error_code"] == "VALIDATION_ERROR"
    [finding] = create().json()["detail"]
    assert (finding["loc"], finding["input"]) == (["body", "targets", 0, "to_number"], NUMBER)
    assert NUMBER in finding["msg"]
    assert [ring.batch_id for ring in sandbox.rings if ring.vendor == "Callaro"] == []


def test_a_refused_key_is_refused_as_each_vendor_would(sandbox, client):
    codes = []
    for status in (403, 401):
        sandbox.fault("key_refused", path=f"GET {CAMPAIGNS}", status=status)
        codes.append(client.callaro("GET").json()["error_code"])
        sandbox.clear_faults()
    assert codes == ["FORBIDDEN", "UNAUTHORIZED"]
    sandbox.fault("key_refused", path="/calls/{call_id}", status=401)
    assert client.mrassistant("GET", "/calls/any").json() == {"detail": "Not authenticated"}


def test_the_newer_answer_of_callkaro_is_no_other_vendors(sandbox, client):
    ask = right_request(client, Endpoint.MRASSISTANT_OUTBOUND)
    sandbox.fault(FaultKind.NEWER_ANSWER, path="/calls/outbound")
    assert ask().json()["status"] == "initiated"


def test_a_held_launch_dials_only_after_the_release(sandbox, client, in_background):
    campaign = client.draft()
    sandbox.fault("hold_before_accepting", path=LAUNCH, first=1)
    answer = in_background(client.callaro, "POST", f"/{campaign}/launch")
    sandbox.wait_for_held(1)
    assert (sandbox.rings, sandbox.callaro_campaigns[0].status) == ([], "draft")
    sandbox.release()
    assert answer.result().status_code == 200
    sandbox.wait_for_rings(1)


def test_a_request_without_a_good_token_does_not_use_up_a_fault(sandbox, client):
    sandbox.fault("throttled", path="/campaigns", first=1)
    client.mrassistant("POST", "/campaigns", token="wrong", json={})
    assert [client.mrassistant("POST", "/campaigns", json={}).status_code for _ in range(2)] == [429, 422]


def test_a_cut_csv_is_seen_to_be_cut(sandbox, client):
    sandbox.fault("truncated_answer", path=CAMPAIGNS + "/{id}/results_export")
    answer = client.callaro("GET", f"/{client.draft()}/results_export", stream=True)
    assert (answer.status_code, "Content-Length" in answer.headers) == (200, False)
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        list(answer.iter_content())
