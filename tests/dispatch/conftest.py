"""One sandbox for the session, fresh for each test, and somebody who places calls at it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy

from airflow_provider_callkaro.ledger.contract import CallLedger
from airflow_provider_callkaro.ledger.memory import MemoryLedger, MemoryStore
from airflow_provider_callkaro.ledger.sql.ledger import SqlLedger
from airflow_provider_callkaro.sandbox import Sandbox

pytest.register_assert_rewrite("placing_calls", "histories")

from placing_calls import DND_NUMBER, Caller  # noqa: E402 - its asserts are rewritten first


@pytest.fixture(scope="session")
def shared_sandbox() -> Iterator[Sandbox]:
    with Sandbox(do_not_disturb=[DND_NUMBER]) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(shared_sandbox: Sandbox) -> Iterator[Sandbox]:
    shared_sandbox.start()  # a test may have stopped it
    shared_sandbox.reset()
    yield shared_sandbox
    shared_sandbox.reset()


@pytest.fixture
def caller(sandbox: Sandbox) -> Caller:
    """Places calls with ledgers in memory, all runs in one scope."""
    store = MemoryStore()

    def open_ledger(run: str) -> CallLedger:
        return MemoryLedger(scope="calls", run=run, store=store)

    return Caller(sandbox, open_ledger)


@pytest.fixture
def durable_caller(sandbox: Sandbox, tmp_path: Path) -> Iterator[Caller]:
    """Places calls with SQL ledgers in one SQLite file, all runs in one scope."""
    engine = sqlalchemy.create_engine(f"sqlite:///{tmp_path / 'ledger.db'}")

    def open_ledger(run: str) -> CallLedger:
        return SqlLedger(engine, scope="calls", run=run)

    yield Caller(sandbox, open_ledger)
    engine.dispose()
