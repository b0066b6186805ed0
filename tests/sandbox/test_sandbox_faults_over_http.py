"""Each fault, as a client feels it, and what the phone did meanwhile: the difference is what the package is about."""

from __future__ import annotations

import http.client
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

import pytest
import requests

from airflow_provider_callkaro.sandbox import FaultKind, Sandbox


def raw_call(sandbox):
    """Place a call and return the status, or the name of the error a client without any manners sees."""
    connection = http.client.HTTPConnection(urlsplit(sandbox.url).netloc, timeout=30)
    body = '{"to_number": "+14155550100", "agent_id": "agent"}'
    try:
        connection.request("POST", "/call/outbound", body, {"X-API-KEY": sandbox.api_key})
        answer = connection.getresponse()
        answer.read()
        return answer.status
    except (OSError, http.client.HTTPException) as error:
        return type(error).__name__
    finally:
        connection.close()


@pytest.mark.parametrize(
    ("kind", "seen", "rings"),
    [
        ("throttled", 429, 0),
        ("unavailable", 503, 0),
        ("error_before_accepting", 500, 0),
        ("reset_before_accepting", "ConnectionResetError", 0),
        ("key_refused", 403, 0),
        ("rejected", 400, 0),
        ("redirect", 302, 0),
        ("error_after_accepting", 500, 1),
        ("reset_after_accepting", "ConnectionResetError", 1),
        ("drop_answer_after_accepting", "RemoteDisconnected", 1),
        ("truncated_answer", "IncompleteRead", 1),
        ("unreadable_answer", 200, 1),
        ("answer_without_id", 200, 1),
        ("newer_answer", 200, 1),
    ],
)
def test_a_fault_looks_as_it_should_and_rings_only_if_it_should(sandbox, kind, seen, rings):
    sandbox.fault(kind)
    assert (raw_call(sandbox), len(sandbox.rings)) == (seen, rings)
    sandbox.clear_faults()
    assert (raw_call(sandbox), len(sandbox.rings)) == (200, rings + 1)


def test_a_reset_is_a_reset_over_ipv6_too():
    try:
        sandbox = Sandbox(host="::1")
        sandbox.start()
    except OSError:
        pytest.skip("this machine has no IPv6")
    sandbox.fault("reset_after_accepting")
    assert raw_call(sandbox) == "ConnectionResetError"
    sandbox.stop()
    assert len(sandbox.rings) == 1


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("error_before_accepting", 502),
        ("error_after_accepting", 504),
        ("key_refused", 401),
        ("rejected", 404),
        ("rejected", 422),
        ("redirect", 307),
    ],
)
def test_the_status_of_a_fault_can_be_chosen(sandbox, client, kind, status):
    sandbox.fault(kind, status=status)
    assert client.call().status_code == status


@pytest.mark.parametrize("kind", ["throttled", "unavailable"])
def test_retry_after_comes_in_every_form_a_vendor_may_choose(sandbox, client, kind):
    sandbox.fault(kind)
    assert "Retry-After" not in client.call().headers
    sandbox.clear_faults()
    sandbox.fault(kind, retry_after=7)
    assert client.call().headers["Retry-After"] == "7"
    sandbox.clear_faults()
    sandbox.fault(kind, retry_after=0.25)
    assert client.call().headers["Retry-After"] == "0.25"
    sandbox.clear_faults()
    sandbox.fault(kind, retry_after=3600, retry_after_as="date")
    hour = timedelta(hours=1)
    before = datetime.now(UTC)
    moment = parsedate_to_datetime(client.call().headers["Retry-After"])
    assert before + hour <= moment <= datetime.now(UTC) + hour + timedelta(seconds=1)


def test_a_rejection_repeats_the_number_so_that_masking_can_be_tested(sandbox, client):
    sandbox.fault("rejected")
    message = client.call("+14155550123").json()["message"]
    assert "+14155550123" in message
    assert "(14155550123)" in message


def test_a_rejection_of_a_body_without_a_number_is_still_a_rejection(sandbox, client):
    sandbox.fault("rejected")
    assert client.post("/call/outbound", data=b"[").status_code == 400


def test_a_redirect_points_where_a_key_must_not_go(sandbox, client):
    sandbox.fault("redirect", location="https://elsewhere.example/call/outbound")
    assert client.call().headers["Location"] == "https://elsewhere.example/call/outbound"


def test_an_unreadable_answer_is_html_with_status_200(sandbox, client):
    sandbox.fault("unreadable_answer")
    answer = client.call()
    assert answer.headers["Content-Type"].startswith("text/html")
    with pytest.raises(requests.exceptions.JSONDecodeError):
        answer.json()


def test_an_answer_without_id_lacks_it_in_either_shape(sandbox, client):
    sandbox.fault("answer_without_id")
    assert client.call().json() == {"status": "success", "message": "Call initiated successfully"}
    sandbox.fault("newer_answer")
    assert client.call().json() == {"status": "done", "message": "Call queued successfully"}


@pytest.mark.parametrize("path", ["/call/campaign", "/v2/call/campaign"])
def test_a_fault_can_be_aimed_at_campaigns(sandbox, client, path):
    body = {"name": "Renewals", "agent_id": "agent"}
    sandbox.fault("answer_without_id", path=path)
    assert client.post(path, json=body).json() == {"status": "success", "message": "Campaign created successfully"}
    sandbox.fault("error_after_accepting", path=path)
    sandbox.fault("newer_answer", path=path)
    assert client.post(path, json=body).status_code == 500
    assert len(sandbox.campaigns) == 2
    assert client.call().status_code == 200


def test_a_late_answer_is_late_although_the_phone_rings_at_once(sandbox, client):
    sandbox.fault("latency", seconds=3600)
    with pytest.raises(requests.exceptions.ReadTimeout):
        client.call(timeout=0.2)
    sandbox.wait_for_rings(1)


def test_latency_comes_on_top_of_another_fault(sandbox, client):
    sandbox.fault("latency", seconds=0.001)
    sandbox.fault("error_after_accepting")
    assert client.call().status_code == 500
    sandbox.reset()
    sandbox.fault("latency", seconds=3600)
    sandbox.fault("throttled")
    with pytest.raises(requests.exceptions.ReadTimeout):
        client.call(timeout=0.2)
    assert sandbox.rings == []


def test_what_comes_faster_than_the_limit_is_told_when_to_come_again(sandbox, client):
    sandbox.fault("rate_limit", calls_per_second=1)
    answers = [client.call() for _ in range(20)]
    refused = [answer for answer in answers if answer.status_code == 429]
    assert answers[0].status_code == 200
    assert refused
    assert {answer.headers["Retry-After"] for answer in refused} == {"1"}
    assert len(sandbox.rings) == 20 - len(refused)


def test_a_rate_limit_can_name_its_own_retry_after(sandbox, client):
    sandbox.fault("rate_limit", calls_per_second=1, retry_after=30)
    answers = [client.call() for _ in range(20)]
    assert {answer.headers.get("Retry-After") for answer in answers if answer.status_code == 429} == {"30"}


def test_only_the_requests_in_question_are_hit(sandbox, client):
    sandbox.fault("error_before_accepting", every=3, after=2)
    assert [client.call().status_code for _ in range(9)] == [200, 200, 200, 200, 500, 200, 200, 500, 200]


def test_a_request_without_the_right_key_does_not_use_up_a_fault(sandbox, client):
    sandbox.fault("error_before_accepting", first=1)
    client.post("/call/outbound", json={}, key="wrong")
    assert [client.call().status_code for _ in range(2)] == [500, 200]


def test_an_invalid_call_is_refused_even_where_an_answer_would_be_spoilt(sandbox, client):
    sandbox.fault("error_after_accepting")
    assert client.call("nonsense").status_code == 400
    assert sandbox.rings == []


def test_a_double_ring_shows(sandbox, client):
    for _ in range(2):
        client.call("+14155550100")
    client.call("+14155550101")
    assert sandbox.rings_per_number() == {"+14155550100": 2, "+14155550101": 1}


def test_every_kind_is_tried_here_or_in_the_tests_of_holding_and_of_echoes():
    with open(__file__, encoding="utf-8") as source:
        text = source.read()
    assert [kind for kind in FaultKind if f'"{kind}"' not in text and not kind.startswith(("hold_", "echo_"))] == []
