"""Webhooks that a message queue has brought: what a run's asset events carry, written as the receiver writes.

`MessageQueueTrigger` hands on what its queue's provider makes of a message: a text, a mapping with the text in it, or a
list of such. All of these are read; a mapping that is itself a webhook has ``event``.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from airflow_provider_callkaro.exceptions import ConfigurationError, UnreadableEvent
from airflow_provider_callkaro.files.connections import find_connection
from airflow_provider_callkaro.tasks.webhooks import open_store, read_delivery, webhooks_of
from airflow_provider_callkaro.vendors.webhook_json import MAX_BYTES

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_callkaro.outcomes.recording import Recorded
    from airflow_provider_callkaro.vendors.call_event import CallEvent

MAX_EVENTS = 500  # of one transaction
_MANY = ("message_batch", "messages")  # the keys under which providers hand on several messages
_ONE = ("data", "Body", "body", "value")  # and the text of one


def record_queued_webhooks(context: Context, *, conn_id: str) -> dict[str, int]:
    """Write the webhooks that the asset events of a run carry. Twice is the same as once.

    :param conn_id: the vendor's connection, whose ``webhooks`` name the ledger.
    :return: ``messages`` came; ``recorded`` said something new, ``unchanged`` nothing new, ``ignored`` are of a kind
        that nobody needs, ``unreadable`` are no webhooks of this vendor.
    :raises ConfigurationError: the connection has no webhooks, or no message started this run.
    :raises LedgerError: the database does not answer; nothing is lost, because a retry reads the same messages.
    """
    vendor = find_connection(conn_id, argument="conn_id").conn_type or ""
    settings = webhooks_of(vendor, conn_id)
    if settings is None:
        raise ConfigurationError(
            f'connection "{conn_id}" has no "webhooks" in its extra, or is not of a vendor\'s type: docs/webhooks.md'
        )
    counts = Counter[str](messages=0, recorded=0, unchanged=0, ignored=0, unreadable=0)
    events: list[CallEvent] = []
    with open_store(settings) as store:
        for body in _bodies(context):
            counts["messages"] += 1
            try:
                event = read_delivery(vendor, body, settings=settings)
            except UnreadableEvent:
                counts["unreadable"] += 1
                continue
            if event is None:
                counts["ignored"] += 1
                continue
            events.append(event)
            if len(events) == MAX_EVENTS:
                counts.update(_changes(store.record(events, conn_id=conn_id)))
                events = []
        if events:
            counts.update(_changes(store.record(events, conn_id=conn_id)))
    return dict(counts)


def _changes(recorded: Recorded) -> dict[str, int]:
    return {"recorded": recorded.new + recorded.changed, "unchanged": recorded.same}


def _bodies(context: Context) -> Iterator[bytes]:
    by_asset: Mapping[Any, Any] = context.get("triggering_asset_events") or {}
    events = {id(event): event for of_asset in by_asset.values() for event in of_asset}.values()
    payloads = [event.extra["payload"] for event in events if "payload" in (event.extra or {})]
    if not payloads:
        raise ConfigurationError(
            "no message of a queue started this run, and a manual run has none: schedule the DAG on an Asset with an "
            "AssetWatcher that has a MessageQueueTrigger"
        )
    return _texts(payloads)


def _texts(payloads: Iterable[Any]) -> Iterator[bytes]:
    """The text of each message; what is none of the known shapes is handed on, and found unreadable."""
    for payload in payloads:
        if isinstance(payload, list):
            yield from _texts(payload)
        elif isinstance(payload, Mapping) and "event" not in payload:
            many = next((payload[key] for key in _MANY if isinstance(payload.get(key), list)), None)
            one = next((payload[key] for key in _ONE if key in payload), None)
            yield from _texts([one] if many is None else many)
        else:
            yield _text(payload)


def _text(value: Any) -> bytes:
    """The text of a message, not longer than a webhook may be: one that is longer is not JSON when it is cut."""
    text = value if isinstance(value, str) else json.dumps(value, default=str)
    return text.encode(errors="replace")[: MAX_BYTES + 1]
