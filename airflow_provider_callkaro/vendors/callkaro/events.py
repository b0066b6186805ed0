"""CallKaro's webhook ``call_ended``, one for each finished attempt.

Source: vendor's pages on webhooks, hang-up reasons and call types. Other events share its envelope and mean nothing
here. Its ``time`` has no zone, so it counts only where the connection says the vendor's zone.
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
    asked_not_to_be_called,
    attempt_in,
    digits_in,
    fields_in,
    flag_in,
    instant_in,
    json_text_in,
    mapping_in,
    reference_in,
    seconds_in,
    text_in,
    whole_in,
)

VENDOR = "callkaro"
_NOT_OURS = frozenset({"inbound", "agent-test", "outbound-test"})  # source: call types
DISPOSITIONS = {  # source: hang-up reasons, all thirteen; the last is of the vendor's dialler
    "CLIENT_INITIATED": Disposition.REACHED,
    "PARTICIPANT_REMOVED": Disposition.REACHED,
    "SESSION_TIMEOUT": Disposition.REACHED,
    "VOICEMAIL_DETECTED": Disposition.VOICEMAIL,
    "USER_REJECTED": Disposition.REFUSED,
    "USER_UNAVAILABLE": Disposition.NOT_REACHED,
    "USER_UNRESPONSIVE": Disposition.NOT_REACHED,
    "INVALID_PHONE_NUMBER": Disposition.INVALID_NUMBER,
    "UNKNOWN": Disposition.OTHER,
    "OUTSIDE_TRIGGER_WINDOW": Disposition.BLOCKED,
    "DELETED_SCH_CALL_ALL": Disposition.BLOCKED,
    "DELETED_SCH_CALL_ONE": Disposition.BLOCKED,
    "PRE_CALL_FN_FAILED": Disposition.VENDOR_FAULT,
    "DND_NUMBER": Disposition.BLOCKED,
}


def read_event(payload: object, *, zone: tzinfo | None = None) -> CallEvent | None:
    """The event; None for one that nobody needs. ``zone``: of its ``time``. Raises UnreadableEvent."""
    body = mapping_in(payload)
    event = body.get("event")
    if not isinstance(event, str):
        raise UnreadableEvent('CallKaro sent a webhook without an "event"')
    if event != "call_ended":
        return None
    data = mapping_in(body.get("data"))
    reference = reference_in(data.get("call_metadata"))
    is_inbound = (whole_in(data.get("try_count")) or 0) < 0
    if reference is None and (is_inbound or text_in(data.get("name")) in _NOT_OURS):
        return None
    call_id = text_in(data.get("callSid"))
    if call_id is None and reference is None:
        raise UnreadableEvent('CallKaro sent a "call_ended" without a callSid')
    reason = text_in(data.get("disposition_reason"), limit=MAX_LINK)
    details = {name: mapping_in(each).get("value") for name, each in mapping_in(data.get("post_call_detail")).items()}
    fields = fields_in(data.get("post_call"), details, {"disposition_reason": reason})
    word = text_in(data.get("hangup_reason"), limit=MAX_WORD)
    return CallEvent(
        vendor=VENDOR,
        call_id=call_id,
        attempt=attempt_in(data.get("try_count")),
        is_last=flag_in(data.get("next_call_scheduled")) is not True,
        disposition=DISPOSITIONS.get((word or "").upper(), Disposition.OTHER),
        vendor_word=word,
        reference=reference,
        campaign_id=text_in(data.get("batchId")),
        number=digits_in(data.get("to")),
        duration_seconds=seconds_in(data.get("call_duration")),
        converted=flag_in(data.get("conversion_status")),
        asked_not_to_be_called=asked_not_to_be_called(fields, reason),
        happened_at=instant_in(data.get("time"), zone=zone),
        fields=fields,
        call_link=text_in(data.get("call_link"), limit=MAX_LINK),
        recording_url=text_in(data.get("recordingUrl"), limit=MAX_LINK),
        transcript=json_text_in(data.get("transcription"), limit=MAX_TRANSCRIPT),
    )
