"""The ledger in a SQL database: who has been rung, by all runs, tasks and workers that share the table."""

from __future__ import annotations

import logging
import math
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from random import random as random_fraction
from typing import Self, TypeVar

from sqlalchemy.engine import Connection, Engine

from airflow_provider_callkaro.exceptions import ConfigurationError, LedgerError
from airflow_provider_callkaro.ledger.contract import (
    CallCaps,
    Claim,
    ClaimRefusal,
    Entry,
    EntryState,
    LegacyNumbers,
    Settlement,
)
from airflow_provider_callkaro.ledger.digests import LedgerKeys
from airflow_provider_callkaro.ledger.sql.claiming import Claiming, texts_of_numbers
from airflow_provider_callkaro.ledger.sql.commit import Commit, Settling
from airflow_provider_callkaro.ledger.sql.dialects import statements_for
from airflow_provider_callkaro.ledger.sql.keys import holds_legacy, is_keyed, open_names
from airflow_provider_callkaro.ledger.sql.names import CLEAR, KeysChanged, Names
from airflow_provider_callkaro.ledger.sql.rows import Author
from airflow_provider_callkaro.ledger.sql.scopes import CREATE_SCOPES, SCOPES_TABLE, ScopeUseRecorder, scopes_of
from airflow_provider_callkaro.ledger.sql.session import SqlSession
from airflow_provider_callkaro.ledger.sql.statements import MAX_ROWS
from airflow_provider_callkaro.ledger.sql.table import LOCKS_TABLE, TABLE, Row
from airflow_provider_callkaro.ledger.sql.values import as_digits, as_instant, as_text, chunks, distinct, without_zone

_Result = TypeVar("_Result")
_log = logging.getLogger(__name__)


class SqlLedger:
    """The durable record of each dispatch, in one table of PostgreSQL, MySQL, MariaDB or SQLite (3.24 or later).

    The table is created on first use, if the database user may create tables; else it must be there already. Only the
    database's clock writes and compares instants. (SQLite's is that of the worker.)

    :param engine: of the database; used as it is, no listener is added to it.
    :param scope: the name under which a person may be rung once.
    :param also: further scopes in which each call is claimed, settled and given up with it: an entry in any of them
        blocks.
    :param run: the task instance of one run, the same for all its tries (DAG, run, task, map index).
    :param caps: how often one person may be called, over all scopes; checked with each claim. None sets no limit.
    :param legacy: how earlier versions may have spelled a number; None looks for none. When it is opened, the ledger
        checks whether the table holds any, and looks for them only then.
    :param keys: of a keyed ledger; None for one in clear.
    :param reread: reads the keys again, after another process has put the ledger under a new one.
    :param sleep: waits for a number of seconds before a transaction is tried again.
    :param random: a number from 0 to 1, which spreads those waits.
    :raises ConfigurationError: the engine's database is none of the four.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        scope: str,
        also: Sequence[str] = (),
        run: str,
        caps: CallCaps | None = None,
        legacy: LegacyNumbers | None = None,
        keys: LedgerKeys | None = None,
        reread: Callable[[], LedgerKeys | None] | None = None,
        sleep: Callable[[float], None] = time.sleep,
        random: Callable[[], float] = random_fraction,
    ) -> None:
        self._dialect = engine.dialect.name
        self._statements = statements_for(self._dialect)
        self._session = SqlSession(engine=engine, statements=self._statements, table=TABLE, sleep=sleep, random=random)
        self._scopes = scopes_of([scope, *also])
        self._id_of = self._scopes[0].id_of
        self._run = distinct(run)
        self._keys = keys
        self._reread = reread
        self._names: Names = CLEAR
        self._places: dict[str, str] = {}
        """The ids in the table of open claims that were made under other names, by their id of today."""
        self._caps = caps
        self._legacy_known = legacy
        self._legacy: LegacyNumbers | None = None
        self._scope_use = ScopeUseRecorder(
            statements=self._statements,
            scopes=self._scopes,
            cap_seconds=0 if caps is None else math.ceil(caps.span.total_seconds()),
        )
        self._owner = secrets.token_hex(16)
        self._turn = 0  # the number of the last commit
        self._open: dict[str, Row] = {}
        """The rows of this try's unsettled claims, by id."""
        self._replaced: dict[str, Sequence[Row]] = {}
        """The rows that this try's open redials have replaced; the release of a redial puts its row back."""

    def __enter__(self) -> Self:
        self._take_names(self._keys)
        self._session.create_table(SCOPES_TABLE, [self._statements.suited(CREATE_SCOPES)])
        if self._caps is not None and self._statements.create_locks is not None:
            self._session.create_table(LOCKS_TABLE, [self._statements.create_locks])
        if self._legacy_known is not None and self._legacy_known.prefixes:
            prefixes = self._legacy_known.prefixes
            if self._session.transact(partial(self._holds_legacy, prefixes=prefixes), action="read"):
                self._legacy = self._legacy_known
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._session.close()

    def commit(self, *, settle: Sequence[Settlement] = (), claim: Sequence[Claim] = ()) -> Mapping[str, ClaimRefusal]:
        """Settle what came back and claim what goes out next, in one transaction.

        :param settle: claims of this ledger object; one that another run has taken over meanwhile is left as it is.
        :param claim: distinct keys; a claim of a key that this object holds already is lost.
        :return: for each key whose claim was lost, why.
        :raises LedgerError: it is unknown which claims were won, so none of them may be dispatched.
        :raises ConfigurationError: a scope in which it claims was pruned; nothing was written.
        """
        if not settle and not claim:
            return {}
        return self._under_keys(partial(self._commit, settle=settle, claim=claim), settle=settle)

    def _commit(self, *, settle: Sequence[Settlement], claim: Sequence[Claim]) -> Mapping[str, ClaimRefusal]:
        settlements = {self._id_of(settlement.key): settlement for settlement in settle}
        claims = {self._id_of(one.key): one for one in claim}
        if len(claims) != len(claim):
            raise LedgerError("one commit claims a key twice, and only one of the two could be dispatched")
        self._turn += 1
        author = self._author()
        rejected = (id_ for id_, settlement in settlements.items() if settlement.state is EntryState.REJECTED)
        settling = Settling(author=author, settlements=settlements, open=self._open, replaced=self._replaced)
        claiming = Claiming(
            author=author,
            claims=claims,
            caps=self._caps,
            legacy=self._legacy,
            not_called=frozenset(rejected) if self._caps is not None else frozenset(),
        )
        commit = Commit(settling=settling, claiming=claiming, scope_use=self._scope_use)
        lost = self._session.transact(commit.write, action="written")
        if claims:
            self._scope_use.committed()
        for id_ in settling.ids(settlements):
            self._open.pop(id_, None)
            self._replaced.pop(id_, None)
            self._places.pop(id_, None)
        self._open.update(claiming.won)
        self._replaced.update(claiming.taken)
        settling.warn_of_losses()
        return lost

    def state_of(self, keys: Sequence[str]) -> Mapping[str, Entry]:
        """The entries under ``keys``, that of the ledger's own scope first; see `CallLedger.state_of`. Raises
        LedgerError if the ledger could not be read."""
        return self._under_keys(partial(self._state_of, keys)) if keys else {}

    def _state_of(self, keys: Sequence[str]) -> Mapping[str, Entry]:
        places = {self._id_of(key): key for key in keys}
        for scope in self._scopes[1:]:
            places.update((scope.id_of(key), key) for key in keys)
        if self._legacy is not None:
            aliases = [(alias, key) for key in keys for alias in self._legacy.aliases(key)]
            for scope in self._scopes:
                for alias, key in aliases:
                    places.setdefault(scope.id_of(alias), key)

        def read(connection: Connection) -> Mapping[str, Entry]:
            author = self._author()
            author.lock_key(connection)
            stored_rows = {one.row.id: one for one in author.read(connection, sorted(places))}
            found: dict[str, Entry] = {}
            for id_, key in places.items():
                if id_ in stored_rows and key not in found:
                    found[key] = author.entry_of(stored_rows[id_])
            return found

        return self._session.transact(read, action="read")

    def called_since(self, numbers: Sequence[str], since: datetime) -> Mapping[str, Sequence[datetime]]:
        """When numbers were called, in any scope: every dispatch that was not rejected, unknown ones included.

        :param numbers: E.164.
        :param since: with a time zone.
        :return: for each number that was called, the instants, UTC.
        :raises LedgerError: the ledger could not be read.
        """
        if not numbers:
            return {}
        number_by_digits = {as_digits(number): number for number in numbers}
        number_of = texts_of_numbers(number_by_digits, legacy=self._legacy, names=self._names)
        earliest = as_text(without_zone(since))

        def read(connection: Connection) -> Mapping[str, Sequence[datetime]]:
            called: dict[str, list[datetime]] = {}
            for chunk in chunks(sorted(number_of), size=MAX_ROWS):
                query = self._statements.called(chunk, since=earliest)
                for digits, moment, calls in connection.exec_driver_sql(*query).fetchall():
                    instants = called.setdefault(number_by_digits[number_of[digits]], [])
                    instants.extend([as_instant(moment).replace(tzinfo=UTC)] * calls)
            return called

        return self._session.transact(read, action="read")

    def _author(self) -> Author:
        return Author(
            session=self._session,
            statements=self._statements,
            scopes=self._scopes,
            run=self._run,
            owner=self._owner,
            turn=self._turn,
            names=self._names,
            places=self._places,
        )

    def _take_names(self, keys: LedgerKeys | None) -> None:
        """Open the ledger under these keys; open claims keep the ids that they have in the table."""
        names = open_names(self._session, dialect=self._dialect, keys=keys, table=TABLE)
        for id_ in self._open:
            self._places.setdefault(id_, self._names.id(id_))
        self._names, self._keys = names, keys
        self._statements = statements_for(self._dialect, keyed=names.is_keyed)

    def _under_keys(self, work: Callable[[], _Result], *, settle: Sequence[Settlement] = ()) -> _Result:
        """Do some work, and do it again if another process has put the ledger under a new key meanwhile. ``settle``:
        the settlements of that work."""
        try:
            return work()
        except KeysChanged:
            pass
        except LedgerError:
            if not self._is_keyed_by_now():
                raise
        self._follow(settle)
        return work()

    def _follow(self, settle: Sequence[Settlement]) -> None:
        """Change to the keys under which another process has put the ledger. ``settle``: settlements that are written
        in any case, because people were rung. Raises LedgerError if this process does not have those keys."""
        try:
            self._take_names(self._reread() if self._reread is not None else self._keys)
        except (LedgerError, ConfigurationError):
            if settle:
                self._commit(settle=settle, claim=())
            raise
        _log.info("The call ledger was put under a new key meanwhile; this run goes on under it")

    def _is_keyed_by_now(self) -> bool:
        """Whether a ledger that was opened in clear has been put under a key since."""
        return self._session.misses_column and not self._names.is_keyed and is_keyed(self._session, TABLE)

    def _holds_legacy(self, connection: Connection, *, prefixes: Sequence[str]) -> bool:
        """Whether the table may hold numbers as earlier versions spelled them."""
        query = self._statements.holds_any(prefixes)
        if self._names.holds_clear and connection.exec_driver_sql(*query).scalar():
            return True
        return self._names.is_keyed and holds_legacy(connection, statements=self._statements)
