"""What the SQL ledger makes of a database that forgets what it has acknowledged, and how it keeps it from doing so."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator

import pytest
import sqlalchemy
from ageing_ledger import let_time_pass
from ledger_contract import AN_HOUR_AND_MORE, NUMBER, OTHER_NUMBER, accept, claim, everything, reject, release
from ledger_databases import database_on

from airflow_provider_callkaro.ledger.contract import Entry, EntryState
from airflow_provider_callkaro.ledger.sql.ledger import SqlLedger


@pytest.fixture
def forget(engine: sqlalchemy.Engine, scope: str) -> Callable[[], None]:
    """Lose every row of the test, as a failover to a replica that has not got them does."""

    def forget() -> None:
        with engine.begin() as connection:
            connection.execute(sqlalchemy.text("DELETE FROM voice_call_ledger WHERE scope LIKE :s"), {"s": f"{scope}%"})

    return forget


@pytest.fixture
def ledger(engine: sqlalchemy.Engine, scope: str) -> Iterator[SqlLedger]:
    with SqlLedger(engine, scope=scope, also=[f"{scope} also"], run="monday") as ledger:
        yield ledger


@pytest.fixture
def warnings(caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    caplog.set_level(logging.WARNING, logger="airflow_provider_callkaro")
    return lambda: [record.getMessage() for record in caplog.records]


def test_whoever_was_rung_is_known_although_the_database_has_lost_the_claim(
    ledger, engine, scope, forget, warnings
) -> None:
    ledger.commit(claim=[claim(), claim(OTHER_NUMBER)])
    forget()
    ledger.commit(settle=[accept(), reject(OTHER_NUMBER)])
    for name in (scope, f"{scope} also"):
        with SqlLedger(engine, scope=name, run="monday") as retry:
            assert everything(retry, NUMBER, OTHER_NUMBER) == {
                NUMBER: Entry(state=EntryState.ACCEPTED, this_run=True, call_id="call-1"),
                OTHER_NUMBER: Entry(
                    state=EntryState.REJECTED, this_run=True, reason="bad_number", detail="the agent is unknown"
                ),
            }
    (warning,) = warnings()
    assert "lost 2 calls" in warning
    assert NUMBER[1:] not in warning


def test_the_rows_that_are_still_there_are_settled_beside_those_that_are_gone(ledger, forget, warnings) -> None:
    ledger.commit(claim=[claim()])
    forget()
    ledger.commit(claim=[claim(OTHER_NUMBER)])
    ledger.commit(settle=[accept(), accept(OTHER_NUMBER)])
    assert {entry.state for entry in everything(ledger, NUMBER, OTHER_NUMBER).values()} == {EntryState.ACCEPTED}
    assert "lost 1 calls" in warnings()[0]


def test_what_another_run_has_taken_over_is_left_to_it_and_told(engine, scope, warnings) -> None:
    with (
        SqlLedger(engine, scope=scope, run="monday") as monday,
        SqlLedger(engine, scope=scope, run="tuesday") as tuesday,
    ):
        monday.commit(claim=[claim(), claim(OTHER_NUMBER)])
        let_time_pass(engine, AN_HOUR_AND_MORE, scope=scope)
        standing = everything(tuesday, NUMBER, OTHER_NUMBER)
        tuesday.commit(claim=[claim(key, replaces=standing[key]) for key in standing])
        monday.commit(settle=[accept(call_id="late"), release(OTHER_NUMBER)])
        claimed = Entry(state=EntryState.CLAIMED, this_run=False, redials=1)
        assert everything(monday, NUMBER, OTHER_NUMBER) == {NUMBER: claimed, OTHER_NUMBER: claimed}
    (warning,) = warnings()
    assert warning.startswith("2 calls of this try were taken over")


def test_a_redial_that_the_database_has_lost_is_known_as_one_once_it_is_settled(ledger, engine, scope) -> None:
    with SqlLedger(engine, scope=scope, also=[f"{scope} also"], run="monday") as earlier:
        earlier.commit(claim=[claim()])
        earlier.commit(settle=[reject()])
    with engine.connect() as connection:
        query = sqlalchemy.text("SELECT * FROM voice_call_ledger WHERE scope LIKE :s")
        replica = [dict(row) for row in connection.execute(query, {"s": f"{scope}%"}).mappings()]
    ledger.commit(claim=[claim(replaces=everything(ledger)[NUMBER])])
    with engine.begin() as connection:
        connection.execute(sqlalchemy.text("DELETE FROM voice_call_ledger WHERE scope LIKE :s"), {"s": f"{scope}%"})
        columns = list(replica[0])
        insert = f"INSERT INTO voice_call_ledger ({', '.join(columns)}) VALUES (:{', :'.join(columns)})"
        connection.execute(sqlalchemy.text(insert), replica)
    ledger.commit(settle=[accept(call_id="call-2")])
    expected = Entry(state=EntryState.ACCEPTED, this_run=True, call_id="call-2", redials=1)
    assert everything(ledger) == {NUMBER: expected}


def test_a_claim_that_is_gone_when_it_is_given_up_is_told_and_stays_free(ledger, forget, warnings) -> None:
    ledger.commit(claim=[claim()])
    forget()
    ledger.commit(settle=[release()])
    assert everything(ledger) == {}
    (warning,) = warnings()
    assert "lost 1 claims before they were given up" in warning


def test_an_ordinary_run_is_told_nothing_and_asks_nothing_more(ledger, engine, warnings) -> None:
    keys = [f"+9198765{index:05d}" for index in range(100)]
    ledger.commit(claim=[claim(key) for key in keys])
    statements: list[str] = []
    sqlalchemy.event.listen(engine, "before_cursor_execute", lambda *call: statements.append(call[2].split()[0]))
    ledger.commit(settle=[*map(accept, keys[:50]), *map(release, keys[50:])])
    ledger.commit(settle=[release(keys[0])])  # once more, by mistake
    assert [one for one in statements if one not in ("BEGIN", "SAVEPOINT")] == ["DELETE", "UPDATE", "DELETE"]
    assert warnings() == []


def settings_at_each_claim(engine: sqlalchemy.Engine, query: str) -> list[str]:
    """What the database says to the query in the very transactions that claim."""
    seen: list[str] = []

    def look(connection, cursor, statement, *_) -> None:
        if statement.startswith("INSERT INTO voice_call_ledger"):
            own = connection.connection.cursor()
            own.execute(query)
            seen.append(str(own.fetchone()[0]))

    sqlalchemy.event.listen(engine, "before_cursor_execute", look)
    return seen


def test_a_claim_in_sqlite_is_on_the_disk_when_it_is_acknowledged(tmp_path) -> None:
    engine = sqlalchemy.create_engine(f"sqlite:///{tmp_path / 'calls.db'}")
    seen = settings_at_each_claim(engine, "PRAGMA synchronous")
    with SqlLedger(engine, scope="s", run="monday") as ledger:
        ledger.commit(claim=[claim()])
    assert seen == ["2"]  # FULL
    engine.dispose()


@pytest.mark.services
@pytest.mark.parametrize(
    ("default", "asked_for"),
    [("off", "on"), ("local", "on"), ("on", "on"), ("remote_write", "remote_write"), ("remote_apply", "remote_apply")],
)
def test_a_claim_in_postgresql_is_on_the_disk_when_it_is_acknowledged(
    postgresql_url, scope, default, asked_for
) -> None:
    options = {"options": f"-c synchronous_commit={default}"}
    engine = sqlalchemy.create_engine(postgresql_url, connect_args=options)
    seen = settings_at_each_claim(engine, "SHOW synchronous_commit")
    with SqlLedger(engine, scope=scope, run="monday") as ledger:
        ledger.commit(claim=[claim()])
    assert seen == [asked_for]
    engine.dispose()


@pytest.mark.services
def test_a_mariadb_that_does_not_write_each_commit_to_its_disk_is_told_of_once(mariadb, warnings) -> None:
    with database_on(mariadb) as url:
        engine = sqlalchemy.create_engine(url)
        told: list[str] = []
        for value in (2, 1):
            with engine.begin() as connection:
                before = connection.exec_driver_sql("SELECT @@GLOBAL.innodb_flush_log_at_trx_commit").scalar()
                connection.exec_driver_sql(f"SET GLOBAL innodb_flush_log_at_trx_commit = {value}")
            try:
                with SqlLedger(engine, scope="s", run=f"run {value}") as ledger:
                    ledger.commit(claim=[claim()])
            finally:
                with engine.begin() as connection:
                    connection.exec_driver_sql(f"SET GLOBAL innodb_flush_log_at_trx_commit = {before}")
            told.append(" | ".join(warnings()))
        assert told[0].count("innodb_flush_log_at_trx_commit") == 1
        assert told[1] == told[0]
        engine.dispose()
