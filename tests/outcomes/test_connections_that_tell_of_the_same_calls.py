"""Two connections of one account tell of the same calls at once: neither holds what the other needs next."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any

import pytest
import sqlalchemy
from ledger_databases import database_on
from placed_calls import SCOPE, Ledger, event, number

from airflow_provider_callkaro.ledger.sql.scopes import scopes_of
from airflow_provider_callkaro.outcomes.references import references_of

PATIENCE = 60  # seconds until a test that hangs fails


@pytest.fixture(params=["postgresql", "mariadb"])
def url(request: pytest.FixtureRequest) -> Iterator[str]:
    server: Any = request.getfixturevalue(request.param)
    with database_on(server) as url:
        yield url


def impatient(url: str) -> sqlalchemy.Engine:
    """An engine whose statements wait two seconds for a lock and no longer."""
    if url.startswith("postgresql"):
        return sqlalchemy.create_engine(url, connect_args={"options": "-c lock_timeout=2s"})
    return sqlalchemy.create_engine(url, connect_args={"init_command": "SET innodb_lock_wait_timeout = 2"})


def never(seconds: float) -> None:
    raise AssertionError("the database refused a transaction that had nobody to wait for")


@pytest.mark.services
def test_who_waits_for_a_call_holds_none_of_its_attempts(url: str) -> None:
    first, second = impatient(url), sqlalchemy.create_engine(url)
    ledger = Ledger(first)
    ledger.place([1])
    ledger.record(event(1, attempt=0, is_over=True), conn_id="second")
    (scope,) = scopes_of([SCOPE])
    reference = references_of(first).reference_of(scope.id_of(number(1)))
    before_the_call, go_on = Event(), Event()

    @sqlalchemy.event.listens_for(second, "before_cursor_execute")
    def stop(connection: Any, cursor: Any, statement: str, *others: Any) -> None:
        if "voice_call_ledger" in statement and "FOR UPDATE" in statement:
            before_the_call.set()
            assert go_on.wait(PATIENCE)

    with ThreadPoolExecutor(1) as threads:
        again = threads.submit(
            Ledger(second).record, event(1, attempt=0, is_over=True, duration_seconds=50.0), conn_id="second"
        )
        try:
            assert before_the_call.wait(PATIENCE)
            with ledger.store(sleep=never) as store:
                # the vendor rang again under another id: deliveries about one id wait for each other from the start
                last = event(1, call_id="again-1", reference=reference, attempt=1, is_over=True, is_last=True)
                assert store.record([last], conn_id="first").new == 1
        finally:
            go_on.set()
        assert again.result(PATIENCE).changed == 1
    assert {row["conn_id"]: (row["is_final"], row["duration_seconds"]) for row in ledger.rows()} == {
        "first": (1, 42.0),
        "second": (0, 50.0),
    }
    for engine in (first, second):
        engine.dispose()
