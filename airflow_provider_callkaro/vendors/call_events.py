"""The way from a vendor's webhook to a `CallEvent`: begin here. Each vendor's folder has the reader of its own."""

from __future__ import annotations

from datetime import tzinfo
from typing import Protocol

from airflow_provider_callkaro.exceptions import UnreadableEvent
from airflow_provider_callkaro.vendors.call_event import CallEvent
from airflow_provider_callkaro.vendors.callaro.events import read_event as read_callaro
from airflow_provider_callkaro.vendors.callkaro.events import read_event as read_callkaro
from airflow_provider_callkaro.vendors.mrassistant.events import read_event as read_mrassistant

__all__ = ["CallEvent", "read_event"]


class EventReader(Protocol):
    """Reads the webhooks of one vendor."""

    def __call__(self, payload: object, *, zone: tzinfo | None = None) -> CallEvent | None: ...


_READERS: dict[str, EventReader] = {
    "callkaro": read_callkaro,
    "callaro": read_callaro,
    "mrassistant": read_mrassistant,
}


def read_event(vendor: str, payload: object, *, zone: tzinfo | None = None) -> CallEvent | None:
    """What a webhook says of one attempt.

    :param vendor: the type of the vendor's connections, such as ``callkaro``.
    :param payload: the JSON of the body, as it was parsed.
    :param zone: of the vendor's times without an offset; None leaves them out.
    :return: None for an event that nobody needs, such as an inbound call: it is acknowledged, and forgotten.
    :raises UnreadableEvent: it is no webhook of this vendor. The message quotes nothing of it.
    """
    reader = _READERS.get(vendor)
    if reader is None:
        raise UnreadableEvent("the webhook names a vendor that is not known here")
    return reader(payload, zone=zone)
