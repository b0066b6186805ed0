"""Erased people: the ledger keeps nothing of them but a digest, the tombstone, and refuses every claim under it.

Only a keyed ledger can do that, because an unkeyed digest of a number gives the number away. Every claim of a keyed
ledger locks the row of its key. An erasure locks the rows of all keys, and marks them before it writes the tombstone:
either it sees the claim and deletes it, or the claim sees the tombstone. While no person was erased, a claim costs no
more.
"""
# ruff: noqa: S608

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_provider_callkaro.ledger.contract import EntryState
from airflow_provider_callkaro.ledger.sql.names import Names, tombstones_among
from airflow_provider_callkaro.ledger.sql.session import execute
from airflow_provider_callkaro.ledger.sql.statements import MAX_ROWS
from airflow_provider_callkaro.ledger.sql.table import ERASURES_TABLE
from airflow_provider_callkaro.ledger.sql.values import chunks
from airflow_provider_callkaro.ledger.upkeep.database import Upkeep
from airflow_provider_callkaro.ledger.upkeep.persons import Persons

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class Erased:
    """The result of an erasure.

    :param calls: that were deleted.
    :param rows: that were deleted, those in further scopes included.
    :param under_way: deleted calls that may be ringing at this moment.
    :param is_new: the person was not erased before.
    """

    calls: int
    rows: int
    under_way: int
    is_new: bool


class Erasures:
    """Erases people from a keyed ledger. ``upkeep``: the ledger's database. ``names``: those that rows have in it."""

    def __init__(self, upkeep: Upkeep, *, names: Names) -> None:
        self._upkeep = upkeep
        self._names = names

    def erase_in(self, connection: Connection, digits: Sequence[str]) -> Erased:
        """Delete a person's rows and leave a tombstone, within a transaction. Calls under way settle without a trace.
        ``digits``: every spelling of the number; today's first."""
        statements = self._upkeep.statements
        execute(connection, f"SELECT place FROM voice_call_keys{statements.for_update}").all()
        execute(connection, "UPDATE voice_call_keys SET erased = 1")
        tombstones = self._names.numbers(digits[0])
        known = tombstones_among(connection, tombstones)
        if not known:
            values = {"number": tombstones[0]}
            execute(
                connection,
                f"INSERT INTO {ERASURES_TABLE} (number, erased_at) VALUES (:number, {statements.now})",
                **values,
            )
        texts = [text for each in digits for text in self._names.numbers(each)]
        persons = Persons(self._upkeep)
        calls = persons.rows_in(connection, texts)
        further = persons.further_rows(connection, [stored.row for stored in calls])
        ids = [*(stored.row.id for stored in calls), *(row.id for row in further)]
        for some in chunks(ids, size=MAX_ROWS):
            execute(connection, "DELETE FROM voice_call_ledger WHERE id IN :ids", ids=list(some))
        under_way = sum(stored.is_young and stored.row.state == EntryState.CLAIMED for stored in calls)
        return Erased(calls=len(calls), rows=len(ids), under_way=under_way, is_new=not known)
