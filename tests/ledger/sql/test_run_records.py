"""What a run decided at its first start is what it goes by, whoever asks later and wherever the record is kept."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone

import pytest
import sqlalchemy
from airflow_task_state import TaskStateInMemory

from airflow_provider_callkaro.exceptions import LedgerError
from airflow_provider_callkaro.ledger.memory import MemoryRunRecords, MemoryStore
from airflow_provider_callkaro.ledger.run_record import RunRecord, RunRecords
from airflow_provider_callkaro.ledger.sql.run_records import SqlRunRecords
from airflow_provider_callkaro.ledger.task_state.run_records import TaskStateRunRecords

SATURDAY = datetime(2026, 11, 21, 23, 30, tzinfo=timezone(timedelta(hours=5, minutes=30)))
FIRST = RunRecord(scopes=("calls/सूची@2026-11-21", "calls@replayed"), due=SATURDAY, is_stale=False, shard=(2, 7))
LATER = RunRecord(scopes=("calls@replayed",), due=SATURDAY + timedelta(days=2), is_stale=True)

MakeRecords = Callable[[str], RunRecords]


class RunRecordsContract:
    """What holds wherever records are kept; ``make_records`` gives those of a run, over the one store of the test."""

    def test_the_first_start_decides(self, make_records: MakeRecords) -> None:
        assert make_records("monday").begin(FIRST) == FIRST
        assert make_records("monday").begin(LATER) == FIRST

    def test_one_object_may_be_asked_again(self, make_records: MakeRecords) -> None:
        records = make_records("monday")
        assert [records.begin(FIRST), records.begin(LATER)] == [FIRST, FIRST]


class SharedRunRecordsContract(RunRecordsContract):
    """What holds besides, where several runs keep theirs in one place."""

    def test_each_run_has_its_own(self, make_records: MakeRecords) -> None:
        long = "backfill of the whole year, दोबारा " * 1_000
        for run, record in (("monday", FIRST), ("tuesday", LATER), (long + "a", FIRST), (long + "b", LATER)):
            assert make_records(run).begin(record) == record

    def test_two_tries_that_begin_at_once_go_by_the_same(self, make_records: MakeRecords) -> None:
        start = threading.Barrier(8)

        def begin(number: int) -> RunRecord:
            records = make_records("monday")
            proposed = RunRecord(scopes=(f"scope {number}",), due=SATURDAY)
            start.wait(timeout=60)
            return records.begin(proposed)

        with ThreadPoolExecutor(8) as pool:
            assert len(set(pool.map(begin, range(8)))) == 1


class TestMemoryRunRecords(SharedRunRecordsContract):
    @pytest.fixture
    def make_records(self) -> MakeRecords:
        store = MemoryStore()
        return lambda run: MemoryRunRecords(run=run, store=store)


class TestTaskStateRunRecords(RunRecordsContract):
    @pytest.fixture
    def make_records(self) -> MakeRecords:
        store = TaskStateInMemory()
        return lambda run: TaskStateRunRecords(store)


class TestSqlRunRecords(SharedRunRecordsContract):
    @pytest.fixture
    def engine(self, empty_database_url: str):
        engine = sqlalchemy.create_engine(empty_database_url)
        yield engine
        engine.dispose()

    @pytest.fixture
    def make_records(self, engine: sqlalchemy.Engine) -> MakeRecords:
        return lambda run: SqlRunRecords(engine, run=run)

    def test_whoever_looks_into_the_table_finds_the_run_the_record_and_when_it_began(
        self, make_records: MakeRecords, engine: sqlalchemy.Engine
    ) -> None:
        make_records("monday").begin(FIRST)
        with engine.connect() as connection:
            (row,) = connection.exec_driver_sql("SELECT run, record, begun_at FROM voice_call_runs").all()
        assert (row[0], RunRecord.from_state(json.loads(row[1]))) == ("monday", FIRST)
        assert str(row[2])[:10] in {str(datetime.now(UTC) - timedelta(hours=hours))[:10] for hours in (0, 1)}

    @pytest.mark.parametrize("text", ["", "null", "[]", "{", '{"scopes": []}'])
    def test_a_record_that_cannot_be_read_stops_the_run(
        self, make_records: MakeRecords, engine: sqlalchemy.Engine, text: str
    ) -> None:
        make_records("monday").begin(FIRST)
        with engine.begin() as connection:
            connection.execute(sqlalchemy.text("UPDATE voice_call_runs SET record = :text"), {"text": text})
        with pytest.raises(LedgerError, match="voice_call_runs"):
            make_records("monday").begin(LATER)

    def test_a_database_that_refuses_says_so_without_the_run_or_its_record(self, engine: sqlalchemy.Engine) -> None:
        with engine.begin() as connection:
            connection.exec_driver_sql("CREATE TABLE voice_call_runs (something_else INTEGER)")
        with pytest.raises(LedgerError, match="voice_call_runs") as raised:
            SqlRunRecords(engine, run="monday", sleep=[].append).begin(FIRST)
        assert "replayed" not in str(raised.value)
        assert raised.value.__context__ is None


SOUND = FIRST.as_state()


@pytest.mark.parametrize(
    "foreign",
    [
        "done",
        0,
        [],
        {},
        SOUND | {"scopes": []},
        SOUND | {"scopes": [1]},
        SOUND | {"scopes": None},
        SOUND | {"due": "2026-11-21T18:00:00"},
        SOUND | {"due": 5},
        SOUND | {"is_stale": "false"},
        SOUND | {"shard": [1]},
        SOUND | {"shard": ["1", "2"]},
        {name: SOUND[name] for name in ("scopes", "due", "is_stale")},
    ],
)
def test_a_task_state_that_is_no_record_stops_the_run(foreign) -> None:
    store = TaskStateInMemory()
    store.set("run", foreign)
    with pytest.raises(LedgerError, match='"run"'):
        TaskStateRunRecords(store).begin(FIRST)


@pytest.mark.parametrize("broken", ["get", "set"])
def test_a_task_state_that_cannot_be_reached_stops_the_run(broken) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ConnectionError("no route to the API server of +919876500001")

    store = TaskStateInMemory()
    setattr(store, broken, fail)
    with pytest.raises(LedgerError, match="ConnectionError") as raised:
        TaskStateRunRecords(store).begin(FIRST)
    assert "98765" not in str(raised.value)


def test_a_user_may_say_how_long_airflow_keeps_it() -> None:
    kept: list[timedelta | None] = []

    class Store(TaskStateInMemory):
        def set(self, key, value, *, retention=None):
            kept.append(retention)
            super().set(key, value)

    for retention in (None, timedelta(days=400)):
        TaskStateRunRecords(Store(), retention=retention).begin(FIRST)
    assert kept == [None, timedelta(days=400)]
