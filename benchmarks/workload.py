"""One fan-out in a process of its own, with everything on: what most figures are measured by.

The parent says what to run as one line of JSON; the process runs it, with the dispatcher, ledger and report that an
operator would use, and says as JSON what it cost. Libraries are imported before the clock starts: they are paid for
once per task, not per call.

Runs as ``python -m benchmarks.workload '{"port": 8900, "calls": 5000, …}'``.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from airflow_provider_callkaro.calls.row import RowReader
from airflow_provider_callkaro.dispatch.limits import Limits, Shard, Stop
from airflow_provider_callkaro.dispatch.report import Report
from airflow_provider_callkaro.dispatch.run import run_calls
from airflow_provider_callkaro.ledger.contract import CallLedger
from airflow_provider_callkaro.transport.asynchronous import AsyncTransport
from airflow_provider_callkaro.transport.target import Target
from airflow_provider_callkaro.vendors.callkaro.api import CallKaro
from benchmarks.server import LOOPBACK

KEY = "bench"
AGENT = "6803fa770b666a64ab1694c1"
LEDGER_FILE = "ledger.db"
REPORT_FILE = "report.csv"


class Ledger(StrEnum):
    """Which ledger a fan-out uses."""

    SQLITE = "sqlite"
    """The SQL ledger in a SQLite file, durable with each commit."""
    POSTGRESQL = "postgresql"
    """The SQL ledger in a PostgreSQL database, which several fan-outs may share."""
    SLOW_STATE = "slow_state"
    """The task-state ledger on a stand-in for Airflow's store that takes as long as Airflow's does."""
    MEMORY = "memory"


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """One fan-out.

    :param port: of the server.
    :param calls: how many contact rows.
    :param directory: for the ledger's file and the report.
    :param connections: calls in flight at once.
    :param calls_per_second: the pace; None sets none.
    :param store_seconds: how long the stand-in for Airflow's store takes for a write.
    :param core: the core to stay on.
    :param database: the URL of the PostgreSQL database.
    :param shard: index and count of the part of the rows to take; None takes all.
    :param held: whether it says that it is ready, and begins when it gets a line.
    """

    port: int
    calls: int
    directory: str
    ledger: Ledger = Ledger.SQLITE
    connections: int = 64
    calls_per_second: float | None = None
    store_seconds: float = 0.02
    core: int | None = 1
    database: str | None = None
    shard: tuple[int, int] | None = None
    held: bool = False

    def as_json(self) -> str:
        """The workload as one argument of a command line."""
        return json.dumps(asdict(self))


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What a fan-out cost its process.

    :param cpu_seconds: of both threads, user and system, from before the ledger is opened until it is closed.
    :param peak_bytes: the most memory the process ever held.
    """

    accepted: int
    seconds: float
    cpu_seconds: float
    peak_bytes: int


class SlowStore:
    """A stand-in for Airflow's task-state store, whose writes take their time."""

    def __init__(self, *, seconds: float) -> None:
        self._seconds = seconds
        self._values: dict[str, str] = {}

    def get(self, key: str, default: Any = None) -> Any:
        """The value under the key."""
        return json.loads(self._values[key]) if key in self._values else default

    def set(self, key: str, value: Any, *, retention: Any = None) -> None:  # noqa: ARG002 - Airflow's signature
        """Keep the value, as JSON like Airflow's."""
        self._values[key] = json.dumps(value)
        time.sleep(self._seconds)


def contact_rows(count: int) -> Iterator[dict[str, Any]]:
    """Rows as a warehouse would give them, one after another; their bodies have about 300 bytes."""
    for number in range(count):
        yield {
            "to_number": f"+9198{number:08d}",
            "name": f"Customer {number}",
            "city": "Pune",
            "policy": f"HL/2026/{number:08d}/RENEWAL",
            "due_on": "2026-01-31",
            "amount": 1250 + number % 1000,
            "plan": "family floater, two adults and two children",
            "branch": "Shivajinagar",
        }


def target(port: int) -> Target:
    """Where the server is."""
    return Target(vendor=CallKaro.name, base_url=f"http://{LOOPBACK}:{port}", headers=CallKaro.headers(KEY))


def open_ledger(workload: Workload) -> CallLedger:
    """The ledger that the workload asks for."""
    if workload.ledger in (Ledger.SQLITE, Ledger.POSTGRESQL):
        from sqlalchemy import create_engine

        from airflow_provider_callkaro.ledger.sql.ledger import SqlLedger

        engine = create_engine(workload.database or f"sqlite:///{Path(workload.directory, LEDGER_FILE)}")
        return SqlLedger(engine, scope="bench", run=f"bench {workload.shard}")
    if workload.ledger is Ledger.SLOW_STATE:
        from airflow_provider_callkaro.ledger.task_state.ledger import TaskStateLedger

        return TaskStateLedger(SlowStore(seconds=workload.store_seconds))
    from airflow_provider_callkaro.ledger.memory import MemoryLedger

    return MemoryLedger()


def run(workload: Workload) -> Cost:
    """Run the fan-out to its end."""
    report_file = Path(workload.directory, REPORT_FILE)
    ledger = open_ledger(workload)
    began, cpu_began = time.perf_counter(), time.process_time()
    with ExitStack() as stack:
        report = Report(kind="csv", open_target=lambda: report_file.open("wb"))
        stack.callback(report.close)
        summary = run_calls(
            rows=contact_rows(workload.calls),
            read=RowReader(agent_id=AGENT).read,
            vendor=CallKaro(),
            transport=AsyncTransport(target(workload.port), max_connections=workload.connections),
            ledger=ledger,
            limits=Limits(max_concurrency=workload.connections, calls_per_second=workload.calls_per_second),
            stop=Stop(clock=time.monotonic),
            say=lambda _: None,
            total=workload.calls,
            report=report,
            shard=None if workload.shard is None else Shard(index=workload.shard[0], count=workload.shard[1]),
        )
        report.publish()
    return Cost(
        accepted=summary.accepted,
        seconds=time.perf_counter() - began,
        cpu_seconds=time.process_time() - cpu_began,
        peak_bytes=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    )


def main() -> None:
    """Run what the command line says, and say what it cost."""
    given = json.loads(sys.argv[1])
    workload = Workload(**{**given, "ledger": Ledger(given["ledger"])})
    if workload.core is not None:
        os.sched_setaffinity(0, {workload.core})
    if workload.held:
        open_ledger(workload)  # imports what it needs
        print("ready", flush=True)
        sys.stdin.readline()
    print(json.dumps(asdict(run(workload))))


if __name__ == "__main__":
    main()
