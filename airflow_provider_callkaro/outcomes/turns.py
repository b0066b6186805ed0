"""Deliveries about the same call of a vendor are recorded one after the other, through whichever connection they come.

A call of the ledger is found by all that is known of the vendor's call: by a reference that another delivery brought,
or by its number. Two transactions that write at once do not see each other's rows: neither would find with them what
both together say, and an outcome would stay aside whose call is known.
"""

from __future__ import annotations

from collections.abc import Iterable
from zlib import crc32

from sqlalchemy.engine import Connection

from airflow_provider_callkaro.ledger.sql.statements import Statements
from airflow_provider_callkaro.vendors.call_event import CallEvent

BUCKETS = range(1_024, 2_048)  # locks that calls of vendors share; those below are of numbers under caps


def wait_for_turn(connection: Connection, events: Iterable[CallEvent], *, statements: Statements) -> None:
    """Keep others from recording events of the same calls until this transaction ends. Comes before its first read."""
    names = {event.call_id or event.reference or event.event_id or "" for event in events}
    buckets = sorted({BUCKETS[crc32(name.encode("utf-8", "surrogatepass")) % len(BUCKETS)] for name in names})
    query = statements.lock_numbers(buckets) if buckets else None
    if query is not None:
        connection.exec_driver_sql(*query).close()
