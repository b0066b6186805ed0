"""Rows that a DAG hands over: what is taken for a list of them, and how little of it can be seen from outside."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Sequence
from copy import copy, deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_callkaro.calls.phone import NumberReader
from airflow_provider_callkaro.exceptions import ConfigurationError
from airflow_provider_callkaro.sources import AssetContacts, FileContacts, SqlContacts
from airflow_provider_callkaro.sources.contract import ContactSource
from airflow_provider_callkaro.sources.inline import RowContacts, as_source
from airflow_provider_callkaro.tasks.rules import Suppression

PEOPLE = [{"to_number": "+919876543210", "name": "Asha"}, "+919876543211", None, 5]


def read(contacts: Any) -> list[Any]:
    return list(as_source(contacts).rows({}))


def test_rows_come_unchanged_even_where_they_are_none() -> None:
    assert read(PEOPLE) == PEOPLE
    assert read(tuple(PEOPLE)) == PEOPLE
    assert read([]) == []


def test_a_lazy_sequence_is_read_as_it_comes() -> None:
    class Lazy:
        taken = 0

        def __iter__(self) -> Iterator[Any]:
            for row in PEOPLE:
                self.taken += 1
                yield row

    lazy = Lazy()
    rows = as_source(lazy).rows({})
    assert (next(rows), lazy.taken) == (PEOPLE[0], 1)
    assert as_source(lazy).total({}) is None


def generator() -> Iterator[Any]:
    yield from PEOPLE


@pytest.mark.parametrize(
    "used_up",
    [
        pytest.param(generator(), id="generator"),
        pytest.param((row for row in PEOPLE), id="generator expression"),
        pytest.param(map(str, PEOPLE), id="map"),
        pytest.param(zip(PEOPLE, strict=False), id="zip"),
        pytest.param(iter(PEOPLE), id="iterator of a list"),
        pytest.param(io.StringIO("+919876543210\n"), id="file handle"),
        pytest.param(csv.DictReader(["to_number", "+919876543210"]), id="reader of a CSV"),
    ],
)
def test_what_is_empty_when_it_is_read_again_is_refused_when_the_dag_is_parsed(used_up: Any) -> None:
    """The second pass, after a nap, would find nobody and succeed."""
    with pytest.raises(
        ConfigurationError, match=r"contacts is an? .* empty when it is read again: give a list"
    ) as caught:
        as_source(used_up)
    assert "98765" not in str(caught.value)
    with pytest.raises(ConfigurationError, match=r"suppress is an? .* empty when it is read again"):
        Suppression(used_up)


class WalkedAgain(Sequence[Any]):
    """A lazy sequence, as Airflow gives for the outputs of a mapped task."""

    def __getitem__(self, place: Any) -> Any:
        return PEOPLE[place]

    def __len__(self) -> int:
        return len(PEOPLE)


@pytest.mark.parametrize(
    "again",
    [PEOPLE, tuple(PEOPLE), WalkedAgain(), dict(enumerate(PEOPLE)).values()],
    ids=lambda rows: type(rows).__name__,
)
def test_what_can_be_walked_again_is_the_same_in_every_pass(again: Any) -> None:
    source = as_source(again)
    assert [list(source.rows({})) for _ in range(3)] == [PEOPLE] * 3


def test_an_iterator_to_which_a_template_renders_is_taken_in() -> None:
    source = RowContacts("{{ people() }}")
    source.value = generator()  # as a DAG with render_template_as_native_obj has it
    assert source.total({}) == len(PEOPLE)
    assert [list(source.rows({})) for _ in range(2)] == [PEOPLE] * 2


def test_an_iterator_from_an_upstream_task_is_taken_in() -> None:
    class Reference:
        def iter_references(self) -> Iterator[Any]:
            return iter(())

        def resolve(self, context: Any) -> Iterator[Any]:
            return generator()

    source = as_source(Reference())
    assert [list(source.rows({})) for _ in range(2)] == [PEOPLE] * 2


def test_rows_that_end_for_good_in_disguise_are_no_empty_list() -> None:
    class OnceOnly:
        def __init__(self) -> None:
            self._rows = iter(PEOPLE)

        def __iter__(self) -> Iterator[Any]:
            return self._rows

    source = as_source(OnceOnly())
    assert list(source.rows({})) == PEOPLE
    with pytest.raises(ConfigurationError, match="once only"):
        list(source.rows({}))


def test_a_suppression_callable_that_gives_the_same_iterator_again_protects_nobody_and_is_refused() -> None:
    people = iter(["+919876543210"])
    suppression = Suppression(lambda: people)
    assert "+919876543210" in suppression.read({}, NumberReader())
    with pytest.raises(ConfigurationError, match="protects nobody any more"):
        suppression.read({}, NumberReader())
    anew = Suppression(lambda: iter(["+919876543210"]))
    assert all("+919876543210" in anew.read({}, NumberReader()) for _ in range(2))


class OwnContacts:
    """A source as a user would write one."""

    template_fields = ("path",)
    path = "{{ ds }}"

    def rows(self, context: Any) -> Iterator[Any]:
        yield "+919876543210"

    def total(self, context: Any) -> int | None:
        return 1


@pytest.mark.parametrize(
    "source",
    [
        RowContacts(PEOPLE),
        SqlContacts("select 1", conn_id="warehouse"),
        FileContacts("contacts.csv"),
        AssetContacts(),
        OwnContacts(),
    ],
    ids=lambda source: type(source).__name__,
)
def test_a_source_is_taken_as_it_is(source: ContactSource) -> None:
    assert isinstance(source, ContactSource)
    assert as_source(source) is source


@pytest.mark.parametrize(
    ("contacts", "message"),
    [
        pytest.param(None, "contacts is None", id="none"),
        pytest.param(PEOPLE[0], "contacts is one mapping: put the row into a list", id="one mapping"),
        pytest.param(919876543210, "contacts is an int", id="one number"),
        pytest.param({"+919876543210"}, "whose order changes", id="set"),
        pytest.param(b"+919876543210", "contacts is a bytes", id="bytes"),
        pytest.param(SqlContacts, "contacts is a type", id="a class"),
    ],
)
def test_what_is_no_list_is_refused_when_the_dag_is_parsed(contacts: Any, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message) as caught:
        as_source(contacts)
    assert "98765" not in str(caught.value)


def test_a_data_frame_is_not_taken_for_its_column_names() -> None:
    class Frame:
        columns = ("to_number",)

        def __iter__(self) -> Iterator[str]:
            return iter(self.columns)

    with pytest.raises(ConfigurationError, match=r'to_dict\("records"\)'):
        as_source(Frame())


@given(st.lists(st.dictionaries(st.text(), st.none() | st.booleans() | st.integers() | st.text()) | st.text()))
def test_a_template_may_render_to_json_or_to_python(rows: list[Any]) -> None:
    assert read(json.dumps(rows)) == rows
    assert read(repr(rows)) == rows
    assert as_source(repr(rows)).total({}) == len(rows)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="nothing"),
        pytest.param("None", id="an upstream task that returned nothing"),
        pytest.param("+919876543210", id="one number"),
        pytest.param('"+919876543210"', id="one text"),
        pytest.param("{'to_number': '+919876543210'}", id="one mapping"),
        pytest.param("[{'to_number': '+919876543210', 'due': datetime.date(2026, 6, 1)}]", id="no literal"),
        pytest.param("[" * 100_000, id="too deep"),
        pytest.param("__import__('os').getcwd()", id="code"),
    ],
)
def test_a_text_that_holds_no_list_is_refused_without_repeating_it(text: str) -> None:
    rows = as_source(text).rows({})
    with pytest.raises(ConfigurationError, match="contacts") as caught:
        next(rows)
    assert "98765" not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    ("contacts", "shown"),
    [
        (PEOPLE * 78, "312 rows given by the DAG"),
        ([PEOPLE[0]], "1 row given by the DAG"),
        ([], "0 rows given by the DAG"),
        ("['+919876543210']", "rows given by a template"),
    ],
)
def test_airflow_shows_and_stores_how_many_rows_and_nothing_of_them(contacts: Any, shown: str) -> None:
    from airflow.serialization.helpers import serialize_template_field

    source = as_source(contacts)
    assert (str(source), repr(source), serialize_template_field(source, "contacts")) == (shown, shown, shown)
    runtime = pytest.importorskip("airflow.sdk.execution_time.task_runner")
    assert getattr(runtime, "_serialize_template_field", serialize_template_field)(source, "contacts") == shown


def test_the_dag_looks_the_same_in_every_parse() -> None:
    assert str(as_source(list(PEOPLE))) == str(as_source(list(PEOPLE)))
    assert str(as_source(range(3))) == "rows given by the DAG"


@pytest.mark.parametrize("duplicate", [copy, deepcopy])
def test_airflow_may_copy_a_task_with_its_source(duplicate: Any) -> None:
    for source in (
        RowContacts(PEOPLE),
        SqlContacts("select 1", conn_id="w"),
        FileContacts("a.csv"),
        AssetContacts("a"),
    ):
        assert str(duplicate(source)) == str(source)
    assert list(duplicate(RowContacts(PEOPLE)).rows({})) == PEOPLE


def test_rendering_a_copy_leaves_the_dags_own_source_alone() -> None:
    own = as_source(["{{ ds }}"])
    rendered = copy(own)
    rendered.value = ["2026-06-01"]
    assert list(own.rows({})) == ["{{ ds }}"]
