"""One delivery has the reference of a call, another one its outcome: written at once, they find the call together."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any

import pytest
import sqlalchemy
from ledger_databases import database_on
from placed_calls import SCOPE, Ledger, event, number

from airflow_provider_callkaro.ledger.contract import EntryState
from airflow_provider_callkaro.ledger.sql.scopes import scopes_of
from airflow_provider_callkaro.outcomes.references import references_of

PATIENCE = 60  # seconds until a test that hangs fails


@pytest.fixture(params=["postgresql", "mariadb"])
def url(request: pytest.FixtureRequest) -> Iterator[str]:
    server: Any = request.getfixturevalue(request.param)
    with database_on(server) as url:
        yield url


@pytest.mark.services
def test_an_outcome_finds_its_call_by_a_reference_that_came_at_the_same_moment(url: str) -> None:
    first, second = sqlalchemy.create_engine(url), sqlalchemy.create_engine(url)
    ledger = Ledger(first)
    ledger.place([1], state=EntryState.UNKNOWN)
    with ledger.store():
        pass
    (scope,) = scopes_of([SCOPE])
    reference = references_of(first).reference_of(scope.id_of(number(1)))
    outcome = event(1, call_id="new", number=None)
    named = event(1, call_id="new", number=None, reference=reference, is_over=False, disposition=None)
    before_it_is_written, the_other_is_done_or_waits = Event(), Event()

    @sqlalchemy.event.listens_for(first, "before_cursor_execute")
    def pause(connection: Any, cursor: Any, statement: str, *others: Any) -> None:
        if statement.startswith("INSERT INTO voice_call_outcomes"):
            before_it_is_written.set()
            assert the_other_is_done_or_waits.wait(PATIENCE)

    @sqlalchemy.event.listens_for(second, "before_cursor_execute")
    def tell(connection: Any, cursor: Any, statement: str, *others: Any) -> None:
        if "pg_advisory_xact_lock" in statement or statement.startswith("INSERT INTO voice_call_locks"):
            the_other_is_done_or_waits.set()

    with ThreadPoolExecutor(1) as threads:
        one = threads.submit(ledger.record, outcome, conn_id="second")
        try:
            assert before_it_is_written.wait(PATIENCE)
            Ledger(second).record(named, conn_id="first")
        finally:
            the_other_is_done_or_waits.set()
        one.result(PATIENCE)
    assert {row["ledger_id"] for row in ledger.rows()} == {scope.id_of(number(1))}
    assert ledger.state_of(1) == ("accepted", "new")
    for engine in (first, second):
        engine.dispose()
