"""The rows of the outcomes, as a record reads and marks them."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from sqlalchemy import Select, and_, select
from sqlalchemy.engine import Connection

from airflow_provider_callkaro.ledger.sql.statements import MAX_ROWS
from airflow_provider_callkaro.ledger.sql.values import chunks
from airflow_provider_callkaro.outcomes.attempts import AttemptKey, Ending
from airflow_provider_callkaro.outcomes.stored import StoredAttempt, from_row, in_utc
from airflow_provider_callkaro.outcomes.tables import outcomes


def has_key(key: AttemptKey) -> Any:
    """The condition for the row of an attempt."""
    return and_(outcomes.c.vendor_call == key.vendor_call, outcomes.c.attempt == key.attempt)


def stored_attempts(connection: Connection, vendor_calls: Collection[str]) -> dict[AttemptKey, StoredAttempt]:
    """The attempts of these calls of the vendor."""
    return _attempts(connection, vendor_calls, select(outcomes))


def lock_attempts(connection: Connection, vendor_calls: Collection[str]) -> dict[AttemptKey, StoredAttempt]:
    """Like `stored_attempts`, and locked until this transaction ends."""
    return _attempts(connection, vendor_calls, select(outcomes).with_for_update())


def _attempts(
    connection: Connection, vendor_calls: Collection[str], query: Select[Any]
) -> dict[AttemptKey, StoredAttempt]:
    found: dict[AttemptKey, StoredAttempt] = {}
    for some in chunks(sorted(vendor_calls), size=MAX_ROWS):
        asked = query.where(outcomes.c.vendor_call.in_(some)).order_by(*outcomes.primary_key)
        for row in connection.execute(asked).mappings():
            attempt = from_row({**row})
            found[attempt.key] = attempt
    return found


def without_reference(connection: Connection, call_ids: Collection[str]) -> set[str]:
    """The vendor's calls with these ids whose outcomes had no reference."""
    c = outcomes.c
    return {
        str(vendor_call)
        for some in chunks(sorted(call_ids), size=MAX_ROWS)
        for (vendor_call,) in connection.execute(
            select(c.vendor_call).where(c.call_id.in_(some), c.referred_id.is_(None))
        )
    }


def endings_of(connection: Connection, ledger_ids: Collection[str]) -> Iterator[tuple[str, bool, Ending]]:
    """The attempts of calls, each with the ledger's id of its call and whether it is marked as final."""
    c = outcomes.c
    for some in chunks(sorted(ledger_ids), size=MAX_ROWS):
        query = select(
            c.ledger_id, c.is_final, c.vendor_call, c.attempt, c.is_over, c.is_last, c.happened_at, c.call_id
        ).where(c.ledger_id.in_(some))
        for id_, is_final, vendor_call, attempt, is_over, is_last, happened_at, call_id in connection.execute(query):
            yield (
                str(id_),
                bool(is_final),
                Ending(
                    key=AttemptKey(vendor_call, attempt),
                    is_over=bool(is_over),
                    is_last=bool(is_last),
                    happened_at=in_utc(happened_at),
                    call_id=call_id,
                ),
            )
