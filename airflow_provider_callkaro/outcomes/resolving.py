"""What an outcome does to the ledger: a call that was unknown has rung, so it becomes accepted, with its id.

Nothing else changes. A claim within its lease is left to its run, which settles it; and no outcome ever makes a person
diallable again.
"""
# ruff: noqa: S608

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta

from sqlalchemy.engine import Connection

from airflow_provider_callkaro.ledger.contract import EntryState
from airflow_provider_callkaro.ledger.sql.rows import as_stored_row, fetched
from airflow_provider_callkaro.ledger.sql.session import execute
from airflow_provider_callkaro.ledger.sql.statements import MAX_ROWS, Statements
from airflow_provider_callkaro.ledger.sql.table import ALSO, TABLE, Row, StoredRow
from airflow_provider_callkaro.ledger.sql.values import as_instant, as_text, chunks

BY_OUTCOME = "outcome"
"""The reason of an entry that an outcome has settled, and its owner from then on: no frozen try settles it again."""
_ONE_COMMIT = timedelta(minutes=1)  # between the rows that one commit wrote in several scopes


def lock_calls(connection: Connection, ids: Iterable[str], *, statements: Statements) -> dict[str, StoredRow]:
    """The ledger's rows with the ids, locked until this transaction ends."""
    return {
        stored.row.id: stored
        for some in chunks(sorted(ids), size=MAX_ROWS)
        for stored in fetched(connection, statements.lock(some))
    }


def resolve(
    connection: Connection,
    calls: Mapping[str, StoredRow],
    call_ids: Mapping[str, str | None],
    *,
    statements: Statements,
) -> int:
    """Settle the unknown calls among some whose outcome came, in every scope that they block.

    :param calls: the locked rows, by id.
    :param call_ids: the vendor's id for each row.
    :return: how many were unknown.
    """
    resolved = 0
    for id_, (row, is_young) in calls.items():
        call_id = call_ids.get(id_)
        is_open = row.state == EntryState.CLAIMED and not is_young
        if is_open or row.state == EntryState.UNKNOWN:
            further = _further_rows(connection, row, statements=statements)
            _settle(connection, [row.id], EntryState.ACCEPTED, call_id, statements=statements)
            _settle(connection, further, ALSO + EntryState.ACCEPTED, call_id, statements=statements)
            resolved += 1
        elif row.reason == BY_OUTCOME and call_id is not None and call_id != row.call_id:
            execute(connection, f"UPDATE {TABLE} SET call_id = :call_id WHERE id = :id", call_id=call_id, id=row.id)
    return resolved


def _settle(connection: Connection, ids: list[str], state: str, call_id: str | None, *, statements: Statements) -> None:
    if ids:
        execute(
            connection,
            f"UPDATE {TABLE} SET state = :state, call_id = :call_id, reason = :reason, detail = NULL, owner = :reason, "
            f"settled_at = {statements.now} WHERE id IN :ids",
            state=str(state),
            call_id=call_id,
            reason=BY_OUTCOME,
            ids=ids,
        )


def _further_rows(connection: Connection, row: Row, *, statements: Statements) -> list[str]:
    """The rows that the same commit made for the same key in further scopes; they have no number."""
    moment = as_instant(row.claimed_at)
    query = (
        f"SELECT {statements.columns}, 0 FROM {TABLE} WHERE number = '' AND claimed_at >= :start "
        "AND claimed_at <= :end AND owner = :owner AND turn = :turn"
    )
    found = execute(
        connection,
        query,
        start=as_text(moment - _ONE_COMMIT),
        end=as_text(moment + _ONE_COMMIT),
        owner=row.owner,
        turn=row.turn,
    )
    rows = (as_stored_row(values).row for values in found)
    return [each.id for each in rows if each.call_key == row.call_key and each.state.startswith(ALSO)]
