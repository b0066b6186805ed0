"""The hook against the sandbox: each method does one thing at the vendor's, and does not do it twice."""

from __future__ import annotations

import socket
import threading
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from airflow_provider_callkaro.calls import Call, Reason
from airflow_provider_callkaro.exceptions import (
    ConfigurationError,
    OutcomeUnknown,
    Rejected,
    Unauthorized,
)
from airflow_provider_callkaro.hooks.callkaro import CallKaroHook

NUMBER = "+919876543210"


@pytest.fixture
def hook(connect_to_sandbox):
    connect_to_sandbox(schedule_timezone="Asia/Kolkata")
    return CallKaroHook()


def test_a_campaign_without_an_agent_leaves_the_agent_to_each_call(hook, sandbox):
    batch_id = hook.create_campaign("Renewals é")
    ((campaign),) = sandbox.campaigns
    assert (campaign.batch_id, campaign.name, campaign.agent_id) == (batch_id, "Renewals é", None)
    assert [request.endpoint for request in sandbox.requests] == ["/v2/call/campaign"]


def test_a_campaign_with_an_agent_is_that_agents(hook, sandbox):
    hook.create_campaign("Renewals", agent_id="agent_sales_id")
    assert sandbox.campaigns[0].agent_id == "agent_sales_id"
    assert [request.endpoint for request in sandbox.requests] == ["/call/campaign"]


def test_a_call_rings_once_and_is_known_by_its_id(hook, sandbox):
    batch_id = hook.create_campaign("Renewals")
    call = Call(
        to_number=NUMBER,
        agent_id="agent",
        batch_id=batch_id,
        metadata={"name": "Asha"},
        schedule_at=datetime(2027, 1, 5, 4, 30, tzinfo=UTC),
        min_trigger_time="09:00",
        max_trigger_time="20:30",
        carry_over=True,
        number_of_retries=3,
        gap_between_retries=[30, 60],
        priority=-5,
        language="hi",
    )
    placed = hook.place_call(call)
    ((ring),) = sandbox.rings
    assert (ring.call_id, ring.to_number, ring.batch_id) == (placed.call_id, NUMBER, batch_id)
    assert ring.metadata == {"name": "Asha"}
    assert ring.rings_at == datetime(2027, 1, 5, 10, 0)
    assert ring.body["gap_between_retries"] == [30, 60]


def test_the_newer_answer_is_understood_too(hook, sandbox):
    sandbox.fault("newer_answer")
    placed = hook.place_call(Call(to_number=NUMBER, agent_id="agent"))
    assert (placed.call_id, placed.id_field) == (sandbox.rings[0].call_id, "call_sid")


def test_a_scheduled_call_can_be_taken_back(hook, sandbox):
    when = datetime(2027, 1, 5, 4, 30, tzinfo=UTC)
    hook.place_call(Call(to_number=NUMBER, agent_id="agent", schedule_at=when))
    hook.delete_scheduled_call(NUMBER, "agent")
    assert sandbox.rings_per_number() == {}
    assert sandbox.rings[0].deleted


LOST = ["reset_after_accepting", "drop_answer_after_accepting", "error_after_accepting", "truncated_answer"]


@pytest.mark.parametrize("fault", [*LOST, "unreadable_answer", "answer_without_id"])
def test_a_call_whose_answer_is_lost_is_not_placed_twice(hook, sandbox, fault):
    sandbox.fault(fault, first=1)
    with pytest.raises(OutcomeUnknown):
        hook.place_call(Call(to_number=NUMBER, agent_id="agent"))
    assert sandbox.rings_per_number() == {NUMBER: 1}
    assert len(sandbox.requests) == 1


@pytest.mark.parametrize("fault", [fault for fault in LOST if fault != "truncated_answer"])
def test_a_campaign_whose_answer_is_lost_is_created_again(hook, sandbox, fault):
    """At worst an empty campaign is left, and the DAG goes on."""
    sandbox.fault(fault, path="/v2/call/campaign", first=1)
    assert hook.create_campaign("Renewals") == sandbox.campaigns[-1].batch_id
    assert len(sandbox.campaigns) == 2


def test_a_call_that_was_turned_away_is_placed_in_the_end(hook, sandbox):
    sandbox.fault("throttled", first=2, retry_after=0)
    hook.place_call(Call(to_number=NUMBER, agent_id="agent"))
    assert sandbox.rings_per_number() == {NUMBER: 1}
    assert len(sandbox.requests) == 3


@pytest.mark.parametrize(
    ("fault", "kind"), [("key_refused", Unauthorized), ("rejected", Rejected), ("redirect", OutcomeUnknown)]
)
def test_what_no_retry_would_change_is_said_at_once(hook, sandbox, fault, kind):
    sandbox.fault(fault)
    with pytest.raises(kind) as error:
        hook.place_call(Call(to_number=NUMBER, agent_id="agent"))
    assert (len(sandbox.requests), sandbox.rings) == (1, [])
    assert NUMBER not in str(error.value)
    assert sandbox.api_key not in str(error.value)


def test_an_agent_that_does_not_exist_is_named_as_the_reason(hook, sandbox):
    with pytest.raises(Rejected) as error:
        hook.place_call(Call(to_number=NUMBER, agent_id="unknown agent"))
    assert error.value.reason is Reason.AGENT_NOT_FOUND


def test_a_wrong_key_is_said_with_the_way_out(connect, sandbox):
    connect(host=sandbox.url, password="another-key-entirely")
    with pytest.raises(Unauthorized) as error:
        CallKaroHook().create_campaign("Renewals")
    assert "correct the password of the connection" in str(error.value)
    assert "another-key-entirely" not in str(error.value)


def test_a_campaign_needs_a_name(hook, sandbox):
    with pytest.raises(ConfigurationError):
        hook.create_campaign("")
    assert sandbox.requests == []


def test_testing_the_connection_rings_nobody_and_says_what_it_could_not_check(hook, sandbox):
    works, message = hook.test_connection()
    assert works
    assert "Whether the key is right was not checked" in message
    assert (sandbox.rings, sandbox.campaigns, sandbox.requests) == ([], [], [])
    assert sandbox.api_key not in message


def test_testing_the_connection_does_not_even_send_the_key(connect):
    seen = []

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self):
            seen.append(dict(self.headers))
            self.send_response(404)
            self.end_headers()

        def log_message(self, *arguments):
            """Keep the test's output clean."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=[0.01], daemon=True).start()
        connect(host=f"http://127.0.0.1:{server.server_port}", password="a-key-nobody-may-see")
        assert CallKaroHook().test_connection()[0]
        server.shutdown()
    assert len(seen) == 1
    assert "a-key-nobody-may-see" not in str(seen)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, "has no API key"),
        ({"password": "a-key-nobody-may-see", "host": "http://callkaro.example"}, "plain http"),
        ({"password": "a-key-nobody-may-see", "host": "https://callkaro.invalid"}, "could not be reached"),
    ],
)
def test_testing_a_connection_that_cannot_work_says_why(connect, fields, words):
    connect(**fields)
    works, message = CallKaroHook().test_connection()
    assert not works
    assert words in message
    assert "a-key-nobody-may-see" not in message


def test_testing_a_connection_to_nobody_says_so(connect):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        connect(host=f"http://127.0.0.1:{taken.getsockname()[1]}", password="a-key-nobody-may-see")
        works, message = CallKaroHook().test_connection()
    assert (works, "could not be reached" in message) == (False, True)


@pytest.mark.parametrize("agent_id", [None, "agent"], ids=["v2", "v1"])
@pytest.mark.parametrize("fault", ["unreadable_answer", "answer_without_id", "truncated_answer"])
def test_a_campaign_that_callkaro_took_is_not_created_again_because_nobody_can_read_the_answer(
    connect_to_sandbox, sandbox, fault, agent_id
):
    connect_to_sandbox()
    sandbox.fault(fault, path="/v2/call/campaign" if agent_id is None else "/call/campaign")
    hook = CallKaroHook()
    hook._sleep = lambda seconds: None
    with pytest.raises(OutcomeUnknown) as error:
        hook.create_campaign("Renewals", agent_id)
    assert (len(sandbox.campaigns), len(sandbox.requests)) == (1, 1)
    assert error.value.status == 200
