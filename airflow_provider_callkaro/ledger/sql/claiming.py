"""The claims of a commit of the SQL ledger: which of them it wins, and why it loses the others.

Two runs cannot both win a key, because the row's id is a primary key and a claim is an insert, in every scope at once.
The transaction is idempotent, because it may run twice: after a deadlock, or when the answer to its commit was lost. A
row carries its owner and its turn, so a row with both is one that this commit has inserted already.

Before the insert the commit checks legacy spellings and how often a person was called, if there is either to check. The
counts stay true until it commits, because the numbers are locked first.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from zlib import crc32

from sqlalchemy.engine import Connection

from airflow_provider_callkaro.ledger.contract import (
    CallCaps,
    Claim,
    ClaimRefusal,
    Entry,
    EntryState,
    Erasure,
    LegacyNumbers,
    OverCap,
)
from airflow_provider_callkaro.ledger.sql.names import Names, erased_among
from airflow_provider_callkaro.ledger.sql.rows import OPEN, Author
from airflow_provider_callkaro.ledger.sql.statements import MAX_ROWS
from airflow_provider_callkaro.ledger.sql.table import ALSO, Row, StoredRow
from airflow_provider_callkaro.ledger.sql.values import as_digits, as_instant, chunks

BUCKETS = 256  # locks that numbers share; a commit takes at most so many, and PostgreSQL has room for thousands


@dataclass(slots=True, kw_only=True)
class Claiming:
    """The claims of one commit.

    :param claims: by the id of the row in the ledger's own scope, its *head*.
    :param caps: how often one number may be called; None sets no limit.
    :param legacy: the spellings of earlier versions; None if the table holds none.
    :param not_called: heads of calls that this commit settles as rejected: they count for no cap.
    """

    author: Author
    claims: Mapping[str, Claim] = field(repr=False)
    caps: CallCaps | None
    legacy: LegacyNumbers | None
    not_called: frozenset[str] = field(default=frozenset(), repr=False)
    may_be_erased: bool = False
    """Whether people were erased from the ledger; known once its key is locked."""
    won: dict[str, Row] = field(default_factory=dict, repr=False)
    """The rows of the claims that were won, by id, in every scope."""
    taken: dict[str, tuple[Row, ...]] = field(default_factory=dict, repr=False)
    """The rows that redials have replaced, by head."""

    def lock_numbers(self, connection: Connection) -> None:
        """Keep others from claiming these numbers under caps until this transaction ends. Must be its first step."""
        if self.caps is None or not self.claims:
            return
        buckets = {crc32(as_digits(claim.number).encode()) % BUCKETS for claim in self.claims.values()}
        query = self.author.statements.lock_numbers(sorted(buckets))
        if query is not None:
            connection.exec_driver_sql(*query).close()

    def claim(self, connection: Connection) -> Mapping[str, ClaimRefusal]:
        """Make the claims. Returns for each key whose claim was lost, why."""
        lost = self._precheck(connection)
        if self.may_be_erased:
            self._refuse_erased(connection, lost)
        for head in lost:
            self.taken.pop(head, None)  # an earlier execution of this transaction may have won it
        self._choose_redials(connection, lost)
        rows = self._new_rows(lost)
        blocked: dict[str, Entry] = {}
        for some in chunks(sorted(rows.values()), size=MAX_ROWS):
            blocked.update(self._insert(connection, some))
        if blocked:
            self._withdraw(connection, rows, blocked, lost)
        self.won = rows
        return {self.claims[head].key: what for head, what in lost.items()}

    def _precheck(self, connection: Connection) -> dict[str, ClaimRefusal]:
        """The claims that are lost already, before any insert."""
        lost: dict[str, ClaimRefusal] = {}
        if self.caps is None and self.legacy is None and self.author.names.count == 1:
            return lost
        places = {head: self._places(head, claim) for head, claim in self.claims.items()}
        ids = sorted(id_ for each in places.values() for id_ in each)
        stored_rows = {one.row.id: one for one in self.author.read(connection, ids)}
        made: set[str] = set()
        for head, each in places.items():
            found = [stored_rows[id_] for id_ in each if id_ in stored_rows]
            if any(self.author.claimed_this_turn(row) for row, _ in found):
                made.add(head)
            elif found and self.claims[head].replaces is None:
                lost[head] = self.author.entry_of(found[0])
        if self.caps is not None and self.claims:
            self._apply_caps(connection, self.caps, lost, made)
        return lost

    def _refuse_erased(self, connection: Connection, lost: dict[str, ClaimRefusal]) -> None:
        number_of = {head: as_digits(claim.number) for head, claim in self.claims.items()}
        erased = erased_among(connection, names=self.author.names, numbers=number_of.values())
        lost.update((head, Erasure()) for head, number in number_of.items() if number in erased)

    def _apply_caps(
        self, connection: Connection, caps: CallCaps, lost: dict[str, ClaimRefusal], made: set[str]
    ) -> None:
        wanted = {head: as_digits(claim.number) for head, claim in self.claims.items() if head not in lost}
        now, called = self._called(connection, set(wanted.values()), caps, made)
        for head, number in wanted.items():
            earlier = called.setdefault(number, [])
            verdict = None if head in made else caps.verdict(earlier, now=now)
            if verdict is None:
                earlier.append(now)  # of two calls to one number in this commit, the second counts the first
            else:
                lost[head] = OverCap(until=verdict.until and verdict.until.replace(tzinfo=UTC))

    def _called(
        self, connection: Connection, numbers: Iterable[str], caps: CallCaps, made: set[str]
    ) -> tuple[datetime, dict[str, list[datetime]]]:
        """The database's time, and when the numbers were called, without the claims and rejections of this commit."""
        number_of = texts_of_numbers(numbers, legacy=self.legacy, names=self.author.names)
        made_there, not_called = self.author.everywhere(made), self.author.everywhere(self.not_called)
        seconds = int(caps.span.total_seconds()) + 1
        now = datetime.min
        called: dict[str, list[datetime]] = {}
        for some in chunks(sorted(number_of), size=MAX_ROWS):
            query = self.author.statements.called_within(some, seconds=seconds)
            for id_, digits, moment, calls in connection.exec_driver_sql(*query).fetchall():
                if not id_:
                    now = as_instant(moment)
                elif id_ not in made_there:
                    instants = called.setdefault(number_of[digits], [])
                    instants.extend([as_instant(moment)] * (calls - (id_ in not_called)))
        return now, called

    def _choose_redials(self, connection: Connection, lost: dict[str, ClaimRefusal]) -> None:
        """Delete the entries that redials replace, if they are unchanged in every scope; else the redial is lost."""
        places = {
            head: self._places(head, claim)
            for head, claim in self.claims.items()
            if claim.replaces is not None and head not in lost
        }
        if not places:
            return
        ids = sorted(id_ for each in places.values() for id_ in each)
        stored_rows = {one.row.id: one for one in self.author.lock(connection, ids)}
        replaced: list[str] = []
        for head, each in places.items():
            found = [stored_rows[id_] for id_ in each if id_ in stored_rows]
            if any(self.author.claimed_this_turn(row) for row, _ in found):
                continue
            self.taken.pop(head, None)
            if not all(self._gives_way(one, self.claims[head]) for one in found):
                lost[head] = self.author.entry_of(found[0])
            elif found:
                self.taken[head] = tuple(row for row, _ in found)
                replaced += [row.id for row, _ in found]
        for some in chunks(replaced, size=MAX_ROWS // self.author.names.count):
            self.author.remove(connection, some)

    def _gives_way(self, stored: StoredRow, claim: Claim) -> bool:
        """Whether a row is still the one that a redial replaces, and no phone may be ringing under it."""
        row, is_young = stored
        if row.state in OPEN and (is_young or row.owner == self.author.owner):
            return False
        entry, replaces = self.author.entry_of(stored), claim.replaces
        return replaces is not None and (entry.state, entry.redials) == (replaces.state, replaces.redials)

    def _insert(self, connection: Connection, rows: Sequence[Row]) -> Mapping[str, Entry]:
        """Insert the rows whose id is free. Returns for every other id, the entry in the table."""
        inserted = self.author.insert(connection, rows)
        if self.author.statements.counts_inserts and inserted == len(rows):
            return {}
        unproven = {row.id: row for row in rows}
        if not self.author.statements.counts_inserts:
            for id_ in self.author.won(connection, unproven):
                del unproven[id_]
        blocked: dict[str, Entry] = {}
        for stored in self.author.read(connection, list(unproven)):
            row = stored.row
            unproven.pop(row.id, None)
            if not self.author.claimed_this_turn(row):
                blocked[row.id] = self.author.entry_of(stored)
        if unproven:  # the claims that blocked these were released since
            blocked.update(self._insert(connection, list(unproven.values())))
        return blocked

    def _withdraw(
        self, connection: Connection, rows: dict[str, Row], blocked: Mapping[str, Entry], lost: dict[str, ClaimRefusal]
    ) -> None:
        """Withdraw a claim that was lost in one scope from all the others."""
        kept: list[str] = []
        back: list[Row] = []
        for head in [head for head in rows if head in self.claims]:
            ids = self._own_ids(head)
            entry = next((blocked[id_] for id_ in ids if id_ in blocked), None)
            if entry is None:
                continue
            lost[head] = entry
            kept += [id_ for id_ in ids if id_ not in blocked]
            back += self.taken.pop(head, ())
            for id_ in ids:
                del rows[id_]
        for some_ids in chunks(sorted(kept), size=MAX_ROWS):
            self.author.withdraw(connection, some_ids)
        for some in chunks(sorted(back), size=MAX_ROWS):
            self.author.put_back(connection, some)

    def _new_rows(self, lost: Mapping[str, ClaimRefusal]) -> dict[str, Row]:
        """A row for each claim and scope, those of the own scope first."""
        author, text = self.author, self.author.text
        wanted = {head: claim for head, claim in self.claims.items() if head not in lost} if lost else self.claims
        unsettled = (None, None, None, author.run, author.owner, author.turn, 0, None, None)
        own, *further = author.scopes
        name, state = text(own.name), str(EntryState.CLAIMED)
        rows = {
            head: Row(head, name, text(claim.key), as_digits(claim.number), state, *unsettled)
            for head, claim in wanted.items()
        }
        for scope in further:
            name, state = text(scope.name), ALSO + EntryState.CLAIMED
            for claim in wanted.values():
                id_ = scope.id_of(claim.key)
                rows[id_] = Row(id_, name, text(claim.key), "", state, *unsettled)
        for head, replaced in self.taken.items():
            for id_ in self._own_ids(head):
                rows[id_] = rows[id_]._replace(redials=replaced[0].redials + 1)
        return rows

    def _own_ids(self, head: str) -> list[str]:
        return [head, *(scope.id_of(self.claims[head].key) for scope in self.author.scopes[1:])]

    def _places(self, head: str, claim: Claim) -> list[str]:
        """Every id that a row of the person may have, that in the ledger's own scope first."""
        ids = self._own_ids(head)
        if self.legacy is not None:
            aliases = self.legacy.aliases(claim.key)
            ids += [scope.id_of(alias) for scope in self.author.scopes for alias in aliases]
        return ids


def texts_of_numbers(numbers: Iterable[str], *, legacy: LegacyNumbers | None, names: Names) -> dict[str, str]:
    """The texts that may represent numbers in the table, each with the digits of its number. ``numbers``: digits."""
    number_of = {number: number for number in numbers}
    if legacy is not None:
        for number in list(number_of):
            for spelling in legacy.spellings("+" + number):
                number_of.setdefault(as_digits(spelling), number)
    if names.is_keyed:
        return {text: number for digits, number in number_of.items() for text in names.numbers(digits)}
    return number_of
