"""A keyed ledger keeps every ledger's promises, and nobody who reads its tables finds a person in them."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import ageing_ledger
import pytest
import sqlalchemy
from ledger_contract import INDIA, NUMBER, OTHER_NUMBER, accept, claim, everything, reject
from ledger_secrets import SECRETS, keys
from shared_ledger_contract import LegacyContract, SharedLedgerContract

from airflow_provider_callkaro.exceptions import LedgerError
from airflow_provider_callkaro.ledger.contract import CallCaps, Claim, EntryState, OverCap, Settlement
from airflow_provider_callkaro.ledger.digests import LedgerKeys
from airflow_provider_callkaro.ledger.run_record import RunRecord
from airflow_provider_callkaro.ledger.sql.ledger import SqlLedger
from airflow_provider_callkaro.ledger.sql.run_records import SqlRunRecords

RUN = "renewals/manual__for Anna/calls/-1"
CAPPED = CallCaps(max_calls=1, per=timedelta(days=7))


@pytest.fixture
def empty_engine(empty_database_url: str) -> Iterator[sqlalchemy.Engine]:
    engine = sqlalchemy.create_engine(empty_database_url)
    yield engine
    engine.dispose()


def in_test(engine: sqlalchemy.Engine, test: str, modes: Iterator[LedgerKeys | None], latest: LedgerKeys) -> Any:
    """Make ledgers, each in the next mode; whoever finds that the keys have changed is told the latest."""

    def make(*, run: str, scope: str = "calls", also: Sequence[str] = (), **choices: Any) -> SqlLedger:
        further = [f"{test}/{name}" for name in also]
        given = next(modes)
        return SqlLedger(
            engine, scope=f"{test}/{scope}", also=further, run=run, keys=given, reread=lambda: latest, **choices
        )

    return make


def always(mode: LedgerKeys | None) -> Iterator[LedgerKeys | None]:
    while True:
        yield mode


def after(first: LedgerKeys | None, later: LedgerKeys) -> Iterator[LedgerKeys | None]:
    yield first
    yield from always(later)


@pytest.fixture
def let_time_pass(engine: sqlalchemy.Engine, scope: str):
    return lambda by: ageing_ledger.let_time_pass(engine, by, scope=f"{scope}/%")


class TestKeyedLedger(SharedLedgerContract):
    @pytest.fixture
    def engine(self, keyed_database_url: str) -> Iterator[sqlalchemy.Engine]:
        engine = sqlalchemy.create_engine(keyed_database_url)
        yield engine
        engine.dispose()

    @pytest.fixture
    def make_ledger(self, engine: sqlalchemy.Engine, scope: str):
        return in_test(engine, scope, always(keys("k1")), keys("k1"))


class OneDatabaseEach:
    """Tests that change the keys of a ledger, each of its own."""

    @pytest.fixture
    def engine(self, tmp_path: Path) -> Iterator[sqlalchemy.Engine]:
        engine = sqlalchemy.create_engine(f"sqlite:///{tmp_path / 'calls.db'}")
        yield engine
        engine.dispose()


class TestAKeyThatChangesBetweenTwoLedgers(OneDatabaseEach, SharedLedgerContract):
    """The first ledger of each test is opened under one key, every later one under the next."""

    @pytest.fixture
    def make_ledger(self, engine: sqlalchemy.Engine, scope: str):
        both = keys("k2", "k1")
        return in_test(engine, scope, after(keys("k1"), both), both)


class TestAClearLedgerThatIsPutUnderAKey(OneDatabaseEach, SharedLedgerContract, LegacyContract):
    """The first ledger of each test is opened in clear, every later one under a key."""

    @pytest.fixture
    def make_ledger(self, engine: sqlalchemy.Engine, scope: str):
        make = in_test(engine, scope, after(None, keys("k1")), keys("k1"))
        return lambda **choices: make(**choices, legacy=INDIA)

    @pytest.fixture
    def age_version(self) -> Callable[[], None]:
        return lambda: None


def dump(engine: sqlalchemy.Engine) -> str:
    """Everything that stands in the database."""
    tables = sqlalchemy.inspect(engine).get_table_names()
    with engine.connect() as connection:
        return "\n".join(
            f"{table} {tuple(row)}"
            for table in tables
            for row in connection.execute(sqlalchemy.text(f"SELECT * FROM {table}"))
        )


def test_a_dump_of_every_table_holds_nobody(empty_engine) -> None:
    record = RunRecord(scopes=("renewals due 1 May",), due=datetime(2026, 5, 1, tzinfo=UTC))
    SqlRunRecords(empty_engine, run=RUN, keys=keys("k1")).begin(record)
    people = [f"+9199{random.randrange(10**8):08d}" for _ in range(20)]
    claims = [Claim(key=number, number=number) for number in people[:10]]
    claims += [Claim(key=f"Anna {number[-4:]}", number=number) for number in people[10:]]
    given: dict[str, Any] = {"scope": "renewals due 1 May", "also": ["replayed"], "caps": CAPPED, "keys": keys("k1")}
    with SqlLedger(empty_engine, run=RUN, **given) as ledger:
        assert ledger.commit(claim=claims) == {}
        ledger.commit(settle=[accept(one.key) if index % 2 else reject(one.key) for index, one in enumerate(claims)])
    text = dump(empty_engine)
    assert text.count("k1:") >= 60  # it is no empty dump
    for planted in (RUN, "manual__", "Anna", SECRETS["k1"], *(number[1:] for number in people)):
        assert planted not in text
    assert not any(number[-8:] in text for number in people)
    with SqlLedger(empty_engine, run=RUN, **given) as ledger:
        assert len(everything(ledger, *(one.key for one in claims))) == 20
        assert {entry.this_run for entry in everything(ledger, *(one.key for one in claims)).values()} == {True}
    assert SqlRunRecords(empty_engine, run=RUN, keys=keys("k1")).find() == record


def test_a_process_that_lacks_the_key_of_now_stops_before_it_dials_and_loses_nothing(empty_engine) -> None:
    with SqlLedger(empty_engine, scope="s", run="old", keys=keys("k1")) as old:
        old.commit(claim=[claim()])
        with SqlLedger(empty_engine, scope="s", run="new", keys=keys("k2", "k1")) as new:
            assert new.commit(claim=[claim()])[NUMBER].state is EntryState.CLAIMED
            with pytest.raises(LedgerError, match="under the key k2, which this process does not have: add its secret"):
                old.commit(settle=[accept()], claim=[claim(OTHER_NUMBER)])
            assert everything(new, NUMBER, OTHER_NUMBER).keys() == {NUMBER}
            assert everything(new)[NUMBER].state is EntryState.ACCEPTED  # what came back is written all the same
    for stale in (keys("k1"), keys("k3", "k1")):
        with (
            pytest.raises(LedgerError, match="under the key k2"),
            SqlLedger(empty_engine, scope="s", run="stale", keys=stale),
        ):
            pass
        with pytest.raises(LedgerError, match="under the key k2"):
            SqlRunRecords(empty_engine, run="stale", keys=stale).find()


def test_a_process_that_is_told_the_key_of_now_goes_on_under_it(empty_engine) -> None:
    both = keys("k2", "k1")
    with SqlLedger(empty_engine, scope="s", run="old", keys=keys("k1"), reread=lambda: both) as old:
        old.commit(claim=[claim()])
        with SqlLedger(empty_engine, scope="s", run="new", keys=both) as new:
            assert old.commit(settle=[accept()], claim=[claim(OTHER_NUMBER)]) == {}
            old.commit(settle=[reject(OTHER_NUMBER)])
            found = everything(new, NUMBER, OTHER_NUMBER)
            assert [found[key].state for key in (NUMBER, OTHER_NUMBER)] == [EntryState.ACCEPTED, EntryState.REJECTED]
            assert new.commit(claim=[claim(), claim(OTHER_NUMBER)]).keys() == {NUMBER, OTHER_NUMBER}


def test_a_process_in_clear_finds_a_keyed_ledger_and_stops_before_it_dials(empty_engine) -> None:
    with SqlLedger(empty_engine, scope="s", run="clear") as clear:
        clear.commit(claim=[claim()])
        with SqlLedger(empty_engine, scope="s", run="keyed", keys=keys("k1")) as keyed:
            assert keyed.commit(claim=[claim()])[NUMBER].state is EntryState.CLAIMED
            with pytest.raises(LedgerError, match='is keyed, and this process has no key: set "ledger_secret"'):
                clear.commit(settle=[accept()], claim=[claim(OTHER_NUMBER)])
            assert everything(keyed, NUMBER, OTHER_NUMBER).keys() == {NUMBER}
            assert everything(keyed)[NUMBER].state is EntryState.ACCEPTED
    with pytest.raises(LedgerError, match="this process has no key"), SqlLedger(empty_engine, scope="s", run="clear"):
        pass
    with pytest.raises(LedgerError, match="this process has no key"):
        SqlRunRecords(empty_engine, run="clear").find()


def test_caps_count_calls_in_clear_and_under_either_key(empty_engine) -> None:
    people = [NUMBER, OTHER_NUMBER, "+919876500003"]
    now = datetime.now(UTC)
    for number, some in zip(people, (None, keys("k1"), keys("k2", "k1")), strict=True):
        with SqlLedger(empty_engine, scope=f"of {number}", run="before", caps=CAPPED, keys=some) as ledger:
            assert ledger.commit(claim=[Claim(key=number, number=number)]) == {}
            ledger.commit(settle=[accept(number)])
    both = keys("k2", "k1")
    with SqlLedger(empty_engine, scope="another", run="after", caps=CAPPED, keys=both) as ledger:
        assert ledger.called_since(people, now - timedelta(minutes=5)).keys() == set(people)
        wanted = [Claim(key=f"key of {number}", number=number) for number in [*people, "+919876500004"]]
        assert ledger.commit(claim=wanted) == {f"key of {number}": OverCap() for number in people}
        rejected = Settlement(key="key of +919876500004", state=EntryState.REJECTED)
        again = Claim(key="again", number="+919876500004")
        assert ledger.commit(settle=[rejected], claim=[again]) == {}


def test_another_secret_of_the_same_name_is_refused(empty_engine, monkeypatch) -> None:
    with SqlLedger(empty_engine, scope="s", run="monday", keys=keys("k1")):
        pass
    monkeypatch.setitem(SECRETS, "k1", SECRETS["k3"])
    with (
        pytest.raises(LedgerError, match="the secret called k1"),
        SqlLedger(empty_engine, scope="s", run="tuesday", keys=keys("k1")),
    ):
        pass


def test_a_key_may_go_once_nothing_stands_under_it(empty_engine) -> None:
    with SqlLedger(empty_engine, scope="s", run="monday", keys=keys("k1")) as ledger:
        ledger.commit(claim=[claim()])
    with SqlLedger(empty_engine, scope="s", run="tuesday", keys=keys("k2", "k1")) as ledger:
        ledger.commit(claim=[claim(OTHER_NUMBER)])
    with (
        pytest.raises(LedgerError, match="under the key k1"),
        SqlLedger(empty_engine, scope="s", run="wednesday", keys=keys("k2")),
    ):
        pass
    with empty_engine.begin() as connection:
        connection.exec_driver_sql(
            "DELETE FROM voice_call_ledger WHERE number LIKE 'k1:%%'".replace(
                "%%", "%" if empty_engine.dialect.name == "sqlite" else "%%"
            )
        )
    with SqlLedger(empty_engine, scope="s", run="wednesday", keys=keys("k2")) as ledger:
        assert everything(ledger, NUMBER, OTHER_NUMBER).keys() == {OTHER_NUMBER}


def test_a_run_keeps_its_record_over_a_change_of_keys(empty_engine) -> None:
    record = RunRecord(scopes=("a",), due=datetime(2026, 5, 1, tzinfo=UTC))
    other = RunRecord(scopes=("b",), due=datetime(2026, 5, 1, tzinfo=UTC))
    SqlRunRecords(empty_engine, run=RUN).begin(record)
    for some in (keys("k1"), keys("k2", "k1")):
        assert SqlRunRecords(empty_engine, run=RUN, keys=some).find() == record
        assert SqlRunRecords(empty_engine, run=RUN, keys=some).begin(other) == record
