"""The statements for PostgreSQL that only a keyed ledger needs."""
# ruff: noqa: S608

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from airflow_provider_callkaro.ledger.contract import CLAIM_LEASE
from airflow_provider_callkaro.ledger.sql.table import (
    CLEAR_COLUMNS,
    CREATE_KEYS,
    ERASURES_TABLE,
    KEYED_COLUMNS,
    RUNS_TABLE,
    TABLE,
)

Query = tuple[str, Any]
"""A statement and its parameters, for ``Connection.exec_driver_sql``."""


class KeyStatements:
    """Statements that put a ledger under keys, and that read its keys. ``keyed``: for a ledger that holds digests."""

    create_keys = CREATE_KEYS
    soon: Sequence[str] = ("SET LOCAL lock_timeout = '5s'",)
    """Before a change of a table, so that it does not wait long: all claims wait behind it."""
    later: Sequence[str] = ()
    """After such a change."""
    read_keys = "SELECT place, id, check_value, ended_at, legacy FROM voice_call_keys ORDER BY place"

    now: str
    columns: str

    _mark: str
    _for_update: str
    _on_conflict: str
    _on_taken = "ON CONFLICT (place) DO NOTHING"
    _for_share = " FOR SHARE"

    def __init__(self, *, keyed: bool = False) -> None:
        self._run = (KEYED_COLUMNS if keyed else CLEAR_COLUMNS)[RUNS_TABLE]
        self._run_columns = f"id, {self._run}, record, begun_at"

    def ago(self, seconds: int) -> str:
        """The expression for the instant that many seconds ago."""
        raise NotImplementedError

    def rename(self, table: str, old: str, new: str) -> Sequence[str]:
        """Give a column another name."""
        return (*self.soon, f"ALTER TABLE {table} RENAME COLUMN {old} TO {new}", *self.later)

    def lock_key(self, place: int) -> Query:
        """Whether people were erased, if the key in this place is still the writing one.

        Until this transaction ends, no other key takes over and no person is erased.
        """
        return (
            f"SELECT erased FROM voice_call_keys WHERE place = {self._mark} AND ended_at IS NULL{self._for_share}",
            (place,),
        )

    def add_key(self, *, place: int, id: str, check: str) -> Query:  # noqa: A002
        """Add a key in a place above the others, if that place is free."""
        return (
            "INSERT INTO voice_call_keys (place, id, check_value, begun_at, ended_at, legacy) "
            f"VALUES ({self._mark},{self._mark},{self._mark},{self.now},NULL,0) {self._on_taken}",
            (place, id, check),
        )

    def lock_keys(self) -> str:
        """Whether people were erased; no other person is until this transaction ends."""
        return f"SELECT erased FROM voice_call_keys{self._for_share}"

    def inherit_erasures(self) -> str:
        """Mark every key if people were erased under any of them."""
        return "UPDATE voice_call_keys SET erased = 1 WHERE EXISTS (SELECT 1 FROM voice_call_erasures)"

    def end_keys(self, *, before: int) -> Query:
        """End the writing under the keys below a place; waits for transactions that write."""
        return (
            f"UPDATE voice_call_keys SET ended_at = {self.now} WHERE place < {self._mark} AND ended_at IS NULL",
            (before,),
        )

    def mark_legacy(self, place: int) -> Query:
        """Mark that there are legacy spellings under a key."""
        return f"UPDATE voice_call_keys SET legacy = 1 WHERE place = {self._mark} AND legacy = 0", (place,)

    def forget_key(self, place: int) -> Query:
        """Remove a key under which there is nothing any more."""
        return f"DELETE FROM voice_call_keys WHERE place = {self._mark}", (place,)

    def count_under(self, table: str, key: str) -> Query:
        """How many rows of a keyed table are under a key."""
        column = "number" if table == ERASURES_TABLE else self.run_in(table)
        return f"SELECT COUNT(*) FROM {table} WHERE {column} LIKE {self._mark}", (f"{key}:%",)

    def count_in_clear(self, table: str, keys: Sequence[str]) -> Query:
        """How many rows of a keyed table are under none of its keys."""
        where, parameters = self.in_clear(table, keys)
        return f"SELECT COUNT(*) FROM {table} WHERE {where}", parameters

    def in_clear(self, table: str, keys: Sequence[str]) -> Query:
        """The condition for a row of a keyed table that is under none of its keys."""
        one = f"{self.run_in(table)} NOT LIKE {self._mark}"
        return " AND ".join([one] * len(keys)) or "1 = 1", tuple(f"{key}:%" for key in keys)

    def lock_in_clear(self, table: str, keys: Sequence[str], *, after: str, limit: int) -> Query:
        """Rows of a keyed table under none of its keys, by id, locked until this transaction ends."""
        where, parameters = self.in_clear(table, keys)
        lease = int(CLAIM_LEASE.total_seconds())
        columns = f"{self.columns}, claimed_at > {self.ago(lease)}" if table == TABLE else self._run_columns
        return (
            f"SELECT {columns} FROM {table} WHERE id > {self._mark} AND {where} "
            f"ORDER BY id LIMIT {limit:d}{self._for_update}",
            (after, *parameters),
        )

    def put_run_back(self, *values: object) -> Query:
        """Add the record of a run with the instant that it had."""
        marks = ",".join([self._mark] * len(values))
        return f"INSERT INTO voice_call_runs ({self._run_columns}) VALUES ({marks}) {self._on_conflict}", values

    def remove_run(self, id: str) -> Query:  # noqa: A002
        """Remove the record of a run."""
        return f"DELETE FROM voice_call_runs WHERE id = {self._mark}", (id,)

    def run_in(self, table: str) -> str:
        """The column of the run; its digest names the key of the whole row."""
        return "run" if table == TABLE else self._run


def in_keyed(table: str, statement: str) -> str:
    """A statement that creates a table, for a keyed ledger."""
    return statement.replace(f"    {CLEAR_COLUMNS[table]} TEXT", f"    {KEYED_COLUMNS[table]} TEXT")
