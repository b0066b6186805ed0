"""Many task processes of many DAGs share one budget, and the vendor's own log is the judge.

The bounds hold whatever is killed and however busy the machine is. How much of the budget is used depends on the
machine: `make test-budget` looks at that, alone on the machine.
"""

from __future__ import annotations

import json
import os
import random
import threading
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from ledger_databases import database_on
from sharing_a_budget import Tasks, between, most_in_a_second, most_in_flight, starts, tasks

from airflow_provider_callkaro.commands.definition import main
from airflow_provider_callkaro.sandbox import Sandbox

pytestmark = [pytest.mark.slow, pytest.mark.services]

RATE, SLOTS = 40, 12
ENOUGH_SLOTS = 40  # so that the rate alone is the limit
DAGS = ("nightly_renewals", "nightly_reminders", "nightly_surveys")
PEOPLE = 3_000  # of each task: more than it comes to

OpenTasks = Callable[..., Any]


@pytest.fixture
def ledger(postgresql: Any) -> Iterator[str]:
    with database_on(postgresql) as url:
        name = url.rpartition("/")[2]
        yield json.dumps(
            {
                "conn_type": "postgres",
                "host": postgresql.host,
                "port": postgresql.port,
                "login": postgresql.user,
                "schema": name,
            }
        )


def start_eight(running: Tasks, **arguments: Any) -> dict[str, dict[str, Any]]:
    """Eight tasks of three DAGs, each with people of its own. Returns their arguments by their names."""
    given = {}
    for number in range(8):
        name = f"task {number}"
        given[name] = {
            "dag_id": DAGS[number % 3],
            "first": number * PEOPLE,
            "rows": PEOPLE,
            "part": number,
            "ledger": "call_ledger",
            **arguments,
        }
        running.start(name, **given[name])
    return given


def wait_for_starts(sandbox: Sandbox, count: int) -> None:
    sandbox.wait_for_requests(count, timeout=120.0)


def check_the_bounds(sandbox: Sandbox, *, rate: int = RATE, slots: int = SLOTS) -> None:
    """What must hold on any machine."""
    requests = sandbox.requests
    assert most_in_a_second(starts(requests)) <= rate
    assert most_in_flight(requests) <= slots
    assert max(sandbox.rings_per_number().values()) == 1


def test_the_budget_holds_while_tasks_are_killed_and_frozen(sandbox: Sandbox, ledger: str, tmp_path: Path) -> None:
    chance = random.Random(13)
    sandbox.fault("latency", seconds=0.1)
    budget = {"calls_per_second": RATE, "max_concurrency": SLOTS}
    with tasks(sandbox, ledger=ledger, budget=budget, log=tmp_path / "tasks.log") as running:
        given = start_eight(running)
        wait_for_starts(sandbox, 2 * RATE)
        for round_number in range(3):
            victim = chance.choice(sorted(running.running))
            running.kill(victim)
            frozen = chance.choice(sorted(running.running))
            running.freeze(frozen)
            wait_for_starts(sandbox, len(sandbox.requests) + 2 * RATE)  # the others go on without both
            running.thaw(frozen)
            running.start(victim, **given[victim], try_number=round_number + 2)
            wait_for_starts(sandbox, len(sandbox.requests) + RATE)
    check_the_bounds(sandbox)


def test_an_urgent_run_gets_its_share_in_the_middle_of_nightly_ones(
    sandbox: Sandbox, ledger: str, tmp_path: Path
) -> None:
    sandbox.fault("latency", seconds=0.1)
    budget = {"calls_per_second": RATE, "max_concurrency": SLOTS}
    with tasks(sandbox, ledger=ledger, budget=budget, log=tmp_path / "tasks.log") as running:
        start_eight(running)
        wait_for_starts(sandbox, 3 * RATE)
        urgent = {"dag_id": "urgent_recall", "first": 90_000, "rows": 3 * RATE, "ledger": "call_ledger"}
        running.start("urgent", **urgent, priority=100)
        assert running.result_of("urgent")["summary"]["accepted"] == 3 * RATE
        rung = [ring for ring in sandbox.rings if ring.to_number >= "+919876590000"]
        first, last = rung[0].received_at, rung[-1].received_at
        others = [ring for ring in sandbox.rings if first <= ring.received_at <= last]
    check_the_bounds(sandbox)
    assert len(rung) > 0.5 * len(others), "nine runs that are equal would leave it a ninth"


def test_a_budget_that_is_made_smaller_holds_for_all_within_seconds(
    sandbox: Sandbox, ledger: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_CALL_LEDGER", ledger)
    budget = {"calls_per_second": RATE, "max_concurrency": SLOTS}
    with tasks(sandbox, ledger=ledger, budget=budget, log=tmp_path / "tasks.log") as running:
        start_eight(running)
        wait_for_starts(sandbox, 2 * RATE)
        main(["budget", "set", "callkaro_default", "--calls-per-second", "5", "--conn-id", "call_ledger"])
        in_transition = 2 * RATE  # two seconds of the old budget
        wait_for_starts(sandbox, len(sandbox.requests) + in_transition + 15)
        moments = starts(sandbox.requests)
    check_the_bounds(sandbox)
    assert most_in_a_second(moments[-15:]) <= 5


def test_what_one_task_hears_from_the_vendor_makes_all_wait(sandbox: Sandbox, ledger: str, tmp_path: Path) -> None:
    budget = {"calls_per_second": RATE, "max_concurrency": SLOTS}
    with tasks(sandbox, ledger=ledger, budget=budget, log=tmp_path / "tasks.log") as running:
        start_eight(running)
        wait_for_starts(sandbox, 2 * RATE)
        sandbox.fault("throttled", first=1, retry_after=6)
        wait_for_starts(sandbox, len(sandbox.requests) + 3 * RATE)
        moments = starts(sandbox.requests)
    check_the_bounds(sandbox)
    gaps = [(later - earlier, earlier) for earlier, later in pairwise(moments)]
    longest, begin = max(gaps)
    assert longest > 3.0, "eight tasks that know nothing of each other would have gone on"
    after = [moment for moment in moments if moment > begin]
    assert between(after, after[1], after[1] + 1.0) <= 0.8 * RATE, "they go on at half the rate"


ALONE = pytest.mark.skipif(
    os.environ.get("CALLKARO_ALONE") != "1", reason="it measures, so it wants the machine alone: make test-budget"
)


@ALONE
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_nearly_all_of_the_budget_is_used_with_a_kill_every_five_seconds(
    sandbox: Sandbox, ledger: str, tmp_path: Path, seed: int, capsys: pytest.CaptureFixture[str]
) -> None:
    chance = random.Random(seed)
    sandbox.fault("latency", seconds=0.05)
    budget = {"calls_per_second": RATE, "max_concurrency": ENOUGH_SLOTS}
    kills = []
    pause = threading.Event()
    with tasks(sandbox, ledger=ledger, budget=budget, log=tmp_path / "tasks.log") as running:
        given = start_eight(running)
        wait_for_starts(sandbox, 2 * RATE)
        began = time.time()
        for round_number in range(6):
            pause.wait(1.25)
            victim = chance.choice(sorted(running.running))
            kills.append(running.kill(victim))
            pause.wait(3.75)  # the others have its share by then
            running.start(victim, **given[victim], try_number=round_number + 2)
        ended = time.time()
    moments = starts(sandbox.requests)
    used = between(moments, began, ended) / (RATE * (ended - began))
    back = [between(moments, kill + 2.0, kill + 3.0) / RATE for kill in kills]
    told = (
        f"seed {seed}: {used:.1%} of the budget used in {ended - began:.0f} s with {len(kills)} kills; at most "
        f"{most_in_a_second(moments)} starts in a second of {RATE}, {most_in_flight(sandbox.requests)} in flight of "
        f"{ENOUGH_SLOTS}; in the third second after each kill {', '.join(f'{part:.0%}' for part in back)} of the rate"
    )
    with capsys.disabled():
        print(f"\n{told}")
    check_the_bounds(sandbox, slots=ENOUGH_SLOTS)
    assert used >= 0.95
    assert min(back) >= 0.9, "without the dead one's share it would be 88 % at most"


@ALONE
def test_an_urgent_run_has_its_share_within_two_seconds(
    sandbox: Sandbox, ledger: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sandbox.fault("latency", seconds=0.05)
    budget = {"calls_per_second": RATE, "max_concurrency": ENOUGH_SLOTS}
    with tasks(sandbox, ledger=ledger, budget=budget, log=tmp_path / "tasks.log") as running:
        start_eight(running)
        wait_for_starts(sandbox, 3 * RATE)
        urgent = {"dag_id": "urgent_recall", "first": 90_000, "rows": 6 * RATE, "ledger": "call_ledger"}
        running.start("urgent", **urgent, priority=100)
        began = running.result_of("urgent")["began"]
    rung = [ring.received_at.timestamp() for ring in sandbox.rings if ring.to_number >= "+919876590000"]
    share = between(rung, rung[0] + 1.0, rung[0] + 2.0) / RATE
    with capsys.disabled():
        print(
            f"\nthe urgent run placed its first call {rung[0] - began:.1f} s after its task began, and in the second "
            f"second after that it had {share:.0%} of the rate"
        )
    check_the_bounds(sandbox, slots=ENOUGH_SLOTS)
    assert share >= 0.9
