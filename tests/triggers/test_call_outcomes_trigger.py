"""However many tasks wait in a triggerer for one database, they ask it by one statement."""

from __future__ import annotations

import asyncio
import json
import os
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy
from ledger_databases import database_on
from placed_calls import SCOPE, Ledger, event

from airflow_provider_callkaro.triggers.call_outcomes import CallOutcomesTrigger
from airflow_provider_callkaro.triggers.outcome_polling import OutcomePolling


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.services)])
def ledger(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Ledger]:
    """A ledger that triggers reach as ``call_ledger``."""
    if request.param == "sqlite":
        path = tmp_path / "ledger.db"
        yield from _ledger(monkeypatch, f"sqlite:///{path}", {"conn_type": "sqlite", "host": str(path)})
    else:
        server = request.getfixturevalue("postgresql")
        with database_on(server) as url:
            place = {"conn_type": "postgres", "host": server.host, "port": server.port, "login": server.user}
            yield from _ledger(monkeypatch, url, place | {"schema": url.rpartition("/")[2]})


def _ledger(monkeypatch: pytest.MonkeyPatch, url: str, connection: dict[str, Any]) -> Iterator[Ledger]:
    monkeypatch.setenv("AIRFLOW_CONN_CALL_LEDGER", json.dumps(connection))
    engine = sqlalchemy.create_engine(url)
    yield Ledger(engine)
    engine.dispose()


@pytest.fixture
def statements() -> Iterator[list[str]]:
    """The statements about calls that any engine of this process executes, those with an outcome in them."""
    said: list[str] = []

    def note(connection: Any, cursor: Any, statement: str, *_: Any) -> None:
        if "COUNT(*)" in statement:
            said.append(statement)

    sqlalchemy.event.listen(sqlalchemy.engine.Engine, "before_cursor_execute", note)
    yield said
    sqlalchemy.event.remove(sqlalchemy.engine.Engine, "before_cursor_execute", note)


def trigger(scope: str = SCOPE, **arguments: Any) -> CallOutcomesTrigger:
    given = {
        "ledger_conn_id": "call_ledger",
        "scopes": [scope],
        "campaign_id": None,
        "share": 1.0,
        "unresolved_after": 3_600.0,
        "until": datetime.now(UTC) + timedelta(minutes=1),
        "poll_interval": 1.0,
    }
    return CallOutcomesTrigger(**given | arguments)


async def fired(waiting: CallOutcomesTrigger) -> dict[str, Any]:
    path, arguments = waiting.serialize()
    assert path.endswith(".CallOutcomesTrigger")
    async for found in CallOutcomesTrigger(**arguments).run():
        return json.loads(json.dumps(found.payload))
    raise AssertionError("it ended without an event")


async def all_fired(*waiting: CallOutcomesTrigger) -> list[dict[str, Any]]:
    return await asyncio.gather(*map(fired, waiting))


def test_all_that_wait_for_one_database_are_answered_by_one_statement(ledger, statements):
    scopes = [f"scope {place}" for place in range(40)]
    for place, scope in enumerate(scopes[:3]):
        Ledger(ledger.engine, scope=scope).place([place])
    ledger.record(event(0), event(1), event(2))
    answers = asyncio.run(all_fired(*map(trigger, scopes)))
    assert [answer["counts"]["with_outcome"] for answer in answers] == [1, 1, 1, *[0] * 37]
    assert len(statements) == 1


def test_those_who_go_on_waiting_ask_together_too(ledger, statements):
    ledger.place(range(2))

    async def wait() -> list[dict[str, Any]]:
        waiting = asyncio.gather(*(fired(trigger(poll_interval=0.5)) for _ in range(10)))
        while len(statements) < 2:
            await asyncio.sleep(0.01)
        await asyncio.to_thread(ledger.record, event(0), event(1))
        return await waiting

    assert all(answer["counts"]["complete"] for answer in asyncio.run(wait()))
    assert len(statements) <= 5  # rounds, not ten times as many


def test_one_who_gives_up_leaves_the_others_waiting(ledger):
    ledger.place(range(1))

    async def wait() -> dict[str, Any]:
        stays = asyncio.create_task(fired(trigger(poll_interval=0.3)))
        leaves = asyncio.create_task(fired(trigger(poll_interval=0.1)))
        await asyncio.sleep(0)
        leaves.cancel()
        await asyncio.to_thread(ledger.record, event(0))
        return await stays

    assert asyncio.run(wait())["counts"]["complete"]
    assert OutcomePolling._of_loops == {}


def test_at_the_moment_it_says_what_it_has_found(ledger):
    ledger.place(range(1))
    counts = asyncio.run(fired(trigger(until=datetime.now(UTC) + timedelta(seconds=1.2), poll_interval=0.4)))["counts"]
    assert (counts["complete"], counts["awaiting"]) == (False, 1)


def test_a_database_that_is_away_for_a_while_is_asked_again(ledger, monkeypatch):
    if ledger.engine.dialect.name == "sqlite":
        pytest.skip("a file does not go away and come back")
    ledger.place([0])
    ledger.record(event(0))
    there, tried = os.environ["AIRFLOW_CONN_CALL_LEDGER"], threading.Event()
    monkeypatch.setenv("AIRFLOW_CONN_CALL_LEDGER", json.dumps(json.loads(there) | {"port": 1}))

    def note(*_: Any) -> None:
        tried.set()

    async def wait() -> dict[str, Any]:
        waiting = asyncio.create_task(fired(trigger(poll_interval=0.3)))
        assert await asyncio.to_thread(tried.wait, 30)
        monkeypatch.setenv("AIRFLOW_CONN_CALL_LEDGER", there)
        return await waiting

    sqlalchemy.event.listen(sqlalchemy.engine.Engine, "do_connect", note)
    try:
        assert asyncio.run(wait())["counts"]["complete"]
    finally:
        sqlalchemy.event.remove(sqlalchemy.engine.Engine, "do_connect", note)


def test_what_no_question_will_change_is_an_error(monkeypatch):
    monkeypatch.setenv("AIRFLOW_CONN_CALL_LEDGER", json.dumps({"conn_type": "http", "host": "example.org"}))
    first, second = asyncio.run(all_fired(trigger(poll_interval=0.1), trigger(poll_interval=0.1)))
    assert "no SQL database" in first["error"]
    assert first == second
