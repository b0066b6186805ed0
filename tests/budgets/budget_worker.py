"""A process that places calls under a budget, for tests that kill and freeze it.

Run as ``python budget_worker.py URL NAME SEED FILE BUDGET LONGEST``. Each call is a line of the file, appended when it
leaves: its moment and the moment of its answer, by the monotonic clock that all processes of the machine share.
"""

from __future__ import annotations

import heapq
import os
import sys
import threading
import time
from random import Random

import sqlalchemy

from airflow_provider_callkaro.budgets.keeper import BudgetKeeper
from airflow_provider_callkaro.budgets.lease import Lease
from airflow_provider_callkaro.budgets.limits import CallBudget
from airflow_provider_callkaro.budgets.permit import Permit
from airflow_provider_callkaro.budgets.renewal import Run
from airflow_provider_callkaro.budgets.store import BudgetStore

LONGEST_NAP = 0.02  # seconds between two looks at the lease


def dial(lease: Lease, random: Random, file: int, longest: float) -> None:
    """Start calls as the lease lets them, and end each when its answer comes."""
    out: list[tuple[float, int, Permit]] = []
    wait = threading.Event()
    placed = 0
    while True:
        now = time.monotonic()
        while out and out[0][0] <= now:
            heapq.heappop(out)[2].ended(now=now, answered=True)
        if lease.may_start(now=now):
            permit = lease.start(now=now)
            now = time.monotonic()
            if permit.may_leave(now=now):
                placed += 1
                answer = now + random.uniform(0.01, longest)
                os.write(file, f"{now:.6f} {answer:.6f}\n".encode())
                heapq.heappush(out, (answer, placed, permit))
            else:
                permit.ended(now=now, answered=False)
            continue
        pause = min(lease.opens_at(now=now), out[0][0] if out else now + LONGEST_NAP) - now
        wait.wait(min(LONGEST_NAP, max(0.0005, pause)))


def main(url: str, name: str, seed: str, path: str, budget: str, longest: str) -> None:
    """Place calls until killed."""
    lease = Lease(most_slots=1_000, deadline=10.0)
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    settings = CallBudget.from_json(budget)
    keeper = BudgetKeeper(
        store=BudgetStore(sqlalchemy.create_engine(url), name="account"),
        lease=lease,
        run=Run(name=name),
        conn_id="callkaro_default",
        read=lambda: settings,
        clock=time.monotonic,
    )
    wait = threading.Event()
    with keeper:
        threading.Thread(target=dial, args=(lease, Random(seed), file, float(longest)), daemon=True).start()
        while True:
            keeper.turn(now=time.monotonic(), backlog=True)
            wait.wait(min(0.25, max(0.0, keeper.due_at - time.monotonic())))


if __name__ == "__main__":
    main(*sys.argv[1:])
