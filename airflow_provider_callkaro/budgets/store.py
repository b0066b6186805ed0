"""The budgets in a ledger's database: each renewal is one short transaction."""
# ruff: noqa: S608

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from functools import partial
from random import random as random_fraction
from typing import Any, Self, TypeVar

from sqlalchemy import inspect
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.schema import CreateTable

from airflow_provider_callkaro.budgets.book import Book, lease_as_json, lease_from_json
from airflow_provider_callkaro.budgets.costs import talked_since
from airflow_provider_callkaro.budgets.limits import CallBudget, read_name
from airflow_provider_callkaro.budgets.messages import Grant, Holding
from airflow_provider_callkaro.budgets.renewal import SHORTEST_LEASE, Run, release, renew
from airflow_provider_callkaro.budgets.settings import Settings
from airflow_provider_callkaro.budgets.state import BudgetState, zone_of
from airflow_provider_callkaro.budgets.tables import CLOCKS, SETTINGS, metadata
from airflow_provider_callkaro.exceptions import ConfigurationError
from airflow_provider_callkaro.ledger.sql.dialects import statements_for
from airflow_provider_callkaro.ledger.sql.session import SqlSession, begin_writing, execute
from airflow_provider_callkaro.ledger.sql.table import BUDGET_LEASES_TABLE, BUDGETS_TABLE

OUTCOMES_EVERY = 30.0  # seconds between two looks at what the outcomes say

_Result = TypeVar("_Result")


def budgets_in(engine: Engine) -> list[str]:
    """The names of all budgets in a ledger's database; none where there are no tables of them."""
    with engine.connect() as connection:
        if not inspect(connection).has_table(BUDGETS_TABLE):
            return []
        return [str(name) for name in execute(connection, f"SELECT name FROM {BUDGETS_TABLE} ORDER BY name").scalars()]


class BudgetStore:
    """One budget in a ledger's database. Opened with ``with``; used from one thread at a time.

    The tables are made beside the ledger's on first use, if the database user may create tables.

    :param engine: of the ledger's database; used as it is.
    :param name: of the budget, 1 to 200 characters.
    :param shortest_lease: seconds that a lease lasts at least; more workers have longer ones.
    :param outcomes_every: seconds between two looks at what the outcomes say of today's calls.
    :param sleep: waits for a number of seconds before a transaction is tried again.
    :param random: a number from 0 to 1, which spreads those waits.
    :raises ConfigurationError: a ledger cannot be in a database of this kind, or the name is none.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        name: str,
        shortest_lease: float = SHORTEST_LEASE,
        outcomes_every: float = OUTCOMES_EVERY,
        sleep: Callable[[float], None] = time.sleep,
        random: Callable[[], float] = random_fraction,
    ) -> None:
        self.name = read_name(name, '"name" of the call budget (or the id of its connection)')
        self._shortest_lease = shortest_lease
        self._outcomes_every = outcomes_every
        self._engine = engine
        self._dialect = engine.dialect.name
        self._statements = statements_for(self._dialect)
        self._session = SqlSession(
            engine=engine,
            statements=self._statements,
            table=BUDGETS_TABLE,
            settings=SETTINGS[self._dialect],
            sleep=sleep,
            random=random,
        )

    def __enter__(self) -> Self:
        for table in metadata.sorted_tables:
            create = CreateTable(table, if_not_exists=True).compile(dialect=self._engine.dialect)
            self._session.create_table(table.name, [str(create)])
        self._session.transact(self._make, action="written")
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._session.close()

    def renew(self, worker: str, *, run: Run, holding: Holding) -> Grant:
        """Renew a worker's lease, in one try.

        :param worker: the id of the lease, up to 32 characters, drawn at random by each worker.
        :param run: whose lease it is.
        :param holding: what the worker reports.
        :raises LedgerError: the database did not answer in time; it is unknown whether the renewal was written.
        :raises ConfigurationError: nothing has said yet what the budget is, or what has been said is none, or is too
            small for one request.
        """

        def work(book: Book, budget: CallBudget, now: float) -> Grant:
            budget.check_request(holding.calls_per_request, name=self.name)
            return renew(
                book,
                budget=budget,
                zone=zone_of(budget),
                worker=worker,
                run=run,
                holding=holding,
                now=now,
                shortest=self._shortest_lease,
            )

        return self._change(work, tries=1)

    def release(self, worker: str, *, holding: Holding) -> None:
        """Give back all that a worker holds. Raises LedgerError if that could not be written: then it runs out."""

        def work(book: Book, budget: CallBudget, now: float) -> None:
            release(book, worker=worker, holding=holding, budget=budget, zone=zone_of(budget), now=now)

        self._change(work, tries=3)

    def offer(self, budget: CallBudget, *, conn_id: str, read_ago: float = 0.0) -> None:
        """Write what a connection's extra says, unless a newer reading has been written already.

        :param budget: with a time zone, where hours and days do not begin in UTC.
        :param conn_id: the connection.
        :param read_ago: seconds since the connection was read.
        :raises LedgerError: the database could not be written.
        """

        def work(connection: Connection) -> None:
            row, now = self._lock(connection)
            book = Book.from_json(row.book)
            if conn_id not in book.conn_ids:
                book.conn_ids.append(conn_id)
                self._write(connection, "book = :book", book=book.as_json())
            if now - read_ago >= row.settings_read_at or row.settings_read_at > now:
                self._write(
                    connection,
                    "settings = :settings, settings_read_at = :read_at",
                    settings=budget.as_json(),
                    read_at=now - read_ago,
                )

        self._session.transact(work, action="written")

    def set(self, changes: Mapping[str, Any]) -> CallBudget:
        """Override settings until `reset`; an empty value takes a limit away. Returns what holds now. Raises
        ConfigurationError if that is no budget, LedgerError if the database could not be written."""

        def work(connection: Connection) -> CallBudget:
            row, _ = self._lock(connection)
            settings = self._settings(row).with_overrides(changes)
            budget = settings.budget(self.name)
            self._write(connection, "overrides = :overrides", overrides=json.dumps(dict(settings.overrides)))
            return budget

        return self._session.transact(work, action="written")

    def reset(self) -> None:
        """Let the connection's extra hold again. Raises LedgerError if the database could not be written."""

        def work(connection: Connection) -> None:
            self._lock(connection)
            self._write(connection, "overrides = :overrides", overrides="{}")

        self._session.transact(work, action="written")

    def show(self) -> BudgetState:
        """Who holds what. Raises LedgerError if the database could not be read."""

        def work(connection: Connection) -> BudgetState:
            row, now = self._lock(connection)
            book = self._book(connection, row)
            settings = self._settings(row)
            budget = self._budget(settings) if settings.connection or settings.overrides else None
            return BudgetState.of(self.name, book, budget=budget, overridden=tuple(settings.overrides), now=now)

        return self._session.transact(work, action="read")

    def true_up(self) -> None:
        """Count what today's calls took, as their outcomes say, if nobody has just done so. Raises
        LedgerError if the database could not be read."""

        def is_due(book: Book, budget: CallBudget, now: float) -> tuple[list[str], float] | None:
            if budget.max_cost_per_day is None or now - book.minutes_at < self._outcomes_every:
                return None
            book.minutes_at = now
            return book.conn_ids, book.day[0]

        question = self._change(is_due, tries=1)
        if question is None:
            return
        conn_ids, since = question
        talked = self._session.transact(partial(talked_since, conn_ids=conn_ids, since=since), action="read", tries=1)

        def note(book: Book, *_: object) -> None:
            if book.day[0] == since:
                book.minutes, book.minutes_of = talked.minutes, talked.calls

        self._change(note, tries=1)

    def _change(self, work: Callable[[Book, CallBudget, float], _Result], *, tries: int) -> _Result:
        """Change the book within one transaction."""

        def change(connection: Connection) -> _Result:
            row, now = self._lock(connection)
            settings = self._settings(row)
            if not settings.connection and not settings.overrides:
                raise ConfigurationError(f'nothing has set the call budget "{self.name}" yet: set it in the extra')
            book = self._book(connection, row)
            before = {id_: lease_as_json(lease) for id_, lease in book.leases.items()}
            result = work(book, self._budget(settings), now)
            self._write(connection, "book = :book", book=book.as_json())
            self._write_leases(connection, before, book)
            return result

        return self._session.transact(change, action="written", tries=tries)

    def _lock(self, connection: Connection) -> tuple[Any, float]:
        """Lock the budget's row, and only then look at the clock."""
        begin_writing(connection, self._statements)
        query = f"SELECT * FROM {BUDGETS_TABLE} WHERE name = :name{self._statements.for_update}"
        row = execute(connection, query, name=self.name).one()
        return row, float(execute(connection, CLOCKS[self._dialect]).scalar_one())

    def _make(self, connection: Connection) -> None:
        begin_writing(connection, self._statements)
        query = f"SELECT 1 FROM {BUDGETS_TABLE} WHERE name = :name"
        if execute(connection, query, name=self.name).first() is None:
            execute(
                connection,
                f"INSERT INTO {BUDGETS_TABLE} (name, settings, settings_read_at, overrides, book) "
                "VALUES (:name, '{}', 0, '{}', :book)",
                name=self.name,
                book=Book().as_json(),
            )

    def _book(self, connection: Connection, row: Any) -> Book:
        book = Book.from_json(row.book)
        query = f"SELECT id, lease FROM {BUDGET_LEASES_TABLE} WHERE budget = :name ORDER BY id"
        rows = execute(connection, query, name=self.name).fetchall()
        book.leases = {id_: lease_from_json(text) for id_, text in rows}
        return book

    def _settings(self, row: Any) -> Settings:
        return Settings.from_json(connection=row.settings, overrides=row.overrides)

    def _budget(self, settings: Settings) -> CallBudget:
        try:
            return settings.budget(self.name)
        except ConfigurationError as error:  # the extra has changed under what the command line says over it
            way_out = f'or let the extra alone hold with "airflow callkaro budget reset {self.name}"'
            raise ConfigurationError(f"{error}, {way_out}") from None

    def _write(self, connection: Connection, assignments: str, **values: object) -> None:
        execute(connection, f"UPDATE {BUDGETS_TABLE} SET {assignments} WHERE name = :name", name=self.name, **values)

    def _write_leases(self, connection: Connection, before: Mapping[str, str], book: Book) -> None:
        where = "WHERE budget = :budget AND id = :id"
        for id_ in before:
            if id_ not in book.leases:
                execute(connection, f"DELETE FROM {BUDGET_LEASES_TABLE} {where}", budget=self.name, id=id_)
        for id_, lease in book.leases.items():
            values = {"budget": self.name, "id": id_, "lease": lease_as_json(lease)}
            if id_ not in before:
                columns = "(budget, id, lease) VALUES (:budget, :id, :lease)"
                execute(connection, f"INSERT INTO {BUDGET_LEASES_TABLE} {columns}", **values)
            elif values["lease"] != before[id_]:
                execute(connection, f"UPDATE {BUDGET_LEASES_TABLE} SET lease = :lease {where}", **values)
