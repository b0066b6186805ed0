"""What one webhook, or one poll, says of one attempt of one call: the same value for every vendor."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from airflow_provider_callkaro.calls.disposition import Disposition


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class CallEvent:
    """What one delivery says of one attempt. Every text in it is bounded; its ``repr`` shows nothing of the person.

    :param vendor: the type of the vendor's connections: ``callkaro``, ``callaro`` or ``mrassistant``.
    :param call_id: the vendor's id of the call; at most 255 characters.
    :param event_id: the vendor's own key of the delivery, where it has one.
    :param attempt: the vendor's try, 0 for the first.
    :param is_over: the attempt has ended.
    :param is_last: the vendor will not ring again for this call.
    :param disposition: what became of it; None while it is not over.
    :param vendor_word: the vendor's own word for that, such as its hang-up reason; at most 64 characters.
    :param reference: what the call carried in its metadata; see `outcomes.references`.
    :param campaign_id: the vendor's id of the campaign.
    :param number: the digits of the person's number.
    :param duration_seconds: how long they spoke.
    :param converted: whether the call reached its goal, as the vendor's agent says.
    :param asked_not_to_be_called: the person said so, as the vendor's agent says.
    :param happened_at: when the attempt ended, aware, UTC; None where the vendor does not say it with a time zone.
    :param fields: what the agent extracted, by name.
    :param call_link: the vendor's page of the call.
    :param recording_url: the vendor's address of the recording.
    :param transcript: what was said.
    :param payload: the delivery as it came, for a store that keeps it; the readers leave it out.
    """

    vendor: str
    call_id: str | None = None
    event_id: str | None = None
    attempt: int = 0
    is_over: bool = True
    is_last: bool = True
    disposition: Disposition | None = None
    vendor_word: str | None = None
    reference: str | None = None
    campaign_id: str | None = None
    number: str | None = None
    duration_seconds: float | None = None
    converted: bool | None = None
    asked_not_to_be_called: bool = False
    happened_at: datetime | None = None
    fields: Mapping[str, Any] = field(default_factory=dict)
    call_link: str | None = None
    recording_url: str | None = None
    transcript: str | None = None
    payload: str | None = None

    def __repr__(self) -> str:
        return "CallEvent(not shown)"
