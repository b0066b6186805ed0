"""One commit of the SQL ledger: it settles and claims in one transaction, which may run twice.

A database that fails over to a replica, or crashes without durable commits, may lose rows that it has acknowledged. The
people of a lost claim were rung all the same, so a settlement that finds no row writes the row again. Rows that another
run has taken over meanwhile are left as they are.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from sqlalchemy.engine import Connection

from airflow_provider_callkaro.ledger.contract import ClaimRefusal, Settlement
from airflow_provider_callkaro.ledger.sql.claiming import Claiming
from airflow_provider_callkaro.ledger.sql.rows import Author
from airflow_provider_callkaro.ledger.sql.scopes import ScopeUseRecorder
from airflow_provider_callkaro.ledger.sql.session import begin_writing
from airflow_provider_callkaro.ledger.sql.statements import MAX_ROWS
from airflow_provider_callkaro.ledger.sql.table import ALSO, Row, Settled
from airflow_provider_callkaro.ledger.sql.values import chunks

_log = logging.getLogger(__name__)


@dataclass(slots=True, kw_only=True)
class Settling:
    """The settlements of one commit.

    :param settlements: by the id of the row in the ledger's own scope.
    :param open: the ledger's unsettled claims, by id, as they were inserted, in every scope.
    :param replaced: the rows that its outstanding redials have replaced, by id; the release of a redial puts
        its row back.
    """

    author: Author
    settlements: Mapping[str, Settlement] = field(repr=False)
    open: Mapping[str, Row] = field(repr=False)
    replaced: Mapping[str, Sequence[Row]] = field(repr=False)
    _put_back: int = 0
    _taken_over: int = 0
    _given_up: int = 0
    _given_up_to_others: int = 0
    _executions: int = 0

    def ids(self, heads: Iterable[str]) -> list[str]:
        """The ids in every scope, from those in the ledger's own scope."""
        ids = list(heads)
        further = self.author.scopes[1:]
        return ids + [scope.id_of(self.settlements[head].key) for scope in further for head in ids]

    def release(self, connection: Connection) -> None:
        """Release the claims of calls that were not made."""
        self._executions += 1
        heads = [head for head, settlement in self.settlements.items() if settlement.state is None]
        for ids in chunks(sorted(self.ids(heads)), size=MAX_ROWS):
            removed = self.author.release(connection, ids)
            if removed < len(ids) and self.author.may_have_moved:
                removed += self.author.release_anywhere(connection, ids)
            if (
                removed < len(ids) and self._executions == 1
            ):  # a second execution does not find what the first has removed
                self._miss(connection, ids, removed=removed)
        redials = [head for head in heads if head in self.replaced]
        erased = self._erased(connection, redials)
        replaced = sorted(row for head in redials if head not in erased for row in self.replaced[head])
        for rows in chunks(replaced, size=MAX_ROWS):
            self.author.put_back(connection, rows)

    def settle(self, connection: Connection, heads: Iterable[str]) -> None:
        """Write the outcomes of the calls whose rows in the ledger's own scope have these ids."""
        for outcomes in chunks(sorted(self._settled(heads)), size=MAX_ROWS):
            if self.author.settle(connection, outcomes) < len(outcomes):
                self._mend(connection, outcomes)

    def warn_of_losses(self) -> None:
        """Log what the database had lost, once it is written again."""
        if self._put_back:
            _log.warning(
                "The call ledger had lost %d calls that it had acknowledged as claimed, as after a failover or a crash "
                "of its database: they are written again with their outcomes. Look whether it makes commits durable",
                self._put_back,
            )
        if self._given_up:
            _log.warning(
                "The call ledger had lost %d claims before they were given up, as after a failover or a crash of its "
                "database: nobody was rung for them. Look whether it makes commits durable",
                self._given_up,
            )
        if others := self._taken_over + self._given_up_to_others:
            _log.warning(
                "%d calls of this try were taken over by another one before they were settled: their outcomes here are "
                "in the report, and not in the call ledger",
                others,
            )

    def _settled(self, heads: Iterable[str]) -> list[Settled]:
        text = self.author.text
        outcomes = [
            Settled(
                head,
                str(settlement.state),
                settlement.call_id and text(settlement.call_id, limit=255),
                settlement.reason and text(settlement.reason, limit=64),
                settlement.detail and text(settlement.detail, limit=300),
            )
            for head in heads
            if (settlement := self.settlements[head]).state is not None
        ]
        return outcomes + [
            outcome._replace(id=scope.id_of(self.settlements[outcome.id].key), state=ALSO + outcome.state)
            for scope in self.author.scopes[1:]
            for outcome in outcomes
        ]

    def _mend(self, connection: Connection, outcomes: Sequence[Settled]) -> None:
        """Write the outcomes of calls whose rows are gone; leave rows that another run has taken over."""
        if self.author.may_have_moved:
            self.author.settle_anywhere(connection, outcomes)
        outstanding = [outcome for outcome in outcomes if outcome.id in self.open]
        stored_rows = {row.id: row for row, _ in self.author.lock(connection, [outcome.id for outcome in outstanding])}
        redialled = {_version(row) for head in self.settlements for row in self.replaced.get(head, ())}
        # The rows before the redials are there again: the redials are what was lost.
        back = [id_ for id_, row in stored_rows.items() if _version(row) in redialled]
        if back:
            self.author.remove(connection, back)
        gone = [outcome for outcome in outstanding if outcome.id not in stored_rows or outcome.id in back]
        if gone:
            erased = set(self.ids(self._erased(connection, self.settlements)))
            gone = [outcome for outcome in gone if outcome.id not in erased]
        if gone:
            rows = [self.open[outcome.id] for outcome in gone]
            author = replace(self.author, places={})  # from here on they have the names of today
            author.insert(connection, rows)
            author.settle(connection, gone)
        others = [id_ for id_, row in stored_rows.items() if row.owner != self.author.owner and id_ not in back]
        self._put_back = max(self._put_back, self._calls(outcome.id for outcome in gone))
        self._taken_over = max(self._taken_over, self._calls(others))

    def _erased(self, connection: Connection, heads: Iterable[str]) -> list[str]:
        """The calls whose people were erased meanwhile: nothing of them is written again."""
        number_of = {head: self.open[head].number for head in heads if head in self.open}
        erased = self.author.erased(connection, set(number_of.values()))
        return [head for head, number in number_of.items() if number in erased]

    def _miss(self, connection: Connection, ids: Sequence[str], *, removed: int) -> None:
        """Count the claims that could not be released, because they were gone or another run holds them."""
        erased = set(self.ids(self._erased(connection, self.settlements)))
        outstanding = [id_ for id_ in ids if id_ in self.open and id_ not in erased]
        others = [row.id for row, _ in self.author.read(connection, outstanding)]
        lost = len(outstanding) - removed - len(others)
        self._given_up += max(0, -(-lost // len(self.author.scopes)))
        self._given_up_to_others += self._calls(others)

    def _calls(self, ids: Iterable[str]) -> int:
        return len({self.open[id_].call_key for id_ in ids})


def _version(row: Row) -> tuple[str, str, int]:
    return row.id, row.owner, row.turn


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """One commit of one ledger object.

    A settlement changes only claims of earlier turns, so it never changes a claim of its own commit.
    """

    settling: Settling
    claiming: Claiming
    scope_use: ScopeUseRecorder

    def write(self, connection: Connection) -> Mapping[str, ClaimRefusal]:
        """Settle and claim, within the transaction. Returns for each key whose claim was lost, why. Raises
        ConfigurationError if a scope in which it claims was pruned. Raises KeysChanged if the ledger was put under
        another key."""
        begin_writing(connection, self.settling.author.statements)
        if self.claiming.claims:
            self.claiming.may_be_erased = self.claiming.author.lock_key(connection)
        self.claiming.lock_numbers(connection)
        if self.claiming.claims:
            self.scope_use.record(connection)
        settled = self.settling.settlements.keys()
        both = settled & self.claiming.claims.keys()
        self.settling.release(connection)
        self.settling.settle(connection, both)
        lost = self.claiming.claim(connection)
        # An insert may wait for another run that claims or settles the same people; a settlement never waits. In this
        # order no two runs wait for each other, except for the rare key that is both settled and claimed.
        self.settling.settle(connection, settled - both)
        return lost
