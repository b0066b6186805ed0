"""How fast the fan-out is under a real scheduler, beside what Airflow users do today for the same calls.

The Airflow is the one that the tests use: API server, scheduler, DAG processor, triggerer and 32 workers on both cores,
beside the server. What is compared is counted by the server, from the first POST to the last, so that the time in which
the scheduler starts a task does not count. This favours the mapped operator, which has few calls and many starts.

Each is also run with one of twenty answers lost after the vendor took the call, and the numbers that rang twice are
counted. Every task has one retry; the fan-out is cleared besides, and runs once more.
"""

from __future__ import annotations

import csv
import json
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from benchmarks.figures import Bound, Figure, Unit
from benchmarks.peers import LOSE_EVERY, LOSSY_CALLS
from benchmarks.processes import CONNECTIONS, HERE, MeasurementFailed, Seen, Server, environment
from benchmarks.scale import Scale
from benchmarks.server import LOOPBACK
from benchmarks.workload import KEY, contact_rows

if TYPE_CHECKING:
    from real_airflow import RealAirflow

DAGS = HERE / "dags" / "calls.py"
WORKERS = 32  # Airflow's default parallelism: the mapped operator is slower with 4
PATIENCE = 300  # seconds without a heartbeat until a task counts as dead; Airflow's default
LOCK_WITHIN = 60  # seconds to wait for SQLite's lock: with 32 workers on two cores, five are not always enough
LOOK_EVERY = 2.0  # seconds: every look costs the API server time, which the task state needs
ENDED = ("success", "failed")
RUN_WITHIN = 600.0  # seconds
PARSED_WITHIN = 120.0  # seconds
LOOPED_CALLS = 200
UNHURRIED = {  # Airflow's defaults, where the tests are in more of a hurry: SQLite has one lock for all the workers
    "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "1",
    "AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL": "5",
}
LOST = f"every {LOSE_EVERY}th answer lost"
SLOW, FAST, NONE = 0.1, 0.02, 0.0  # seconds of latency
SQL, TASK_STATE = "fan_out", "fan_out_task_state"  # the DAG of each ledger


class AirflowRuns:
    """Runs the benchmark's DAGs, and tells what the server saw of them."""

    def __init__(self, *, airflow: RealAirflow, server: Server, home: Path) -> None:
        self._airflow = airflow
        self._server = server
        self._home = home

    def fan_out(self, *, calls: int, dag: str, latency: float) -> Seen:
        """One task of this package that places all calls."""
        return self._run(dag, calls, self._conf(calls), latency=latency)

    def http_hook_loop(self, *, calls: int, latency: float) -> Seen:
        """One task that loops over ``HttpHook.run``."""
        return self._run("http_hook_loop", calls, {"calls": calls}, latency=latency)

    def mapped_http_operator(self, *, calls: int, latency: float) -> Seen:
        """One mapped ``HttpOperator`` per call."""
        return self._run("mapped_http_operator", calls, {}, latency=latency)

    def with_lost_answers(self, dag: str, *, calls: int, rung: int, cleared: bool = False) -> Seen:
        """One of the DAGs, while answers get lost. ``rung``: how many numbers have to ring, so that the figure is of a
        DAG that ran. ``cleared``: its task is cleared after its end, and runs again."""
        self._server.forget(latency=FAST, lose_every=LOSE_EVERY)
        run = self._airflow.trigger(dag, conf={**self._conf(calls), "calls": calls})
        self._wait(dag, run)
        if cleared:
            self._airflow.clear(dag, run, "calls")
            self._wait(dag, run)
        seen = self._server.seen()
        if seen.rung != rung:
            raise MeasurementFailed(f"{dag}: {seen.rung} numbers rang, not {rung}\n{self._airflow.story(dag, run)}")
        return seen

    def _conf(self, calls: int) -> dict[str, object]:
        contacts = self._home / f"contacts-{calls}.csv"
        if not contacts.exists():
            _write_contacts(contacts, calls)
        return {"contacts": str(contacts), "report": str(self._home / "report.csv")}

    def _run(self, dag: str, calls: int, conf: Mapping[str, object], *, latency: float) -> Seen:
        self._server.forget(latency=latency)
        run = self._airflow.trigger(dag, conf=conf)
        self._wait(dag, run)
        seen = self._server.seen()
        if seen.posts != calls:
            raise MeasurementFailed(f"{dag}: {calls} rows came to {seen.posts} POSTs\n{self._airflow.story(dag, run)}")
        return seen

    def _wait(self, dag: str, run: str) -> None:
        give_up = time.monotonic() + RUN_WITHIN
        while not self._ended(dag, run):
            self._airflow.check_alive()
            if time.monotonic() > give_up:
                raise MeasurementFailed(f"{dag} did not end within {RUN_WITHIN:.0f} s")
            time.sleep(LOOK_EVERY)

    def _ended(self, dag: str, run: str) -> bool:
        from real_airflow import Refused

        try:
            return self._airflow.rest.get("dags", dag, "dagRuns", run)["state"] in ENDED
        except Refused:  # the database is locked: ask again later
            return False


def measure(server: Server, scale: Scale) -> Iterator[Figure]:
    """The figures that need a scheduler."""
    sys.path.insert(0, str(HERE.parent / "tests"))
    from real_airflow import RealAirflow

    with tempfile.TemporaryDirectory() as directory:
        home = Path(directory)
        dags = home / "dags"
        dags.mkdir()
        (dags / DAGS.name).write_text(DAGS.read_text())
        airflow = RealAirflow(
            home / "airflow",
            dags,
            environment=_environment(home, server, scale),
            database_url=f"sqlite:///{home / 'airflow.db'}?timeout={LOCK_WITHIN}",
            parallelism=WORKERS,
            heartbeat_timeout=PATIENCE,
        )
        with airflow:
            airflow.wait_until_parsed("mapped_http_operator", timeout=PARSED_WITHIN)
            yield from _compare(AirflowRuns(airflow=airflow, server=server, home=home), scale)


def _compare(runs: AirflowRuns, scale: Scale) -> Iterator[Figure]:
    waited = scale.rounds * CONNECTIONS
    state: dict[float, list[float]] = {SLOW: [], FAST: []}
    loop, mapped, beside_loop, beside_mapped = [], [], [], []
    for _ in range(max(1, scale.repetitions // 2)):
        for latency, shares in state.items():
            seen = runs.fan_out(calls=waited, dag=TASK_STATE, latency=latency)
            shares.append(seen.calls_per_second * latency / CONNECTIONS)
        loop.append(runs.http_hook_loop(calls=LOOPED_CALLS, latency=FAST).posts_per_second)
        beside_loop.append(runs.fan_out(calls=waited, dag=SQL, latency=FAST).posts_per_second)
        mapped.append(runs.mapped_http_operator(calls=scale.mapped, latency=NONE).posts_per_second)
        beside_mapped.append(runs.fan_out(calls=scale.calls, dag=SQL, latency=NONE).posts_per_second)
    for latency, least in ((SLOW, 0.92), (FAST, 0.55)):
        yield Figure(
            name=f"{1_000 * latency:.0f} ms, Airflow's own task state, of connections / latency",
            unit=Unit.SHARE,
            values=state[latency],
            bound=Bound(at_least=least),
        )
    yield Figure(name="20 ms, under Airflow, loop over HttpHook.run", unit=Unit.PER_SECOND, values=loop)
    yield Figure(name="20 ms, under Airflow, SQLite ledger", unit=Unit.PER_SECOND, values=beside_loop)
    yield _ratio("20 ms, under Airflow, times a loop over HttpHook.run", beside_loop, loop, at_least=40)
    yield Figure(name="0 ms, under Airflow, one mapped HttpOperator per call", unit=Unit.PER_SECOND, values=mapped)
    yield Figure(name="0 ms, under Airflow, SQLite ledger", unit=Unit.PER_SECOND, values=beside_mapped)
    yield _ratio("0 ms, under Airflow, times one mapped HttpOperator per call", beside_mapped, mapped, at_least=800)
    yield from _rung_twice(runs, scale)


def _rung_twice(runs: AirflowRuns, scale: Scale) -> Iterator[Figure]:
    for dag, name, calls, rung in (
        ("mapped_http_operator", "one mapped HttpOperator per call, retries=1", scale.mapped, scale.mapped),
        # each of its two tries ends with the first lost answer
        ("http_hook_loop", "loop over HttpHook.run, retries=1", LOOPED_CALLS, LOSE_EVERY),
        ("http_hook_retries", "loop over HttpHook.run_with_advanced_retry", LOOPED_CALLS, LOOPED_CALLS),
    ):
        yield Figure(
            name=f"{LOST}, {name}: numbers rung twice, of {rung} that rang",
            unit=Unit.CALLS,
            values=[runs.with_lost_answers(dag, calls=calls, rung=rung).rung_twice],
        )
    for dag, name in ((SQL, "SQLite ledger"), (TASK_STATE, "Airflow's own task state")):
        seen = runs.with_lost_answers(dag, calls=LOSSY_CALLS, rung=LOSSY_CALLS, cleared=True)
        yield Figure(
            name=f"{LOST}, under Airflow, {name}, cleared: numbers rung twice, of {LOSSY_CALLS:,} that rang",
            unit=Unit.CALLS,
            values=[seen.rung_twice],
            bound=Bound(at_most=0),
        )


def _ratio(name: str, ours: list[float], theirs: list[float], *, at_least: float) -> Figure:
    """How many times as fast: the ratio of each repetition's pair, which were taken one after the other."""
    values = [mine / other for mine, other in zip(ours, theirs, strict=True)]
    return Figure(name=name, unit=Unit.TIMES, values=values, bound=Bound(at_least=at_least), sum_up=median)


def _environment(home: Path, server: Server, scale: Scale) -> dict[str, str]:
    callkaro = {"conn_type": "callkaro", "host": f"http://{LOOPBACK}", "port": server.port, "password": KEY}
    http = {"conn_type": "http", "host": LOOPBACK, "port": server.port, "schema": "http"}
    return {
        **UNHURRIED,
        "PYTHONPATH": environment()["PYTHONPATH"],
        "BENCHMARK_MAPPED": str(scale.mapped),
        "AIRFLOW_CONN_CALLKARO_DEFAULT": json.dumps(callkaro),
        "AIRFLOW_CONN_BENCHMARK_HTTP": json.dumps(http),
        "AIRFLOW_CONN_BENCHMARK_LEDGER": json.dumps({"conn_type": "sqlite", "host": str(home / "ledger.db")}),
    }


def _write_contacts(path: Path, count: int) -> None:
    rows = contact_rows(count)
    first = next(rows)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(first))
        writer.writeheader()
        writer.writerow(first)
        writer.writerows(rows)
