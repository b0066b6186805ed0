"""The outcomes as others read them: one per call, streamed; and those that are kept aside."""
# ruff: noqa: S608

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy.engine import Connection

from airflow_provider_callkaro.calls.disposition import Disposition
from airflow_provider_callkaro.ledger.digests import key_of
from airflow_provider_callkaro.ledger.sql.names import Names
from airflow_provider_callkaro.ledger.sql.session import execute
from airflow_provider_callkaro.ledger.sql.statements import LEASE_SECONDS, Statements
from airflow_provider_callkaro.ledger.sql.table import CLEAR_COLUMNS, KEYED_COLUMNS, OUTCOMES_TABLE, TABLE
from airflow_provider_callkaro.ledger.sql.values import as_instant, as_text, without_zone
from airflow_provider_callkaro.outcomes.matching import MatchedBy
from airflow_provider_callkaro.outcomes.selection import Selection

PAGE = 500  # outcomes that are read at once
OUTCOME_COLUMNS = (
    *("vendor", "conn_id", "call_id", "campaign_id", "attempt", "disposition", "vendor_word", "duration_seconds"),
    *("converted", "asked_not_to_be_called", "happened_at", "received_at", "changed_at", "fields", "call_link"),
    *("recording_url", "transcript", "number", "ledger_id", "vendor_call"),
)
"""What is read of an attempt."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class StoredOutcome:
    """What became of one call: the final attempt of it. Its ``repr`` shows nothing of the person.

    :param ledger_id: the id of the call in the ledger; None for one that is kept aside.
    :param scope: in which the person may be rung once; None for one that is kept aside.
    :param run: of the task instance that placed it; None likewise, and in a keyed ledger.
    :param call_key: under which the person is in the ledger; None likewise.
    :param number: the digits of the number; None in a keyed ledger, and where the vendor did not say it.
    :param conn_id: the vendor's connection that it came from.
    :param attempt: the vendor's try, 0 for the first.
    :param happened_at: UTC; None where the vendor does not say it with a time zone.
    :param received_at: when it first came, by the database's clock, UTC.
    :param changed_at: when it last changed, likewise.
    :param fields: what the agent extracted, by name.
    """

    ledger_id: str | None
    scope: str | None
    run: str | None
    call_key: str | None
    number: str | None
    vendor: str
    conn_id: str
    call_id: str | None
    campaign_id: str | None
    attempt: int
    disposition: Disposition | None
    vendor_word: str | None
    duration_seconds: float | None
    converted: bool | None
    asked_not_to_be_called: bool
    happened_at: datetime | None
    received_at: datetime
    changed_at: datetime
    fields: Mapping[str, Any] = field(default_factory=dict)
    call_link: str | None = None
    recording_url: str | None = None
    transcript: str | None = None

    def __repr__(self) -> str:
        return "StoredOutcome(not shown)"


def final_outcomes(
    connection: Connection,
    *,
    selection: Selection,
    since: datetime | None,
    after: StoredOutcome | None,
    statements: Statements,  # noqa: ARG001 - as every reader
    names: Names,
) -> list[StoredOutcome]:
    """A page of the final outcomes of the selected calls. ``since``: only those that changed at or after that instant,
    in the order of their changes. ``after``: the last of the page before."""
    condition, values = selection.condition(connection, names=names)
    bounds = selection.bounds(values)
    order = "o.ledger_id"
    if since is not None:
        condition += " AND o.changed_at >= :since"
        values["since"] = as_text(without_zone(since))
        order = "o.changed_at, o.ledger_id"
    if after is not None:
        values["after"] = after.ledger_id
        if since is None:
            condition += " AND o.ledger_id > :after"
        else:
            values["since"] = values["at"] = as_text(without_zone(after.changed_at))
            condition += " AND (o.changed_at > :at OR o.ledger_id > :after)"
    key = (KEYED_COLUMNS if names.is_keyed else CLEAR_COLUMNS)[TABLE]
    query = (
        f"SELECT {', '.join(f'o.{name}' for name in OUTCOME_COLUMNS)}, l.scope, l.run, l.{key} AS call_key, "
        f"l.number AS called_number FROM {OUTCOMES_TABLE} o JOIN {TABLE} l ON l.id = o.ledger_id "
        f"WHERE o.is_final = 1{bounds} AND {condition} ORDER BY {order} LIMIT {PAGE}"
    )
    return [outcome_of(row) for row in execute(connection, query, **values).mappings()]


def kept_aside(
    connection: Connection,
    *,
    by: MatchedBy,
    limit: int,
    statements: Statements,  # noqa: ARG001 - as every reader
    names: Names,  # noqa: ARG001
) -> list[StoredOutcome]:
    """The newest attempts that found no call in this way."""
    query = (
        f"SELECT {', '.join(OUTCOME_COLUMNS)}, NULL AS scope, NULL AS run, NULL AS call_key, NULL AS called_number "
        f"FROM {OUTCOMES_TABLE} WHERE matched_by = :by ORDER BY received_at DESC, vendor_call, attempt LIMIT :limit"
    )
    return [outcome_of(row) for row in execute(connection, query, by=str(by), limit=limit).mappings()]


def settleable(connection: Connection, *, selection: Selection, statements: Statements, names: Names) -> list[str]:
    """The vendor's calls whose outcomes may settle something in the ledger: those that found no call and came since the
    first of the selected ones was claimed, and those of calls that are unknown there."""
    condition, values = selection.condition(connection, names=names)
    aside = (
        f"SELECT DISTINCT vendor_call FROM {OUTCOMES_TABLE} WHERE matched_by IN :aside "
        f"AND received_at >= (SELECT MIN(l.claimed_at) FROM {TABLE} l WHERE {condition})"
    )
    kinds = [MatchedBy.NONE.value, MatchedBy.AMBIGUOUS.value]
    found = list(execute(connection, aside, **values, aside=kinds).scalars())
    # No join: most calls have an outcome and few are unknown, and SQLite would begin with the outcomes.
    query = (
        f"SELECT DISTINCT vendor_call FROM {OUTCOMES_TABLE} WHERE ledger_id IN (SELECT l.id FROM {TABLE} l "
        f"WHERE {condition} AND (l.state = 'unknown' OR (l.state = 'claimed' "
        f"AND l.claimed_at <= (SELECT {statements.ago(LEASE_SECONDS)}))))"
    )
    return [*map(str, found), *map(str, execute(connection, query, **values).scalars())]


def outcome_of(row: Mapping[str, Any]) -> StoredOutcome:
    """What a row says that has `OUTCOME_COLUMNS`, ``scope``, ``run``, ``call_key`` and ``called_number``."""
    number = row["called_number"] or row["number"]
    return StoredOutcome(
        ledger_id=row["ledger_id"],
        scope=row["scope"],
        run=in_clear(row["run"]),
        call_key=in_clear(row["call_key"]),
        number=in_clear(number),
        vendor=row["vendor"],
        conn_id=row["conn_id"],
        call_id=row["call_id"],
        campaign_id=row["campaign_id"],
        attempt=row["attempt"],
        disposition=None if row["disposition"] is None else Disposition(row["disposition"]),
        vendor_word=row["vendor_word"],
        duration_seconds=row["duration_seconds"],
        converted=None if row["converted"] is None else bool(row["converted"]),
        asked_not_to_be_called=bool(row["asked_not_to_be_called"]),
        happened_at=_instant(row["happened_at"]),
        received_at=as_instant(row["received_at"]).replace(tzinfo=UTC),
        changed_at=as_instant(row["changed_at"]).replace(tzinfo=UTC),
        fields=json.loads(row["fields"]),
        call_link=row["call_link"],
        recording_url=row["recording_url"],
        transcript=row["transcript"],
    )


def in_clear(text: str | None) -> str | None:
    """A text of the ledger; None for a digest."""
    return None if text is None or key_of(text) is not None else text


def _instant(value: Any) -> datetime | None:
    return None if value is None else as_instant(value).replace(tzinfo=UTC)
