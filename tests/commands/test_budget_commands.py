"""A budget is looked at and changed on the command line, while runs go on or not, in every kind of database."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from airflow_provider_callkaro.budgets.keeper import BudgetKeeper
from airflow_provider_callkaro.budgets.lease import Lease
from airflow_provider_callkaro.budgets.limits import CallBudget
from airflow_provider_callkaro.budgets.renewal import Run
from airflow_provider_callkaro.budgets.store import BudgetStore

FIFTY = CallBudget(calls_per_second=50, max_concurrency=40)


@pytest.fixture
def keeper(engine: Any) -> Iterator[BudgetKeeper]:
    """A run that shares a budget, and goes on."""
    with BudgetKeeper(
        store=BudgetStore(engine, name="callkaro_default"),
        lease=Lease(most_slots=64),
        run=Run(name="nightly/calls", priority=5, weight=2.0),
        conn_id="callkaro_default",
        read=lambda: FIFTY,
        clock=time.monotonic,
    ) as keeper:
        yield keeper


def test_before_any_run_there_is_no_budget(engine: Any, command: Any) -> None:
    assert command("budget", "show") == []


def test_it_says_who_holds_what(keeper: BudgetKeeper, command: Any) -> None:
    (state,) = command("budget", "show")
    assert (state["name"], state["budget"]["calls_per_second"]) == ("callkaro_default", 50)
    (holder,) = state["holders"]
    assert (holder["run"], holder["priority"], holder["weight"]) == ("nightly/calls", 5, 2.0)
    assert command("budget", "show", "callkaro_default")[0]["name"] == "callkaro_default"


def test_the_table_has_a_line_for_each_budget_and_each_run(
    keeper: BudgetKeeper, command: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    from airflow_provider_callkaro.commands.definition import main

    main(["budget", "show", "--conn-id", "call_ledger"])
    told = capsys.readouterr().out
    assert "calls_per_second 50, max_concurrency 40" in told
    assert "nightly/calls" in told


def test_what_is_set_goes_before_the_connection_until_it_is_reset(keeper: BudgetKeeper, command: Any) -> None:
    answer = command("budget", "set", "callkaro_default", "--calls-per-second", "20", "--max-concurrency", "none")
    assert (answer["calls_per_second"], "max_concurrency" in answer) == (20, False)
    (state,) = command("budget", "show")
    assert (state["budget"]["calls_per_second"], state["budget"]["max_concurrency"]) == (20, None)
    assert sorted(state["overridden"]) == ["calls_per_second", "max_concurrency"]
    assert command("budget", "reset", "callkaro_default") == {"budget": "callkaro_default", "reset": True}
    (state,) = command("budget", "show")
    assert (state["budget"]["calls_per_second"], state["budget"]["max_concurrency"]) == (50, 40)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["set", "callkaro_default"], "say what to set: --calls-per-second"),
        (["set", "callkaro_default", "--calls-per-second", "fast"], '"calls_per_second" in .* must be a number'),
        (["set", "callkaro_default", "--calls-per-second", "none"], "has no limit"),
        (["set", "n" * 201, "--calls-per-second", "5"], "must be a name of 1 to 200 characters"),
        (["reset", "another"], 'there is no budget "another" in this ledger: there is none'),
        (["show", "another"], 'there is no budget "another" in this ledger'),
    ],
)
def test_what_cannot_be_is_refused_in_one_sentence(engine: Any, command: Any, words: list[str], message: str) -> None:
    with pytest.raises(SystemExit, match=f"error: .*{message}"):
        command("budget", *words)


@pytest.mark.parametrize("limit", ["none", "-5"])
def test_what_was_refused_leaves_no_budget_behind(engine: Any, command: Any, limit: str) -> None:
    with pytest.raises(SystemExit, match="error: "):
        command("budget", "set", "callkaro_default", "--calls-per-second", limit)
    assert command("budget", "show") == []


def test_a_misspelt_name_is_shown_beside_those_that_there_are(
    keeper: BudgetKeeper, command: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    from airflow_provider_callkaro.commands.definition import main

    main(["budget", "set", "callkaro_defalt", "--conn-id", "call_ledger", "--calls-per-second", "20"])
    told = capsys.readouterr()
    assert 'no run has used a budget "callkaro_defalt" in this ledger yet (there is "callkaro_default")' in (
        told.out + told.err
    )
