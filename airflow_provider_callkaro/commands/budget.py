"""``airflow callkaro budget …``: one function for each command."""

from __future__ import annotations

from argparse import Namespace
from dataclasses import asdict
from typing import Any

from airflow_provider_callkaro.budgets.limits import CallBudget
from airflow_provider_callkaro.budgets.settings import Settings
from airflow_provider_callkaro.budgets.state import BudgetState
from airflow_provider_callkaro.budgets.store import BudgetStore, budgets_in
from airflow_provider_callkaro.commands.opening import open_database
from airflow_provider_callkaro.commands.output import print_json, print_note, show_result, show_rows
from airflow_provider_callkaro.exceptions import ConfigurationError

SETTINGS = (
    "calls_per_second",
    "max_concurrency",
    "calls_per_hour",
    "calls_per_day",
    "price_per_minute",
    "max_cost_per_day",
    "minutes_per_call",
)
"""What a command may set; the options have hyphens in place of the underscores."""


def show(arguments: Namespace) -> None:
    """The budgets, and who holds which part of them."""
    with open_database(arguments) as engine:
        names = budgets_in(engine) if arguments.budget is None else [_known(arguments.budget, budgets_in(engine))]
        states = []
        for name in names:
            with BudgetStore(engine, name=name) as store:
                states.append(store.show())
    if arguments.output == "json":
        print_json([asdict(state) for state in states])
        return
    show_rows([_in_total(state) for state in states], output=arguments.output, nothing="no run has a budget here yet")
    holders = [holder for state in states for holder in _holders(state)]
    if holders:
        show_rows(holders, output=arguments.output, nothing="")


def set(arguments: Namespace) -> None:  # noqa: A001 - the name of the command
    """Change settings, over what the connection's extra says."""
    given = {name: getattr(arguments, name) for name in SETTINGS if getattr(arguments, name) is not None}
    if not given:
        options = ", ".join(f"--{name.replace('_', '-')}" for name in SETTINGS)
        raise ConfigurationError(f"say what to set: {options}")
    changes = {name: "" if text.strip().lower() == "none" else text for name, text in given.items()}
    with open_database(arguments) as engine:
        names = budgets_in(engine)
        if arguments.budget not in names:
            # before a row is made for it, which nothing would remove
            Settings(connection={}, overrides={}).with_overrides(changes).budget(arguments.budget)
        with BudgetStore(engine, name=arguments.budget) as store:
            budget = store.set(changes)
    if arguments.budget not in names:
        print_note(
            f'no run has used a budget "{arguments.budget}" in this ledger yet (there is {_listed(names)}): it holds '
            "once the extra of its connection has a budget too"
        )
    show_result(
        {"budget": arguments.budget, **budget.as_mapping()},
        output=arguments.output,
        sentence=f'the budget "{arguments.budget}" is now {_in_words(budget)}',
    )


def reset(arguments: Namespace) -> None:
    """Let the connection's extra hold again."""
    with (
        open_database(arguments) as engine,
        BudgetStore(engine, name=_known(arguments.budget, budgets_in(engine))) as store,
    ):
        store.reset()
    show_result(
        {"budget": arguments.budget, "reset": True},
        output=arguments.output,
        sentence=f'the budget "{arguments.budget}" is what the connection says',
    )


def _known(name: str, names: list[str]) -> str:
    if name not in names:
        raise ConfigurationError(f'there is no budget "{name[:200]}" in this ledger: there is {_listed(names)}')
    return name


def _listed(names: list[str]) -> str:
    return ", ".join(f'"{each}"' for each in names) or "none"


def _in_total(state: BudgetState) -> dict[str, Any]:
    return {
        "budget": state.name,
        "allowed": "" if state.budget is None else _in_words(state.budget),
        "set by command": ", ".join(state.overridden),
        "last second": state.recent,
        "in flight": state.in_flight,
        "this hour": state.spent_this_hour,
        "today": state.spent_today,
        "cost today": "" if state.cost_today is None else f"{state.cost_today:.2f}",
        "slowed to": "" if state.factor >= 1 else f"{state.factor:.0%}",
        "pause": f"{state.pause:.0f} s" if state.pause else "",
    }


def _holders(state: BudgetState) -> list[dict[str, Any]]:
    return [
        {
            "budget": state.name,
            "run": holder.run,
            "priority": holder.priority,
            "weight": f"{holder.weight:g}",
            "calls per second": "" if holder.calls_per_second is None else holder.calls_per_second,
            "last second": holder.recent,
            "slots": "" if holder.slots is None else holder.slots,
            "in flight": holder.in_flight,
            "lease": f"{holder.seconds_left:.1f} s" if holder.seconds_left else "over",
        }
        for holder in state.holders
    ]


def _in_words(budget: CallBudget) -> str:
    return ", ".join(f"{name} {value:g}" for name, value in budget.as_mapping().items() if name in SETTINGS)
