"""The calls of a ledger with what became of each: also those of which it is not known yet, or will not be."""
# ruff: noqa: S608

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy.engine import Connection

from airflow_provider_callkaro.ledger.sql.names import Names
from airflow_provider_callkaro.ledger.sql.scopes import scopes_of
from airflow_provider_callkaro.ledger.sql.session import execute
from airflow_provider_callkaro.ledger.sql.statements import LEASE_SECONDS, Statements
from airflow_provider_callkaro.ledger.sql.table import CLEAR_COLUMNS, KEYED_COLUMNS, OUTCOMES_TABLE, TABLE
from airflow_provider_callkaro.outcomes.reading import OUTCOME_COLUMNS, PAGE, StoredOutcome, in_clear, outcome_of
from airflow_provider_callkaro.outcomes.selection import Selection

_OWN_KEY = "key:"  # before a key that the contact row has itself; else the key is the number


class Open(StrEnum):
    """What is said of a call that has no outcome, in the place of a disposition."""

    AWAITING = "awaiting"
    """The vendor took it, and its outcome may still come."""
    UNRESOLVED = "unresolved"
    """The vendor took it, and its outcome has not come in time."""
    UNKNOWN = "unknown"
    """Nobody knows whether the vendor took it."""
    UNDER_WAY = "under_way"
    """It is being placed."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class CallWithOutcome:
    """One call. Its ``repr`` shows nothing of the person.

    :param word: a `Disposition`, or an `Open`.
    :param own_key: the key that the contact row had itself; None where it had none, and in a keyed ledger.
    :param number: its digits; None in a keyed ledger.
    :param call_id: the vendor's id, as the ledger has it.
    :param outcome: None while there is none.
    """

    ledger_id: str
    word: str
    own_key: str | None
    number: str | None
    call_id: str | None
    outcome: StoredOutcome | None

    def __repr__(self) -> str:
        return "CallWithOutcome(not shown)"


@dataclass(frozen=True, slots=True, kw_only=True)
class CallName:
    """How a line of a report names its call: by the row's own key, else by the vendor's id.

    :param scopes: in which the key may be.
    """

    scopes: tuple[str, ...]
    own_key: str | None = field(repr=False)
    call_id: str | None


def calls_of(
    connection: Connection,
    *,
    selection: Selection,
    unresolved_after: timedelta,
    after: str,
    statements: Statements,
    names: Names,
) -> list[CallWithOutcome]:
    """A page of the selected calls, in the order of their ids. ``after``: the id of the last one of the page before."""
    condition, values = selection.condition(connection, names=names)
    query = (
        f"{_query(unresolved_after, statements, names)} WHERE {condition} AND l.state <> 'rejected' AND l.id > :after "
        f"ORDER BY l.id LIMIT {PAGE}"
    )
    return [_call(row) for row in execute(connection, query, **values, after=after).mappings()]


def calls_named(
    connection: Connection,
    *,
    wanted: Sequence[CallName],
    unresolved_after: timedelta,
    statements: Statements,
    names: Names,
) -> list[CallWithOutcome | None]:
    """The call of each name."""
    ids = {name: _ids(name, names) for name in wanted if name.own_key is not None}
    call_ids = sorted({name.call_id for name in wanted if name.own_key is None and name.call_id is not None})
    select = _query(unresolved_after, statements, names)
    rows: list[Any] = []
    for column, values in (("id", sorted({id_ for some in ids.values() for id_ in some})), ("call_id", call_ids)):
        if values:
            condition = f"WHERE l.{column} IN :values AND l.number <> '' AND l.state <> 'rejected'"
            rows += execute(connection, f"{select} {condition}", values=values).mappings().all()
    by_id = {row["held_id"]: row for row in rows}
    by_call_id: dict[str, list[Any]] = {}
    for row in by_id.values():
        by_call_id.setdefault(row["held_call_id"], []).append(row)
    found: list[CallWithOutcome | None] = []
    for name in wanted:
        if name.own_key is not None:
            several = [by_id[id_] for id_ in ids[name] if id_ in by_id]
        else:
            several = by_call_id.get(name.call_id, []) if name.call_id is not None else []
        found.append(_call(several[0]) if len(several) == 1 else None)
    return found


def _ids(name: CallName, names: Names) -> list[str]:
    scopes = scopes_of(name.scopes)
    return [id_ for scope in scopes for id_ in names.ids(scope.id_of(f"{_OWN_KEY}{name.own_key}"))]


def _query(unresolved_after: timedelta, statements: Statements, names: Names) -> str:
    key = (KEYED_COLUMNS if names.is_keyed else CLEAR_COLUMNS)[TABLE]
    deadline = statements.ago(int(unresolved_after.total_seconds()))
    return (
        f"SELECT {', '.join(f'o.{name}' for name in OUTCOME_COLUMNS)}, l.scope, l.run, l.{key} AS call_key, "
        "l.number AS called_number, l.id AS held_id, l.call_id AS held_call_id, l.state AS held_state, "
        f"CASE WHEN l.claimed_at <= {deadline} THEN 1 ELSE 0 END AS is_due, "
        f"CASE WHEN l.claimed_at <= {statements.ago(LEASE_SECONDS)} THEN 1 ELSE 0 END AS is_old "
        f"FROM {TABLE} l LEFT JOIN {OUTCOMES_TABLE} o ON o.ledger_id = l.id AND o.is_final = 1"
    )


def _call(row: Mapping[str, Any]) -> CallWithOutcome:
    key = in_clear(row["call_key"])
    outcome = None if row["vendor_call"] is None else outcome_of(row)
    return CallWithOutcome(
        ledger_id=str(row["held_id"]),
        word=_word(row, outcome),
        own_key=key.removeprefix(_OWN_KEY) if key is not None and key.startswith(_OWN_KEY) else None,
        number=in_clear(row["called_number"]),
        call_id=row["held_call_id"],
        outcome=outcome,
    )


def _word(row: Mapping[str, Any], outcome: StoredOutcome | None) -> str:
    if row["held_state"] == "accepted":
        if outcome is not None and outcome.disposition is not None:
            return str(outcome.disposition)
        return str(Open.UNRESOLVED if row["is_due"] else Open.AWAITING)
    return str(Open.UNKNOWN if row["held_state"] == "unknown" or row["is_old"] else Open.UNDER_WAY)
