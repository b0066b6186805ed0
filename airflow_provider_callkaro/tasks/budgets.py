"""How fast a run may go: its own limits, and its share of the budget of its connection.

The budget is shared where the tasks can meet, in the database of a SQL ledger. Elsewhere its rate and its calls in
flight hold for each task alone.
"""

from __future__ import annotations

import logging
import time
from dataclasses import replace
from datetime import tzinfo
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from airflow_provider_callkaro.budgets.limits import CallBudget
from airflow_provider_callkaro.calls.masking import mask_error
from airflow_provider_callkaro.dispatch.batching import batcher_for
from airflow_provider_callkaro.dispatch.budgeting import Keeper
from airflow_provider_callkaro.dispatch.limits import Limits
from airflow_provider_callkaro.tasks.account import Account
from airflow_provider_callkaro.tasks.ledgers import Memory
from airflow_provider_callkaro.tasks.settings import ListSettings

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

log = logging.getLogger(__name__)


class RunLimits(NamedTuple):
    """How fast a run may go. ``limits``: its own. ``keeper``: keeps its share of a budget, if it shares one."""

    limits: Limits
    keeper: Keeper | None


def limits_of_run(
    *, settings: ListSettings, account: Account, memory: Memory, context: Context, deadline: float
) -> RunLimits:
    """How fast a run may go. ``deadline``: seconds after which a request has ended, whatever the vendor does. Raises
    ConfigurationError if the connection's budget cannot be one."""
    limits = settings.limits
    budget = None if settings.dry_run else account.read_budget()
    if budget is None:
        return RunLimits(limits, None)
    name = budget.name or account.connection_id
    if memory.engine is None:
        log.warning(
            'The budget "%s" holds for this task alone: other tasks do not see it without a SQL ledger '
            "(ledger_conn_id)%s",
            name,
            _not_kept(budget),
        )
        return RunLimits(_within(limits, budget), None)
    from airflow_provider_callkaro.budgets.keeper import BudgetKeeper
    from airflow_provider_callkaro.budgets.lease import Lease
    from airflow_provider_callkaro.budgets.renewal import Run
    from airflow_provider_callkaro.budgets.store import BudgetStore

    keeper = BudgetKeeper(
        store=BudgetStore(memory.engine, name=name),
        lease=Lease(
            most_slots=limits.max_concurrency,
            most_calls_per_second=limits.calls_per_second,
            calls_per_request=batcher_for(account.vendor).calls_per_request,
            deadline=deadline,
        ),
        run=Run(name=_run_in_words(context), priority=settings.priority, weight=settings.weight),
        conn_id=account.connection_id,
        read=partial(_read_again, account),
        clock=time.monotonic,
    )
    return RunLimits(limits, keeper)


def _read_again(account: Account) -> CallBudget | None:
    """The connection's budget now, with the zone in which its hours and days begin; None if it cannot be read."""
    try:
        budget = account.read_budget()
    except Exception as error:  # the run goes on with what it has read before
        log.warning("The call budget could not be read again: %s", mask_error(error))
        return None
    if budget is None or budget.timezone is not None:
        return budget
    return replace(budget, timezone=_name_of(account.schedule_timezone))


def _name_of(zone: tzinfo | None) -> str:
    return str(getattr(zone, "key", "UTC"))


def _within(limits: Limits, budget: CallBudget) -> Limits:
    """The limits of a task that keeps to a budget which it cannot share."""
    rates = [rate for rate in (limits.calls_per_second, budget.calls_per_second) if rate is not None]
    return replace(
        limits,
        calls_per_second=min(rates, default=None),
        max_concurrency=min(limits.max_concurrency, budget.max_concurrency or limits.max_concurrency),
    )


def _not_kept(budget: CallBudget) -> str:
    """Which of its limits nothing keeps where it is not shared."""
    names = ("calls_per_hour", "calls_per_day", "max_cost_per_day")
    left_out = [name for name in names if getattr(budget, name) is not None]
    return f", and {' and '.join(left_out)} {'does' if len(left_out) == 1 else 'do'} not hold" if left_out else ""


def _run_in_words(context: Context) -> str:
    """The run, for others that wait for it. It has no run_id, which somebody may have typed."""
    ti = context["ti"]
    part = f"[{ti.map_index}]" if ti.map_index >= 0 else ""
    return f"{ti.dag_id}/{ti.task_id}{part}"
