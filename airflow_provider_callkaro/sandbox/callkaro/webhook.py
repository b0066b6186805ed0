"""What CallKaro tells of a call that has ended: the event ``call_ended`` of its webhook pages.

The pages do not say in which zone ``time`` is; here it is UTC. They do not say what an agent extracts either: that is
the agent's own, and ``do_not_call`` is the sandbox's example of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow_provider_callkaro.sandbox.request_log import Ring
from airflow_provider_callkaro.sandbox.webhooks.fates import SPOKEN, EndedTry, Ending

OWN_NUMBER = "12025550190"  # from which it rings; a number of fiction
# The vendor's page of hang-up reasons, but for the last one, which no page lists.
HANGUP_REASONS: Mapping[Ending, str] = {
    Ending.REACHED: "CLIENT_INITIATED",
    Ending.ASKED_NOT_TO_BE_CALLED: "CLIENT_INITIATED",
    Ending.NO_ANSWER: "USER_UNAVAILABLE",
    Ending.UNREACHABLE: "USER_UNRESPONSIVE",
    Ending.REJECTED: "USER_REJECTED",
    Ending.VOICEMAIL: "VOICEMAIL_DETECTED",
    Ending.INVALID_NUMBER: "INVALID_PHONE_NUMBER",
    Ending.FAILED: "PRE_CALL_FN_FAILED",
    Ending.DELETED: "DELETED_SCH_CALL_ONE",
    Ending.NEW_WORD: "NETWORK_CONGESTION",
}


def call_ended(ended: EndedTry) -> dict[str, Any]:
    """Make the body of one event."""
    ring, tried = ended.ring, ended.tried
    has_spoken = tried.ending in SPOKEN
    extracted: dict[str, Any] = {}
    if has_spoken:
        extracted["do_not_call"] = tried.ending is Ending.ASKED_NOT_TO_BE_CALLED
    data: dict[str, Any] = {
        "callSid": ring.call_id,
        "name": "outbound-scheduled" if ring.scheduled else "outbound-api",
        "agent": ring.agent_id,
        "versionId": "1",
        "from": OWN_NUMBER,
        "to": ring.to_number.removeprefix("+"),
        "recordingUrl": f"https://recordings.example/{ring.call_id}.mp3" if has_spoken else "",
        "transcription": _transcript(tried.ending) if has_spoken else "",
        "call_duration": tried.seconds,
        "time": f"{ended.ended_at:%Y-%m-%d %H:%M:%S}",
        "batchId": ring.batch_id,
        "hangup_reason": HANGUP_REASONS[tried.ending],
        "call_metadata": ring.metadata or {},
        "try_count": tried.number,
        "post_call": extracted,
        "post_call_detail": {name: {"value": value, "comment": ""} for name, value in extracted.items()},
        "functions_called": [],
        "disposition_reason": "DO_NOT_CALL" if tried.ending is Ending.ASKED_NOT_TO_BE_CALLED else "",
        "conversion_status": tried.has_converted,
        "next_call_scheduled": not tried.is_last,
        "call_link": f"https://dashboard.example/calls/{ring.order}",
    }
    return {"event": "call_ended", "data": data}


def retries_of(ring: Ring) -> int:
    """How often the call's request asked to be rung again."""
    retries = ring.body.get("number_of_retries")
    return retries if isinstance(retries, int) else 0


def _transcript(ending: Ending) -> str:
    callee = "Please do not call me again." if ending is Ending.ASKED_NOT_TO_BE_CALLED else "Yes, that suits me."
    return f"Agent: Good morning, is this a good moment?\nUser: {callee}"
