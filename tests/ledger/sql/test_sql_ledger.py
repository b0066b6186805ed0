"""The SQL ledger keeps every ledger's promises, on each database that it may live in."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

import ageing_ledger
import pytest
import sqlalchemy
from ledger_contract import (
    AN_HOUR_AND_MORE,
    INDIA,
    NUMBER,
    OTHER_NUMBER,
    accept,
    claim,
    everything,
    reject,
    release,
)
from shared_ledger_contract import LegacyContract, SharedLedgerContract

from airflow_provider_callkaro.exceptions import ConfigurationError, LedgerError
from airflow_provider_callkaro.ledger.contract import CLAIM_LEASE, Claim, Entry, EntryState, Settlement
from airflow_provider_callkaro.ledger.sql.dialects import statements_for
from airflow_provider_callkaro.ledger.sql.ledger import SqlLedger
from airflow_provider_callkaro.ledger.sql.values import as_instant


@pytest.fixture
def make_ledger(engine: sqlalchemy.Engine, scope: str):
    test = scope

    def make(*, run: str, scope: str = "calls", also: Sequence[str] = ()) -> SqlLedger:
        further = [f"{test}/{name}" for name in also]
        return SqlLedger(engine, scope=f"{test}/{scope}", also=further, run=run)

    return make


@pytest.fixture
def let_time_pass(engine: sqlalchemy.Engine, scope: str):
    return lambda by: ageing_ledger.let_time_pass(engine, by, scope=f"{scope}/%")


@pytest.fixture
def table(engine: sqlalchemy.Engine, scope: str) -> Callable[[str], list[sqlalchemy.Row]]:
    """The rows of this test as anybody sees them who looks into the database."""

    def rows(columns: str = "*") -> list[sqlalchemy.Row]:
        with engine.connect() as connection:
            query = f"SELECT {columns} FROM voice_call_ledger WHERE scope LIKE :scope ORDER BY number"
            return list(connection.execute(sqlalchemy.text(query), {"scope": f"{scope}/%"}))

    return rows


class TestSqlLedger(SharedLedgerContract):
    """The contract, and what only a ledger with a clock and a table promises."""

    def test_a_claim_that_another_run_left_open_is_unknown_once_nobody_can_be_ringing(
        self, make_ledger, let_time_pass
    ) -> None:
        with make_ledger(run="monday") as monday, make_ledger(run="tuesday") as tuesday:
            monday.commit(claim=[claim()])
            let_time_pass(timedelta(minutes=58))
            assert everything(tuesday)[NUMBER] == Entry(state=EntryState.CLAIMED, this_run=False)
            let_time_pass(timedelta(minutes=3))
            assert everything(tuesday)[NUMBER] == Entry(state=EntryState.UNKNOWN, this_run=False)

    def test_an_orphaned_call_can_be_redialled_and_its_old_owner_no_longer_settles_it(
        self, make_ledger, let_time_pass
    ) -> None:
        with make_ledger(run="monday") as monday, make_ledger(run="tuesday") as tuesday:
            monday.commit(claim=[claim()])
            let_time_pass(2 * CLAIM_LEASE)
            assert tuesday.commit(claim=[claim(replaces=everything(tuesday)[NUMBER])]) == {}
            for late in (accept(call_id="late"), reject(), release()):
                monday.commit(settle=[late])
                assert everything(monday)[NUMBER] == Entry(state=EntryState.CLAIMED, this_run=False, redials=1)
            tuesday.commit(settle=[accept(call_id="call-2")])
            assert everything(monday)[NUMBER].call_id == "call-2"

    def test_a_call_that_nobody_made_in_the_end_leaves_nothing_behind(self, make_ledger, let_time_pass) -> None:
        with make_ledger(run="monday") as monday, make_ledger(run="tuesday") as tuesday:
            monday.commit(claim=[claim()])
            let_time_pass(2 * CLAIM_LEASE)
            tuesday.commit(claim=[claim(replaces=everything(tuesday)[NUMBER])])
            tuesday.commit(settle=[release()])
            monday.commit(settle=[release()])
            tuesday.commit(claim=[claim()])
            tuesday.commit(settle=[release()])
            assert everything(tuesday) == {}

    def test_an_earlier_try_that_still_lives_does_not_undo_what_the_next_one_did(
        self, make_ledger, let_time_pass
    ) -> None:
        with make_ledger(run="monday") as first, make_ledger(run="monday") as second:
            first.commit(claim=[claim()])
            let_time_pass(AN_HOUR_AND_MORE)
            second.commit(claim=[claim(replaces=everything(second)[NUMBER])])
            first.commit(settle=[release()])
            second.commit(settle=[accept()])
            first.commit(settle=[reject()])
            assert everything(first)[NUMBER].state is EntryState.ACCEPTED

    def test_an_outcome_is_not_released_by_mistake(self, make_ledger) -> None:
        with make_ledger(run="monday") as ledger:
            ledger.commit(claim=[claim()])
            ledger.commit(settle=[accept()])
            ledger.commit(settle=[release()])
            assert everything(ledger)[NUMBER].state is EntryState.ACCEPTED

    def test_an_outstanding_call_cannot_be_redialled_by_the_try_that_is_making_it(self, make_ledger) -> None:
        with make_ledger(run="monday") as ledger:
            ledger.commit(claim=[claim()])
            standing = everything(ledger)
            assert ledger.commit(claim=[claim(replaces=standing[NUMBER])]) == standing

    def test_a_redial_of_an_entry_that_somebody_deleted_is_an_ordinary_call(self, make_ledger, engine, table) -> None:
        with make_ledger(run="monday") as ledger:
            ledger.commit(claim=[claim()])
            ledger.commit(settle=[reject()])
            before = everything(ledger)[NUMBER]
            with engine.begin() as connection:
                connection.execute(
                    sqlalchemy.text("DELETE FROM voice_call_ledger WHERE scope = :scope"), {"scope": table()[0].scope}
                )
            assert ledger.commit(claim=[claim(replaces=before)]) == {}
            ledger.commit(settle=[accept()])
            assert everything(ledger)[NUMBER].redials == 0

    def test_a_key_given_twice_in_one_commit_is_refused_before_anything_is_written(self, make_ledger) -> None:
        with make_ledger(run="monday") as ledger:
            with pytest.raises(LedgerError, match="twice"):
                ledger.commit(claim=[claim(), claim()])
            assert everything(ledger) == {}

    def test_runs_with_long_names_are_still_told_apart(self, make_ledger) -> None:
        long = "backfill of the whole year, दोबारा " * 1_000
        with make_ledger(run=long + "a") as first, make_ledger(run=long + "b") as second:
            first.commit(claim=[claim()])
            assert everything(first)[NUMBER].this_run is True
            assert everything(second)[NUMBER].this_run is False
        with make_ledger(run=long + "a") as again:
            assert everything(again)[NUMBER].this_run is True

    def test_one_character_that_no_database_takes_does_not_spoil_the_message(self, make_ledger) -> None:
        with make_ledger(run="monday") as ledger:
            ledger.commit(claim=[claim()])
            message = "\x00एजेंट नहीं मिला \ud83d"
            ledger.commit(settle=[Settlement(key=NUMBER, state=EntryState.REJECTED, detail=message)])
            assert everything(ledger)[NUMBER].detail == " एजेंट नहीं मिला ?"

    def test_whoever_looks_into_the_table_finds_digits_times_in_utc_and_the_outcome(self, make_ledger, table) -> None:
        before = datetime.now(UTC)
        with make_ledger(run="monday") as ledger:
            ledger.commit(claim=[Claim(key="customer 7", number=OTHER_NUMBER)])
            ledger.commit(settle=[accept("customer 7")])
        (row,) = table("number, call_key, run, state, call_id, redials, claimed_at, settled_at")
        assert row[:6] == (OTHER_NUMBER[1:], "customer 7", "monday", "accepted", "call-1", 0)
        claimed_at, settled_at = (as_instant(at).replace(tzinfo=UTC) for at in row[6:])
        tolerance = timedelta(milliseconds=2)  # SQLite tells milliseconds
        assert before - tolerance <= claimed_at <= settled_at <= datetime.now(UTC) + tolerance

    def test_a_call_in_two_scopes_is_one_call_to_whoever_counts_the_table(self, make_ledger, table) -> None:
        anna, ben = (f"+9199{random.randrange(10**8):08d}" for _ in range(2))
        with make_ledger(run="monday", scope="a", also=["b"]) as ledger:
            ledger.commit(claim=[Claim(key=number, number=number) for number in (anna, ben)])
            ledger.commit(settle=[accept(anna)])
            called = ledger.called_since([anna, ben], datetime.now(UTC) - timedelta(minutes=5))
        assert sorted(map(tuple, table("state, number"))) == [
            ("accepted", anna[1:]),
            ("also accepted", ""),
            ("also claimed", ""),
            ("claimed", ben[1:]),
        ]
        assert {number: len(moments) for number, moments in called.items()} == {anna: 1, ben: 1}

    def test_the_calls_of_a_number_are_found_through_an_index(self, make_ledger, engine) -> None:
        with make_ledger(run="monday"):
            indexes = sqlalchemy.inspect(engine).get_indexes("voice_call_ledger")
        assert [index["column_names"] for index in indexes] == [["number", "claimed_at"]]

    def test_two_hundred_redials_need_no_statement_each(self, make_ledger, let_time_pass, engine) -> None:
        keys = [f"+9198765{index:05d}" for index in range(200)]
        with make_ledger(run="monday") as ledger:
            ledger.commit(claim=[claim(key) for key in keys])
        let_time_pass(AN_HOUR_AND_MORE)
        statements: list[str] = []
        with make_ledger(run="monday") as ledger:
            standing = ledger.state_of(keys)
            sqlalchemy.event.listen(engine, "before_cursor_execute", lambda *call: statements.append(call[2]))
            assert ledger.commit(claim=[claim(key, replaces=standing[key]) for key in keys]) == {}
            ledger.commit(settle=[release(key) for key in keys[:100]] + [accept(key) for key in keys[100:]])
            assert len(statements) <= 10
            found = ledger.state_of(keys)
        assert [found[key].state for key in keys] == [EntryState.UNKNOWN] * 100 + [EntryState.ACCEPTED] * 100
        assert [found[key].redials for key in keys] == [0] * 100 + [1] * 100


class TestLegacySpellings(LegacyContract):
    """A table that an earlier version has begun."""

    @pytest.fixture
    def make_ledger(self, engine: sqlalchemy.Engine, scope: str):
        return lambda *, run: SqlLedger(engine, scope=scope, run=run, legacy=INDIA)

    @pytest.fixture
    def age_version(self):
        """A row says nothing of the version that wrote it."""
        return lambda: None

    def test_calls_in_the_spelling_of_an_earlier_version_are_calls_to_that_person(self, make_ledger) -> None:
        digits = f"99{random.randrange(10**8):08d}"
        with make_ledger(run="monday") as ledger:
            ledger.commit(claim=[Claim(key=f"+910{digits}", number=f"+910{digits}")])
        with make_ledger(run="tuesday") as ledger:
            called = ledger.called_since([f"+91{digits}"], datetime.now(UTC) - timedelta(minutes=5))
        assert [len(moments) for moments in called.values()] == [1]

    def test_a_table_without_legacy_spellings_is_asked_for_none(self, empty_database_url) -> None:
        engine = sqlalchemy.create_engine(empty_database_url)
        statements: list[str] = []
        sqlalchemy.event.listen(engine, "before_cursor_execute", lambda *call: statements.append(str(call[2:4])))
        with SqlLedger(engine, scope="s", run="monday", legacy=INDIA) as ledger:
            opened = len(statements)
            assert ledger.commit(claim=[claim()]) == {}
            ledger.commit(settle=[accept()])
            plain = len(statements) - opened
            everything(ledger)
        with SqlLedger(engine, scope="s", run="monday") as ledger:
            opened = len(statements)
            ledger.commit(claim=[claim(OTHER_NUMBER)])
            ledger.commit(settle=[accept(OTHER_NUMBER)])
            assert len(statements) - opened == plain
        assert not any("9109876500001" in statement for statement in statements)
        engine.dispose()


def test_a_database_that_the_ledger_does_not_know_is_refused_by_name() -> None:
    with pytest.raises(ConfigurationError, match="oracle"):
        statements_for("oracle")
