"""What Callaro tells of a call: ``call.completed``, with the fields of both of its pages, which disagree.

Of the values only those of an answered call are documented; the words for the other endings are the sandbox's own.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from airflow_provider_callkaro.sandbox.webhooks.fates import SPOKEN, EndedTry, Ending

OWN_NUMBER = "+12025550190"  # from which it rings; a number of fiction
SCHEMA_VERSION = "2026-04-28"  # of the example on the help page
# call_status, call_outcome, answered_by, hangup_reason
_WORDS: dict[Ending, tuple[str, str, str | None, str | None]] = {
    Ending.REACHED: ("completed", "answered", "human", "user_hangup"),
    Ending.ASKED_NOT_TO_BE_CALLED: ("completed", "answered", "human", "user_hangup"),
    Ending.NO_ANSWER: ("no_answer", "no_answer", None, "no_answer"),
    Ending.UNREACHABLE: ("failed", "unreachable", None, "unreachable"),
    Ending.REJECTED: ("busy", "rejected", None, "rejected"),
    Ending.VOICEMAIL: ("completed", "voicemail", "machine", "voicemail"),
    Ending.INVALID_NUMBER: ("failed", "invalid_number", None, "invalid_number"),
    Ending.FAILED: ("failed", "system_error", None, "system_error"),
    Ending.NEW_WORD: ("completed", "bridged_elsewhere", None, "bridged_elsewhere"),
}


def call_completed(ended: EndedTry) -> dict[str, Any]:
    """Make the body of one event."""
    ring, tried = ended.ring, ended.tried
    call_status, call_outcome, answered_by, hangup_reason = _WORDS[tried.ending]
    session = int(ring.call_id)
    extracted = {"do_not_call": tried.ending is Ending.ASKED_NOT_TO_BE_CALLED} if tried.ending in SPOKEN else {}
    return {
        "event": "call.completed",
        "event_id": str(uuid5(NAMESPACE_URL, f"callaro {session} {ended.ended_at.isoformat()}")),
        "idempotency_key": f"call.completed.{session}.primary",
        "attempt_number": tried.number + 1,
        "is_retry": tried.number > 0,
        "is_test": False,
        "schema_version": SCHEMA_VERSION,
        "tenant_id": 1,
        "agent_id": ring.agent_id,
        "call_id": f"vs_{session}",
        "voice_session_id": session,
        "call_sid": f"CA{session:032d}",
        "direction": "outbound",
        "from_e164": OWN_NUMBER,
        "to_e164": ring.to_number,
        "call_status": call_status,
        "call_outcome": call_outcome,
        "answered_by": answered_by,
        "voicemail_detected": tried.ending is Ending.VOICEMAIL,
        "amd_category": answered_by,
        "hangup_reason": hangup_reason,
        "started_at": (ended.ended_at - timedelta(seconds=tried.seconds)).isoformat(),
        "ended_at": ended.ended_at.isoformat(),
        "duration_seconds": tried.seconds,
        "transcript_json": [],
        "extracted_data": extracted,
        "runtime_vars": {name: value for name, value in ring.body.items() if name != "phone_e164"},
        "tool_calls": [],
        "analysis_results": [],
        "analysis_status": "completed",
    }
