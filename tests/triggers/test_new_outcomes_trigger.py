"""A DAG starts when outcomes have come, and not again for the same ones."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy
from placed_calls import SCOPE, Ledger, event

from airflow_provider_callkaro.exceptions import ConfigurationError
from airflow_provider_callkaro.outcomes.selection import Selection
from airflow_provider_callkaro.triggers.new_outcomes import NewOutcomesTrigger


@pytest.fixture
def ledger(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Ledger]:
    path = tmp_path / "ledger.db"
    monkeypatch.setenv("AIRFLOW_CONN_CALL_LEDGER", json.dumps({"conn_type": "sqlite", "host": str(path)}))
    engine = sqlalchemy.create_engine(f"sqlite:///{path}")
    ledger = Ledger(engine)
    ledger.place(range(4))
    yield ledger
    engine.dispose()


def settle_changes(ledger: Ledger) -> None:
    """Let what has come be older than a transaction lasts."""
    with ledger.engine.begin() as connection:
        older = "strftime('%Y-%m-%d %H:%M:%f000', changed_at, '-10 seconds')".replace(":", r"\:")
        connection.execute(sqlalchemy.text(f"update voice_call_outcomes set changed_at = {older}"))


class AssetState:
    """The state of the watched asset, as Airflow 3.3 has it."""

    def __init__(self, **kept: Any) -> None:
        self.kept = kept

    async def aget(self, key: str) -> Any:
        return self.kept.get(key)

    async def aset(self, key: str, value: Any) -> None:
        self.kept[key] = value


async def first_event(state: AssetState, **arguments: Any) -> dict[str, Any]:
    path, given = NewOutcomesTrigger(ledger_conn_id="call_ledger", poll_interval=1, **arguments).serialize()
    assert path == "airflow_provider_callkaro.triggers.new_outcomes.NewOutcomesTrigger"
    waiting = NewOutcomesTrigger(**given)
    waiting.asset_state_store = state
    events = waiting.run()
    try:
        return json.loads(json.dumps((await anext(events)).payload))
    finally:
        await events.aclose()


def test_a_watcher_goes_on_where_the_asset_says_that_it_was(ledger):
    ledger.record(event(0), event(1))
    settle_changes(ledger)
    earlier = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
    state = AssetState(outcomes_told_until=earlier)
    told = asyncio.run(asyncio.wait_for(first_event(state), 30))
    assert (told["calls"], told["since"]) == (2, earlier)
    assert datetime.fromisoformat(told["until"]) <= datetime.now(UTC)


def test_each_outcome_is_told_once(ledger):
    with ledger.store() as store:
        begin = store.changes(Selection(), since=None)
        assert begin.calls == 0
        before = begin.until - timedelta(hours=1)
        ledger.record(event(0), event(1))
        assert store.changes(Selection(), since=before).calls == 0  # too young: it may not be committed
        settle_changes(ledger)
        told = store.changes(Selection(), since=before)
        assert told.calls == 2
        assert store.changes(Selection(), since=told.until).calls == 0
        assert store.changes(Selection(scope=SCOPE), since=before).calls == 2
        assert store.changes(Selection(scope="another"), since=before).calls == 0
        ledger.record(event(0), event(1))  # delivered again
        assert store.changes(Selection(), since=told.until).calls == 0


@pytest.mark.parametrize(
    "arguments", [{"ledger_conn_id": ""}, {"poll_interval": 0.5}, {"poll_interval": True}], ids=str
)
def test_what_cannot_work_is_refused_when_the_dag_is_parsed(arguments):
    with pytest.raises(ConfigurationError):
        NewOutcomesTrigger(**{"ledger_conn_id": "call_ledger"} | arguments)


def test_airflow_takes_it_for_an_asset_watcher():
    sdk = pytest.importorskip("airflow.sdk", reason="watchers came with Airflow 3.0")
    watcher = sdk.AssetWatcher(name="outcomes", trigger=NewOutcomesTrigger(ledger_conn_id="call_ledger"))
    assert sdk.Asset("outcomes", watchers=[watcher]).watchers == [watcher]
