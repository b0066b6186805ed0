"""Every answer in CallKaro's documents, word for word: an id is found, or the error means what they say it means."""

from __future__ import annotations

import pytest

from airflow_provider_callkaro.calls import Reason
from airflow_provider_callkaro.exceptions import OutcomeUnknown, Rejected, Unauthorized
from airflow_provider_callkaro.vendors.callkaro.api import CallKaro
from airflow_provider_callkaro.vendors.http import Response

CAMPAIGN_CREATED = """{
  "batch_id": "68433b7b0dee98e59245ebab",
  "message": "Campaign created successfully",
  "status": "success"
}"""
CALL_INITIATED = """{
  "status": "success",
  "message": "Call initiated successfully",
  "call_id": "a1b2c3d4e5"
}"""
CALL_QUEUED = """{"status":"done","message":"Call queued successfully","call_sid":"a1b2c3d4e5"}"""  # the newer page

ERRORS = [
    (400, '{"status": "error", "message": "Missing agent_id"}', Rejected, Reason.VENDOR_REJECTED),
    (400, '{"status": "error", "message": "Missing required field: to_number"}', Rejected, Reason.VENDOR_REJECTED),
    (403, '{"status": "error", "message": "Missing X-API-KEY in headers"}', Unauthorized, None),
    (404, '{"status": "error", "message": "Agent does not exist"}', Rejected, Reason.AGENT_NOT_FOUND),
    (500, '{"status": "error", "message": "Server error"}', OutcomeUnknown, Reason.SERVER_ERROR),
]


def answer(status, body):
    return Response(status, body.encode(), {"content-type": "application/json"})


def test_a_created_campaign_is_known_by_its_id():
    assert CallKaro().read_campaign(answer(200, CAMPAIGN_CREATED)) == "68433b7b0dee98e59245ebab"


def test_created_with_201_is_created_as_well():
    assert CallKaro().read_campaign(answer(201, CAMPAIGN_CREATED)) == "68433b7b0dee98e59245ebab"


@pytest.mark.parametrize(("body", "field"), [(CALL_INITIATED, "call_id"), (CALL_QUEUED, "call_sid")])
def test_a_placed_call_is_known_by_its_id_in_either_shape(body, field):
    placed = CallKaro().read_placed_call(answer(200, body))
    assert (placed.call_id, placed.id_field) == ("a1b2c3d4e5", field)


def test_a_deleted_call_is_deleted():
    body = '{"status":"success","message":"Scheduled call deleted successfully"}'
    CallKaro().read_deleted_call(answer(200, body))


@pytest.mark.parametrize("read", ["read_placed_call", "read_campaign", "read_deleted_call"])
@pytest.mark.parametrize(("status", "body", "kind", "reason"), ERRORS)
def test_a_documented_error_means_what_it_says(read, status, body, kind, reason):
    with pytest.raises(kind) as error:
        getattr(CallKaro(), read)(answer(status, body))
    assert type(error.value) is kind
    assert (error.value.vendor, error.value.status) == ("CallKaro", status)
    assert getattr(error.value, "reason", None) == reason
    message = body.split('"')[7]
    assert message in str(error.value)


@pytest.mark.parametrize("message", ["Missing agent_id in request query", "Missing to_number in request"])
def test_a_refused_deletion_says_what_was_missing(message):
    with pytest.raises(Rejected, match=message):
        CallKaro().read_deleted_call(answer(400, f'{{"status":"error","message":"{message}"}}'))


@pytest.mark.parametrize("message", ["DND_NUMBER", "Number is on the DND list"])
def test_a_person_who_must_not_be_disturbed_is_reported_as_such(message):
    with pytest.raises(Rejected) as error:
        CallKaro().read_placed_call(answer(400, f'{{"status":"error","message":"{message}"}}'))
    assert error.value.reason is Reason.DO_NOT_DISTURB


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_key_names_the_way_out_and_repeats_no_key(status):
    """Some gateways say which key they refuse."""
    key = "ck_live_abcdefghijklmnop"
    with pytest.raises(Unauthorized) as error:
        CallKaro().read_placed_call(answer(status, f'{{"status":"error","message":"Invalid API key {key}"}}'))
    assert "Invalid API key" in str(error.value)
    assert "correct the password of the connection" in str(error.value)
    assert key not in str(error.value)


def test_an_account_that_cannot_pay_stops_the_run_and_does_not_blame_the_key():
    with pytest.raises(Unauthorized) as error:
        CallKaro().read_placed_call(answer(402, '{"status":"error","message":"Insufficient credits"}'))
    assert "Insufficient credits" in str(error.value)
    assert "key" not in str(error.value)


def test_the_request_id_is_kept_for_the_support_ticket():
    for header in ("x-request-id", "x-amzn-requestid", "x-correlation-id", "cf-ray"):
        with pytest.raises(OutcomeUnknown) as error:
            CallKaro().read_placed_call(Response(500, b"", {header: "req-1" + "x" * 1000}))
        assert error.value.request_id == "req-1" + "x" * 95
