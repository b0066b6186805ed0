"""MrAssistant's webhook of a completed call, and its answer to "get call status".

The webhook's payload is not documented (source: create campaign, which only names it). This reads the fields that the
status page has (source: get call status), flat or under ``call`` or ``data``, with or without an event.
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
    attempt_in,
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

VENDOR = "mrassistant"
_OVER = frozenset({"ended", "failed", "completed"})  # the first two: source: list agent calls, status_filter
_OVER_EVENTS = frozenset({"call_completed", "call_ended", "call_failed"})  # inferred from notify_on_call_complete


def read_event(payload: object, *, zone: tzinfo | None = None) -> CallEvent | None:
    """The event; None for one that nobody needs. ``zone``: of a time without an offset. Raises UnreadableEvent."""
    outer = mapping_in(payload)
    body = {**outer, **mapping_in(outer.get("data")), **mapping_in(outer.get("call"))}
    event = first_text_in(outer, "event", "event_type", "type")
    call_id = first_text_in(body, "call_id", "callId")
    reference = reference_in(body.get("context"))
    if call_id is None and reference is None:
        if event is None:
            raise UnreadableEvent("MrAssistant sent a webhook with neither an event nor a call_id")
        return None  # a campaign's progress
    if body.get("direction") == "inbound":
        return None
    status = text_in(body.get("status"), limit=MAX_WORD)
    is_over = word_of(status) in _OVER or word_of(event) in _OVER_EVENTS or text_in(body.get("ended_at")) is not None
    fields = fields_in(body.get("extracted_data"))
    word = first_text_in(body, "disposition", "status", limit=MAX_WORD)
    return CallEvent(
        vendor=VENDOR,
        call_id=call_id,
        event_id=first_text_in(outer, "event_id", "idempotency_key"),
        attempt=attempt_in(body.get("retry_attempt")),
        is_over=is_over,
        is_last=is_over and flag_in(body.get("will_retry")) is not True,
        disposition=PLAIN_WORDS.get(word_of(word), Disposition.OTHER) if is_over else None,
        vendor_word=word,
        reference=reference,
        campaign_id=text_in(body.get("campaign_id")),
        number=digits_in(body.get("to_number")),
        duration_seconds=seconds_in(body.get("duration_seconds")),
        converted=flag_in(body.get("converted")),
        asked_not_to_be_called=asked_not_to_be_called(fields, text_in(body.get("disposition"))),
        happened_at=instant_in(body.get("ended_at"), zone=zone),
        fields=fields,
        call_link=text_in(body.get("call_link"), limit=MAX_LINK),
        recording_url=text_in(body.get("recording_url"), limit=MAX_LINK),
        transcript=json_text_in(body.get("transcript"), limit=MAX_TRANSCRIPT),
    )
