"""MrAssistant's call routes: each request is the one on its page, and answers are read as they come."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

import pytest

from airflow_provider_callkaro.calls import Call, Reason
from airflow_provider_callkaro.exceptions import ConfigurationError, OutcomeUnknown, Rejected
from airflow_provider_callkaro.vendors.http import Response
from airflow_provider_callkaro.vendors.mrassistant.api import MrAssistant

NUMBER = "+919876543210"
AGENT = "3c90c3cc-0d44-4b50-8888-8dd25736052a"
VENDOR = MrAssistant()


def answer(body, status=200):
    return Response(status, json.dumps(body).encode())


def test_a_call_is_asked_for_with_every_field_of_its_page():
    fields = {
        "from_number": "+14155550199",
        "priority": "urgent",
        "krisp_enabled": True,
        "wait_until_answered": False,
        "display_name": "Asha's bank",
        "dtmf": "12#",
        "play_dialtone": False,
        "media_encryption": "ALLOW",
        "ringing_timeout_seconds": 80,
        "max_call_duration_seconds": 3600,
        "hide_phone_number": False,
        "custom_headers": {"X-Trace": "a"},
    }
    request = VENDOR.place_call(Call(to_number=NUMBER, agent_id=AGENT, metadata={"due": 5}, extra=fields))
    assert (request.method, request.path, request.retry_safe) == ("POST", "/calls/outbound", False)
    assert json.loads(request.body or b"") == {
        "agent_id": AGENT,
        "to_number": NUMBER,
        "context": {"due": 5},
        **fields,
    }


def test_a_field_that_nobody_gave_is_not_sent():
    request = VENDOR.place_call(Call(to_number=NUMBER, agent_id=AGENT, extra={"priority": None}))
    assert json.loads(request.body or b"") == {"agent_id": AGENT, "to_number": NUMBER}


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"agent_id": None}, "no agent is known"),
        ({"schedule_at": datetime(2027, 1, 5, tzinfo=UTC)}, "rings a single call at once"),
        ({"batch_id": "b"}, "no batch_id here"),
        ({"language": "hi", "min_trigger_time": "09:00"}, "no min_trigger_time, language here"),
        ({"extra": {"colour": "red"}}, "no colour here"),
    ],
)
def test_what_this_route_cannot_do_is_refused_rather_than_left_out(fields, words):
    with pytest.raises(ConfigurationError, match=words):
        VENDOR.place_call(Call(**{"to_number": NUMBER, "agent_id": AGENT, **fields}))


def test_an_answer_that_waits_for_the_phone_may_take_as_long_as_it_rings():
    assert VENDOR.answer_may_take({}) == 0
    assert VENDOR.answer_may_take({"wait_until_answered": False, "ringing_timeout_seconds": 40}) == 0
    assert VENDOR.answer_may_take({"wait_until_answered": True, "ringing_timeout_seconds": 40}) == 70
    assert VENDOR.answer_may_take({"wait_until_answered": True}) == 110


def test_a_placed_call_is_known_by_its_id():
    body = {"call_id": "c-1", "session_id": "s", "room_name": "r", "status": "initiated", "recording": {}}
    placed = VENDOR.read_placed_call(answer(body))
    assert (placed.call_id, placed.id_field) == ("c-1", "call_id")
    assert NUMBER not in repr(VENDOR.read_placed_call(answer({**body, "to_number": NUMBER})))


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"session_id": "s"}, Reason.NO_CALL_ID),
        ({"call_id": "c-1", "status": "failed"}, Reason.SERVER_ERROR),
        ([], Reason.UNREADABLE_ANSWER),
    ],
)
def test_a_call_that_nobody_can_name_may_be_ringing(body, reason):
    with pytest.raises(OutcomeUnknown) as error:
        VENDOR.read_placed_call(answer(body))
    assert error.value.reason is reason


def test_how_a_call_stands_is_read_whole():
    body = {
        "call_id": "c-1",
        "agent_id": AGENT,
        "tenant_id": "t",
        "direction": "outbound",
        "from_number": "+14155550199",
        "to_number": NUMBER,
        "status": "Ended",
        "started_at": "2027-01-05T10:00:00Z",
        "disposition": "completed",
        "duration_seconds": 42,
        "recording_url": "https://recordings.example/private",
        "ended_at": "2027-01-05T10:00:42Z",
    }
    request = VENDOR.get_call("c-1")
    assert (request.method, request.path, request.retry_safe, request.body) == ("GET", "/calls/c-1", True, None)
    details = VENDOR.read_call(answer(body))
    assert (details.call_id, details.status, details.direction, details.disposition) == (
        "c-1",
        "ended",
        "outbound",
        "completed",
    )
    assert (details.duration_seconds, details.started_at, details.ended_at) == (
        42,
        "2027-01-05T10:00:00Z",
        "2027-01-05T10:00:42Z",
    )
    assert details.raw == body
    assert NUMBER not in repr(details)
    assert "private" not in repr(details)


@pytest.mark.parametrize(
    ("body", "call_id", "status"),
    [
        ({"call_id": "c-1", "status": "failed"}, "c-1", "failed"),
        ({"call_id": "c-1", "status": "on_hold"}, "c-1", "on_hold"),
        ({"data": {"id": 7, "status": "ringing"}}, "7", "ringing"),
        ({"status": ""}, None, None),
        ({"status": 5, "duration_seconds": "42", "ended_at": 7}, None, None),
    ],
)
def test_a_state_is_a_state_and_no_failure_of_the_request(body, call_id, status):
    details = VENDOR.read_call(answer(body))
    assert (details.call_id, details.status) == (call_id, status)


def test_the_calls_of_an_agent_are_asked_for_by_page_and_filter():
    request = VENDOR.list_agent_calls(
        AGENT,
        limit=500,
        offset=1000,
        direction="outbound",
        status_filter="ended",
        start_date=datetime(2027, 1, 5, 10, tzinfo=ZoneInfo("Asia/Kolkata")),
        end_date=datetime(2027, 1, 6, tzinfo=UTC),
    )
    address = urlsplit(request.path)
    assert (request.method, address.path) == ("GET", f"/calls/agent/{AGENT}/calls")
    assert parse_qs(address.query) == {
        "limit": ["500"],
        "offset": ["1000"],
        "direction": ["outbound"],
        "status_filter": ["ended"],
        "start_date": ["2027-01-05T04:30:00Z"],
        "end_date": ["2027-01-06T00:00:00Z"],
    }


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"limit": 0}, "limit must be a whole number from 1 to 500"),
        ({"limit": 501}, "limit must be a whole number from 1 to 500"),
        ({"offset": -1}, "offset"),
        ({"direction": "sideways"}, "direction must be one of inbound, outbound"),
        ({"status_filter": "done"}, "status_filter must be one of initiated, ringing, answered, ended, failed"),
        ({"start_date": datetime(2027, 1, 5)}, "start_date needs a time zone"),
        ({"agent_id": ""}, "agent_id must be an id"),
    ],
)
def test_a_list_that_cannot_be_is_refused(arguments, words):
    with pytest.raises(ConfigurationError, match=words):
        VENDOR.list_agent_calls(**{"agent_id": AGENT, **arguments})


CALL = {"call_id": "c-1", "status": "ended"}


@pytest.mark.parametrize(
    "body",
    [
        [CALL],
        {"calls": [CALL], "total": 1},
        {"data": [CALL]},
        {"page": 1, "things": [CALL, "no call"]},
        {"warnings": [], "calls": [CALL]},
    ],
)
def test_a_list_of_calls_is_read_whatever_holds_it(body):
    assert [details.call_id for details in VENDOR.read_agent_calls(answer(body))] == ["c-1"]


def test_an_agent_without_calls_has_none():
    assert VENDOR.read_agent_calls(answer([])) == []
    assert VENDOR.read_agent_calls(answer({"calls": []})) == []


@pytest.mark.parametrize("body", [{"total": 3}, {"a": [], "b": []}, "calls", None])
def test_an_answer_without_a_list_is_no_empty_list(body):
    with pytest.raises(OutcomeUnknown):
        VENDOR.read_agent_calls(answer(body))


def test_a_transfer_rings_and_ending_a_call_does_not():
    transfer = VENDOR.transfer_call("c-1", "tel:+14155550123", transfer_type="warm", play_dialtone=True)
    assert (transfer.method, transfer.path, transfer.retry_safe) == ("POST", "/calls/c-1/transfer", False)
    assert json.loads(transfer.body or b"") == {
        "transfer_to": "tel:+14155550123",
        "transfer_type": "warm",
        "play_dialtone": True,
    }
    end = VENDOR.end_call("c-1")
    assert (end.method, end.path, end.retry_safe) == ("POST", "/calls/c-1/end", True)


@pytest.mark.parametrize("to", ["+14155550123", "tel:", "http://example", "sip:a b", "tel:+1\n", None])
def test_a_transfer_to_nowhere_is_refused_without_repeating_it(to):
    with pytest.raises(ConfigurationError, match="transfer_to must be tel: and a number") as error:
        VENDOR.transfer_call("c-1", to)
    assert "4155550123" not in str(error.value)


def test_what_is_said_of_a_call_that_was_ended_is_taken_as_it_comes():
    assert VENDOR.read_done(Response(204)) == {}
    assert VENDOR.read_done(answer({"status": "failed"})) == {"status": "failed"}
    with pytest.raises(Rejected):
        VENDOR.read_done(answer({"detail": "Call not found"}, 404))


@pytest.mark.parametrize(("call_id", "path"), [("a/b?c", "/calls/a%2Fb%3Fc"), (" 12 ", "/calls/12"), (12, "/calls/12")])
def test_an_id_is_no_path(call_id, path):
    assert VENDOR.get_call(call_id).path == path


@pytest.mark.parametrize("call_id", ["", " ", ".", "..", "a\nb", "x" * 201, None, True])
def test_what_is_no_id_is_refused(call_id):
    with pytest.raises(ConfigurationError, match="call_id must be an id"):
        VENDOR.get_call(call_id)


@pytest.mark.parametrize("ask", ["get_call", "end_call"])
def test_an_id_of_which_a_part_is_hidden_is_asked_for_nowhere(ask):
    with pytest.raises(ConfigurationError, match="no whole id"):
        getattr(MrAssistant(), ask)("•••-8d7f00")
