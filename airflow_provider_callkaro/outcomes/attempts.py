"""What many deliveries say of one attempt becomes one value: their maximum.

Vendors deliver at least once, in any order, and to several addresses. So nothing here depends on the order or on how
often something comes: `merged` takes the greater of two values, and of nothing and something always something. What is
over beats what is under way, a known disposition beats an unknown one, and then the later instant wins.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar

from airflow_provider_callkaro.calls.disposition import Disposition
from airflow_provider_callkaro.ledger.sql.values import digest
from airflow_provider_callkaro.vendors.call_event import CallEvent
from airflow_provider_callkaro.vendors.event_values import MAX_FIELDS

_LONG_AGO = datetime.min.replace(tzinfo=UTC)
_Value = TypeVar("_Value", str, float, bool)
_UNKNOWN = (None, Disposition.OTHER)


@dataclass(frozen=True, slots=True, order=True)
class AttemptKey:
    """Which attempt it is. ``vendor_call``: a digest of vendor, connection and the vendor's id of the call."""

    vendor_call: str
    attempt: int


def key_of_event(event: CallEvent, *, conn_id: str) -> AttemptKey | None:
    """The attempt that an event is about; None where it names neither call nor reference nor itself."""
    for kind, id_ in (("call", event.call_id), ("reference", event.reference), ("event", event.event_id)):
        if id_ is not None:
            return AttemptKey(digest("\0".join((event.vendor, conn_id, kind, id_))), event.attempt)
    return None


def merged(one: CallEvent, other: CallEvent) -> CallEvent:
    """What two events say together of one attempt. It is the same in any order, and twice the same is once."""
    state = max(one, other, key=_weight)
    return CallEvent(
        vendor=one.vendor,
        attempt=one.attempt,
        is_over=state.is_over,
        disposition=state.disposition,
        vendor_word=state.vendor_word,
        happened_at=state.happened_at,
        is_last=one.is_last or other.is_last,
        asked_not_to_be_called=one.asked_not_to_be_called or other.asked_not_to_be_called,
        call_id=greater(one.call_id, other.call_id),
        event_id=greater(one.event_id, other.event_id),
        reference=greater(one.reference, other.reference),
        campaign_id=greater(one.campaign_id, other.campaign_id),
        number=greater(one.number, other.number),
        duration_seconds=greater(one.duration_seconds, other.duration_seconds),
        converted=greater(one.converted, other.converted),
        fields=_merged_fields(one.fields, other.fields),
        call_link=greater(one.call_link, other.call_link),
        recording_url=greater(one.recording_url, other.recording_url),
        transcript=greater(one.transcript, other.transcript),
        payload=greater(one.payload, other.payload),
    )


def greater(one: _Value | None, other: _Value | None) -> _Value | None:
    """The greater of two values; None is the least."""
    if one is None or other is None:
        return other if one is None else one
    return max(one, other)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """What of an attempt decides which outcome of a call is the final one."""

    key: AttemptKey = field(repr=False)
    is_over: bool
    is_last: bool
    happened_at: datetime | None
    call_id: str | None


def final_of(endings: Iterable[Ending]) -> AttemptKey | None:
    """The attempt whose outcome is the call's: the latest after which the vendor does not ring again. None while there
    is none."""
    ended = [each for each in endings if each.is_over and each.is_last]
    last = max(ended, key=lambda each: (each.happened_at or _LONG_AGO, each.key.attempt, each.key), default=None)
    return None if last is None else last.key


def first_call_id(endings: Iterable[Ending]) -> str | None:
    """The vendor's id of the first attempt that has one."""
    named = [each for each in endings if each.call_id is not None]
    first = min(named, key=lambda each: (each.key.attempt, each.happened_at or _LONG_AGO, each.key), default=None)
    return None if first is None else first.call_id


def _weight(event: CallEvent) -> tuple[Any, ...]:
    return (
        event.is_over,
        event.disposition not in _UNKNOWN,
        event.happened_at or _LONG_AGO,
        event.disposition or "",
        event.vendor_word or "",
    )


def _merged_fields(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    both = {**one, **other}
    for name in one.keys() & other.keys():
        both[name] = max(one[name], other[name], key=lambda value: json.dumps(value, sort_keys=True))
    return {name: both[name] for name in sorted(both)[:MAX_FIELDS]}
