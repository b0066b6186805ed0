"""The names that a person's rows have in the table, which is in clear or keyed.

All other modules work with the values of a clear ledger: an id made of scope and key, digits, the name of a run. Only
this one turns them into the values in the table. The id of a keyed row is the digest of its id in clear, so a clear row
can be carried over from its own content.
"""

# ruff: noqa: S608
from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache

from sqlalchemy.engine import Connection

from airflow_provider_callkaro.exceptions import LedgerError
from airflow_provider_callkaro.ledger.digests import LedgerKey, Purpose, key_of
from airflow_provider_callkaro.ledger.sql.scopes import SCOPE_DIGITS
from airflow_provider_callkaro.ledger.sql.session import execute
from airflow_provider_callkaro.ledger.sql.statements import MAX_ROWS, Statements
from airflow_provider_callkaro.ledger.sql.table import ERASURES_TABLE, Row
from airflow_provider_callkaro.ledger.sql.values import chunks

_REMEMBERED = 4_096  # names, from the first look at a call until it is settled


class KeysChanged(LedgerError):
    """Another process has put the ledger under a new key since this one opened it. Nothing was written."""


class Names:
    """The names of a ledger in clear: every value is its own."""

    is_keyed = False
    place: int | None = None
    """Of the writing key in the table of keys."""
    count = 1
    """How many names one value may have."""
    holds_clear = True
    """Whether the table may hold rows in clear."""

    def id(self, id_: str) -> str:
        """The id under which a new row is written."""
        return id_

    def ids(self, id_: str) -> Sequence[str]:
        """Every id that a row may have, that of a new row first."""
        return (id_,)

    def numbers(self, digits: str) -> Sequence[str]:
        """Every text that may represent a number."""
        return (digits,)

    def runs(self, run: str) -> Sequence[str]:
        """Every text that may represent a run, that of a new row first."""
        return (run,)

    def seal(self, row: Row) -> Row:
        """The row as it is written."""
        return row


CLEAR = Names()


class KeyedNames(Names):
    """The names of a keyed ledger.

    :param writer: the key under which everything new is written.
    :param place: of that key in the table of keys.
    :param others: earlier keys that rows may be under.
    :param holds_clear: whether there may be rows in clear too, until they are carried over.
    """

    is_keyed = True
    place: int

    def __init__(self, *, writer: LedgerKey, place: int, others: Sequence[LedgerKey] = (), holds_clear: bool) -> None:
        self.writer = writer
        self.place = place
        self.holds_clear = holds_clear
        self._keys = (writer, *others)
        self.key_ids = tuple(key.id for key in self._keys)
        self.count = len(self._keys) + holds_clear
        self.ids = lru_cache(_REMEMBERED)(self._ids)  # type: ignore[method-assign]
        self.numbers = lru_cache(_REMEMBERED)(self._numbers)  # type: ignore[method-assign]
        self.runs = lru_cache(8)(self._runs)  # type: ignore[method-assign]

    def id(self, id_: str) -> str:
        """The id under which a new row is written: the scope's digits as in clear, then 80 bits of a digest."""
        return self.ids(id_)[0]

    def seal(self, row: Row) -> Row:
        """The row as it is written; one that was read from the table keeps its digests."""
        id_ = self.id(row.id)
        if key_of(row.run) is not None:
            return row._replace(id=id_)
        call = self.writer.digest(Purpose.CALL, row.call_key)
        number = row.number and self.numbers(row.number)[0]
        return Row._make((id_, row.scope, call, number, *row[4:8], self.runs(row.run)[0], *row[9:]))

    def _ids(self, id_: str) -> Sequence[str]:
        scope = id_[:SCOPE_DIGITS]
        if self.count == 1:
            return (scope + self.writer.place(id_),)
        return (*(scope + key.place(id_) for key in self._keys), *self._in_clear(id_))

    def _numbers(self, digits: str) -> Sequence[str]:
        if self.count == 1:
            return (self.writer.digest(Purpose.NUMBER, digits),)
        return (*(key.digest(Purpose.NUMBER, digits) for key in self._keys), *self._in_clear(digits))

    def _runs(self, run: str) -> Sequence[str]:
        return (*(key.digest(Purpose.RUN, run) for key in self._keys), *self._in_clear(run))

    def _in_clear(self, text: str) -> Sequence[str]:
        return (text,) if self.holds_clear else ()


def lock_key(connection: Connection, *, statements: Statements, names: Names) -> bool:
    """Lock the writing key: until this transaction ends, no other key takes over and no person is erased. Returns
    whether people were erased from the ledger. Raises KeysChanged if another key has taken over."""
    if names.place is None:
        return False
    held = connection.exec_driver_sql(*statements.lock_key(names.place)).first()
    if held is None:
        raise KeysChanged("the call ledger was put under another key: nobody was rung; let the task run again")
    return bool(held[0])


def tombstones_among(connection: Connection, numbers: Sequence[str]) -> list[str]:
    """The digests that are tombstones."""
    return [
        str(number)
        for some in chunks(numbers, size=MAX_ROWS)
        for number in execute(
            connection, f"SELECT number FROM {ERASURES_TABLE} WHERE number IN :numbers", numbers=list(some)
        ).scalars()
    ]


def erased_among(connection: Connection, *, names: Names, numbers: Iterable[str]) -> frozenset[str]:
    """The numbers, in digits or as digests, whose people were erased."""
    asked: dict[str, str] = {}
    for number in numbers:
        texts = (number,) if key_of(number) is not None else names.numbers(number)
        asked.update((text, number) for text in texts if key_of(text) is not None)
    return frozenset(asked[text] for text in tombstones_among(connection, sorted(asked)))
