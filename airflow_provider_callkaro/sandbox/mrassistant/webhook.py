"""What MrAssistant tells of a call that has ended.

No page shows the body of its webhooks. This one is the sandbox's guess: the fields of the page on a call's status, the
target's ``context``, and the name of an event. What a campaign's request says of webhooks is documented, and kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from airflow_provider_callkaro.sandbox.mrassistant.calls import OWN_NUMBER, TENANT_ID
from airflow_provider_callkaro.sandbox.webhooks.fates import EndedTry, Ending
from airflow_provider_callkaro.sandbox.webhooks.webhook import Webhook

SIGNATURE_HEADER = "X-Webhook-Signature"
# status (of the page on calls), disposition (the sandbox's own)
_WORDS: dict[Ending, tuple[str, str]] = {
    Ending.REACHED: ("ended", "answered"),
    Ending.ASKED_NOT_TO_BE_CALLED: ("ended", "answered"),
    Ending.NO_ANSWER: ("failed", "no_answer"),
    Ending.UNREACHABLE: ("failed", "unreachable"),
    Ending.REJECTED: ("failed", "rejected"),
    Ending.VOICEMAIL: ("ended", "voicemail"),
    Ending.INVALID_NUMBER: ("failed", "invalid_number"),
    Ending.FAILED: ("failed", "system_error"),
    Ending.NEW_WORD: ("ended", "handed_to_concierge"),
}


def call_completed(ended: EndedTry) -> dict[str, Any]:
    """Make the body of one event."""
    ring, tried = ended.ring, ended.tried
    status, disposition = _WORDS[tried.ending]
    return {
        "event": "call.completed",
        "call_id": ring.call_id,
        "campaign_id": ring.batch_id,
        "agent_id": ring.agent_id,
        "tenant_id": TENANT_ID,
        "direction": "outbound",
        "from_number": ring.body.get("from_number") or OWN_NUMBER,
        "to_number": ring.to_number,
        "status": status,
        "disposition": disposition,
        "retry_attempt": tried.number,
        "will_retry": not tried.is_last,
        "duration_seconds": tried.seconds,
        "started_at": (ended.ended_at - timedelta(seconds=tried.seconds)).isoformat(),
        "ended_at": ended.ended_at.isoformat(),
        "recording_url": None,
        "extracted_data": {"do_not_call": True} if tried.ending is Ending.ASKED_NOT_TO_BE_CALLED else {},
        "context": ring.metadata or {},
    }


def retries_of(campaign: Mapping[str, Any]) -> int:
    """How often a campaign rings again. ``campaign``: the fields of its request."""
    return int(campaign.get("retry_attempts") or 0) if campaign.get("retry_failed") else 0


def webhook_of(campaign: Mapping[str, Any]) -> Webhook | None:
    """Whom a campaign's request says to tell of each call; None if nobody. ``campaign``: the fields of its request."""
    url = campaign.get("webhook_url")
    if not url or not campaign.get("notify_on_call_complete"):
        return None
    try:
        return Webhook(url=url, vendor="mrassistant", signing_secret=campaign.get("webhook_secret") or None)
    except ValueError:
        return None  # no address: there is nobody to tell
