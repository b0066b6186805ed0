"""What became of the night stands beside the rows it was about: once, whole, and under the right key."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy
from airflow.providers.common.compat.sdk import AirflowFailException
from fanning_out import connect, context_of, fan_out, rendered
from ledger_databases import server_url

from airflow_provider_callkaro.exceptions import ConfigurationError, NotWritten
from airflow_provider_callkaro.operators.callkaro import CallKaroReportToSqlOperator

LINES = [
    {"row": 1, "state": "accepted", "reason": None, "call_id": "c1", "detail": None, "id": 1},
    {"row": 2, "state": "rejected", "reason": "bad_number", "call_id": None, "detail": "It cannot be read", "id": 2},
    {"row": 3, "state": "unknown", "reason": "no_answer", "call_id": None, "detail": None, "id": 3},
]
ENDINGS = ["csv", "jsonl", "parquet"]


@pytest.fixture(params=["sqlite", "postgresql-psycopg2", "postgresql-psycopg3", "mariadb"])
def database(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> sqlalchemy.Engine:
    """Each kind of database in turn, as connection ``warehouse``."""
    kind, _, driver = request.param.partition("-")
    if kind == "sqlite":
        monkeypatch.setenv("AIRFLOW_CONN_WAREHOUSE", f"sqlite://{tmp_path / 'warehouse.db'}")
        return sqlalchemy.create_engine(f"sqlite:///{tmp_path / 'warehouse.db'}")
    server = request.getfixturevalue(kind)
    monkeypatch.setenv("AIRFLOW_CONN_WAREHOUSE", server.airflow_uri)
    if kind == "mariadb":
        import pymysql

        for name in ("MySQLdb", "_mysql"):
            monkeypatch.setitem(sys.modules, name, pymysql)
    else:
        from airflow.providers.postgres.hooks import postgres

        if driver == "psycopg3" and not hasattr(postgres, "USE_PSYCOPG3"):
            pytest.skip("this Airflow's PostgreSQL hook has no psycopg 3")
        monkeypatch.setattr(postgres, "USE_PSYCOPG3", driver == "psycopg3", raising=False)
    return sqlalchemy.create_engine(server_url(server, database=server.database))


class Table:
    """A table of this test's own, and what is in it."""

    def __init__(self, engine: sqlalchemy.Engine, name: str) -> None:
        self.engine, self.name = engine, name

    def run(self, statement: str) -> Any:
        with self.engine.begin() as connection:
            result = connection.execute(sqlalchemy.text(statement.replace("@", self.name)))
            return [tuple(row) for row in result] if result.returns_rows else None

    @property
    def outcomes(self) -> list[tuple[Any, ...]]:
        return sorted(self.run("select id, state, reason, call_id from @"))


@pytest.fixture
def table(database: sqlalchemy.Engine) -> Iterator[Table]:
    made = Table(database, f"outcomes_{uuid4().hex[:8]}")
    yield made
    made.run("drop table if exists @")
    database.dispose()


def written(folder: Path, lines: list[dict[str, Any]], ending: str = "jsonl") -> str:
    """A report with these lines, by the code that writes reports and results."""
    path = folder / f"report.{ending}"
    if ending == "parquet":
        from airflow_provider_callkaro.files.formats import FileFormat
        from airflow_provider_callkaro.files.writing.result_file import ResultFile

        with ResultFile(str(path), kind=FileFormat.PARQUET) as file:
            file.add_all(lines)
            file.publish()
    elif ending == "jsonl":
        path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    else:
        with path.open("w", newline="") as text:
            writer = csv.DictWriter(text, list(lines[0]))
            writer.writeheader()
            writer.writerows(lines)
    return str(path)


def write_back(table: Table, report: Any, **arguments: Any) -> dict[str, int]:
    given = {"task_id": "write_back", "conn_id": "warehouse", "table": table.name, "key_columns": ["id"], **arguments}
    return CallKaroReportToSqlOperator(report_path=report, **given).execute(context_of())


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("key", ["integer", "varchar(20)"])
def test_each_outcome_is_in_the_row_of_its_key_and_twice_is_the_same_as_once(table, tmp_path, ending, key):
    table.run(f"create table @ (id {key} primary key, state varchar(20), reason varchar(40), call_id varchar(40))")
    report = written(tmp_path, LINES, ending)
    for _ in range(2):
        summary = write_back(table, report)
        assert summary == {
            "rows": 3,
            "written": 3,
            "elsewhere": 0,
            "repeated": 0,
            "without_key": 0,
            "not_found": 0,
        }
        own = int if key == "integer" else str
        assert table.outcomes == [
            (own(1), "accepted", None, "c1"),
            (own(2), "rejected", "bad_number", None),
            (own(3), "unknown", "no_answer", None),
        ]


def test_a_missing_table_is_created_only_if_that_is_asked_for(table, tmp_path):
    report = written(tmp_path, LINES)
    with pytest.raises(AirflowFailException, match=rf"no table {table.name}: create it, or let create_table=True"):
        write_back(table, report)
    for _ in range(2):
        write_back(table, report, create_table=True, columns=["state", "reason", "call_id", "detail"])
    assert table.outcomes[0] == ("1", "accepted", None, "c1")
    assert table.run("select detail from @ where id = '2'") == [("It cannot be read",)]


def test_keys_that_differ_by_case_alone_are_two_rows_of_a_created_table(table, tmp_path):
    lines = [{**LINES[0], "id": "c-1"}, {**LINES[1], "id": "C-1"}]
    write_back(table, written(tmp_path, lines), create_table=True)
    assert {row[0]: row[1] for row in table.outcomes} == {"c-1": "accepted", "C-1": "rejected"}


def test_the_list_itself_can_be_updated_and_gets_no_new_row(table, tmp_path):
    table.run("create table @ (id integer primary key, name varchar(20) not null, state varchar(20), reason text)")
    table.run("insert into @ (id, name) values (1, 'Asha'), (2, 'Ravi'), (9, 'Meera')")
    lines = [{**line, "reason": None} for line in LINES]
    arguments = {"mode": "update", "columns": ["state", "reason"]}
    for _ in range(2):
        summary = write_back(table, written(tmp_path, lines), **arguments)
        assert (summary["rows"], summary["written"], summary["not_found"]) == (3, 2, 1)
        assert sorted(table.run("select id, name, state from @")) == [
            (1, "Asha", "accepted"),
            (2, "Ravi", "rejected"),
            (9, "Meera", None),
        ]
    table.run("update @ set state = null")
    with pytest.raises(AirflowFailException, match=r"1 have one that table .* has not, so nothing is written"):
        write_back(table, written(tmp_path, lines), on_unmatched="fail", **arguments)
    assert {row[0] for row in table.run("select state from @")} == {None}


@pytest.mark.parametrize("mode", ["upsert", "update"])
def test_what_another_line_or_an_earlier_report_tells_is_never_replaced(table, tmp_path, mode):
    table.run("create table @ (id integer primary key, state varchar(20), reason varchar(40), call_id varchar(40))")
    table.run("insert into @ (id, state, call_id) values (1, 'accepted', 'c1'), (2, null, null), (3, null, null)")
    skipped = {"state": "skipped", "call_id": None, "detail": None}
    lines = [
        {"row": 1, **skipped, "reason": "already_accepted", "id": 1},
        {"row": 2, **skipped, "reason": "duplicate", "id": 2},  # before the line of the call itself
        {"row": 3, **LINES[0], "call_id": "c2", "id": 2},
        {"row": 4, **skipped, "reason": "suppressed", "id": 3},
    ]
    summary = write_back(table, written(tmp_path, lines), mode=mode)
    assert (summary["written"], summary["elsewhere"]) == (2, 2)
    assert table.outcomes == [
        (1, "accepted", None, "c1"),
        (2, "accepted", None, "c2"),
        (3, "skipped", "suppressed", None),
    ]


def test_of_two_lines_with_one_key_the_later_stands_and_lines_without_a_key_are_counted(table, tmp_path):
    lines = [*LINES, {**LINES[0], "id": None}, {**LINES[0], "id": 2}]
    summary = write_back(table, written(tmp_path, lines), create_table=True)
    assert summary == {"rows": 5, "written": 3, "elsewhere": 0, "repeated": 1, "without_key": 1, "not_found": 0}
    assert ("2", "accepted", None, "c1") in table.outcomes


def test_a_long_report_is_written_whole_or_not_at_all(table, tmp_path):
    table.run("create table @ (id integer primary key, state varchar(20), reason varchar(40), call_id varchar(40))")
    lines = [{**LINES[0], "id": place, "call_id": f"c{place}"} for place in range(1, 2_001)]
    report = Path(written(tmp_path, lines))
    whole = report.read_text()
    report.write_text(whole + '{"row": 2001, "sta')
    with pytest.raises(AirflowFailException, match="cannot be read behind line 2000"):
        write_back(table, str(report))
    assert table.outcomes == []
    report.write_text(whole)
    assert write_back(table, str(report))["written"] == 2_000
    assert [row[3] for row in table.outcomes] == [f"c{place}" for place in range(1, 2_001)]


def test_without_a_unique_key_nothing_is_added(table, tmp_path):
    table.run("create table @ (id integer, state varchar(20), reason varchar(40), call_id varchar(40))")
    with pytest.raises(AirflowFailException, match="no primary key or unique index on id, so a second run"):
        write_back(table, written(tmp_path, LINES))
    table.run("create unique index @_key on @ (id)")
    assert write_back(table, written(tmp_path, LINES))["written"] == 3


def test_a_key_of_several_columns_renamed_and_reserved_names_and_a_value_for_all_rows(table, tmp_path):
    lines = [{**line, "shop": shop} for line in LINES for shop in ("a'; drop", "b")]
    arguments = {
        "key_columns": {"shop": "group", "id": "order"},
        "columns": {"state": "select"},
        "fixed_values": {"run_id": "manual__1"},
        "create_table": True,
    }
    for _ in range(2):
        assert write_back(table, written(tmp_path, lines), **arguments)["written"] == 6
    columns = [sqlalchemy.column(name) for name in ("group", "order", "select", "run_id")]
    with table.engine.connect() as connection:
        found = connection.execute(sqlalchemy.select(*columns).select_from(sqlalchemy.table(table.name))).all()
    assert sorted(map(tuple, found))[0] == ("a'; drop", "1", "accepted", "manual__1")
    assert len(found) == 6


def test_an_error_of_the_database_shows_no_key(table, tmp_path, caplog):
    table.run("create table @ (id integer primary key, state varchar(20), reason varchar(3), call_id varchar(3))")
    lines = [{**LINES[0], "id": "secret-key-of-a-person", "call_id": "c" * 60}]
    if table.engine.dialect.name == "sqlite":
        table.run("create trigger @_no before insert on @ begin select raise(abort, 'secret-key-of-a-person'); end")
    with pytest.raises(NotWritten, match=rf"to table {table.name} through connection \"warehouse\" \(") as caught:
        write_back(table, written(tmp_path, lines))
    assert "secret" not in str(caught.value) + caplog.text
    assert (caught.value.__cause__, caught.value.__context__) == (None, None)


@pytest.fixture
def sqlite_table(tmp_path, monkeypatch) -> Table:
    monkeypatch.setenv("AIRFLOW_CONN_WAREHOUSE", f"sqlite://{tmp_path / 'warehouse.db'}")
    return Table(sqlalchemy.create_engine(f"sqlite:///{tmp_path / 'warehouse.db'}"), "outcomes")


def test_the_report_of_a_fan_out_comes_back_whatever_its_keys_look_like(sqlite_table, sandbox, monkeypatch, tmp_path):
    connect(sandbox, monkeypatch, tmp_path)
    keys = ["=1+1", "'=1+1", "-7", "C;=2", "a\nb", "ключ"]
    rows = [{"to_number": f"+91987650000{place}", "customer": key} for place, key in enumerate(keys)]
    path = str(tmp_path / "report.csv")
    context = context_of()
    summary = fan_out(context, contacts=rows, report_path=path, report_columns={"customer": "id"})
    write_back(sqlite_table, summary, create_table=True)
    ids = {ring.metadata["customer"]: ring.call_id for ring in sandbox.rings}
    assert {row[0]: row[3] for row in sqlite_table.outcomes} == {key: ids[key] for key in keys}


@contextmanager
def refused(words: str) -> Iterator[None]:
    with pytest.raises((ConfigurationError, AirflowFailException), match=words):
        yield


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"table": "outcomes; drop table x"}, "table holds what is no name"),
        ({"table": "a.b.c"}, "table holds what is no name"),
        ({"key_columns": []}, "key_columns must be a list of different names"),
        ({"key_columns": "id"}, "key_columns must be a list of different names"),
        ({"key_columns": ["id", "id"]}, "key_columns must be a list of different names"),
        ({"key_columns": ["customer id"]}, "key_columns holds what is no name"),
        ({"columns": {"state": 'x"y'}}, "columns holds what is no name"),
        ({"columns": ["id"]}, "write one column of the table twice"),
        ({"fixed_values": {"a b": 1}}, "fixed_values holds what is no name"),
        ({"mode": "insert"}, 'mode must be "upsert" or "update"'),
        ({"on_unmatched": "skip"}, 'on_unmatched must be "warn" or "fail"'),
        ({"mode": "update", "create_table": True}, 'create_table=True needs mode="upsert"'),
    ],
)
def test_what_cannot_work_is_told_when_the_dag_is_parsed(arguments, words):
    given = {"report_path": "r.csv", "conn_id": "warehouse", "table": "outcomes", "key_columns": ["id"], **arguments}
    with refused(words):
        CallKaroReportToSqlOperator(task_id="write_back", **given)


def no_column(folder: Path) -> dict[str, Any]:
    return {"report": written(folder, LINES), "key_columns": ["customer_id"]}


def no_file(folder: Path) -> dict[str, Any]:
    return {"report": str(folder / "missing.csv")}


def no_ending(folder: Path) -> dict[str, Any]:
    return {"report": "report.xls"}


def no_report(folder: Path) -> dict[str, Any]:
    return {"report": {"total": 3, "report": None}}


def no_database(folder: Path) -> dict[str, Any]:
    return {"report": written(folder, LINES), "conn_id": "mail"}


@pytest.mark.parametrize(
    ("case", "words"),
    [
        (no_column, "the report has no column customer_id: name it in report_columns"),
        (no_file, "report_path: there is no report at"),
        (no_report, "the output of a task that wrote no report: give that task a report_path"),
        (no_ending, "report_path must end in .csv"),
        (no_database, 'conn_id "mail" is a connection of type "http"'),
    ],
)
def test_what_only_the_run_shows_fails_for_good_in_one_sentence(
    sqlite_table, tmp_path, monkeypatch, case: Callable[[Path], dict[str, Any]], words
):
    monkeypatch.setenv("AIRFLOW_CONN_MAIL", "http://localhost")
    with refused(words):
        write_back(sqlite_table, create_table=True, **case(tmp_path))


def test_a_place_comes_from_the_task_before_and_hides_its_signature():
    operator = CallKaroReportToSqlOperator(
        task_id="write_back",
        report_path="{{ place }}",
        conn_id="{{ database }}",
        table="{{ table }}",
        key_columns=["id"],
        fixed_values={"run_id": "{{ run }}"},
    )
    values = {"place": "s3://b/r.csv?signature=SECRET", "database": "warehouse", "table": "t", "run": "r1"}
    done = rendered(operator, context_of(), **values)
    assert (done.conn_id, done.table, done.fixed_values) == ("warehouse", "t", {"run_id": "r1"})
    assert str(done.report_path) == "s3://b/r.csv"


def test_what_airflow_stores_of_a_task_that_wrote_no_report_is_no_error_of_its_own():
    """Airflow asks for it before the task begins, and the task then says what is wrong."""
    done = CallKaroReportToSqlOperator(
        task_id="write_back", report_path="report.csv", conn_id="warehouse", table="t", key_columns=["id"]
    )
    done.report_path.value = {"total": 3, "report": None}
    assert str(done.report_path) == "None"
