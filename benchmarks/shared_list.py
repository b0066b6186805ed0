"""``python -m benchmarks.shared_list``: how much faster two workers are than one, where neither is what limits.

The same list is called by one process, and by two that share it in two parts. Both ways go to a server that answers
after 200 ms over 64 connections for each process, and have their ledger in one PostgreSQL database, which is made for
this and dropped after it. Neither a core nor the server is busy, so what is left is what the workers cost each other.
The two ways are interleaved; the server counts, from the first POST to the last answer. The list is read by both
processes, and each call must be sent by exactly one.

``--server`` names a database on the server by SQLAlchemy's URL; its user may create databases.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from benchmarks.figures import Bound, Figure, Unit, table
from benchmarks.ledger_database import database_on
from benchmarks.machine import describe
from benchmarks.processes import CONNECTIONS, MeasurementFailed, Seen, Server, environment, module
from benchmarks.speed import quotients
from benchmarks.workload import Ledger, Workload

LATENCY = 0.2  # seconds
ROUNDS = 120  # how often each connection of the single process calls
REPETITIONS = 5
WORKERS = 2
LEAST_RATIO = 1.9
SERVER = "postgresql+psycopg2://postgres@127.0.0.1/test"


def run_parts(server: Server, *, database: str, calls: int, count: int) -> Seen:
    """Let so many processes call one list, each its part; they begin together.

    :param database: URL of an empty database for their ledger.
    :raises MeasurementFailed: one failed, or not every call was sent exactly once.
    """
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        parts = [
            stack.enter_context(_held(_workload(server, folder, database, calls=calls, index=index, count=count)))
            for index in range(count)
        ]
        for part in parts:
            assert part.stdout is not None
            part.stdout.readline()  # that it is ready; the end of its output if it failed
        server.forget(latency=LATENCY)
        for part in parts:
            assert part.stdin is not None
            part.stdin.write("go\n")
            part.stdin.flush()
        accepted = sum(_accepted(part) for part in parts)
    seen = server.seen()
    if not accepted == seen.posts == calls:
        raise MeasurementFailed(f"{calls} rows came to {seen.posts} POSTs, {accepted} of them accepted")
    return seen


def _workload(server: Server, folder: str, database: str, *, calls: int, index: int, count: int) -> Workload:
    directory = Path(folder, str(index))
    directory.mkdir()
    return Workload(
        port=server.port,
        calls=calls,
        directory=str(directory),
        ledger=Ledger.POSTGRESQL,
        connections=CONNECTIONS,
        core=None,
        database=database,
        shard=(index, count),
        held=True,
    )


@contextmanager
def _held(workload: Workload) -> Iterator[subprocess.Popen[str]]:
    """A process with this workload, which ends with the block at the latest."""
    pipe = subprocess.PIPE
    command = module("benchmarks.workload", workload.as_json())
    with subprocess.Popen(command, env=environment(), stdin=pipe, stdout=pipe, stderr=pipe, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def _accepted(process: subprocess.Popen[str]) -> int:
    output, errors = process.communicate()
    if process.returncode != 0:
        raise MeasurementFailed(f"a process ended with {process.returncode}\n{errors[-4_000:]}")
    return int(json.loads(output)["accepted"])


def measure(server: Server, *, database_server: str, repetitions: int) -> Iterator[Figure]:
    """Both ways in turn."""
    rates: dict[int, list[float]] = {1: [], WORKERS: []}
    for _ in range(repetitions):
        for count, found in rates.items():
            with database_on(database_server) as database:
                seen = run_parts(server, database=database.url, calls=ROUNDS * CONNECTIONS, count=count)
            found.append(seen.calls_per_second)
    where = f"{1_000 * LATENCY:.0f} ms, PostgreSQL ledger"
    yield Figure(name=f"{where}, one worker", unit=Unit.PER_SECOND, values=rates[1])
    yield Figure(name=f"{where}, two workers on one list", unit=Unit.PER_SECOND, values=rates[WORKERS])
    yield Figure(
        name=f"{where}, two workers, times one",
        unit=Unit.RATIO,
        values=quotients(rates[WORKERS], rates[1]),
        bound=Bound(at_least=LEAST_RATIO),
    )


def main() -> int:
    """Take the figures and print them.

    :return: 0, also where the bound is not reached: the table says so, and a busy machine is no error.
    """
    parser = argparse.ArgumentParser(prog="python -m benchmarks.shared_list", description=__doc__)
    parser.add_argument("--server", default=SERVER, help="SQLAlchemy URL of a database on the PostgreSQL server")
    parser.add_argument("--repetitions", type=int, default=REPETITIONS, help="of both ways; the median counts")
    options = parser.parse_args()
    machine = describe()
    with Server() as server:
        figures = list(measure(server, database_server=options.server, repetitions=options.repetitions))
    print(machine, table(figures), sep="\n\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
