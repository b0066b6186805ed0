"""How fast the fan-out is on a bare process: against what a perfect client would reach, and in CPU per call.

A perfect client with 64 connections reaches 64 calls per latency. The bare generator says how much of that this
machine gives to anything written in Python, in the same minute.
"""

from __future__ import annotations

import tempfile
from collections import defaultdict
from collections.abc import Iterator, Sequence

from benchmarks.figures import Bound, Figure, Unit
from benchmarks.processes import CONNECTIONS, Server, bare_loop, fan_out, generate
from benchmarks.scale import Scale
from benchmarks.workload import Ledger, Workload

LATENCIES = (0.1, 0.02, 0.0)  # seconds
OF_PERFECT = {  # least share of connections / latency
    (Ledger.SQLITE, 0.1): 0.95,
    (Ledger.SQLITE, 0.02): 0.85,
    (Ledger.SLOW_STATE, 0.1): 0.92,
    (Ledger.SLOW_STATE, 0.02): 0.75,
}
OF_BARE_GENERATOR = {0.1: 0.98, 0.02: 0.95}  # least share of its calls, with the SQLite ledger
MOST_CPU = 350.0  # µs per call, without latency
MOST_BARE_LOOPS = 1.0  # CPU per call, in those of a bare loop over aiohttp
NAMES = {Ledger.SQLITE: "SQLite ledger", Ledger.SLOW_STATE: "task-state ledger on a store of 20 ms a write"}


def measure(server: Server, scale: Scale) -> Iterator[Figure]:
    """The figures of DESIGN's limit: everything on, 64 connections, one core each."""
    bare: dict[float, list[float]] = defaultdict(list)
    rates: dict[tuple[Ledger, float], list[float]] = defaultdict(list)
    cpu: dict[tuple[Ledger, float], list[float]] = defaultdict(list)
    loop_cpu: list[float] = []
    for _ in range(scale.repetitions):
        for latency in LATENCIES:
            calls = scale.rounds * CONNECTIONS if latency else scale.calls
            bare[latency].append(generate(server, calls=calls, latency=latency).calls_per_second)
            if not latency:
                loop_cpu.append(bare_loop(server, calls=calls))
            for ledger in NAMES:
                with tempfile.TemporaryDirectory() as directory:
                    workload = Workload(port=server.port, calls=calls, directory=directory, ledger=ledger)
                    cost, seen = fan_out(server, workload, latency=latency)
                rates[ledger, latency].append(seen.calls_per_second)
                cpu[ledger, latency].append(1e6 * cost.cpu_seconds / calls)
    for latency in LATENCIES:
        where = f"{1_000 * latency:.0f} ms"
        if latency:
            perfect = CONNECTIONS / latency
            yield Figure(
                name=f"{where}, bare generator, of connections / latency",
                unit=Unit.SHARE,
                values=[rate / perfect for rate in bare[latency]],
            )
            for ledger, name in NAMES.items():
                yield Figure(
                    name=f"{where}, {name}, of connections / latency",
                    unit=Unit.SHARE,
                    values=[rate / perfect for rate in rates[ledger, latency]],
                    bound=Bound(at_least=OF_PERFECT[ledger, latency]),
                )
            yield Figure(
                name=f"{where}, SQLite ledger, of the bare generator",
                unit=Unit.SHARE,
                values=quotients(rates[Ledger.SQLITE, latency], bare[latency]),
                bound=Bound(at_least=OF_BARE_GENERATOR[latency]),
            )
        else:
            yield Figure(name=f"{where}, bare generator", unit=Unit.PER_SECOND, values=bare[latency])
            yield Figure(name=f"{where}, SQLite ledger", unit=Unit.PER_SECOND, values=rates[Ledger.SQLITE, latency])
            yield Figure(
                name=f"{where}, SQLite ledger, CPU per call",
                unit=Unit.MICROSECONDS,
                values=cpu[Ledger.SQLITE, latency],
                bound=Bound(at_most=MOST_CPU),
            )
            yield Figure(name=f"{where}, bare loop over aiohttp, CPU per call", unit=Unit.MICROSECONDS, values=loop_cpu)
            yield Figure(
                name=f"{where}, SQLite ledger, CPU per call, in those of a bare loop over aiohttp",
                unit=Unit.RATIO,
                values=quotients(cpu[Ledger.SQLITE, latency], loop_cpu),
                bound=Bound(at_most=MOST_BARE_LOOPS),
            )


def quotients(measured: Sequence[float], yardstick: Sequence[float]) -> list[float]:
    """Each value in the yardstick's that was taken just before it: the machine was as busy then."""
    return [value / unit for value, unit in zip(measured, yardstick, strict=True)]
