"""Callaro's webhook ``call.completed``. Two of its pages show two payloads: this reads what either has.

Source: the developers' page on webhooks and the help page on the post-call webhook. The lists of its words are not
documented, so only such are read as have one meaning. Its ``attempt_number`` counts deliveries, not calls.
"""

from __future__ import annotations

from datetime import tzinfo

from airflow_provider_callkaro.calls.disposition import Disposition
from airflow_provider_callkaro.exceptions import UnreadableEvent
from airflow_provider_callkaro.vendors.call_event import CallEvent
from airflow_provider_callkaro.vendors.event_values import (
    MAX_LINK,
    MAX_TRANSCRIPT,
    MAX_WORD,
    PLAIN_WORDS,
    asked_not_to_be_called,
    digits_in,
    fields_in,
    first_text_in,
    flag_in,
    instant_in,
    json_text_in,
    mapping_in,
    reference_in,
    seconds_in,
    text_in,
    word_of,
)

VENDOR = "callaro"


def read_event(payload: object, *, zone: tzinfo | None = None) -> CallEvent | None:
    """The event; None for one that nobody needs. ``zone``: of a time without an offset. Raises UnreadableEvent."""
    outer = mapping_in(payload)
    if not isinstance(outer.get("event"), str):
        raise UnreadableEvent('Callaro sent a webhook without an "event"')
    body = {**mapping_in(outer.get("data")), **outer}
    if outer["event"] != "call.completed" or flag_in(body.get("is_test")) or body.get("direction") == "inbound":
        return None
    # One of the two payloads has this id alone, so it comes first: both must name one call.
    call_id = first_text_in(body, "voice_session_id", "call_id", "call_sid")
    event_id = first_text_in(body, "idempotency_key", "event_id")
    reference = reference_in(body.get("runtime_vars"))
    if call_id is None and event_id is None and reference is None:
        raise UnreadableEvent('Callaro sent a "call.completed" without an id')
    fields = fields_in(body.get("extracted_data"))
    word = first_text_in(body, "call_outcome", "hangup_reason", "call_status", limit=MAX_WORD)
    is_machine = flag_in(body.get("voicemail_detected")) or word_of(text_in(body.get("answered_by"))) in (
        "machine",
        "voicemail",
    )
    return CallEvent(
        vendor=VENDOR,
        call_id=call_id,
        event_id=event_id,
        disposition=Disposition.VOICEMAIL if is_machine else PLAIN_WORDS.get(word_of(word), Disposition.OTHER),
        vendor_word=word,
        reference=reference,
        campaign_id=first_text_in(body, "campaign_id", "bulk_call_campaign_id"),
        number=digits_in(body.get("to_e164")),
        duration_seconds=seconds_in(body.get("duration_seconds")),
        converted=flag_in(body.get("conversion_status")),
        asked_not_to_be_called=asked_not_to_be_called(fields, word),
        happened_at=instant_in(body.get("ended_at"), zone=zone),
        fields=fields,
        call_link=text_in(body.get("call_link"), limit=MAX_LINK),
        recording_url=text_in(body.get("recording_url"), limit=MAX_LINK),
        transcript=json_text_in(body.get("transcript_json"), limit=MAX_TRANSCRIPT),
    )
