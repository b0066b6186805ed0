"""Holding requests, and stopping: how a test stands still at the one moment it is about, without a sleep."""

from __future__ import annotations

import pytest
import requests

from airflow_provider_callkaro.sandbox import Sandbox

NUMBERS = [f"+1415555{index:04d}" for index in range(20)]


def test_a_call_held_before_accepting_rings_only_after_the_release(sandbox, client, in_background):
    sandbox.fault("hold_before_accepting")
    answer = in_background(client.call)
    sandbox.wait_for_held(1)
    assert sandbox.rings == []
    assert (sandbox.release(), sandbox.release()) == (1, 0)
    assert answer.result().status_code == 200
    assert len(sandbox.rings) == 1


def test_a_call_held_after_accepting_has_rung_before_anybody_hears_of_it(sandbox, client, in_background):
    sandbox.fault("hold_after_accepting")
    answer = in_background(client.call)
    sandbox.wait_for_rings(1)
    sandbox.wait_for_held(1)
    assert not answer.done()
    sandbox.release()
    assert answer.result().json()["call_id"] == sandbox.rings[0].call_id


def test_a_call_whose_client_has_gone_rings_all_the_same(sandbox, client):
    sandbox.fault("hold_before_accepting")
    with pytest.raises(requests.exceptions.ReadTimeout):
        client.call(timeout=0.1)
    sandbox.release()
    sandbox.wait_for_rings(1)


def test_a_release_frees_those_who_are_held_and_the_fault_goes_on(sandbox, client, in_background):
    sandbox.fault("hold_after_accepting")
    first = in_background(client.call, NUMBERS[0])
    sandbox.wait_for_held(1)
    sandbox.release()
    first.result()
    second = in_background(client.call, NUMBERS[1])
    sandbox.wait_for_held(1)
    sandbox.clear_faults()
    assert not second.done()
    assert client.call(NUMBERS[2]).status_code == 200
    sandbox.release()
    assert second.result().status_code == 200


def test_a_held_call_can_meet_another_fault_as_well(sandbox, client, in_background):
    sandbox.fault("hold_before_accepting")
    sandbox.fault("error_after_accepting")
    answer = in_background(client.call)
    sandbox.wait_for_held(1)
    sandbox.release()
    assert answer.result().status_code == 500
    assert len(sandbox.rings) == 1


def test_the_log_has_when_each_request_came_and_when_it_was_answered(sandbox, client, in_background):
    sandbox.fault("hold_before_accepting", first=1)
    held = in_background(client.call, NUMBERS[0])
    sandbox.wait_for_held(1)
    client.call("nonsense")
    first, second = client.control("GET", "/_sandbox/requests").json()["requests"]
    assert (first["endpoint"], first["answered_at"]) == ("/call/outbound", None)
    assert second["received_at"] <= second["answered_at"]
    sandbox.release()
    held.result()
    first, second = sandbox.requests
    assert first.received_at <= second.received_at <= second.answered_at <= first.answered_at


def test_a_request_from_before_a_reset_is_answered_in_no_later_log(sandbox, client, in_background):
    sandbox.fault("hold_before_accepting")
    held = in_background(client.call, NUMBERS[0])
    sandbox.wait_for_held(1)
    sandbox.reset()
    with pytest.raises(requests.exceptions.ConnectionError):
        held.result()
    assert sandbox.requests == []


def test_as_many_requests_as_were_sent_at_once_are_counted_at_once(sandbox, client_of, in_background):
    sandbox.fault("hold_before_accepting")
    answers = [in_background(client_of(sandbox).call, number) for number in NUMBERS]
    sandbox.wait_for_held(len(NUMBERS))
    assert sandbox.most_in_flight == len(NUMBERS)
    sandbox.release()
    assert {answer.result().status_code for answer in answers} == {200}
    assert sandbox.rings_per_number() == dict.fromkeys(NUMBERS, 1)
    assert sorted(ring.order for ring in sandbox.rings) == list(range(1, len(NUMBERS) + 1))
    assert len({ring.call_id for ring in sandbox.rings}) == len(NUMBERS)


def test_waiting_for_what_does_not_come_says_how_far_it_came(sandbox, client):
    client.call()
    with pytest.raises(TimeoutError, match="1 of 2 rings"):
        sandbox.wait_for_rings(2, timeout=0.01)
    with pytest.raises(TimeoutError, match="1 of 2 requests"):
        sandbox.wait_for_requests(2, timeout=0.01)
    with pytest.raises(TimeoutError, match="0 of 1 held"):
        sandbox.wait_for_held(1, timeout=0.01)


def test_refused_requests_are_counted_as_requests_but_not_as_rings(sandbox, client):
    client.call("nonsense")
    client.post("/call/outbound", json={}, key=None)
    client.campaign()
    sandbox.wait_for_requests(3)
    assert [request.endpoint for request in sandbox.requests] == [
        "/call/outbound",
        "/call/outbound",
        "/v2/call/campaign",
    ]
    assert sandbox.rings == []


def test_a_reset_leaves_nothing_behind_not_even_what_was_held(sandbox, client, in_background):
    client.campaign()
    client.call()
    sandbox.fault("hold_before_accepting")
    held = in_background(client.call)
    sandbox.wait_for_held(1)
    sandbox.reset()
    with pytest.raises(requests.exceptions.ConnectionError):
        held.result()
    assert (sandbox.rings, sandbox.campaigns, sandbox.requests, sandbox.most_in_flight) == ([], [], [], 0)
    assert sandbox.rings_per_number() == {}
    assert client.call().json()["call_id"] == "a1b2c3d4e5"


def test_stopping_ends_what_is_held_and_what_is_late(client_of, in_background):
    with Sandbox() as sandbox:
        sandbox.fault("hold_before_accepting", first=1)
        sandbox.fault("latency", seconds=3600, after=1)
        held = in_background(client_of(sandbox).call, NUMBERS[0])
        sandbox.wait_for_held(1)
        late = in_background(client_of(sandbox).call, NUMBERS[1])
        sandbox.wait_for_rings(1)
    with pytest.raises(requests.exceptions.ConnectionError):
        held.result()
    assert late.result().status_code == 200
    assert sandbox.rings_per_number() == {NUMBERS[1]: 1}


def test_a_stopped_sandbox_refuses_connections_and_comes_back_with_its_memory(client_of):
    with Sandbox() as sandbox:
        client = client_of(sandbox)
        client.call()
        url = sandbox.url
        sandbox.stop()
        with pytest.raises(requests.exceptions.ConnectionError):
            client.call()
        sandbox.start()
        assert sandbox.url == url
        client.call()
    assert sandbox.rings_per_number() == {"+14155550100": 2}


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "example.com", ""])
def test_other_machines_cannot_reach_it_unasked(host):
    with pytest.raises(ValueError, match="loopback"):
        Sandbox(host=host)


@pytest.mark.parametrize("key", ["", "ключ", "a\nb"])
def test_a_key_that_no_header_can_carry_is_refused(key):
    with pytest.raises(ValueError, match="api_key"):
        Sandbox(api_key=key)
