"""The outcomes of a ledger's calls, in its database: recorded as they come, and read by who asks."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from random import random as random_fraction
from typing import Self, TypeVar

from sqlalchemy import inspect
from sqlalchemy.engine import Connection, Engine

from airflow_provider_callkaro.exceptions import LedgerError
from airflow_provider_callkaro.ledger.digests import LedgerKeys
from airflow_provider_callkaro.ledger.sql.dialects import statements_for
from airflow_provider_callkaro.ledger.sql.keys import is_keyed, open_names
from airflow_provider_callkaro.ledger.sql.names import CLEAR, KeysChanged, Names
from airflow_provider_callkaro.ledger.sql.session import SqlSession, begin_writing
from airflow_provider_callkaro.ledger.sql.table import LOCKS_TABLE, OUTCOMES_TABLE, RUNS_TABLE, TABLE
from airflow_provider_callkaro.ledger.sql.values import chunks
from airflow_provider_callkaro.outcomes.calls import CallName, CallWithOutcome, calls_named, calls_of
from airflow_provider_callkaro.outcomes.changes import Changes, changes
from airflow_provider_callkaro.outcomes.counting import OutcomeCounts, Question, count
from airflow_provider_callkaro.outcomes.keeping import FACTS_ALONE, Keep
from airflow_provider_callkaro.outcomes.matching import MatchedBy
from airflow_provider_callkaro.outcomes.reading import StoredOutcome, final_outcomes, kept_aside, settleable
from airflow_provider_callkaro.outcomes.recording import Delivery, Recorded, Recording
from airflow_provider_callkaro.outcomes.references import References, open_references
from airflow_provider_callkaro.outcomes.selection import Selection
from airflow_provider_callkaro.outcomes.summary import LedgerSummary, reasons_of
from airflow_provider_callkaro.outcomes.tables import LEDGER_INDEX, metadata
from airflow_provider_callkaro.vendors.call_event import CallEvent

MOST_EVENTS = 500  # in one transaction
MOST_QUESTIONS = 100  # in one statement; SQLite takes 500 parts of a UNION

_Result = TypeVar("_Result")


class OutcomeStore:
    """The outcomes of the calls in one ledger. Opened with ``with``; used from one thread at a time.

    The tables are made beside the ledger's on first use, if the database user may create tables.

    :param engine: of the ledger's database; used as it is.
    :param keys: of a keyed ledger; None for one in clear.
    :param keep: what is kept beyond the facts.
    :param reread: reads the keys again, after another process has put the ledger under a new one.
    :param sleep: waits for a number of seconds before a transaction is tried again.
    :param random: a number from 0 to 1, which spreads those waits.
    :raises ConfigurationError: a ledger cannot be in a database of this kind.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        keys: LedgerKeys | None = None,
        keep: Keep = FACTS_ALONE,
        reread: Callable[[], LedgerKeys | None] | None = None,
        sleep: Callable[[float], None] = time.sleep,
        random: Callable[[], float] = random_fraction,
    ) -> None:
        self._dialect = engine.dialect.name
        self._statements = statements_for(self._dialect)
        self._keys = keys
        self._keep = keep
        self._reread = reread
        self._names: Names = CLEAR
        self._references: References | None = None
        self._locks: bool | None = None  # not asked yet
        self._session = SqlSession(
            engine=engine, statements=self._statements, table=OUTCOMES_TABLE, sleep=sleep, random=random
        )

    def __enter__(self) -> Self:
        self._take_names(self._keys)
        for table in metadata.sorted_tables:
            self._create(table.name, table.create)
        self._create(LEDGER_INDEX, self._create_ledger_index)
        self._references = open_references(self._session, self._statements)
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._session.close()

    def record(self, events: Sequence[CallEvent], *, conn_id: str) -> Recorded:
        """Record events: in any order and as often as they come, they leave the same rows.

        :param events: of one connection. In one transaction go at most 500.
        :param conn_id: the vendor's connection that they come from.
        :return: what has changed.
        :raises LedgerError: the database could not be written; nothing, or a part in whole transactions, was.
        """
        done = Recorded()
        for start in range(0, len(events), MOST_EVENTS):
            some = [self._keep.of(event) for event in events[start : start + MOST_EVENTS]]
            delivery = Delivery(conn_id=conn_id, events=some)
            done += self._write(partial(Recording.record, delivery=delivery))
        return done

    def counts(
        self,
        *,
        scope: str | None = None,
        campaign: str | None = None,
        run: str | None = None,
        unresolved_after: timedelta,
    ) -> OutcomeCounts:
        """What became of calls, counted. Without a selection: of all calls of the ledger.

        :param scope: the name of a ledger's scope.
        :param campaign: the vendor's id of a campaign.
        :param run: of a task instance, as `tasks.identity.run_name` names it.
        :param unresolved_after: how long after its claim a call may wait for its outcome.
        :raises LedgerError: the database could not be read.
        """
        selection = Selection(scope=scope, campaign=campaign, run=run)
        return self.answer([Question(selection=selection, unresolved_after=unresolved_after)])[0]

    def answer(self, questions: Sequence[Question]) -> list[OutcomeCounts]:
        """The counts that each question asks for, in its order: one statement for 100 of them. Raises LedgerError if
        the database could not be read."""
        found: list[OutcomeCounts] = []
        for some in chunks(questions, size=MOST_QUESTIONS):
            found += self._read(partial(count, questions=some))
        return found

    def summary(
        self,
        *,
        scope: str | None = None,
        campaign: str | None = None,
        run: str | None = None,
        unresolved_after: timedelta,
    ) -> LedgerSummary:
        """The summary of calls, made again from the ledger. The arguments: see `counts`. Raises LedgerError if the
        database could not be read."""
        selection = Selection(scope=scope, campaign=campaign, run=run)
        return LedgerSummary(
            reasons=self._read(partial(reasons_of, selection=selection)),
            counts=self.answer([Question(selection=selection, unresolved_after=unresolved_after)])[0],
        )

    def outcomes(
        self,
        *,
        scope: str | None = None,
        campaign: str | None = None,
        run: str | None = None,
        since: datetime | None = None,
    ) -> Iterator[StoredOutcome]:
        """The final outcome of each call that has one, page by page, each in a short read. The selection: see `counts`.

        :param since: aware; only outcomes that changed at or after that instant, in the order of their changes. A
            transaction that began earlier may still add some just before the latest: begin a minute before it.
        :raises LedgerError: the database could not be read.
        """
        selection = Selection(scope=scope, campaign=campaign, run=run)
        after: StoredOutcome | None = None
        while page := self._read(partial(final_outcomes, selection=selection, since=since, after=after)):
            yield from page
            after = page[-1]

    def calls(self, selection: Selection, *, unresolved_after: timedelta) -> Iterator[CallWithOutcome]:
        """Every call that the vendor took or may have, with its outcome where it has one, page by page. Raises
        LedgerError if the database could not be read."""
        after = ""
        while page := self._read(
            partial(calls_of, selection=selection, unresolved_after=unresolved_after, after=after)
        ):
            yield from page
            after = page[-1].ledger_id

    def calls_named(self, names: Sequence[CallName], *, unresolved_after: timedelta) -> list[CallWithOutcome | None]:
        """The call that each name stands for; None where the ledger has none of it, or several. Raises LedgerError if
        the database could not be read."""
        found: list[CallWithOutcome | None] = []
        for some in chunks(names, size=MOST_QUESTIONS):
            found += self._read(partial(calls_named, wanted=some, unresolved_after=unresolved_after))
        return found

    def changes(self, selection: Selection, *, since: datetime | None) -> Changes:
        """How many of the selected calls got an outcome, or another one, since a moment, aware; without one only from
        when to ask. Raises LedgerError if the database could not be read."""
        return self._read(partial(changes, selection=selection, since=since))

    def ambiguous(self, *, limit: int = 100) -> list[StoredOutcome]:
        """The newest attempts that could be about several calls of the ledger, and so are about none. Raises
        LedgerError if the database could not be read."""
        return self._read(partial(kept_aside, by=MatchedBy.AMBIGUOUS, limit=limit))

    def unmatched(self, *, limit: int = 100) -> list[StoredOutcome]:
        """The newest attempts of calls that are not in the ledger. Raises LedgerError if the database could not be
        read."""
        return self._read(partial(kept_aside, by=MatchedBy.NONE, limit=limit))

    def resolve_unknown(
        self, *, scope: str | None = None, campaign: str | None = None, run: str | None = None
    ) -> Recorded:
        """Look again for the calls of outcomes that came before the ledger was ready for them.

        An outcome may come while its run still holds the claim, or before the vendor's id is in the ledger. The next
        event of the same call settles that too. The selection: see `counts`; of outcomes that found no call, those
        are looked at that came since its first claim.

        :return: what has changed.
        :raises LedgerError: the database could not be read or written.
        """
        selection = Selection(scope=scope, campaign=campaign, run=run)
        found = sorted(set(self._read(partial(settleable, selection=selection))))
        done = Recorded()
        for some in chunks(found, size=MOST_EVENTS):
            done += self._write(partial(Recording.match_again, vendor_calls=some))
        return done

    def _read(self, work: Callable[..., _Result]) -> _Result:
        return self._transact(
            lambda connection: work(connection, statements=self._statements, names=self._names), action="read"
        )

    def _write(self, work: Callable[[Recording, Connection], _Result]) -> _Result:
        def write(connection: Connection) -> _Result:
            assert self._references is not None
            recording = Recording(
                statements=self._statements,
                names=self._names,
                references=self._references,
                suppresses=self._keep.suppressions,
                ascii_only=self._session.ascii_only,
                takes_turns=takes_turns,
            )
            return work(recording, connection)

        takes_turns = self._has_locks()
        return self._transact(write, action="written")

    def _has_locks(self) -> bool:
        """Whether deliveries can wait for each other; a user who may not create the table for it records without."""
        if self._locks is None:
            self._locks = True
            if self._statements.create_locks is not None:
                try:
                    self._session.create_table(LOCKS_TABLE, [self._statements.create_locks])
                except LedgerError:
                    self._locks = False
        return self._locks

    def _transact(self, work: Callable[[Connection], _Result], *, action: str) -> _Result:
        """Run a transaction, and once more if another process has put the ledger under a new key meanwhile."""
        try:
            return self._session.transact(work, action=action)
        except KeysChanged:
            pass
        except LedgerError:
            if not self._session.misses_column or self._names.is_keyed or not is_keyed(self._session, TABLE):
                raise
        self._take_names(self._reread() if self._reread is not None else self._keys)
        return self._session.transact(work, action=action)

    def _take_names(self, keys: LedgerKeys | None) -> None:
        for table in (RUNS_TABLE, TABLE):
            self._names = open_names(self._session, dialect=self._dialect, keys=keys, table=table)
        self._keys = keys
        self._statements = statements_for(self._dialect, keyed=self._names.is_keyed)

    def _create(self, name: str, create: Callable[[Connection], None]) -> None:
        """Create a table or the index if it is missing. Raises LedgerError if it is missing and cannot be created."""

        def is_there(connection: Connection) -> bool:
            found = inspect(connection)
            return found.has_table(name) or any(index["name"] == name for index in found.get_indexes(TABLE))

        def make(connection: Connection) -> None:
            begin_writing(connection, self._statements)
            if not is_there(connection):
                create(connection)

        if self._session.transact(is_there, action="read"):
            return
        with suppress(LedgerError):  # else another process was faster, or the next line says what is wrong
            self._session.transact(make, action="opened or created")
            return
        if not self._session.transact(is_there, action="read"):
            self._session.transact(make, action="opened or created")

    def _create_ledger_index(self, connection: Connection) -> None:
        for statement in (*self._statements.soon, f"CREATE INDEX {LEDGER_INDEX} ON {TABLE} (call_id)"):
            connection.exec_driver_sql(statement)
        for statement in self._statements.later:
            connection.exec_driver_sql(statement)
