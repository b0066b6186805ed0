"""An attempt as its row in the table holds it, and back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from airflow_provider_callkaro.calls.disposition import Disposition
from airflow_provider_callkaro.ledger.sql.values import storable, without_zone
from airflow_provider_callkaro.outcomes.attempts import AttemptKey
from airflow_provider_callkaro.outcomes.matching import Match, MatchedBy
from airflow_provider_callkaro.vendors.call_event import CallEvent
from airflow_provider_callkaro.vendors.event_values import MAX_ID, MAX_LINK, MAX_TRANSCRIPT, MAX_WORD

MAX_PAYLOAD = 1_000_000  # characters
_TEXTS = {  # the longest text of each column that is not bounded elsewhere
    "call_id": MAX_ID,
    "event_id": MAX_ID,
    "campaign_id": MAX_ID,
    "vendor_word": MAX_WORD,
    "call_link": MAX_LINK,
    "recording_url": MAX_LINK,
    "transcript": MAX_TRANSCRIPT,
    "payload": MAX_PAYLOAD,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredAttempt:
    """One row of the outcomes.

    :param event: what is known of it, with the ledger's text for the number, and the ledger's id for the reference.
    :param match: the call in the ledger.
    :param is_final: whether its outcome is that of the call.
    """

    key: AttemptKey = field(repr=False)
    conn_id: str
    event: CallEvent
    match: Match
    is_final: bool


def values_of(attempt: StoredAttempt, *, ascii_only: bool = False) -> dict[str, Any]:
    """The values of its columns, all but the instants that the database writes. ``ascii_only``: escape other scripts,
    for a connection whose character set lacks them."""
    event = attempt.event
    texts = {
        column: None if (text := getattr(event, column)) is None else storable(text, limit=limit, ascii_only=ascii_only)
        for column, limit in _TEXTS.items()
    }
    return {
        "vendor_call": attempt.key.vendor_call,
        "attempt": attempt.key.attempt,
        "vendor": event.vendor,
        "conn_id": attempt.conn_id,
        "number": event.number,
        "referred_id": event.reference,
        "ledger_id": attempt.match.ledger_id,
        "matched_by": str(attempt.match.by),
        "is_over": int(event.is_over),
        "is_last": int(event.is_last),
        "is_final": int(attempt.is_final),
        "disposition": None if event.disposition is None else str(event.disposition),
        "duration_seconds": event.duration_seconds,
        "converted": None if event.converted is None else int(event.converted),
        "asked_not_to_be_called": int(event.asked_not_to_be_called),
        "happened_at": None if event.happened_at is None else without_zone(event.happened_at),
        "fields": json.dumps(dict(event.fields), sort_keys=True),
        **texts,
    }


def from_row(row: Mapping[str, Any]) -> StoredAttempt:
    """The attempt in a row."""
    return StoredAttempt(
        key=AttemptKey(row["vendor_call"], row["attempt"]),
        conn_id=row["conn_id"],
        event=CallEvent(
            vendor=row["vendor"],
            call_id=row["call_id"],
            event_id=row["event_id"],
            attempt=row["attempt"],
            is_over=bool(row["is_over"]),
            is_last=bool(row["is_last"]),
            disposition=None if row["disposition"] is None else Disposition(row["disposition"]),
            vendor_word=row["vendor_word"],
            reference=row["referred_id"],
            campaign_id=row["campaign_id"],
            number=row["number"],
            duration_seconds=row["duration_seconds"],
            converted=None if row["converted"] is None else bool(row["converted"]),
            asked_not_to_be_called=bool(row["asked_not_to_be_called"]),
            happened_at=in_utc(row["happened_at"]),
            fields=json.loads(row["fields"]),
            call_link=row["call_link"],
            recording_url=row["recording_url"],
            transcript=row["transcript"],
            payload=row["payload"],
        ),
        match=Match(row["ledger_id"], MatchedBy(row["matched_by"])),
        is_final=bool(row["is_final"]),
    )


def in_utc(moment: datetime | None) -> datetime | None:
    """An instant of the table, which has no zone, as UTC."""
    return None if moment is None else moment.replace(tzinfo=UTC)
