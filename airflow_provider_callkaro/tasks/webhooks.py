"""Whose webhooks are written where: a vendor's connection with its webhooks, and the outcomes beside its ledger."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from airflow_provider_callkaro.exceptions import ConfigurationError
from airflow_provider_callkaro.files.connections import find_connection
from airflow_provider_callkaro.hooks.ledger import ledger_keys, sql_engine
from airflow_provider_callkaro.hooks.webhooks import WebhookSettings, read_webhooks
from airflow_provider_callkaro.outcomes.keeping import Keep
from airflow_provider_callkaro.outcomes.store import OutcomeStore
from airflow_provider_callkaro.vendors.call_event import CallEvent
from airflow_provider_callkaro.vendors.call_events import read_event
from airflow_provider_callkaro.vendors.known import VENDORS
from airflow_provider_callkaro.vendors.webhook_json import read_webhook_json

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine


def webhooks_of(vendor: str, conn_id: str) -> WebhookSettings | None:
    """The webhooks of a connection, looked up now; None where this vendor has no such connection, or it has none.

    :raises ConfigurationError: they cannot work.
    """
    profile = next((profile for profile in VENDORS if profile.connection_type == vendor), None)
    if profile is None:
        return None
    try:
        conn = find_connection(conn_id, argument="the address of the webhooks")
    except ConfigurationError:
        return None
    if conn.conn_type != vendor:
        return None
    return read_webhooks(conn, connection_id=conn_id, profile=profile)


@contextmanager
def open_store(
    settings: WebhookSettings,
    *,
    prepare: Callable[[Engine], None] | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[OutcomeStore]:
    """The outcomes beside the ledger that the webhooks of a connection name.

    :param prepare: has its way with the engine before the first connection is made.
    :param sleep: waits for a number of seconds before a transaction is tried again.
    :raises ConfigurationError: there is no such connection, or it is to no SQL database.
    :raises LedgerError: the database does not answer.
    """
    engine = sql_engine(settings.ledger_conn_id)
    if prepare is not None:
        prepare(engine)
    store = OutcomeStore(
        engine,
        keys=ledger_keys(settings.ledger_conn_id),
        keep=Keep(**dict.fromkeys(settings.keep, True)),
        reread=partial(ledger_keys, settings.ledger_conn_id),
        sleep=sleep,
    )
    try:
        with store:
            yield store
    finally:
        engine.dispose()


def read_delivery(vendor: str, body: bytes, *, settings: WebhookSettings) -> CallEvent | None:
    """The event of one delivery, as far as the connection keeps it; None for one that nobody needs.

    :param vendor: the type of the connection.
    :raises UnreadableEvent: it is no webhook of this vendor.
    """
    payload = read_webhook_json(body)
    event = read_event(vendor, payload, zone=settings.zone)
    if event is None or "payload" not in settings.keep:
        return event
    return replace(event, payload=json.dumps(payload, separators=(",", ":"), ensure_ascii=False))
