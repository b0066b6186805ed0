"""``python -m benchmarks.ledger``: what the ledger on PostgreSQL takes, by four workers on this machine.

A claim counts as one and a settlement counts as one: a call is two. Each line is the median of some rounds, which are
interleaved; within a round all kinds of load follow each other. The database is made for this and dropped after it.
Everything runs on this machine, workers and database, and both are counted.

``--server`` names a database on the server by SQLAlchemy's URL; its user may create databases.
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from statistics import median, quantiles

from benchmarks.ledger_database import Usage, WatchedDatabase, database_on
from benchmarks.ledger_workers import Load, Worked, create_tables, work
from benchmarks.machine import describe

WORKERS = 4
GROUPS = (16, 64, 250)
WARM = 2.0  # seconds before a measurement
SERVER = "postgresql+psycopg2://postgres@127.0.0.1/test"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A kind of load. ``old``: while another session holds an old transaction open."""

    name: str
    group: int
    by_hand: bool = False
    old: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One measurement. ``waits``: samples of the database's sessions, by what they did."""

    seconds: float
    workers: Sequence[Worked]
    usage: Usage
    waits: Counter[str]

    @property
    def calls(self) -> int:
        """Claimed and settled, by all workers."""
        return sum(each.calls for each in self.workers)

    @property
    def rate(self) -> float:
        """Claims and settlements a second."""
        return 2 * self.calls / self.seconds

    @property
    def worker_cpu(self) -> float:
        """Microseconds a call, in the workers."""
        return 1e6 * sum(each.cpu for each in self.workers) / self.calls

    @property
    def backend_cpu(self) -> float:
        """Microseconds a call, in the database's sessions."""
        return 1e6 * self.usage.backends / self.calls

    @property
    def cpu(self) -> float:
        """Microseconds a call, in all processes."""
        return self.worker_cpu + self.backend_cpu + 1e6 * self.usage.others / self.calls

    @property
    def latency(self) -> tuple[float, float]:
        """Milliseconds of a commit: the median, and the one that 99 of 100 stay under."""
        cuts = quantiles([1e3 * each for worker in self.workers for each in worker.latencies], n=100)
        return cuts[49], cuts[98]


def main() -> int:
    """Measure, and print what was found."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ledger", description=__doc__)
    parser.add_argument("--server", default=SERVER)
    parser.add_argument("--seconds", type=float, default=30.0, help="of each measurement")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--groups", type=int, nargs="+", default=GROUPS, help="calls a commit")
    options = parser.parse_args()
    kinds = [
        kind
        for group in options.groups
        for kind in (
            Kind(name=f"ledger, {group} calls a commit", group=group),
            Kind(name=f"ledger, {group} calls a commit, an old transaction open", group=group, old=True),
            Kind(name=f"by hand, {group} calls a commit", group=group, by_hand=True),
        )
    ]
    print(describe(), flush=True)
    found: dict[str, list[Measured]] = {kind.name: [] for kind in kinds}
    for _ in range(options.rounds):
        for kind in kinds:
            with database_on(options.server) as database:
                create_tables(database.url)
                found[kind.name].append(measure(database, kind, seconds=options.seconds))
    print(_table(found))
    for group in options.groups:
        plain, old = (found[kind.name] for kind in kinds if kind.group == group and not kind.by_hand)
        ratios = [with_it.rate / without.rate for without, with_it in zip(plain, old, strict=True)]
        print(
            f"{group} calls a commit: with an old transaction open {median(ratios):.0%} of the rate without "
            f"({min(ratios):.0%} to {max(ratios):.0%})"
        )
    for kind in kinds:
        waits = sum((each.waits for each in found[kind.name]), Counter[str]())
        shares = ", ".join(f"{what} {count / waits.total():.0%}" for what, count in waits.most_common(6))
        print(f"{kind.name}: of the sessions' time: {shares}")
    return 0


def measure(
    database: WatchedDatabase, kind: Kind, *, seconds: float, warm: float = WARM, workers: int = WORKERS
) -> Measured:
    """Load the database for so many seconds."""
    context = multiprocessing.get_context("spawn")
    pipes = []
    processes = []
    for _ in range(workers):
        here, there = context.Pipe()
        load = Load(url=database.url, group=kind.group, by_hand=kind.by_hand)
        process = context.Process(target=work, args=(load, there), daemon=True)
        process.start()
        pipes.append(here)
        processes.append(process)
    for pipe in pipes:
        pipe.recv()
    with database.old_transaction() if kind.old else nullcontext():
        begins = time.monotonic() + warm
        for pipe in pipes:
            pipe.send((begins, begins + seconds))
        time.sleep(max(0.0, begins - time.monotonic()))
        with database.waits() as waits:
            before = database.usage()
            time.sleep(max(0.0, begins + seconds - time.monotonic()))
            usage = database.usage().since(before)
        worked = [pipe.recv() for pipe in pipes]
    for process in processes:
        process.join()
    if any(each.lost for each in worked):
        raise RuntimeError("a worker lost claims that no other made")
    return Measured(seconds=seconds, workers=worked, usage=usage, waits=waits)


def _table(found: dict[str, list[Measured]]) -> str:
    lines = [
        "| load | claims and settlements | µs of CPU a call: all | workers | sessions | commit: median, 99 % | "
        "log a call | calls a sync | HOT |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for name, rounds in found.items():
        rates = [each.rate for each in rounds]
        lines.append(
            f"| {name} | {median(rates):,.0f}/s ({min(rates):,.0f} – {max(rates):,.0f}) "
            f"| {median(each.cpu for each in rounds):.0f} | {median(each.worker_cpu for each in rounds):.0f} "
            f"| {median(each.backend_cpu for each in rounds):.0f} "
            f"| {median(each.latency[0] for each in rounds):.1f} ms, "
            f"{median(each.latency[1] for each in rounds):.1f} ms "
            f"| {median(each.usage.wal / each.calls for each in rounds):,.0f} B "
            f"| {median(each.calls / max(1, each.usage.syncs) for each in rounds):,.0f} "
            f"| {median(each.usage.hot / max(1, each.usage.updates) for each in rounds):.0%} |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
