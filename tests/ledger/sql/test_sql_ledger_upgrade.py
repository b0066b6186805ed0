"""A table that an earlier version has created, and filled by its workers' clocks, goes on working as it stands."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy
from ledger_contract import NUMBER, OTHER_NUMBER, accept, claim, everything

from airflow_provider_callkaro.ledger.contract import CallCaps, Claim, Entry, EntryState, OverCap
from airflow_provider_callkaro.ledger.sql.ledger import SqlLedger
from airflow_provider_callkaro.ledger.sql.scopes import scopes_of
from airflow_provider_callkaro.ledger.sql.table import CREATE_TABLE

OLD_RUN = "an old run"


@pytest.fixture
def engine(empty_database_url: str) -> Iterator[sqlalchemy.Engine]:
    engine = sqlalchemy.create_engine(empty_database_url)
    whole_seconds = CREATE_TABLE.replace("TIMESTAMP", "DATETIME") if "mysql" in empty_database_url else CREATE_TABLE
    with engine.begin() as connection:
        connection.exec_driver_sql(whole_seconds)
    yield engine
    engine.dispose()


def old_row(engine: sqlalchemy.Engine, number: str, *, state: str, age: timedelta) -> None:
    """Write a call as an earlier version did: with the time of a worker, in microseconds."""
    (scope,) = scopes_of(["calls"])
    claimed_at = (datetime.now(UTC) - age).replace(tzinfo=None).isoformat(" ", "microseconds")
    row = {
        "id": scope.id_of(number),
        "number": number[1:],
        "key": number,
        "state": state,
        "at": claimed_at,
        "run": OLD_RUN,
    }
    insert = sqlalchemy.text(
        "INSERT INTO voice_call_ledger (id, scope, call_key, number, state, run, owner, turn, redials, claimed_at) "
        "VALUES (:id, 'calls', :key, :number, :state, :run, 'somebody', 1, 0, :at)"
    )
    with engine.begin() as connection:
        connection.execute(insert, row)


def test_an_old_claim_keeps_its_lease_and_an_old_call_its_outcome(engine) -> None:
    old_row(engine, NUMBER, state="claimed", age=timedelta(minutes=58))
    old_row(engine, OTHER_NUMBER, state="claimed", age=timedelta(minutes=62))
    old_row(engine, "+919876500003", state="accepted", age=timedelta(days=3))
    with SqlLedger(engine, scope="calls", run="a new run") as ledger:
        entries = everything(ledger, NUMBER, OTHER_NUMBER, "+919876500003")
        assert [entry.state for entry in entries.values()] == [
            EntryState.CLAIMED,
            EntryState.UNKNOWN,
            EntryState.ACCEPTED,
        ]
        lost = ledger.commit(claim=[claim(key, replaces=entries[key]) for key in (NUMBER, OTHER_NUMBER)])
        assert lost == {NUMBER: Entry(state=EntryState.CLAIMED, this_run=False)}


def test_old_calls_count_for_caps_and_new_ones_are_settled(engine) -> None:
    old_row(engine, NUMBER, state="accepted", age=timedelta(days=3))
    weekly = CallCaps(max_calls=1, per=timedelta(days=7))
    with SqlLedger(engine, scope="other calls", run="a new run", caps=weekly) as ledger:
        wanted = [Claim(key=number, number=number) for number in (NUMBER, OTHER_NUMBER)]
        assert ledger.commit(claim=wanted) == {NUMBER: OverCap()}
        ledger.commit(settle=[accept(OTHER_NUMBER)])
        assert everything(ledger, OTHER_NUMBER)[OTHER_NUMBER].state is EntryState.ACCEPTED
        assert len(ledger.called_since([NUMBER], datetime.now(UTC) - timedelta(days=4))[NUMBER]) == 1
