"""Every vendor's documented webhook is read as what it says; whatever else comes, nothing crashes or is guessed."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_callkaro.calls.disposition import Disposition
from airflow_provider_callkaro.exceptions import UnreadableEvent
from airflow_provider_callkaro.vendors.call_events import CallEvent, read_event
from airflow_provider_callkaro.vendors.event_values import MAX_FIELD, MAX_FIELDS, MAX_ID, MAX_TRANSCRIPT, MAX_WORD

VENDORS = ["callkaro", "callaro", "mrassistant"]
REFERENCE = "AbCdEfGhIjKlMnOpQrSt_-"
CALLKARO = {
    "event": "call_ended",
    "data": {
        "callSid": "a1b2c3d4e5",
        "name": "outbound",
        "agent": "6803fa770b666a64ab1694c1e",
        "versionId": "v7",
        "from": "918012345678",
        "to": "919876543210",
        "recordingUrl": "https://recordings.example.com/a1b2c3d4e5.mp3",
        "transcription": "Namaste …",
        "call_duration": 42.5,
        "time": "2026-01-05 17:30:00",
        "batchId": "68433b7b0dee98e59245ebab",
        "hangup_reason": "CLIENT_INITIATED",
        "call_metadata": {"name": "Asha", "call_reference": REFERENCE},
        "try_count": 1,
        "post_call": {"interested": True},
        "post_call_detail": {"amount": {"value": 500, "comment": "as said"}},
        "functions_called": [],
        "disposition_reason": "Do not call",
        "conversion_status": True,
        "next_call_scheduled": False,
        "call_link": "https://callkaro.ai/dashboard/calls/9",
    },
}
CALLARO_DEVELOPERS = {
    "event": "call.completed",
    "call_id": "vs_12345",
    "voice_session_id": 9001,
    "call_sid": "CA1",
    "tenant_id": 1,
    "agent_id": 42,
    "direction": "outbound",
    "from_e164": "+918012345678",
    "to_e164": "+919876543210",
    "extracted_data": {"interested": "yes"},
    "runtime_vars": {"call_reference": REFERENCE},
    "tool_calls": [],
}
CALLARO_HELP = {
    "event": "call.completed",
    "event_id": "evt-1",
    "idempotency_key": "call.completed.9001.primary",
    "attempt_number": 2,
    "is_retry": True,
    "is_test": False,
    "schema_version": "2026-04-28",
    "voice_session_id": 9001,
    "call_status": "completed",
    "call_outcome": "answered",
    "answered_by": "human",
    "voicemail_detected": False,
    "hangup_reason": "user_hangup",
    "started_at": "2026-01-05T12:00:00Z",
    "ended_at": "2026-01-05T12:00:42Z",
    "duration_seconds": 42,
    "transcript_json": [{"role": "agent", "text": "Namaste"}],
    "extracted_data": {},
}
MRASSISTANT = {
    "call_id": "7d0c5b9e",
    "agent_id": "3c90c3cc-0d44-4b50-8888-8dd25736052a",
    "tenant_id": "t",
    "direction": "outbound",
    "from_number": "+918012345678",
    "to_number": "+919876543210",
    "status": "ended",
    "started_at": "2026-01-05T12:00:00Z",
    "ended_at": "2026-01-05T12:00:42+00:00",
    "disposition": "no_answer",
    "duration_seconds": 0,
    "recording_url": None,
    "context": {"call_reference": REFERENCE},
}


def read(vendor: str, payload: object, **options: object) -> CallEvent:
    event = read_event(vendor, payload, **options)  # type: ignore[arg-type]
    assert event is not None
    return event


def test_callkaro_s_call_ended_is_read_whole() -> None:
    event = read("callkaro", CALLKARO, zone=ZoneInfo("Asia/Kolkata"))
    assert (event.call_id, event.attempt, event.campaign_id) == ("a1b2c3d4e5", 1, "68433b7b0dee98e59245ebab")
    assert (event.disposition, event.vendor_word, event.is_last) == (Disposition.REACHED, "CLIENT_INITIATED", True)
    assert (event.number, event.reference, event.duration_seconds) == ("919876543210", REFERENCE, 42.5)
    assert event.happened_at == datetime(2026, 1, 5, 12, tzinfo=UTC)
    assert event.fields == {"interested": True, "amount": 500, "disposition_reason": "Do not call"}
    assert (event.converted, event.asked_not_to_be_called) == (True, True)


@pytest.mark.parametrize("name", ["do_not_call", "doNotCall", "DNC", "Opted out", "opt-out", "askedNotToBeCalled"])
def test_a_wish_not_to_be_called_is_read_however_the_agent_spells_it(name: str) -> None:
    callkaro = {**CALLKARO, "data": {**CALLKARO["data"], "post_call": {name: "Yes"}, "disposition_reason": None}}
    assert read("callkaro", callkaro).asked_not_to_be_called
    assert read("mrassistant", {**MRASSISTANT, "extracted_data": {name: True}}).asked_not_to_be_called
    assert not read("mrassistant", {**MRASSISTANT, "extracted_data": {name: False}}).asked_not_to_be_called


def test_a_time_whose_zone_nobody_knows_is_left_out() -> None:
    assert read("callkaro", CALLKARO).happened_at is None


@pytest.mark.parametrize(
    ("reason", "disposition"),
    [
        ("PARTICIPANT_REMOVED", Disposition.REACHED),
        ("SESSION_TIMEOUT", Disposition.REACHED),
        ("VOICEMAIL_DETECTED", Disposition.VOICEMAIL),
        ("USER_REJECTED", Disposition.REFUSED),
        ("USER_UNAVAILABLE", Disposition.NOT_REACHED),
        ("USER_UNRESPONSIVE", Disposition.NOT_REACHED),
        ("INVALID_PHONE_NUMBER", Disposition.INVALID_NUMBER),
        ("OUTSIDE_TRIGGER_WINDOW", Disposition.BLOCKED),
        ("DELETED_SCH_CALL_ALL", Disposition.BLOCKED),
        ("DELETED_SCH_CALL_ONE", Disposition.BLOCKED),
        ("PRE_CALL_FN_FAILED", Disposition.VENDOR_FAULT),
        ("UNKNOWN", Disposition.OTHER),
        ("SOMETHING_NEW", Disposition.OTHER),
        (None, Disposition.OTHER),
    ],
)
def test_each_hang_up_reason_of_callkaro_is_one_word(reason: str | None, disposition: Disposition) -> None:
    event = read("callkaro", {**CALLKARO, "data": {**CALLKARO["data"], "hangup_reason": reason}})
    assert (event.disposition, event.vendor_word) == (disposition, reason)


def test_both_payloads_of_callaro_are_about_one_call() -> None:
    one, other = read("callaro", CALLARO_DEVELOPERS), read("callaro", CALLARO_HELP)
    assert one.call_id == other.call_id == "9001"
    assert one.attempt == other.attempt == 0  # attempt_number counts deliveries
    assert (one.reference, one.number) == (REFERENCE, "919876543210")
    assert (other.disposition, other.vendor_word) == (Disposition.REACHED, "answered")
    assert other.happened_at == datetime(2026, 1, 5, 12, 0, 42, tzinfo=UTC)
    assert json.loads(other.transcript or "") == CALLARO_HELP["transcript_json"]


@pytest.mark.parametrize(
    "payload",
    [
        MRASSISTANT,
        {"event": "call.completed", "call": MRASSISTANT},
        {"event": "call_completed", "data": MRASSISTANT, "event_id": "e"},
    ],
    ids=["status", "under call", "under data"],
)
def test_a_call_of_mrassistant_is_read_wherever_it_stands(payload: object) -> None:
    event = read("mrassistant", payload)
    assert (event.call_id, event.reference, event.number) == ("7d0c5b9e", REFERENCE, "919876543210")
    assert (event.is_over, event.disposition) == (True, Disposition.NOT_REACHED)


def test_a_call_that_rings_has_no_disposition_yet() -> None:
    event = read("mrassistant", {**MRASSISTANT, "status": "ringing", "ended_at": None, "disposition": None})
    assert (event.is_over, event.is_last, event.disposition) == (False, False, None)


@pytest.mark.parametrize(
    ("vendor", "payload"),
    [
        ("callkaro", {"event": "message_received", "data": {}}),
        ("callkaro", {"event": "call_ended", "data": {"callSid": "c", "try_count": -1}}),
        ("callkaro", {"event": "call_ended", "data": {"callSid": "c", "name": "inbound"}}),
        ("callaro", {"event": "campaign.completed"}),
        ("callaro", {**CALLARO_HELP, "is_test": True}),
        ("mrassistant", {"event": "campaign.progress", "campaign_id": "c", "calls_completed": 3}),
        ("mrassistant", {**MRASSISTANT, "direction": "inbound"}),
    ],
)
def test_an_event_that_nobody_needs_is_none(vendor: str, payload: object) -> None:
    assert read_event(vendor, payload) is None


@pytest.mark.parametrize("vendor", [*VENDORS, "nobody"])
@pytest.mark.parametrize("payload", [None, [], "text", 7, {}, {"event": None}])
def test_what_is_no_webhook_is_refused_and_not_quoted(vendor: str, payload: object) -> None:
    with pytest.raises(UnreadableEvent) as error:
        read_event(vendor, payload)
    assert "text" not in str(error.value)


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.sampled_from(["\0", "\ud800"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@given(data=st.data(), vendor=st.sampled_from(VENDORS))
def test_whatever_comes_it_is_an_event_or_none_or_refused_and_bounded(data: st.DataObject, vendor: str) -> None:
    template = {"callkaro": CALLKARO["data"], "callaro": {**CALLARO_DEVELOPERS, **CALLARO_HELP}}.get(
        vendor, MRASSISTANT
    )
    body = dict(template)
    for name in data.draw(st.lists(st.sampled_from(sorted(body)), max_size=6)):
        body[name] = data.draw(values)
    payload = {"event": "call_ended", "data": body} if vendor == "callkaro" else body
    try:
        event = read_event(vendor, payload)
    except UnreadableEvent:
        return
    if event is not None:
        json.dumps(dict(event.fields)).encode()
        assert len(event.fields) <= MAX_FIELDS
        assert len(event.vendor_word or "") <= MAX_WORD
        assert len(event.call_id or "") <= MAX_ID
        assert event.attempt >= 0
        assert event.happened_at is None or event.happened_at.tzinfo is UTC


@pytest.mark.parametrize("vendor", VENDORS)
def test_long_values_are_cut(vendor: str) -> None:
    long = "ब" * 300_000
    body = {"callSid": long, "call_id": long, "voice_session_id": long, "hangup_reason": long, "disposition": long}
    body |= {
        "call_outcome": long,
        "transcription": long,
        "transcript_json": long,
        "transcript": long,
        "status": "ended",
    }
    facts = {f"{place} {long}": long for place in range(200)}
    body |= {"post_call": facts, "extracted_data": facts}
    event = read(
        vendor, {"event": "call_ended", "data": body} if vendor == "callkaro" else {"event": "call.completed"} | body
    )
    assert len(event.call_id or "") == MAX_ID
    assert len(event.vendor_word or "") == MAX_WORD
    assert len(event.transcript or "") == MAX_TRANSCRIPT
    assert len(event.fields) <= MAX_FIELDS
    assert max(len(str(value)) for value in event.fields.values()) <= MAX_FIELD


def test_an_event_shows_nothing_of_itself() -> None:
    assert "98765" not in repr(read("callkaro", CALLKARO))
    assert REFERENCE not in repr(read("callkaro", CALLKARO))
