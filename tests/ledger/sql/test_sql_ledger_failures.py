"""What the SQL ledger makes of a database that breaks, refuses or cannot spell."""

from __future__ import annotations

import logging
import secrets
import sqlite3
import traceback
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta

import pytest
import sqlalchemy
from ageing_ledger import let_time_pass
from cutting_proxy import Cut, CuttingProxy
from ledger_contract import NUMBER, accept, claim, everything, reject, release
from ledger_databases import database_on
from sqlalchemy.engine import make_url

from airflow_provider_callkaro.exceptions import LedgerError
from airflow_provider_callkaro.ledger.contract import Entry, EntryState, Settlement
from airflow_provider_callkaro.ledger.sql.ledger import SqlLedger

SERVERS = ["postgresql", "mariadb"]
KEY, CALL_ID = "customer 7", "call-77"


@pytest.fixture(params=SERVERS)
def proxy(request: pytest.FixtureRequest) -> Iterator[CuttingProxy]:
    server = request.getfixturevalue(request.param)
    with CuttingProxy(host=server.host, port=server.port) as proxy:
        proxy.direct_url = make_url(request.getfixturevalue(f"{request.param}_url"))
        proxy.url = proxy.direct_url.set(port=proxy.port)
        if request.param == "postgresql":
            proxy.url = proxy.url.update_query_dict({"sslmode": "disable"})
        yield proxy


@pytest.fixture
def fragile(proxy: CuttingProxy, scope: str) -> Iterator[SqlLedger]:
    """A ledger of run "monday" behind the proxy."""
    engine = sqlalchemy.create_engine(proxy.url)
    with SqlLedger(engine, scope=scope, run="monday", sleep=[].append) as ledger:
        yield ledger
    engine.dispose()


@pytest.mark.services
class TestBrokenConnection:
    """The connection is cut in the middle; the dispatcher notices nothing."""

    @pytest.mark.parametrize("where", Cut)
    def test_a_commit_without_an_answer_is_neither_lost_nor_done_twice(self, fragile, proxy, where) -> None:
        fragile.commit(claim=[claim("old"), claim("redialled"), claim("given up")])
        fragile.commit(settle=[reject("old"), reject("redialled"), reject("given up")])
        before = everything(fragile, "old", "redialled", "given up")
        fragile.commit(claim=[claim("accepted"), claim("again"), claim("given up", replaces=before["given up"])])
        fragile.commit(claim=[claim("rejected")])
        rejected = Entry(state=EntryState.REJECTED, this_run=True)
        proxy.cut(where)
        lost = fragile.commit(
            settle=[accept("accepted"), release("again"), release("given up"), reject("rejected")],
            claim=[
                *(claim("old"), claim("new"), claim("again")),
                *(claim("redialled", replaces=before["redialled"]), claim("rejected", replaces=rejected)),
            ],
        )
        assert proxy.cuts == 1
        assert lost == {"old": before["old"]}
        assert everything(fragile, "accepted", "given up", "again", "redialled", "rejected") == {
            "accepted": Entry(state=EntryState.ACCEPTED, this_run=True, call_id="call-1"),
            "given up": before["given up"],
            "again": Entry(state=EntryState.UNKNOWN, this_run=True),
            "redialled": Entry(state=EntryState.UNKNOWN, this_run=True, redials=1),
            "rejected": Entry(state=EntryState.UNKNOWN, this_run=True, redials=1),
        }
        fragile.commit(settle=[accept("new"), release("again"), release("redialled")])
        found = everything(fragile, "new", "again", "redialled")
        assert found["new"].state is EntryState.ACCEPTED
        assert found["redialled"] == before["redialled"]
        assert "again" not in found

    def test_a_connection_that_broke_during_a_long_pause_is_opened_again(self, fragile, proxy) -> None:
        fragile.commit(claim=[claim()])
        proxy.cut_everything()
        fragile.commit(settle=[accept()])
        proxy.cut_everything()
        assert everything(fragile)[NUMBER].state is EntryState.ACCEPTED

    def test_a_redial_that_another_run_snatched_while_the_connection_was_down_is_forgotten(self, proxy, scope) -> None:
        direct, behind_proxy = (sqlalchemy.create_engine(url) for url in (proxy.direct_url, proxy.url))
        with (
            SqlLedger(direct, scope=scope, run="sunday") as sunday,
            SqlLedger(direct, scope=scope, run="monday") as monday,
        ):
            sunday.commit(claim=[claim()])
            let_time_pass(direct, timedelta(days=1), scope=scope)
            orphan = everything(monday)[NUMBER]

            def snatch(_: float) -> None:
                assert monday.commit(claim=[claim(replaces=orphan)]) == {}

            with SqlLedger(behind_proxy, scope=scope, run="tuesday", sleep=snatch) as tuesday:
                proxy.cut(Cut.BEFORE_COMMIT)
                assert set(tuesday.commit(claim=[claim(replaces=orphan)])) == {NUMBER}
                monday.commit(settle=[release()])
                sunday.commit(settle=[release()])
                assert tuesday.commit(claim=[claim()]) == {}
                tuesday.commit(settle=[release()])
                assert everything(tuesday) == {}

    def test_a_database_that_stays_away_stops_the_run_in_the_end(self, proxy, scope, caplog) -> None:
        waits: list[float] = []
        engine = sqlalchemy.create_engine(proxy.url)
        with SqlLedger(engine, scope=scope, run="monday", sleep=waits.append, random=lambda: 0.5) as ledger:
            ledger.commit(claim=[claim()])
            proxy.go_away()
            with pytest.raises(LedgerError, match="could not be written"):
                ledger.commit(settle=[accept()], claim=[claim("customer 7")])
        assert len(waits) == 9
        assert waits == sorted(waits)
        assert 10 < sum(waits) < 30
        assert "trying again" in caplog.text
        assert NUMBER[1:] not in caplog.text


def test_no_error_of_the_database_carries_a_number_or_a_key_into_the_log(empty_database_url, caplog) -> None:
    caplog.set_level(logging.DEBUG)
    engine = sqlalchemy.create_engine(empty_database_url)
    with SqlLedger(engine, scope="calls", run="monday") as ledger:
        with engine.begin() as connection:
            connection.exec_driver_sql("DROP TABLE voice_call_ledger")
        for broken in (
            lambda: ledger.commit(claim=[claim(KEY)]),
            lambda: ledger.commit(settle=[accept(KEY, call_id=CALL_ID)]),
            lambda: ledger.state_of([KEY]),
        ):
            with pytest.raises(LedgerError, match=engine.dialect.name) as caught:
                broken()
            told = "".join(traceback.format_exception(caught.value)) + caplog.text
            assert caught.value.__context__ is None
            for secret in (NUMBER[1:], KEY, CALL_ID):
                assert secret not in told
    engine.dispose()


@pytest.mark.services
@pytest.mark.parametrize("kind", SERVERS)
def test_a_user_who_may_not_create_tables_can_use_one_that_is_there(kind, request) -> None:
    server = request.getfixturevalue(kind)
    user = f"callkaro_{secrets.token_hex(4)}"
    tables = ("voice_call_ledger", "voice_call_scopes")
    grants = [f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO {user}" for table in tables]
    grant, revoke = {
        "postgresql": (
            [f"CREATE ROLE {user} LOGIN", *grants],
            [f"DROP OWNED BY {user}", f"DROP ROLE {user}"],
        ),
        "mariadb": (
            [f"CREATE USER {user}@'127.0.0.1'", *(f"{grant}@'127.0.0.1'" for grant in grants)],
            [f"DROP USER {user}@'127.0.0.1'"],
        ),
    }[kind]
    with database_on(server) as url:
        owner = sqlalchemy.create_engine(url)
        guest = sqlalchemy.create_engine(make_url(url).set(username=user))
        with SqlLedger(owner, scope="calls", run="monday"):
            pass
        try:
            with owner.begin() as connection:
                for statement in grant:
                    connection.exec_driver_sql(statement)
            with SqlLedger(guest, scope="calls", run="monday") as ledger:
                assert ledger.commit(claim=[claim()]) == {}
            with owner.begin() as connection:
                connection.exec_driver_sql("DROP TABLE voice_call_ledger")
            with pytest.raises(LedgerError, match="could not be opened"), SqlLedger(guest, scope="calls", run="monday"):
                pass
        finally:
            guest.dispose()
            with owner.begin() as connection:
                for statement in revoke:
                    connection.exec_driver_sql(statement)
            owner.dispose()


@pytest.mark.services
@pytest.mark.parametrize(
    ("kind", "options", "query"),
    [
        ("postgresql", "ENCODING 'LATIN1' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'", {}),
        ("mariadb", "", {"charset": "latin1"}),
        ("mariadb", "", {"charset": "utf8mb3"}),
    ],
)
def test_a_database_that_cannot_spell_a_message_still_keeps_the_outcome(kind, options, query, request) -> None:
    with database_on(request.getfixturevalue(kind), options=options) as url:
        engine = sqlalchemy.create_engine(make_url(url).update_query_dict(query))
        with SqlLedger(engine, scope="पुकार", run="मंडे", sleep=[].append) as ledger:
            assert ledger.commit(claim=[claim("अन्ना 👩")]) == {}
            settled = Settlement(key="अन्ना 👩", state=EntryState.REJECTED, detail="एजेंट नहीं मिला 👩")
            ledger.commit(settle=[settled])
        with SqlLedger(engine, scope="पुकार", run="मंडे") as ledger:
            entry = ledger.state_of(["अन्ना 👩"])["अन्ना 👩"]
            assert entry.state is EntryState.REJECTED
            assert entry.this_run is True
            assert entry.detail
        engine.dispose()


def test_a_task_timeout_in_the_middle_of_a_commit_leaves_the_ledger_usable(engine, scope) -> None:
    class TaskTimeout(BaseException):
        pass

    def interrupt(connection, cursor, statement, *_) -> None:
        if armed and statement.startswith("UPDATE"):
            armed.pop()
            raise TaskTimeout

    armed: list[str] = []
    sqlalchemy.event.listen(engine, "before_cursor_execute", interrupt)
    with SqlLedger(engine, scope=scope, run="monday") as ledger:
        ledger.commit(claim=[claim()])
        armed.append("now")
        with pytest.raises(TaskTimeout):
            ledger.commit(settle=[accept()], claim=[claim("customer 7")])
        assert "customer 7" not in everything(ledger, "customer 7")
        ledger.commit(settle=[accept()])
        assert everything(ledger)[NUMBER].state is EntryState.ACCEPTED


@pytest.mark.parametrize("word", ["INSERT", "SELECT"])
def test_a_task_timeout_in_the_middle_of_a_statement_leaves_no_lock_behind(tmp_path, word) -> None:
    """Whoever handles the timeout still has its traceback, and with it all that the frames in it held."""

    class TaskTimeout(BaseException):
        pass

    def interrupt(connection, cursor, statement, *_) -> None:
        if armed and statement.startswith(word):
            armed.clear()
            raise TaskTimeout

    path, armed = tmp_path / "ledger.db", []
    engine = sqlalchemy.create_engine(f"sqlite:///{path}")
    sqlalchemy.event.listen(engine, "after_cursor_execute", interrupt)
    with SqlLedger(engine, scope="calls", run="monday") as ledger:
        ledger.commit(claim=[claim(), claim("customer 7")])
        armed.append("now")
        try:
            ledger.commit(settle=[accept(), release("customer 7")], claim=[claim(), claim("customer 8")])
        except TaskTimeout:
            with closing(sqlite3.connect(path, timeout=0)) as somebody_else:
                somebody_else.execute("BEGIN IMMEDIATE")
        assert not armed
    engine.dispose()


def test_somebody_who_reads_the_table_does_not_hold_up_the_calls(engine, scope) -> None:
    with SqlLedger(engine, scope=scope, run="monday") as ledger, engine.connect() as reader:
        ledger.commit(claim=[claim()])
        reading = reader.execute(sqlalchemy.text("SELECT scope FROM voice_call_ledger"))
        ledger.commit(settle=[accept()])
        assert (scope,) in reading.all()


def test_the_other_users_of_the_engine_keep_their_transactions(engine, scope) -> None:
    with SqlLedger(engine, scope=scope, run="monday") as ledger:
        ledger.commit(claim=[claim()])
        ledger.commit(settle=[accept()])
    with engine.connect() as connection:
        transaction = connection.begin()
        connection.execute(sqlalchemy.text("DELETE FROM voice_call_ledger WHERE scope = :scope"), {"scope": scope})
        transaction.rollback()
    with SqlLedger(engine, scope=scope, run="monday") as ledger:
        assert everything(ledger)[NUMBER].state is EntryState.ACCEPTED
