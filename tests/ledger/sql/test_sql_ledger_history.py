"""How often a person was called, over all scopes that share a SQL ledger: what caps and gaps stand on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import Engine

from airflow_provider_callkaro.ledger.contract import Claim, EntryState, Settlement
from airflow_provider_callkaro.ledger.sql.ledger import SqlLedger

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
NUMBER, OTHER = "+919876500001", "+919876500002"


@pytest.fixture
def engine(tmp_path: object) -> Engine:
    return create_engine(f"sqlite:///{tmp_path}/ledger.db")


def called(engine: Engine, scope: str, *, at: datetime, state: EntryState | str | None) -> None:
    """Call both numbers in a scope; the second one's call is settled as ``state``, or left claimed."""
    with SqlLedger(engine, scope=scope, run=scope) as ledger:
        ledger.commit(claim=[Claim(key=number, number=number) for number in (NUMBER, OTHER)])
        ledger.commit(settle=[Settlement(key=NUMBER, state=EntryState.ACCEPTED)])
        if state != "claimed":
            ledger.commit(settle=[Settlement(key=OTHER, state=state)])
    with engine.begin() as connection:
        moved = {"at": at.strftime("%Y-%m-%d %H:%M:%S.000000"), "scope": scope}
        connection.execute(text("UPDATE voice_call_ledger SET claimed_at = :at WHERE scope = :scope"), moved)


@pytest.mark.parametrize(
    ("state", "counts"),
    [
        (EntryState.ACCEPTED, True),
        (EntryState.UNKNOWN, True),
        ("claimed", True),
        (EntryState.REJECTED, False),
        (None, False),
    ],
)
def test_a_call_that_may_have_rung_counts_in_every_scope_and_one_that_did_not_does_not(
    engine: Engine, state: EntryState | str | None, counts: bool
) -> None:
    called(engine, "monday", at=NOON - timedelta(days=2), state=state)
    called(engine, "tuesday", at=NOON - timedelta(days=1), state=state)
    with SqlLedger(engine, scope="wednesday", run="wednesday") as ledger:
        history = ledger.called_since([NUMBER, OTHER, "+919876500003"], NOON - timedelta(days=30))
    days = [NOON - timedelta(days=2), NOON - timedelta(days=1)]
    assert sorted(history[NUMBER]) == days
    assert sorted(history.get(OTHER, [])) == (days if counts else [])
    assert "+919876500003" not in history


def test_calls_before_the_span_do_not_count(engine: Engine) -> None:
    called(engine, "last month", at=NOON - timedelta(days=31), state=EntryState.ACCEPTED)
    with SqlLedger(engine, scope="now", run="now") as ledger:
        assert ledger.called_since([NUMBER], NOON - timedelta(days=30)) == {}
