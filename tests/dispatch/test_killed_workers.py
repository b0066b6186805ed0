"""A worker that is killed with SIGKILL, at any moment: nobody is rung twice, no row is lost, and little is unknown."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy
from placing_calls import numbers

from airflow_provider_callkaro.ledger.contract import EntryState
from airflow_provider_callkaro.ledger.sql.ledger import SqlLedger
from airflow_provider_callkaro.sandbox import Sandbox

pytestmark = pytest.mark.slow

WORKER = Path(__file__).with_name("calling_worker.py")
PATIENCE = 60.0  # seconds until a worker must have come so far
WINDOW = 16


@dataclass(slots=True)
class Workers:
    """Starts workers that share a ledger, and reads what they came to.

    :param sandbox: where they place their calls.
    :param ledger: the URL of the ledger's database.
    """

    sandbox: Sandbox
    ledger: str
    started: list[subprocess.Popen[str]]

    def start(
        self, *, count: int, run: str = "monday", campaigns_of: int | None = None, **limits: Any
    ) -> subprocess.Popen[str]:
        options = {
            "url": self.sandbox.url,
            "api_key": self.sandbox.api_key,
            "ledger": self.ledger,
            "run": run,
            "count": count,
            "campaigns_of": campaigns_of,
            "limits": {"max_concurrency": WINDOW} | limits,
        }
        command = [sys.executable, str(WORKER), json.dumps(options)]
        worker = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.started.append(worker)
        assert worker.stdout.readline() == "ready\n"
        return worker

    def go(self, worker: subprocess.Popen[str]) -> None:
        worker.stdin.write("go\n")
        worker.stdin.flush()

    def summary_of(self, worker: subprocess.Popen[str]) -> dict[str, Any]:
        output, _ = worker.communicate(timeout=PATIENCE)
        assert worker.returncode == 0
        summary: dict[str, Any] = json.loads(output)
        assert summary["total"] == sum(
            summary[state] for state in ("accepted", "rejected", "skipped", "unknown", "pending")
        )
        return summary

    def run(self, **options: Any) -> dict[str, Any]:
        worker = self.start(**options)
        self.go(worker)
        return self.summary_of(worker)

    def states(self, count: int) -> dict[str, EntryState]:
        engine = sqlalchemy.create_engine(self.ledger)
        with SqlLedger(engine, scope="calls", run="monday") as ledger:
            found = ledger.state_of(numbers(count))
        engine.dispose()
        return {key: entry.state for key, entry in found.items()}


@pytest.fixture
def workers(sandbox: Sandbox, tmp_path: Path) -> Iterator[Workers]:
    workers = Workers(sandbox, f"sqlite:///{tmp_path / 'ledger.db'}", [])
    yield workers
    for worker in workers.started:
        worker.kill()
        worker.communicate()


def kill(worker: subprocess.Popen[str]) -> None:
    worker.send_signal(signal.SIGKILL)
    worker.communicate()
    assert worker.returncode == -signal.SIGKILL


Moment = Callable[[Sandbox], None]


def after_rings(count: int) -> Moment:
    return lambda sandbox: sandbox.wait_for_rings(count, timeout=PATIENCE)


def when_held(count: int) -> Moment:
    return lambda sandbox: sandbox.wait_for_held(count, timeout=PATIENCE)


MOMENTS = [
    pytest.param(None, after_rings(1), id="at the first ring"),
    pytest.param(None, after_rings(300), id="at full speed"),
    pytest.param(("latency", {"seconds": 0.02}), after_rings(100), id="while answers are on their way"),
    pytest.param(("hold_before_accepting", {"after": 100}), when_held(WINDOW), id="before the vendor acts"),
    pytest.param(("hold_after_accepting", {"after": 100}), when_held(WINDOW), id="after the vendor has acted"),
]


@pytest.mark.parametrize(("fault", "moment"), MOMENTS)
def test_whenever_a_worker_is_killed_nobody_is_rung_twice_and_two_windows_at_most_are_unknown(
    workers, sandbox, fault, moment
) -> None:
    count = 1_000
    if fault is not None:
        sandbox.fault(fault[0], **fault[1])
    worker = workers.start(count=count)
    workers.go(worker)
    moment(sandbox)
    kill(worker)
    sandbox.clear_faults()
    sandbox.release()
    again = workers.run(count=count)
    assert again["total"] == count
    assert again["accepted"] + again["unknown"] == count
    assert again["unknown"] <= 2 * WINDOW
    rings = sandbox.rings_per_number()
    assert max(rings.values()) == 1
    states = workers.states(count)
    assert set(states) == set(numbers(count))
    assert {number for number, state in states.items() if state is EntryState.ACCEPTED} <= set(rings)
    assert set(rings) <= set(states)


def test_a_worker_killed_at_ten_calls_a_second_leaves_two_calls_unknown_at_most(workers, sandbox) -> None:
    worker = workers.start(count=100, calls_per_second=10)
    workers.go(worker)
    sandbox.wait_for_rings(8, timeout=PATIENCE)
    kill(worker)
    again = workers.run(count=100)
    assert again["accepted"] + again["unknown"] == 100
    assert again["unknown"] <= 2
    assert max(sandbox.rings_per_number().values()) == 1


def test_of_two_workers_with_one_list_each_rings_its_share_even_if_one_is_killed(workers, sandbox) -> None:
    count = 600
    sandbox.fault("latency", seconds=0.01)
    monday, tuesday = (workers.start(count=count, run=run) for run in ("monday", "tuesday"))
    workers.go(monday)
    workers.go(tuesday)
    sandbox.wait_for_rings(150, timeout=PATIENCE)
    kill(monday)
    other = workers.summary_of(tuesday)
    sandbox.clear_faults()
    assert other["accepted"] + other["skipped"] == count
    again = workers.run(count=count)
    assert again["accepted"] + again["unknown"] + again["skipped"] == count
    assert again["skipped"] == other["accepted"]
    assert again["unknown"] <= 2 * WINDOW
    assert max(sandbox.rings_per_number().values()) == 1
    assert len(sandbox.rings) >= count - again["unknown"]


def test_two_workers_that_do_the_same_try_at_once_ring_nobody_twice(workers, sandbox) -> None:
    """As when a scheduler takes a worker for dead that is not, and starts the task once more."""
    count = 400
    sandbox.fault("latency", seconds=0.01)
    both = [workers.start(count=count) for _ in range(2)]
    for worker in both:
        workers.go(worker)
    summaries = [workers.summary_of(worker) for worker in both]
    assert sandbox.rings_per_number() == dict.fromkeys(numbers(count), 1)
    assert all(summary["accepted"] + summary["unknown"] == count for summary in summaries)
    assert workers.run(count=count)["accepted"] == count


@pytest.mark.parametrize("moment", ["hold_before_accepting", "hold_after_accepting"])
def test_a_worker_killed_while_a_campaign_is_created_leaves_just_its_targets_unknown(workers, sandbox, moment) -> None:
    sandbox.fault(moment, path="/campaigns", after=2, first=1)
    options = {"count": 1_000, "campaigns_of": 100, "max_concurrency": 1}
    worker = workers.start(**options)
    workers.go(worker)
    sandbox.wait_for_held(1, timeout=PATIENCE)
    kill(worker)
    sandbox.clear_faults()
    sandbox.release()
    again = workers.run(**options)
    assert (again["accepted"], again["unknown"], again["total"]) == (900, 100, 1_000)
    states = workers.states(1_000)
    unknown = [number for number in numbers(1_000) if states[number] is EntryState.UNKNOWN]
    assert unknown == numbers(100, start=200)
    assert max(sandbox.rings_per_number().values()) == 1
