"""Answers that no document shows: whatever comes back is a call id, or an error that says if the phone may ring."""

from __future__ import annotations

import json
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_callkaro.calls import Reason
from airflow_provider_callkaro.exceptions import OutcomeUnknown, Rejected, Throttled, Unauthorized, VendorError
from airflow_provider_callkaro.vendors.answers import PlacedCall
from airflow_provider_callkaro.vendors.callkaro.api import CallKaro
from airflow_provider_callkaro.vendors.http import Response


def place(body, status=200, headers=None):
    text = body if isinstance(body, bytes) else json.dumps(body).encode()
    return CallKaro().read_placed_call(Response(status, text, headers or {}))


def error_of(body, status=200, headers=None):
    with pytest.raises(VendorError) as error:
        place(body, status, headers)
    return error.value


@pytest.mark.parametrize(
    ("body", "call_id", "field"),
    [
        ({"call_sid": "s"}, "s", "call_sid"),
        ({"call_id": "i"}, "i", "call_id"),
        ({"callSid": "c"}, "c", "callSid"),
        ({"id": 17}, "17", "id"),
        ({"call_id": "i", "call_sid": "s"}, "s", "call_sid"),  # of two the newer page's
        ({"call_sid": "", "call_id": " i "}, "i", "call_id"),
        ({"call_sid": None, "call_id": "i"}, "i", "call_id"),
        ({"call_sid": True, "call_id": "i"}, "i", "call_id"),
        ({"call_sid": {"sid": "s"}, "call_id": "i"}, "i", "call_id"),
        ({"data": {"call_sid": "s"}}, "s", "call_sid"),
        ({"data": {"call_id": "inner"}, "call_id": "outer"}, "outer", "call_id"),
        ({"status": "Queued", "message": "whatever", "call_id": "i"}, "i", "call_id"),
        ({"status": None, "call_id": "i"}, "i", "call_id"),
        ({"status": 200, "call_id": "i", "new": {"field": [1]}}, "i", "call_id"),
    ],
)
def test_an_accepted_call_is_known_in_whatever_shape_it_comes(body, call_id, field):
    placed = place(body)
    assert (placed.call_id, placed.id_field, placed.raw) == (call_id, field, body)
    assert "call_id='" in repr(placed)
    assert "raw" not in repr(placed)


@pytest.mark.parametrize("status", [200, 201, 202, 207, 299])
def test_any_2xx_accepts(status):
    assert place({"call_id": "i"}, status).call_id == "i"


def test_a_byte_order_mark_does_not_lose_an_id():
    assert place(b"\xef\xbb\xbf" + b'{"call_id": "i"}').call_id == "i"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html><body>OK</body></html>",
        b"OK",
        b"[]",
        b'["a1b2c3d4e5"]',
        b'"a1b2c3d4e5"',
        b"null",
        b"{}",
        b'{"call_id": "a1b2',
        b"\xff\xfe\x00",
        b"[" * 100_000,
        b'{"call_id": ' + b"9" * 5_000 + b"}",
    ],
)
def test_an_accepted_call_that_nobody_can_read_is_unknown(body):
    for status in (200, 202, 204):
        error = error_of(body, status)
        assert isinstance(error, OutcomeUnknown)
        assert error.reason is Reason.UNREADABLE_ANSWER


@pytest.mark.parametrize(
    "body",
    [
        {"status": "success"},
        {"call_id": None},
        {"call_id": "  "},
        {"call_id": []},
        {"call_id": 1.5},
        {"call_id": False},
        {"data": [{"call_id": "i"}]},
        {"data": {"data": {"call_id": "i"}}},
        {"call_id": "x" * 201},  # no id of any system, and no column of a database
        {"call_id": "a\x00b"},
    ],
)
def test_an_accepted_call_without_an_id_is_unknown(body):
    error = error_of(body)
    assert isinstance(error, OutcomeUnknown)
    assert error.reason is Reason.NO_CALL_ID


@pytest.mark.parametrize("word", ["error", "ERROR", " Failed ", "failure"])
def test_a_200_that_calls_itself_a_failure_is_not_taken_for_accepted(word):
    error = error_of({"status": word, "message": "Dialer error", "call_id": "i"})
    assert isinstance(error, OutcomeUnknown)
    assert "Dialer error" in str(error)


@pytest.mark.parametrize(
    "body",
    [
        {"success": False, "error": "insufficient balance", "id": "req_77"},
        {"success": "false", "call_id": "i"},
        {"ok": False, "call_id": "i"},
        {"accepted": False, "call_id": "i"},
        {"error": "no channel is free", "call_id": "i"},
        {"data": {"status": "rejected", "call_id": "i"}},
        {"data": {"success": False, "call_id": "i"}},
        *({"status": word, "call_id": "i"} for word in ("rejected", "Refused", "DENIED", "declined", "invalid")),
        *({"status": word, "call_id": "i"} for word in ("not_accepted", "not accepted", "Not-Accepted")),
    ],
    ids=str,
)
def test_a_200_that_takes_itself_back_is_neither_accepted_nor_refused(body):
    assert isinstance(error_of(body), OutcomeUnknown)


@pytest.mark.parametrize("body", [{"success": True, "error": None}, {"success": "true", "error": ""}, {"ok": 1}])
def test_a_200_that_says_yes_in_more_than_one_way_is_accepted(body):
    assert place({**body, "call_id": "i"}).call_id == "i"


@pytest.mark.parametrize("status", [400, 402, 404, 405, 409, 410, 422, 425, 499, 503])
def test_a_refusal_that_names_a_call_may_have_rung(status):
    error = error_of({"message": "call already in progress", "call_id": "c1"}, status, {"retry-after": "1"})
    assert isinstance(error, OutcomeUnknown)
    assert "may have accepted" in str(error)


@pytest.mark.parametrize("body", [{"message": "no"}, {"message": "no", "id": "error-7"}, {"call_id": ""}])
def test_a_refusal_that_names_no_call_is_one(body):
    """The bare id of an error is the error's own."""
    assert isinstance(error_of(body, 400), Rejected)


@pytest.mark.parametrize(("status", "kind"), [(401, Unauthorized), (403, Unauthorized), (429, Throttled)])
def test_what_is_said_before_anything_is_done_stays_what_it_is(status, kind):
    assert isinstance(error_of({"call_id": "c1"}, status), kind)


def test_a_campaign_that_exists_already_was_refused_because_nobody_was_rung():
    with pytest.raises(Rejected):
        CallKaro().read_campaign(Response(409, b'{"message":"there is such a campaign","batch_id":"b1"}'))


def test_a_campaign_without_an_id_is_unknown_too():
    for body in (b"{}", b'{"status":"success"}', b"<html>"):
        with pytest.raises(OutcomeUnknown):
            CallKaro().read_campaign(Response(200, body))
    assert CallKaro().read_campaign(Response(200, b'{"data":{"batchId":7}}')) == "7"


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (301, OutcomeUnknown),
        (302, OutcomeUnknown),
        (304, OutcomeUnknown),
        (308, OutcomeUnknown),
        (400, Rejected),
        (401, Unauthorized),
        (402, Unauthorized),
        (403, Unauthorized),
        (404, Rejected),
        (405, Rejected),
        (408, OutcomeUnknown),  # a gateway gave up; the vendor may not have
        (409, OutcomeUnknown),  # there is such a call already: perhaps the one that this request has made
        (413, Rejected),
        (418, Rejected),
        (422, Rejected),
        (425, OutcomeUnknown),
        (499, OutcomeUnknown),
        (429, Throttled),
        (500, OutcomeUnknown),
        (501, OutcomeUnknown),
        (502, OutcomeUnknown),
        (503, OutcomeUnknown),
        (504, OutcomeUnknown),
        (520, OutcomeUnknown),
        (599, OutcomeUnknown),
        (600, OutcomeUnknown),
        (999, OutcomeUnknown),
        (0, OutcomeUnknown),
        (101, OutcomeUnknown),
    ],
)
@pytest.mark.parametrize("body", [b"", b"<html>busy</html>", b'{"status":"error","message":"no"}', b"[1]", b"\xff"])
def test_every_status_has_one_meaning_whatever_the_body(status, kind, body):
    error = error_of(body, status)
    assert type(error) is kind
    assert error.status == status
    assert str(status) in str(error)


def test_a_404_about_anything_but_the_agent_does_not_blame_the_agent():
    assert error_of({"message": "Not Found"}, 404).reason is Reason.VENDOR_REJECTED
    assert error_of({"message": "No such AGENT"}, 404).reason is Reason.AGENT_NOT_FOUND


@pytest.mark.parametrize(
    "body",
    [
        {"message": "Invalid to_number +919876543210"},
        {"error": "Invalid to_number: 98765-43210"},
        {"detail": "number (+91) 98765 43210 is not\nallowed"},
    ],
)
def test_a_message_that_repeats_the_number_is_masked(body):
    message = str(error_of(body, 400))
    assert "98765" not in message
    assert "••••••3210" in message
    assert "\n" not in message


def test_a_message_that_repeats_the_body_is_cut():
    assert len(str(error_of({"message": "x" * 100_000}, 400))) < 300


def test_no_body_is_shown_where_there_is_no_message():
    for body in ({"input": {"name": "Asha"}}, {"detail": [{"input": "Asha"}]}, {"message": {"name": "Asha"}}):
        assert "Asha" not in str(error_of(body, 422))


@pytest.mark.parametrize("status", [400, 429, 500, 403])
def test_an_error_survives_the_way_between_processes(status):
    error = error_of({"message": "no"}, status, {"retry-after": "7", "x-request-id": "r"})
    copy = pickle.loads(pickle.dumps(error))
    assert (type(copy), str(copy), vars(copy)) == (type(error), str(error), vars(error))


HEADERS = st.dictionaries(
    st.sampled_from(["retry-after", "date", "x-request-id", "content-type"]),
    st.text() | st.sampled_from(["7", "-1", "1e400", "Fri, 31 Dec 1999 23:59:59 GMT"]),
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["status", "message", "call_id", "call_sid", "batch_id", "data", "id", "error"]), inner
        )
    ),
    max_leaves=8,
)
BODIES = st.binary() | JSON.map(json.dumps).map(str.encode) | st.text().map(lambda text: text.encode("utf-16"))


@given(status=st.integers(min_value=0, max_value=999) | st.sampled_from([200, 429, 503]), body=BODIES, headers=HEADERS)
def test_whatever_comes_back_is_a_value_or_an_error_of_the_vendor(status, body, headers):
    response = Response(status, body, headers)
    vendor = CallKaro()
    try:
        placed = vendor.read_placed_call(response)
    except VendorError as error:
        accepted, message = False, str(error)
    else:
        accepted, message = True, ""
        assert isinstance(placed, PlacedCall)
        assert placed.call_id == placed.call_id.strip()
        assert 0 < len(placed.call_id) <= 200
    assert not accepted or 200 <= status < 300
    assert "\n" not in message
    for read in (vendor.read_campaign, vendor.read_deleted_call):
        try:
            read(response)
        except VendorError:
            continue
