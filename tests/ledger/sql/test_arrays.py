"""What goes into PostgreSQL as an array comes out as it was, and a statement's text does not depend on the rows."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import sqlalchemy
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airflow_provider_callkaro.ledger.sql.arrays import array_of, given_rows
from airflow_provider_callkaro.ledger.sql.dialects import statements_for
from airflow_provider_callkaro.ledger.sql.table import Row, Settled

TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=30)
PITFALLS = st.sampled_from(["", "NULL", "null", "{}", '"', "\\", '\\"', "a,b", " blank ", "{a}", "%s", "%(a)s", "'"])


@pytest.fixture(scope="module", params=["psycopg2", "psycopg"])
def connection(request: pytest.FixtureRequest, postgresql_url: str) -> Iterator[sqlalchemy.Connection]:
    engine = sqlalchemy.create_engine(postgresql_url.replace("psycopg2", request.param))
    with engine.connect() as connection:
        yield connection
    engine.dispose()


@pytest.mark.services
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(texts=st.lists(st.none() | TEXTS | PITFALLS, max_size=8))
def test_an_array_comes_out_as_it_went_in(connection: sqlalchemy.Connection, texts: list[str | None]) -> None:
    query = "SELECT array_to_json(CAST(%s AS TEXT[]))"
    assert connection.exec_driver_sql(query, (array_of(texts),)).scalar_one() == texts


@pytest.mark.services
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(rows=st.lists(st.tuples(TEXTS, st.none() | PITFALLS, st.integers(0, 2)), min_size=1, max_size=6, unique=True))
def test_rows_come_out_in_their_order(
    connection: sqlalchemy.Connection, rows: list[tuple[str, str | None, int]]
) -> None:
    columns = dict(zip(("id", "reason", "turn"), zip(*rows, strict=True), strict=True))
    chosen, source, parameters = given_rows(columns, key="id")
    found = connection.exec_driver_sql(f"SELECT {chosen} FROM {source}", parameters).all()
    assert [tuple(row) for row in found] == rows


def test_the_text_of_a_statement_is_the_same_for_any_number_of_calls() -> None:
    statements = statements_for("postgresql")
    texts = set()
    for calls in (2, 64, 250):
        rows = [
            Row(str(n), "s", f"k{n}", f"9{n}", "claimed", None, None, None, "r", "o", 1, 0, None, None)
            for n in range(calls)
        ]
        outcomes = [Settled(str(n), "accepted", f"c{n}", None, None) for n in range(calls)]
        texts.add(
            (
                statements.insert(rows)[0],
                statements.settle(outcomes, owner="o", turn=2)[0],
                statements.read([row.id for row in rows])[0],
                statements.release([row.id for row in rows], owner="o", turn=2)[0],
            )
        )
    assert len(texts) == 1
