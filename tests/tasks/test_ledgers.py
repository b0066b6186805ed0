"""Which ledger remembers a task's calls, and what is refused before the first ring because it would forget them."""

from __future__ import annotations

import json
import logging
from datetime import timedelta
from typing import Any

import pytest
from airflow_task_state import TaskStateInMemory, needs_task_state
from task_context import task_context

from airflow_provider_callkaro.calls.policy import CallingPolicy
from airflow_provider_callkaro.exceptions import ConfigurationError, LedgerRequired
from airflow_provider_callkaro.ledger.contract import Claim, EntryState
from airflow_provider_callkaro.sources.inline import RowContacts
from airflow_provider_callkaro.tasks.ledgers import Memory, remember
from airflow_provider_callkaro.tasks.settings import ListSettings

NUMBER = "+919876543210"
ANY_TIME = CallingPolicy(timezone="UTC")


class Retaining(TaskStateInMemory):
    """A store that keeps for how long each key is kept."""

    def __init__(self) -> None:
        super().__init__()
        self.kept_for: dict[str, Any] = {}

    def set(self, key: str, value: Any, *, retention: timedelta | None = None) -> None:
        self.kept_for[key.partition("/")[0]] = retention
        super().set(key, value)


def memory(context: dict[str, Any], **choices: Any) -> Memory:
    return remember(context, settings=ListSettings(contacts=RowContacts([]), **choices))


def mapped(context: dict[str, Any]) -> dict[str, Any]:
    context["ti"].map_index = 0
    return context


def test_an_engine_that_logs_its_statements_shows_nobody(monkeypatch, tmp_path, caplog):
    monkeypatch.setenv("AIRFLOW_CONN_CALLS", json.dumps({"conn_type": "sqlite", "host": str(tmp_path / "calls.db")}))
    caplog.set_level(logging.DEBUG, logger="sqlalchemy.engine")
    with memory(task_context(), ledger_conn_id="calls", ledger_scope="all").ledger as ledger:
        ledger.commit(claim=[Claim(key=NUMBER, number=NUMBER)])
    assert "INSERT INTO voice_call_ledger" in caplog.text
    assert NUMBER[1:] not in caplog.text


class TestBeforeTaskState:
    """An Airflow before 3.3, without a ledger_conn_id: no store in the context."""

    def test_a_first_try_goes_ahead_and_is_warned(self, caplog):
        with memory(task_context()).ledger as ledger:
            assert ledger.commit(claim=[Claim(key=NUMBER, number=NUMBER)]) == {}
        [warning] = [record for record in caplog.records if record.levelno >= logging.WARNING]
        assert "a retry will refuse to ring anybody" in warning.getMessage()

    @pytest.mark.parametrize(
        ("context", "choices", "message"),
        [
            (task_context(try_number=2), {}, "an earlier try of this task may have rung people"),
            (task_context(), {"policy": ANY_TIME}, "nothing would remember whom it has rung"),
            (task_context(), {"policy": ANY_TIME, "when_closed": "schedule"}, "nothing would remember"),
            (mapped(task_context()), {}, "a mapped task remembers only the calls of its own map_index"),
        ],
    )
    def test_what_would_ring_twice_is_refused_with_the_way_out(self, context, choices, message):
        with pytest.raises(LedgerRequired, match=message) as refused:
            memory(context, **choices)
        assert "set ledger_conn_id to a SQL connection" in " ".join(str(refused.value).split())

    @pytest.mark.parametrize(
        ("context", "choices"),
        [
            (task_context(), {"policy": ANY_TIME, "when_closed": "stop"}),  # it does not nap
            (mapped(task_context()), {"shard": (0, 2)}),
            (task_context(try_number=2), {"dry_run": True}),
            (mapped(task_context(try_number=2)), {"policy": ANY_TIME, "dry_run": True}),
        ],
    )
    def test_what_rings_nobody_twice_goes_ahead(self, context, choices):
        assert memory(context, **choices).name == "this process alone"


@needs_task_state
class TestTaskState:
    def test_what_it_remembers_never_expires(self):
        """Airflow drops entries after 30 days; a run that is cleared later would ring everybody again."""
        from airflow.sdk import NEVER_EXPIRE

        store = Retaining()
        with memory(task_context(store=store)).ledger as ledger:
            ledger.commit(claim=[Claim(key=NUMBER, number=NUMBER)])
        assert store.kept_for == {"calls": NEVER_EXPIRE, "run": NEVER_EXPIRE}

    def test_a_later_try_finds_whom_the_first_has_rung_and_who_the_run_is(self):
        store = TaskStateInMemory()
        first = memory(task_context(store=store))
        with first.ledger as ledger:
            ledger.commit(claim=[Claim(key=NUMBER, number=NUMBER)])
        second = memory(task_context(store=store, try_number=2))
        with second.ledger as ledger:
            assert ledger.state_of([NUMBER])[NUMBER].state is EntryState.UNKNOWN
        assert (second.record, second.name) == (first.record, "the task's own state")

    def test_a_store_that_is_wiped_on_success_is_refused_unless_nobody_is_rung(self, monkeypatch):
        monkeypatch.setenv("AIRFLOW__STATE_STORE__CLEAR_ON_SUCCESS", "True")
        store = TaskStateInMemory()
        with pytest.raises(LedgerRequired, match="clear_on_success"):
            memory(task_context(store=store))
        memory(task_context(store=store), dry_run=True)
        assert store.texts == {}

    def test_a_mapped_task_is_refused_unless_it_takes_a_part_by_key(self):
        with pytest.raises(LedgerRequired, match="map over shard"):
            memory(mapped(task_context(store=TaskStateInMemory())))
        assert memory(mapped(task_context(store=TaskStateInMemory())), shard=(1, 2)).record.shard == (1, 2)


class TestConnection:
    def test_it_is_used_where_it_is_given_whatever_else_there_is(self, monkeypatch, tmp_path):
        ledger = {"conn_type": "sqlite", "host": str(tmp_path / "ledger.db")}
        monkeypatch.setenv("AIRFLOW_CONN_CALL_LEDGER", json.dumps(ledger))
        store = TaskStateInMemory()
        given = memory(mapped(task_context(store=store, try_number=2)), ledger_conn_id="call_ledger")
        assert given.name == 'connection "call_ledger"'
        with given.ledger as ledger:
            ledger.commit(claim=[Claim(key=NUMBER, number=NUMBER)])
        assert store.texts == {}

    @pytest.mark.parametrize("conn_type", ["http", "callkaro", "no_such_type", ""])
    def test_one_that_is_no_sql_database_is_refused_by_name(self, monkeypatch, conn_type):
        given = {"conn_type": conn_type, "host": "example.com", "password": "a-secret"}
        monkeypatch.setenv("AIRFLOW_CONN_VENDOR", json.dumps(given))
        refusal = f'ledger_conn_id "vendor" is a connection of type "{conn_type}", which is no SQL'
        with pytest.raises(ConfigurationError, match=refusal):
            memory(task_context(), ledger_conn_id="vendor")
