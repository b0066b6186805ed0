"""A ledger over two scopes keeps every promise, and knows whom the scope before has rung."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy
from ledger_contract import NUMBER, OTHER_NUMBER, SharedLedgerContract, accept, claim, everything

from airflow_provider_callkaro.ledger.contract import EntryState, Settlement
from airflow_provider_callkaro.ledger.sql import SqlLedger
from airflow_provider_callkaro.ledger.two_scopes import TwoScopesLedger


@pytest.fixture
def engine(tmp_path):
    engine = sqlalchemy.create_engine(f"sqlite:///{tmp_path / 'ledger.db'}")
    yield engine
    engine.dispose()


@pytest.fixture
def make_ledger(engine):
    def make(*, run: str, scope: str = "calls") -> TwoScopesLedger:
        before = SqlLedger(engine, scope=f"{scope} of {run}", run=run)
        return TwoScopesLedger(SqlLedger(engine, scope=scope, run=run), before=before)

    return make


@pytest.fixture
def before(engine):
    """The scope before of Monday's run."""
    with SqlLedger(engine, scope="calls of monday", run="monday") as ledger:
        yield ledger


class TestTwoScopesLedger(SharedLedgerContract):
    """The contract holds in the scope in which calls are claimed; what stands in the other is known besides."""

    def test_whom_the_scope_before_has_rung_is_not_rung_again(self, make_ledger, before) -> None:
        before.commit(claim=[claim()])
        before.commit(settle=[accept()])
        with make_ledger(run="monday") as ledger:
            assert everything(ledger)[NUMBER].state is EntryState.ACCEPTED
            lost = ledger.commit(claim=[claim(), claim(OTHER_NUMBER)])
            assert {key: (entry.state, entry.this_run) for key, entry in lost.items()} == {
                NUMBER: (EntryState.ACCEPTED, True)
            }

    def test_not_even_a_redial_rings_somebody_of_the_scope_before(self, make_ledger, before) -> None:
        before.commit(claim=[claim()])
        before.commit(settle=[Settlement(key=NUMBER, state=EntryState.UNKNOWN, reason="no_answer")])
        with make_ledger(run="monday") as ledger:
            standing = everything(ledger)
            assert ledger.commit(claim=[claim(replaces=standing[NUMBER])]) == standing

    def test_the_scope_before_of_another_run_is_none_of_its_business(self, make_ledger, before) -> None:
        before.commit(claim=[claim()])
        before.commit(settle=[accept()])
        with make_ledger(run="tuesday") as ledger:
            assert ledger.commit(claim=[claim()]) == {}

    def test_caps_count_in_every_scope(self, make_ledger, before) -> None:
        before.commit(claim=[claim()])
        before.commit(settle=[accept()])
        with make_ledger(run="monday") as ledger:
            assert list(ledger.called_since([NUMBER], datetime.now(UTC) - timedelta(days=1))) == [NUMBER]
