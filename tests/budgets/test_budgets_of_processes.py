"""Processes that are killed and frozen while they share a budget, in each database: none of it is ever exceeded.

How much of the budget they use depends on the machine; ``budget_workers.py`` prints it.
"""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest
from budget_workers import Workers, most_in_a_second, most_in_flight

RATE = 20
SLOTS = 6


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1])
def test_killed_and_frozen_processes_never_exceed_the_budget(database_url: str, tmp_path: Path, seed: int) -> None:
    random = Random(seed)
    budget = {"calls_per_second": RATE, "max_concurrency": SLOTS}
    with Workers(database_url, log=tmp_path / "calls", seed=seed, longest=0.4, **budget) as workers:
        workers.add(6)
        workers.wait_for(2 * RATE)
        for step in ("freeze", "kill", "freeze", "kill"):
            if step == "kill":
                workers.kill()
                workers.add(1)
            else:
                workers.freeze(random.uniform(0.7, 1.5))
            workers.wait_for(len(workers.calls()) + RATE)  # it goes on
        calls = workers.calls()
    assert most_in_a_second(calls) <= RATE
    assert most_in_flight(calls) <= SLOTS
