"""A run whose budget is spent says so, whatever becomes of the budget while it winds down."""

from __future__ import annotations

import asyncio
import threading
import time
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy
from placing_calls import Caller, rows

from airflow_provider_callkaro.budgets.keeper import BudgetKeeper
from airflow_provider_callkaro.budgets.lease import Lease
from airflow_provider_callkaro.budgets.limits import CallBudget
from airflow_provider_callkaro.budgets.renewal import Run
from airflow_provider_callkaro.budgets.store import BudgetStore


class RaisedMeanwhile(BudgetKeeper):
    """Somebody raises the budget on the command line when the run winds down, and the run hears of it."""

    raised = threading.Event()

    def turn(self, *, now: float, backlog: bool) -> bool:
        if not backlog:
            self._store.set({"calls_per_day": 100})
        came = super().turn(now=now, backlog=backlog)
        if came and not backlog and self.exhausted is None:
            self.raised.set()
        return came


class Late:
    """A transport whose answers come when the budget has been raised."""

    def __init__(self, transport: Any, raised: threading.Event) -> None:
        self._transport, self._raised = transport, raised

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    async def __aenter__(self) -> Any:
        await self._transport.__aenter__()
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self._transport.__aexit__(*exc_info)

    async def send(self, *arguments: Any, **named: Any) -> Any:
        response = await self._transport.send(*arguments, **named)
        await asyncio.to_thread(self._raised.wait)
        return response


@pytest.mark.parametrize(("people", "left"), [(3, {"budget_spent": 1}), (2, {})])
def test_a_budget_that_is_raised_while_the_run_winds_down_changes_no_reason(
    caller: Caller, tmp_path: Path, people: int, left: dict[str, int]
) -> None:
    engine = sqlalchemy.create_engine(f"sqlite:///{tmp_path / 'budget.db'}")
    keeper = RaisedMeanwhile(
        store=BudgetStore(engine, name="account"),
        lease=Lease(most_slots=10),
        run=Run(name="nightly"),
        conn_id="callkaro_default",
        read=lambda: CallBudget(calls_per_day=2),
        clock=time.monotonic,
    )
    ended = caller.place(rows(people), keeper=keeper, around=lambda transport: Late(transport, keeper.raised))
    assert ended.summary.accepted == 2
    assert ended.summary.reasons == left
    assert ended.summary.stopped == ('the calls of the day in the budget "account" are used up' if left else None)
    engine.dispose()
