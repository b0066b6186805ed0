"""The outcomes beside a ledger, in what people do to it: they are pruned, erased and carried over with its rows.

The room ``outcomes`` writes these tables, and makes them on first use; so here they may be missing.
"""
# ruff: noqa: S608

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from sqlalchemy import inspect
from sqlalchemy.engine import Connection

from airflow_provider_callkaro.ledger.sql.names import Names
from airflow_provider_callkaro.ledger.sql.session import execute
from airflow_provider_callkaro.ledger.sql.statements import MAX_ROWS
from airflow_provider_callkaro.ledger.sql.table import CAMPAIGNS_TABLE, OUTCOMES_TABLE, SUPPRESSIONS_TABLE
from airflow_provider_callkaro.ledger.sql.values import chunks
from airflow_provider_callkaro.ledger.upkeep.database import Upkeep

_IN_CLEAR = "NOT LIKE '%:%'"  # a digest names its key before a colon


class OutcomeRows:
    """The outcomes of one ledger. ``tables``: those of them that are there."""

    def __init__(self, tables: frozenset[str]) -> None:
        self._tables = tables

    @classmethod
    def of(cls, connection: Connection) -> OutcomeRows:
        """The outcomes in a database."""
        found = inspect(connection)
        tables = (OUTCOMES_TABLE, CAMPAIGNS_TABLE, SUPPRESSIONS_TABLE)
        return cls(frozenset(table for table in tables if found.has_table(table)))

    def remove_of(self, connection: Connection, ledger_ids: Sequence[str]) -> int:
        """Remove the outcomes of the ledger's rows with these ids. Returns how many there were."""
        if OUTCOMES_TABLE not in self._tables or not ledger_ids:
            return 0
        statement = f"DELETE FROM {OUTCOMES_TABLE} WHERE ledger_id IN :ids"
        return sum(
            int(execute(connection, statement, ids=list(some)).rowcount) for some in chunks(ledger_ids, size=MAX_ROWS)
        )

    def forget_scope(self, connection: Connection, scope: str) -> None:
        """Remove the campaigns of a scope. ``scope``: its digits."""
        if CAMPAIGNS_TABLE in self._tables:
            execute(connection, f"DELETE FROM {CAMPAIGNS_TABLE} WHERE scope = :scope", scope=scope)

    def remove_unmatched(self, upkeep: Upkeep, *, before: str) -> int:
        """Remove the outcomes that found no call and came before an instant, batch by batch. ``before``: an expression
        of the database. Returns how many there were."""
        if OUTCOMES_TABLE not in self._tables:
            return 0
        removed = 0
        while some := upkeep.write(partial(_remove_unmatched, before=before)):
            removed += some
        return removed

    def erase(self, connection: Connection, *, numbers: Sequence[str], ledger_ids: Sequence[str]) -> None:
        """Remove everything about a person, all attempts of their calls included.

        :param numbers: every text that may represent their number.
        :param ledger_ids: of their rows in the ledger.
        """
        if OUTCOMES_TABLE in self._tables:
            found = {
                str(call)
                for column, values in (("number", numbers), ("ledger_id", ledger_ids))
                for some in chunks(values, size=MAX_ROWS)
                for call in execute(
                    connection, f"SELECT vendor_call FROM {OUTCOMES_TABLE} WHERE {column} IN :values", values=list(some)
                ).scalars()
            }
            for some in chunks(sorted(found), size=MAX_ROWS):
                execute(connection, f"DELETE FROM {OUTCOMES_TABLE} WHERE vendor_call IN :calls", calls=list(some))
        if SUPPRESSIONS_TABLE in self._tables:
            execute(connection, f"DELETE FROM {SUPPRESSIONS_TABLE} WHERE number IN :numbers", numbers=list(numbers))

    def follow(self, connection: Connection, new_ids: Mapping[str, str]) -> None:
        """Name the ledger's rows as they are called from now on. ``new_ids``: by the ids that they had."""
        if OUTCOMES_TABLE not in self._tables:
            return
        query = f"SELECT DISTINCT ledger_id FROM {OUTCOMES_TABLE} WHERE ledger_id IN :ids"
        for some in chunks(list(new_ids), size=MAX_ROWS):
            for id_ in execute(connection, query, ids=list(some)).scalars().all():
                execute(
                    connection,
                    f"UPDATE {OUTCOMES_TABLE} SET ledger_id = :new, referred_id = CASE WHEN referred_id IS NULL "
                    "THEN NULL ELSE :new END WHERE ledger_id = :old",
                    new=new_ids[id_],
                    old=id_,
                )

    def seal(self, connection: Connection, names: Names) -> int:
        """Put a batch of what is in clear under the writing key: numbers, and the runs of campaigns. Returns how many
        rows it was."""
        return sum(
            self._seal(connection, names, table, column)
            for table, column in (
                (OUTCOMES_TABLE, "number"),
                (SUPPRESSIONS_TABLE, "number"),
                (CAMPAIGNS_TABLE, "run"),
            )
        )

    def _seal(self, connection: Connection, names: Names, table: str, column: str) -> int:
        if table not in self._tables:
            return 0
        query = f"SELECT DISTINCT {column} FROM {table} WHERE {column} {_IN_CLEAR} LIMIT {MAX_ROWS}"
        found = [str(text) for text in execute(connection, query).scalars()]
        for text in found:
            sealed = (names.runs if column == "run" else names.numbers)(text)[0]
            if table == SUPPRESSIONS_TABLE:
                _leave_one(connection, text, sealed)
            else:
                execute(
                    connection,
                    f"UPDATE {table} SET {column} = :sealed WHERE {column} = :text",
                    sealed=sealed,
                    text=text,
                )
        return len(found)


def _leave_one(connection: Connection, number: str, sealed: str) -> None:
    """Put a suppression under its sealed name. Where one is there already, the one that says more stays: a wish, and
    then the earlier one."""
    query = f"SELECT number FROM {SUPPRESSIONS_TABLE} WHERE number IN :both ORDER BY reason <> 'asked', since"
    others = execute(connection, query, both=[number, sealed]).scalars().all()[1:]
    if others:
        execute(connection, f"DELETE FROM {SUPPRESSIONS_TABLE} WHERE number IN :others", others=list(others))
    execute(
        connection,
        f"UPDATE {SUPPRESSIONS_TABLE} SET number = :sealed WHERE number = :number",
        sealed=sealed,
        number=number,
    )


def _remove_unmatched(connection: Connection, *, before: str) -> int:
    query = (
        f"SELECT vendor_call, attempt FROM {OUTCOMES_TABLE} WHERE matched_by IN ('none', 'ambiguous') "
        f"AND received_at < {before} LIMIT {MAX_ROWS}"
    )
    found = execute(connection, query).all()
    statement = f"DELETE FROM {OUTCOMES_TABLE} WHERE vendor_call = :call AND attempt = :attempt"
    for call, attempt in found:
        execute(connection, statement, call=call, attempt=attempt)
    return len(found)
