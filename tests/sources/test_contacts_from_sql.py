"""Rows from databases: streamed, bound, read-only, and silent about what they hold."""

from __future__ import annotations

import itertools
import re
import sqlite3
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from airflow_provider_callkaro.exceptions import ConfigurationError, SourceBroken
from airflow_provider_callkaro.sources import SqlContacts

MANY = 200_000  # rows; some 60 MB if they stood in memory at once
BOUND = 8_000_000  # bytes; fetch_size rows and their driver's buffers are far below it

MANY_IN = {
    "sqlite": f"""
        with recursive n(i) as (select 1 union all select i + 1 from n where i < {MANY})
        select '+9198' || printf('%08d', i) as to_number, hex(zeroblob(60)) as note from n""",
    "postgresql": f"""
        select '+9198' || lpad(i::text, 8, '0') as to_number, repeat('0', 120) as note
        from generate_series(1, {MANY}) as i""",
    "mariadb": f"""
        select concat('+9198', lpad(seq, 8, '0')) as to_number, repeat('0', 120) as note from seq_1_to_{MANY}""",
}


@pytest.fixture
def warehouse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A SQLite file with two customers, as connection ``warehouse``."""
    path = tmp_path / "warehouse.db"
    with sqlite3.connect(path) as database:
        database.execute("create table customers (to_number text, name text, due_on text)")
        database.executemany(
            "insert into customers values (?, ?, ?)",
            [("+919876543210", "Asha", "2026-06-01"), ("+919876543211", "O'Hara; drop table customers", "2026-06-02")],
        )
    monkeypatch.setenv("AIRFLOW_CONN_WAREHOUSE", f"sqlite://{path}")
    list(SqlContacts("select 1", conn_id="warehouse").rows({}))  # Airflow sets up its log at its first connection
    return path


@pytest.fixture(params=["sqlite", "postgresql", "postgresql-psycopg2", "mariadb"])
def database(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Each kind of database in turn, as connection ``warehouse``; its kind."""
    kind, _, driver = request.param.partition("-")
    if kind == "sqlite":
        request.getfixturevalue("warehouse")
        return kind
    monkeypatch.setenv("AIRFLOW_CONN_WAREHOUSE", request.getfixturevalue(kind).airflow_uri)
    if kind == "mariadb":
        use_pymysql(monkeypatch)
    else:
        use_psycopg(monkeypatch, version=2 if driver else 3)
    return kind


def use_psycopg(monkeypatch: pytest.MonkeyPatch, *, version: int) -> None:
    """One of the two drivers between which Airflow's PostgreSQL hook chooses by what is installed."""
    from airflow.providers.postgres.hooks import postgres

    if version == 3 and not getattr(postgres, "USE_PSYCOPG3", False):
        pytest.skip("this Airflow's PostgreSQL hook has no psycopg 3")
    monkeypatch.setattr(postgres, "USE_PSYCOPG3", version == 3, raising=False)


def use_pymysql(monkeypatch: pytest.MonkeyPatch) -> None:
    """PyMySQL in the place of mysqlclient, which needs a compiler to install: same interface, same cursors."""
    import pymysql

    for name in ("MySQLdb", "_mysql"):
        monkeypatch.setitem(sys.modules, name, pymysql)


def read(sql: str, **options: Any) -> list[Any]:
    return list(SqlContacts(sql, conn_id="warehouse", **options).rows({}))


def test_each_row_comes_with_its_columns_by_name(database: str) -> None:
    rows = read("select '+919876543210' as to_number, 3 as priority, null as city union all select '+1', 4, 'Pune'")
    assert rows == [
        {"to_number": "+919876543210", "priority": 3, "city": None},
        {"to_number": "+1", "priority": 4, "city": "Pune"},
    ]


def test_no_rows_are_no_error(database: str) -> None:
    assert read("select '+1' as to_number where 1 = 0") == []


def test_all_of_a_long_list_comes_and_never_stands_in_memory(database: str) -> None:
    read("select 1 as warm_up")  # imports the driver
    tracemalloc.start()
    count = sum(1 for _ in SqlContacts(MANY_IN[database], conn_id="warehouse").rows({}))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert count == MANY
    assert peak < BOUND


@contextmanager
def beside(server: Any) -> Iterator[Callable[[str], Any]]:
    """Runs statements in a PostgreSQL session of the test's own; each answers its first value."""
    import psycopg2

    with closing(
        psycopg2.connect(host=server.host, port=server.port, user=server.user, dbname=server.database)
    ) as connection:
        connection.autocommit = True

        def execute(sql: str) -> Any:
            with connection.cursor() as cursor:
                cursor.execute(sql)
                return cursor.fetchone()[0] if cursor.description else None

        yield execute


@pytest.mark.parametrize("version", [2, 3])
def test_postgresql_computes_no_more_rows_than_are_asked_for(
    postgresql: Any, monkeypatch: pytest.MonkeyPatch, version: int
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_WAREHOUSE", postgresql.airflow_uri)
    use_psycopg(monkeypatch, version=version)
    counter = f"rows_computed_{uuid4().hex}"
    with beside(postgresql) as execute:
        execute(f"create sequence {counter}")
        rows = SqlContacts(
            f"select nextval('{counter}') as to_number from generate_series(1, {MANY})",
            conn_id="warehouse",
            fetch_size=100,
        ).rows({})
        next(rows)
        computed = execute(f"select last_value from {counter}")
        rows.close()
        execute(f"drop sequence {counter}")
    assert computed == 100


def test_stopping_early_leaves_no_connection_behind(postgresql: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    name = f"contacts-{uuid4().hex}"
    monkeypatch.setenv("AIRFLOW_CONN_WAREHOUSE", f"{postgresql.airflow_uri}?application_name={name}")
    rows = SqlContacts(MANY_IN["postgresql"], conn_id="warehouse").rows({})
    next(rows)
    ours = f"select count(*) from pg_stat_activity where application_name = '{name}'"
    with beside(postgresql) as look:
        assert look(ours) == 1
        rows.close()
        # The server takes its time to notice; asking until it has is no wait for a clock.
        assert any(look(ours) == 0 for _ in range(100_000))


def test_stopping_early_is_quiet_and_final(database: str) -> None:
    rows = SqlContacts(MANY_IN[database], conn_id="warehouse", fetch_size=10).rows({})
    assert len(list(itertools.islice(rows, 25))) == 25
    rows.close()
    assert list(rows) == []


def test_a_slow_campaign_is_not_hung_up_on_by_mysql(mariadb: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_WAREHOUSE", mariadb.airflow_uri)
    use_pymysql(monkeypatch)
    assert read("select @@net_write_timeout as seconds") == [{"seconds": 86_400}]


PLACEHOLDER = {"sqlite": ":name", "postgresql": "%(name)s", "mariadb": "%(name)s"}


def test_parameters_are_bound_and_never_written_into_the_statement(database: str) -> None:
    name = "O'Hara; drop table customers; -- %s"
    assert read(f"select {PLACEHOLDER[database]} as name", parameters={"name": name}) == [{"name": name}]


def test_a_percent_sign_needs_no_doubling_without_parameters(database: str) -> None:
    assert read("select 'a' as name where 'abc' like 'a%'") == [{"name": "a"}]


def test_parameters_may_be_a_list(warehouse: Path) -> None:
    assert read("select name from customers where due_on = ?", parameters=["2026-06-01"]) == [{"name": "Asha"}]


@pytest.fixture
def scratch_table(database: str) -> Iterator[str]:
    """The name of a table with one row, in the database under test."""
    from airflow.providers.common.compat.sdk import BaseHook

    name = f"contacts_{uuid4().hex}"
    hook = BaseHook.get_connection("warehouse").get_hook()
    hook.run([f"create table {name} (city varchar(20))", f"insert into {name} values ('Pune')"], autocommit=True)
    yield name
    hook.run(f"drop table {name}", autocommit=True)


def test_a_statement_that_returns_no_rows_is_refused_and_changes_nothing(scratch_table: str) -> None:
    with pytest.raises(ConfigurationError, match="select"):
        read(f"update {scratch_table} set city = 'Delhi'")
    assert read(f"select city from {scratch_table}") == [{"city": "Pune"}]


def test_two_columns_of_one_name_are_refused_rather_than_one_lost(database: str) -> None:
    with pytest.raises(ConfigurationError, match=r"columns 1 and 2 .* have the same name: give each .* AS"):
        read("select '+919876543210' as to_number, '+919876543211' as to_number")


def test_a_misspelt_statement_is_a_clear_error(database: str) -> None:
    with pytest.raises(ConfigurationError, match="selct"):
        read("selct 1")


def told(error: BaseException) -> str:
    """All that a log could print of an error, and of what it was raised from or within."""
    texts = []
    link: BaseException | None = error
    while link is not None:
        texts.append(f"{link!r} {link}")
        link = link.__cause__ or link.__context__
    return "\n".join(texts)


NAME = "Asha Raghavan"
QUOTES = {
    "sqlite": [
        "select json_extract(name, '$') as to_number from people",
        "select phone as to_number, abs(-9223372036854775807 - length(name)) from people",
        "select name -> phone as to_number from people",
    ],
    "postgresql": [
        "select phone::int as to_number from people",
        "select name::date as to_number from people",
        "select name::json as to_number from people",
        "select name from people where name ~ ('(' || phone)",
        "select raising(phone || ' ' || name, 'P0001') as to_number from people",
        "select raising(phone || ' ' || name, '55000') as to_number from people",
        "select raising(phone || ' ' || name, '42703') as to_number from people",
        "select raising(phone || ' ' || name, '0A000') as to_number from people",
        "select raising(phone || ' ' || name, '23514') as to_number from people",
    ],
    "mariadb": [
        "select extractvalue('<a/>', concat('$', phone, name)) as to_number from people",
        "select phone as to_number from people where name regexp concat('(', phone, name)",
        "select cast(phone as unsigned) * cast(phone as unsigned) as to_number from people",
        "select (select name from people union select phone from people) as to_number",
    ],
}


@pytest.fixture
def people(database: str) -> Iterator[None]:
    """A table of one customer, and on PostgreSQL a function that quotes what it is given."""
    from airflow.providers.common.compat.sdk import BaseHook

    hook = BaseHook.get_connection("warehouse").get_hook()
    statements = [
        "drop table if exists people",
        "create table people (phone varchar(40), name varchar(80))",
        f"insert into people values ('+919876543210', '{NAME}')",
    ]
    if database == "postgresql":
        statements.append(
            "create or replace function raising(what text, code text) returns text language plpgsql as "
            "$$ begin raise exception using errcode = code, message = 'customer ' || what, detail = what; end $$"
        )
    hook.run(statements, autocommit=True)
    yield
    hook.run(["drop table people"], autocommit=True)


def test_no_error_of_reading_quotes_a_row(database: str, people: None) -> None:
    failures = []
    for sql in QUOTES[database]:
        try:
            read(sql)
        except (ConfigurationError, SourceBroken) as error:
            failures.append(error)
    assert len(failures) >= len(QUOTES[database]) - 2  # MariaDB takes some of them, with a warning
    for failure in failures:
        assert re.search(r'"warehouse".* \(\w+, \w+.*(see that|give one select)', str(failure))
        assert not [part for part in ("Asha", "Raghavan", "9876", "3210") if part in told(failure)]


def test_what_a_statement_says_wrongly_is_named_by_its_own_words(database: str, people: None) -> None:
    with pytest.raises((ConfigurationError, SourceBroken)) as caught:
        read("select phne as to_number, 'Asha' as name from people")
    if database != "mariadb":  # whose driver takes an unknown column for a fault of the server
        assert "it speaks of phne" in str(caught.value)
    assert "Asha" not in told(caught.value)


def test_words_that_a_template_brought_are_not_shown(warehouse: Path) -> None:
    source = SqlContacts("select to_number from customers where name = '{{ name }}'", conn_id="warehouse")
    source.sql = "select to_number from customers where name = 'O'Raghavan'"  # as the template renders
    with pytest.raises(ConfigurationError) as caught:
        next(source.rows({}))
    assert "Raghavan" not in told(caught.value)


@pytest.mark.parametrize(
    "sql",
    ["select to_number from nowhere where name = %(name)s", "select cast(%(name)s as integer) as to_number"],
)
@pytest.mark.parametrize("version", [2, 3])
def test_no_error_repeats_a_value(postgresql: Any, monkeypatch: pytest.MonkeyPatch, sql: str, version: int) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_WAREHOUSE", postgresql.airflow_uri)
    use_psycopg(monkeypatch, version=version)
    with pytest.raises(ConfigurationError) as caught:
        read(sql, parameters={"name": "Asha +919876543210"})
    assert "Asha" not in told(caught.value)
    assert "98765" not in told(caught.value)


def test_an_unnamed_number_as_column_is_masked(warehouse: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        read("select '+919876543210', '+919876543210'")
    assert "987654" not in str(caught.value)


def test_a_connection_that_is_none_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigurationError, match='"nowhere"'):
        list(SqlContacts("select 1", conn_id="nowhere").rows({}))
    monkeypatch.setenv("AIRFLOW_CONN_WEBSITE", "http://localhost")
    with pytest.raises(ConfigurationError, match='"website" of type "http" is no SQL connection'):
        list(SqlContacts("select 1", conn_id="website").rows({}))
    monkeypatch.setenv("AIRFLOW_CONN_ODDITY", "no-such-type://localhost")
    with pytest.raises(ConfigurationError, match='"oddity"'):
        list(SqlContacts("select 1", conn_id="oddity").rows({}))


def test_a_server_that_is_down_is_named_without_the_drivers_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_WAREHOUSE", "postgres://nobody:secret@127.0.0.1:1/nothing")
    with pytest.raises(SourceBroken, match=r'"warehouse" cannot be opened \(OperationalError\)') as caught:
        read("select 1 as to_number")
    assert "nobody" not in told(caught.value)


ROWS, BAD = 2_500, 1_500
UNREADABLE = {
    "sqlite": ["cast(x'41ff' as text)"],
    "postgresql": [
        "date '10000-01-01'",
        "date '0044-03-15 BC'",
        "timestamp '10000-01-01'",
        "timestamptz '10000-01-01'",
        "array[date '2026-01-01', date '10000-01-01']",
        "daterange('2026-01-01', '10000-01-01')",
        "array[tstzrange('-infinity', '10000-01-01')]",
        "('[' || repeat('1', 5000) || ']')::jsonb",
    ],
    "mariadb": ["_latin1 x'4181'"],  # which has no meaning in the character set that Python takes it for
}
IN_EACH_ROW = {
    "sqlite": f"with recursive n(i) as (select 1 union all select i + 1 from n where i < {ROWS}) select i from n",
    "postgresql": f"select i from generate_series(1, {ROWS}) as i",
    "mariadb": f"select seq as i from seq_1_to_{ROWS}",
}


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize(
    ("kind", "value"), [(kind, value) for kind, values in UNREADABLE.items() for value in values], ids=str
)
def test_a_value_that_the_driver_cannot_convert_rejects_its_row_only(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, kind: str, value: str, version: int
) -> None:
    if kind == "sqlite":
        request.getfixturevalue("warehouse")
    else:
        charset = "?charset=latin1" if kind == "mariadb" else ""
        monkeypatch.setenv("AIRFLOW_CONN_WAREHOUSE", request.getfixturevalue(kind).airflow_uri + charset)
        use_pymysql(monkeypatch)
        use_psycopg(monkeypatch, version=version)
    sql = f"""
        select i as to_number, case when i in ({BAD}, {BAD + 1}, {ROWS}) then {value} end as odd, i + 1 as last
        from ({IN_EACH_ROW[kind]}) as numbered order by i"""
    rows = read(sql, fetch_size=1_000)
    assert rows == [
        None if i in (BAD, BAD + 1, ROWS) else {"to_number": i, "odd": None, "last": i + 1} for i in range(1, ROWS + 1)
    ]
    assert read(sql, fetch_size=7) == rows


@pytest.mark.parametrize("value", ["timestamp 'infinity'", "time '24:00'"])
def test_what_one_driver_of_postgresql_reads_and_the_other_does_not_costs_no_list(
    postgresql: Any, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_WAREHOUSE", postgresql.airflow_uri)
    for version in (3, 2):
        use_psycopg(monkeypatch, version=version)
        rows = read(f"select i, case when i = 2 then {value} end as odd from generate_series(1, 3) as i")
        assert [row and row["i"] for row in rows] == [1, 2 if version == 2 else None, 3]


@pytest.mark.parametrize(("cursor", "version"), [("dictcursor", 2), ("realdictcursor", 2), ("dictcursor", 3)])
def test_rows_as_dictionaries_are_rejected_one_by_one_too(
    postgresql: Any, monkeypatch: pytest.MonkeyPatch, cursor: str, version: int
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_WAREHOUSE", f"{postgresql.airflow_uri}?cursor={cursor}")
    use_psycopg(monkeypatch, version=version)
    rows = read("select i, case when i = 2 then date '10000-01-01' end as odd from generate_series(1, 3) as i")
    assert rows == [{"i": 1, "odd": None}, None, {"i": 3, "odd": None}]


@pytest.mark.parametrize("version", [2, 3])
def test_a_server_that_hangs_up_says_how_far_it_came_and_nothing_else(
    postgresql: Any, monkeypatch: pytest.MonkeyPatch, version: int
) -> None:
    application = f"contacts-{uuid4().hex}"
    monkeypatch.setenv("AIRFLOW_CONN_WAREHOUSE", f"{postgresql.airflow_uri}?application_name={application}")
    use_psycopg(monkeypatch, version=version)
    source = SqlContacts(MANY_IN["postgresql"], conn_id="warehouse", fetch_size=100).rows({})
    given = list(itertools.islice(source, 250))
    with beside(postgresql) as execute:
        execute(f"select pg_terminate_backend(pid) from pg_stat_activity where application_name = '{application}'")
    with pytest.raises(SourceBroken) as caught:
        given.extend(source)
    assert len(given) == 300
    assert 'the query on connection "warehouse" broke off behind row 300 (' in str(caught.value)
    assert "+9198" not in told(caught.value)


def test_a_mysql_server_that_hangs_up_says_how_far_it_came(mariadb: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    import pymysql

    monkeypatch.setenv("AIRFLOW_CONN_WAREHOUSE", mariadb.airflow_uri)
    use_pymysql(monkeypatch)
    seen = f"connection_{uuid4().hex}"
    source = SqlContacts(
        f"select connection_id() as id, '{seen}' as name, repeat('x', 3000) as note from seq_1_to_{MANY}",
        conn_id="warehouse",
        fetch_size=100,
    ).rows({})
    given = [next(source)]
    with closing(pymysql.connect(host=mariadb.host, port=mariadb.port, user=mariadb.user)) as other:
        other.cursor().execute(f"kill {given[0]['id']}")
    with pytest.raises(SourceBroken, match="broke off behind row") as caught:
        given.extend(source)
    assert f"behind row {len(given)} (" in str(caught.value)
    assert seen not in str(caught.value)


@pytest.mark.parametrize("version", [2, 3])
def test_a_value_at_which_the_server_fails_ends_the_query_and_says_how_far_it_came(
    postgresql: Any, monkeypatch: pytest.MonkeyPatch, version: int
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_WAREHOUSE", postgresql.airflow_uri)
    use_psycopg(monkeypatch, version=version)
    source = SqlContacts(
        "select (case when i = 250 then 'Asha' else '1' end)::int as priority from generate_series(1, 500) as i",
        conn_id="warehouse",
        fetch_size=100,
    ).rows({})
    given = []
    with pytest.raises(
        ConfigurationError, match=r"behind row 200: a value cannot be converted \(.*, 22P02\)"
    ) as caught:
        given.extend(source)
    assert len(given) == 200
    assert "Asha" not in str(caught.value)


@pytest.mark.parametrize("sql", ["", "  \n", None])
def test_an_empty_statement_is_refused(sql: Any) -> None:
    with pytest.raises(ConfigurationError, match="sql must be a text that is not empty"):
        read(sql)


@pytest.mark.parametrize("fetch_size", [0, -1, "many"])
def test_a_fetch_size_that_fetches_nothing_is_refused(fetch_size: Any) -> None:
    with pytest.raises(ConfigurationError, match="fetch_size"):
        SqlContacts("select 1", conn_id="warehouse", fetch_size=fetch_size)


def test_a_connection_with_a_dictionary_cursor_gives_the_same_rows(
    postgresql: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_WAREHOUSE", f"{postgresql.airflow_uri}?cursor=dictcursor")
    assert read("select '+919876543210' as to_number, 3 as priority") == [{"to_number": "+919876543210", "priority": 3}]


def test_the_rendered_view_shows_the_query_but_no_value(warehouse: Path) -> None:
    source = SqlContacts(
        "select to_number from customers where due_on = :day and to_number <> '+919876543210'",
        conn_id="warehouse",
        parameters={"day": "2026-06-01"},
    )
    assert str(source) == (
        "rows of the query on connection warehouse, parameters: day: "
        "select to_number from customers where due_on = :day and to_number <> …"
    )


@pytest.mark.parametrize(
    "sql",
    [
        "select to_number from customers order by name",
        "select to_number from customers;\n",
        "select to_number from customers -- all of them",
        "with due as (select * from customers) select * from due",
    ],
)
def test_the_rows_are_counted_where_that_is_asked_for(database: str, sql: str) -> None:
    if database != "sqlite":
        sql = sql.replace(
            "from customers", "from (select 1 as to_number, 'a' as name union all select 2, 'b') customers"
        )
    assert SqlContacts(sql, conn_id="warehouse", count=True).total({}) == 2
    assert SqlContacts(sql, conn_id="warehouse").total({}) is None
    assert len(list(SqlContacts(sql, conn_id="warehouse", count=True).rows({}))) == 2


def test_the_count_has_the_querys_parameters(warehouse: Path) -> None:
    source = SqlContacts(
        "select * from customers where due_on = :day", conn_id="warehouse", parameters={"day": "2026-06-01"}, count=True
    )
    assert source.total({}) == 1


@pytest.mark.parametrize("sql", ["delete from customers returning *", "select nothing", "values (1);select 1"])
def test_a_query_that_cannot_be_counted_has_no_total_and_changes_nothing(
    warehouse: Path, caplog: pytest.LogCaptureFixture, sql: str
) -> None:
    assert SqlContacts(sql, conn_id="warehouse", count=True).total({}) is None
    assert "the progress has no total" in caplog.text
    with closing(sqlite3.connect(warehouse)) as database:
        assert database.execute("select count(*) from customers").fetchone() == (2,)
