"""A decorated function is a fan-out with its promises: read anew in each try, nobody twice, nothing shown."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import DAG
from fanning_out import connect, context_of, people, rendered

from airflow_provider_callkaro.decorators.callkaro import callkaro_calls_task
from airflow_provider_callkaro.decorators.mrassistant import mrassistant_calls_task
from airflow_provider_callkaro.exceptions import ConfigurationError
from airflow_provider_callkaro.operators.callkaro import CallKaroFanOutCallsOperator
from airflow_provider_callkaro.sources import SqlContacts

OWN = {
    callkaro_calls_task: {"agent_id": "asha"},
    mrassistant_calls_task: {"name": "Renewals", "agent_id": "6f2c0a56-6a64-4b0e-9f0c-2a4f4c1a7d10"},
}
DECORATORS = list(OWN)
LEDGER = {"ledger_conn_id": "call_ledger", "ledger_scope": "renewals"}


@pytest.fixture(autouse=True)
def _connected(sandbox, monkeypatch, tmp_path):
    connect(sandbox, monkeypatch, tmp_path)
    monkeypatch.setenv("AIRFLOW_CONN_MRASSISTANT_DEFAULT", sandbox.airflow_connections["mrassistant_default"])


def task_of(function: Any, *args: Any, decorator: Any = callkaro_calls_task, call: Any = None, **arguments: Any) -> Any:
    """The task that a decorated function is in a DAG.

    :param call: the arguments by name of the function's call in the DAG.
    """
    with DAG("outreach"):
        return decorator(**OWN[decorator], **LEDGER, **arguments)(function)(*args, **(call or {})).operator


@pytest.mark.parametrize("decorator", DECORATORS)
def test_each_row_that_a_function_yields_is_called_once(sandbox, decorator):
    def renewals() -> Iterator[dict[str, Any]]:
        yield from people(3)

    result = task_of(renewals, decorator=decorator).execute(context_of())
    assert (result["total"], result["accepted"]) == (3, 3)
    assert sandbox.rings_per_number() == {person["to_number"]: 1 for person in people(3)}


@pytest.mark.parametrize("decorator", DECORATORS)
def test_a_retry_reads_the_function_again_and_calls_nobody_twice(sandbox, decorator):
    read = []

    def renewals() -> Iterator[dict[str, Any]]:
        read.append(len(read) + 1)
        yield from people(3)
        if len(read) == 1:
            raise OSError("the database went away")
        yield from people(2, start=3)

    with pytest.raises(OSError, match="went away"):
        task_of(renewals, decorator=decorator).execute(context_of())
    for attempt in (2, 3):
        task_of(renewals, decorator=decorator).execute(context_of(try_number=attempt))
    assert read == [1, 2, 3]  # once in each try
    assert sandbox.rings_per_number() == {person["to_number"]: 1 for person in people(5)}


def test_the_arguments_of_a_function_are_rendered_and_airflows_context_is_given_by_name(sandbox):
    seen: dict[str, Any] = {}

    def renewals(city: str, day: str, run_id: Any = None, **others: Any) -> Iterator[dict[str, Any]]:
        seen.update(city=city, day=day, run_id=run_id, others=others)
        yield from people(1)

    context = context_of(run_id="scheduled__7")
    task = rendered(task_of(renewals, "Pune", call={"day": "{{ day }}"}), context, day="2026-11-21")
    task.execute(context)
    assert (seen["city"], seen["day"], seen["run_id"]) == ("Pune", "2026-11-21", "scheduled__7")
    assert "ti" in seen["others"]


def test_a_row_is_never_rendered(sandbox):
    def renewals() -> Iterator[dict[str, Any]]:
        yield {"to_number": "+919876500000", "name": "{{ run_id }}"}

    context = context_of()
    rendered(task_of(renewals), context, run_id="leaked").execute(context)
    assert [ring.metadata["name"] for ring in sandbox.rings] == ["{{ run_id }}"]


def test_a_list_is_counted_by_calling_the_function_once_more_and_its_generators_are_closed(sandbox):
    steps: list[str] = []

    def renewals() -> Iterator[dict[str, Any]]:
        steps.append("opened")
        try:
            yield from people(4)
        finally:
            steps.append("closed")

    result = task_of(renewals, max_rows=4).execute(context_of())
    assert result["accepted"] == 4
    assert steps == ["opened", "closed"] * 2


def test_the_length_of_a_returned_list_is_known_before_the_first_call(sandbox):
    called = []
    task = task_of(lambda: called.append(1) or people(3), min_rows=4, task_id="renewals")
    with pytest.raises(Exception, match="min_rows"):
        task.execute(context_of())
    assert (called, sandbox.rings) == ([1], [])


def gives_the_same_iterator() -> Any:
    once = iter(people(2))
    return lambda: once


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda: None, "is None"),
        (lambda: people(1)[0], "is one mapping: put the row into a list"),
        (lambda: {"+919876500000"}, "is a set"),
        (lambda: 919876500000, "is an int: yield or return mappings, or plain numbers"),
    ],
    ids=["nothing", "one row", "a set", "one number"],
)
def test_what_gives_no_rows_is_refused_by_the_name_of_the_function(sandbox, function, message):
    function.__name__ = "renewals"
    with pytest.raises(Exception, match=f"what renewals gives {message}") as caught:
        task_of(function).execute(context_of())
    assert "98765" not in str(caught.value)
    assert sandbox.rings == []


def test_an_iterator_that_each_call_gives_anew_is_refused_where_it_is_used_up(sandbox):
    task = task_of(gives_the_same_iterator(), max_rows=5, task_id="renewals")
    with pytest.raises(ConfigurationError, match="an iterator that has been read before"):
        task.execute(context_of())
    assert sandbox.rings == []


def no_rows() -> list[Any]:
    return []


async def asynchronous() -> list[str]:
    return []


async def asynchronous_generator() -> Any:
    yield {}


@pytest.mark.parametrize("decorator", DECORATORS)
@pytest.mark.parametrize("function", [asynchronous, asynchronous_generator])
def test_an_asynchronous_function_is_refused_when_the_dag_is_parsed(decorator, function):
    with pytest.raises(ConfigurationError, match="is asynchronous"):
        decorator(function)


@pytest.mark.parametrize("decorator", DECORATORS)
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"contacts": people(1)}, "contacts is what the decorated function gives"),
        ({"shard": (0, 2), "shard_argument": "part"}, "twice"),
        ({"max_rows": 0}, "max_rows"),
    ],
)
def test_an_argument_that_cannot_work_is_refused_when_the_dag_is_parsed(decorator, arguments, message):
    with pytest.raises(ConfigurationError, match=message):
        task_of(no_rows, decorator=decorator, task_id="renewals", **arguments)


@pytest.mark.parametrize("decorator", DECORATORS)
def test_a_mapped_task_takes_its_part_of_the_list_from_the_argument_that_says_so(sandbox, decorator):
    def renewals(part: tuple[int, int]) -> Iterator[dict[str, Any]]:
        yield from people(20)

    taken = []
    for index in range(3):
        task = task_of(renewals, decorator=decorator, shard_argument="part", call={"part": (index, 3)})
        context = context_of(map_index=index)
        taken.append(rendered(task, context).execute(context)["total"])
    assert sum(taken) == 20
    assert all(taken)
    assert sandbox.rings_per_number() == {person["to_number"]: 1 for person in people(20)}


def test_a_shard_argument_that_the_function_is_not_given_is_named(sandbox):
    task = task_of(lambda: people(2), shard_argument="part", task_id="renewals")
    with pytest.raises(ConfigurationError, match="shard_argument is part"):
        task.execute(context_of())


@pytest.mark.parametrize("decorator", DECORATORS)
def test_what_is_never_shown_is_refused_in_the_decorator_of_a_mapped_task(decorator):
    decorated = decorator(call_options={"metadata": {"name": "Asha Raghavan"}}, **OWN[decorator])(lambda part: [])
    for mapped in (lambda: decorated.expand(part=[1, 2]), lambda: decorated.expand_kwargs([{"part": 1}])):
        with DAG("outreach"), pytest.raises(ConfigurationError, match="call_options is never shown") as caught:
            mapped()
        assert "Asha" not in str(caught.value)


def test_what_airflow_stores_and_logs_of_a_task_holds_none_of_its_rows(sandbox, caplog):
    caplog.set_level(logging.DEBUG)

    def renewals(rows: Any) -> Iterator[dict[str, Any]]:
        yield from rows

    context = context_of()
    task = rendered(task_of(renewals, call={"rows": people(3)}), context)
    result = task.execute(context)
    assert result["accepted"] == 3
    shown = f"{[str(getattr(task, name)) for name in task.template_fields]} {result} {context['ti'].xcoms}"
    for private in ("98765", "Asha", sandbox.api_key):
        assert private not in shown
        assert private not in caplog.text


PAGE = Path(__file__).parents[2] / "docs" / "taskflow.md"
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


def test_the_dags_of_the_page_call_whom_its_function_names_each_once(sandbox, monkeypatch):
    tickets = [SimpleNamespace(phone=person["to_number"], name="Asha", id=1) for person in people(8)]
    crm = ModuleType("my_company.crm")
    crm.open_tickets = lambda city, *, day: [ticket for ticket in tickets if (city, day) == ("Pune", "2026-11-21")]
    for name, module in {"my_company": ModuleType("my_company"), "my_company.crm": crm}.items():
        monkeypatch.setitem(sys.modules, name, module)
    whole, parts = (block.replace("airflow.sdk", "airflow.providers.common.compat.sdk") for block in BLOCKS[:2])
    names: dict[str, Any] = {}
    exec(whole.replace('callbacks("Pune")', 'made = callbacks("Pune")'), names)
    context = {**context_of(), "ds": "2026-11-21"}
    names["made"].operator.execute(context)
    assert sandbox.rings_per_number() == {person["to_number"]: 1 for person in people(8)}
    exec(parts.replace("callbacks.expand", "made = callbacks.expand"), names)
    assert names["made"].operator.map_index_template == "part {{ part }}"
    contacts = SqlContacts("select 1", conn_id="warehouse")
    exec(BLOCKS[2], names | {"CallKaroFanOutCallsOperator": CallKaroFanOutCallsOperator, "contacts": contacts})
