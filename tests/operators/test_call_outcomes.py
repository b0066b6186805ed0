"""What became of the calls stands beside the contacts' own ids: once, whole, and under the right one."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy
from ageing_ledger import let_time_pass
from airflow.providers.common.compat.sdk import DAG, AirflowFailException
from fanning_out import connect, context_of, fan_out
from ledger_databases import server_url
from placed_calls import Ledger, event

from airflow_provider_callkaro.calls.disposition import Disposition
from airflow_provider_callkaro.exceptions import ConfigurationError
from airflow_provider_callkaro.ledger.digests import read_keys
from airflow_provider_callkaro.operators.call_outcomes import CallOutcomesToFileOperator, CallOutcomesToSqlOperator
from airflow_provider_callkaro.sandbox import Sandbox

DAY = datetime(2026, 11, 20, tzinfo=UTC)
SECRET = "k1:" + "s" * 40
SCOPE = "renewals of the day"
PEOPLE = [{"to_number": f"+9198765{place:05d}", "call_key": f"R-{place}", "name": "Asha"} for place in range(5)]


@pytest.fixture(params=["sqlite", "postgresql", "mariadb"])
def warehouse(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> sqlalchemy.Engine:
    """Each kind of database in turn, as connection ``warehouse``."""
    if request.param == "sqlite":
        monkeypatch.setenv("AIRFLOW_CONN_WAREHOUSE", f"sqlite://{tmp_path / 'warehouse.db'}")
        return sqlalchemy.create_engine(f"sqlite:///{tmp_path / 'warehouse.db'}")
    server = request.getfixturevalue(request.param)
    monkeypatch.setenv("AIRFLOW_CONN_WAREHOUSE", server.airflow_uri)
    if request.param == "mariadb":
        import pymysql

        for name in ("MySQLdb", "_mysql"):
            monkeypatch.setitem(sys.modules, name, pymysql)
    return sqlalchemy.create_engine(server_url(server, database=server.database))


@pytest.fixture
def table(warehouse: sqlalchemy.Engine) -> Iterator[Any]:
    """A table of this test's own: a function that runs a statement, where @ stands for its name."""
    name = f"outcomes_{uuid4().hex[:8]}"

    def run(statement: str) -> list[tuple[Any, ...]]:
        with warehouse.begin() as connection:
            result = connection.execute(sqlalchemy.text(statement.replace("@", name)))
            return [tuple(row) for row in result] if result.returns_rows else []

    run.name = name  # type: ignore[attr-defined]
    yield run
    run("drop table if exists @")
    warehouse.dispose()


class Night:
    """A fan-out to `PEOPLE` that has ended, with a report, and the ledger that it left."""

    def __init__(self, folder: Path, *, keyed: bool = False) -> None:
        self.report = str(folder / "report.jsonl")
        keys = read_keys(SECRET, where="here") if keyed else None
        self.ledger = Ledger(sqlalchemy.create_engine(f"sqlite:///{folder / 'ledger.db'}"), scope=SCOPE, keys=keys)

    def fan_out(self, **arguments: Any) -> None:
        given = {"ledger_scope": SCOPE, "report_path": self.report, "report_columns": ["call_key", "name"]}
        given |= {"row_fields": ["call_key"]}
        fan_out(context_of(), contacts=PEOPLE, ledger_conn_id="call_ledger", **given | arguments)
        self.call_ids = {
            line["call_key"]: line["call_id"] for line in map(json.loads, Path(self.report).read_text().splitlines())
        }

    def tell(self, place: int, **values: Any) -> None:
        """Have the vendor say what became of a call."""
        self.ledger.record(event(place, call_id=self.call_ids[f"R-{place}"], **values))


@pytest.fixture
def sandbox(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Sandbox]:
    with Sandbox() as vendor:
        connect(vendor, monkeypatch, tmp_path)
        yield vendor


@pytest.fixture
def night(sandbox: Sandbox, tmp_path: Path) -> Iterator[Night]:
    night = Night(tmp_path)
    night.fan_out()
    night.tell(0, converted=True, happened_at=datetime(2026, 11, 21, 10, 30, tzinfo=UTC), fields={"wants": "café"})
    night.tell(1, disposition=Disposition.NOT_REACHED, vendor_word="NO_ANSWER", attempt=1)
    night.tell(2, disposition=Disposition.REFUSED, asked_not_to_be_called=True)
    yield night
    night.ledger.engine.dispose()


def to_sql(table: Any, *, start: datetime = DAY, **arguments: Any) -> dict[str, Any]:
    given = {"ledger_conn_id": "call_ledger", "ledger_scope": SCOPE, "conn_id": "warehouse", "table": table.name}
    operator = CallOutcomesToSqlOperator(task_id="to_sql", **given | arguments)
    return operator.execute(context_of(start=start, end=start + timedelta(days=1)))


def to_file(path: Path, **arguments: Any) -> dict[str, Any]:
    given = {"ledger_conn_id": "call_ledger", "ledger_scope": SCOPE, "path": str(path)}
    return CallOutcomesToFileOperator(task_id="to_file", **given | arguments).execute(context_of())


def test_each_call_is_in_the_row_of_its_contact_and_twice_is_the_same_as_once(night, table):
    let_time_pass(night.ledger.engine, timedelta(hours=2))
    for _ in range(2):
        assert to_sql(table, create_table=True, unresolved_after=timedelta(hours=1)) == {
            "rows": 5,
            "written": 5,
            "repeated": 0,
            "without_key": 0,
            "without_call": 0,
            "outcomes": {"not_reached": 1, "reached": 1, "refused": 1, "unresolved": 2},
            "asked_not_to_be_called": 1,
        }
        found = table("select call_key, outcome, vendor_word, attempts, converted, asked_not_to_be_called from @")
        assert sorted(found) == [
            ("R-0", "reached", "CLIENT_INITIATED", "1", "1", "0"),
            ("R-1", "not_reached", "NO_ANSWER", "2", None, "0"),
            ("R-2", "refused", "CLIENT_INITIATED", "1", None, "1"),
            ("R-3", "unresolved", None, None, None, None),
            ("R-4", "unresolved", None, None, None, None),
        ]
    night.tell(3)  # late
    assert to_sql(table)["outcomes"]["reached"] == 2
    assert table("select count(*) from @") == [(5,)]


def test_each_interval_has_rows_of_its_own(night, table):
    for start in (DAY, DAY + timedelta(days=1), DAY):
        to_sql(table, start=start, create_table=True)
    days = table("select data_interval_start, count(*) from @ group by data_interval_start")
    assert sorted((str(day)[:10], count) for day, count in days) == [("2026-11-20", 5), ("2026-11-21", 5)]


def test_columns_of_their_own_types_take_what_is_written(night, table, warehouse):
    instant = {"postgresql": "timestamptz", "sqlite": "text"}.get(warehouse.dialect.name, "datetime(6)")
    flag = "boolean" if warehouse.dialect.name != "sqlite" else "integer"
    table(
        f"create table @ (call_key varchar(40), since {instant}, outcome varchar(20), duration_seconds numeric(9, 1), "
        f"converted {flag}, happened_at {instant}, wants text, primary key (call_key, since))"
    )
    columns = {name: name for name in ("outcome", "duration_seconds", "converted", "happened_at")} | {"fields": "wants"}
    to_sql(table, columns=columns, interval_column="since")
    ((key, seconds, converted, happened, wants),) = table(
        "select call_key, duration_seconds, converted, happened_at, wants from @ where outcome = 'reached'"
    )
    assert (key, float(seconds), bool(converted)) == ("R-0", 42.0, True)
    assert str(happened)[:19] == "2026-11-21 10:30:00"
    assert json.loads(wants) == {"wants": "café"}


def test_the_columns_of_the_report_are_written_too(night, table):
    summary = to_sql(table, create_table=True, report_path=night.report, columns=["outcome", "name"])
    assert (summary["written"], summary["without_call"]) == (5, 0)
    assert table("select name, outcome from @ where call_key = 'R-0'") == [("Asha", "reached")]


def test_beside_a_keyed_ledger_the_report_tells_whose_call_it_was(sandbox, monkeypatch, table, tmp_path):
    folder = tmp_path / "keyed"
    folder.mkdir()
    connection = {"conn_type": "sqlite", "host": str(folder / "ledger.db"), "extra": {"ledger_secret": SECRET}}
    monkeypatch.setenv("AIRFLOW_CONN_CALL_LEDGER", json.dumps(connection))
    night = Night(folder, keyed=True)
    sandbox.fault("drop_answer_after_accepting", first=1)  # one call is unknown, and has no id in the report
    night.fan_out(max_concurrency=1)
    night.tell(1)
    assert to_sql(table, create_table=True)["without_key"] == 5
    summary = to_sql(table, report_path=night.report)
    assert (summary["written"], summary["without_call"]) == (5, 0)
    assert summary["outcomes"] == {"awaiting": 3, "reached": 1, "unknown": 1}
    assert table("select outcome from @ where call_key = 'R-1'") == [("reached",)]
    without_keys = [json.loads(line) | {"call_key": None} for line in Path(night.report).read_text().splitlines()]
    Path(night.report).write_text("".join(json.dumps(line) + "\n" for line in without_keys))
    summary = to_file(tmp_path / "outcomes.jsonl", report_path=night.report, columns=["call_id", "outcome"])
    assert summary["rows"] == 4
    assert summary["without_call"] == 1  # the unknown one


@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet"])
def test_a_file_has_one_row_per_call_and_is_the_same_twice(night, tmp_path, ending):
    path = tmp_path / f"outcomes.{ending}"
    summary = to_file(path)
    assert summary == {
        "path": str(path),
        "rows": 5,
        "format": ending,
        "without_call": 0,
        "outcomes": {"awaiting": 2, "not_reached": 1, "reached": 1, "refused": 1},
        "asked_not_to_be_called": 1,
    }
    first = path.read_bytes()
    to_file(path)
    assert path.read_bytes() == first
    match ending:
        case "csv":
            with path.open(newline="") as text:
                lines = list(csv.DictReader(text))
        case "jsonl":
            lines = [json.loads(line) for line in path.read_text().splitlines()]
        case _:
            from pyarrow.parquet import read_table

            lines = read_table(path).to_pylist()
    found = {line["call_key"]: (line["outcome"], line["happened_at"] or None) for line in lines}
    assert found["R-0"] == ("reached", "2026-11-21T10:30:00+00:00")
    assert found["R-4"] == ("awaiting", None)


def test_a_number_is_in_a_file_only_if_it_is_asked_for(night, tmp_path):
    to_file(tmp_path / "bare.jsonl")
    assert "98765" not in (tmp_path / "bare.jsonl").read_text()
    to_file(tmp_path / "numbers.jsonl", columns=["to_number", "outcome"])
    assert "+919876500000" in (tmp_path / "numbers.jsonl").read_text()


def test_a_row_without_a_key_of_its_own_is_never_named_by_its_number(sandbox, tmp_path):
    night = Night(tmp_path)
    fan_out(context_of(), contacts=[{"to_number": "+919876500007"}], ledger_conn_id="call_ledger", ledger_scope=SCOPE)
    assert to_file(tmp_path / "outcomes.jsonl")["rows"] == 1
    assert json.loads((tmp_path / "outcomes.jsonl").read_text())["call_key"] is None
    night.ledger.engine.dispose()


def test_lists_longer_than_a_page_are_whole(sandbox, tmp_path):
    night = Night(tmp_path)
    night.ledger.place(range(1_201))
    night.ledger.record(*(event(place) for place in range(0, 1_201, 2)))
    assert to_file(tmp_path / "outcomes.jsonl")["outcomes"] == {"awaiting": 600, "reached": 601}
    night.ledger.engine.dispose()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"columns": ["name"]}, "report_path"),
        ({"key_columns": ["customer_id"]}, "report_path"),
        ({"columns": ["outcome", "data_interval_start"]}, "twice"),
        ({"table": "a b"}, "table"),
        ({"interval_column": "a b"}, "interval_column"),
        ({"unresolved_after": timedelta(0)}, "unresolved_after"),
        ({"task_ids": "calls"}, "leave one out"),
    ],
)
def test_what_cannot_work_is_refused_when_the_dag_is_parsed(arguments, words):
    given = {"ledger_conn_id": "call_ledger", "ledger_scope": SCOPE, "conn_id": "warehouse", "table": "outcomes"}
    with pytest.raises(ConfigurationError, match=words):
        CallOutcomesToSqlOperator(task_id="to_sql", **given | arguments)


def test_a_fan_out_that_wrote_no_report_is_named_as_that(night, table):
    with DAG("outreach", schedule=None), pytest.raises(AirflowFailException, match="wrote no report"):
        to_sql(table, report_path={"report": None})
