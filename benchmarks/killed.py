"""How many calls a SIGKILL leaves unknown: claimed, perhaps placed, and not settled.

A real process is killed in the middle of a fan-out, and the claimed rows of its ledger are counted. Where
in its turn the kill hits is chance, so it is done many times and the worst counts.
"""

from __future__ import annotations

import random
import sqlite3
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from benchmarks.figures import Bound, Figure, Unit
from benchmarks.processes import CONNECTIONS, MEASURED_WITHIN, MeasurementFailed, Server, environment, module
from benchmarks.scale import Scale
from benchmarks.workload import LEDGER_FILE, Workload

LATENCIES = (0.0, 0.02, 0.1)  # seconds
SLOW_PACE = 10.0  # calls per second
LOOK_EVERY = 0.005  # seconds
ENDLESS = 10_000_000  # rows: more than any of these processes lives to see


def measure(server: Server, scale: Scale) -> Iterator[Figure]:
    """The figures of a killed worker."""
    chance = random.Random(0)
    for latency in LATENCIES:
        yield Figure(
            name=f"SIGKILL at full speed, {1_000 * latency:.0f} ms: calls left unknown (worst)",
            unit=Unit.CALLS,
            values=[
                _unsettled(server, latency=latency, pace=None, after=chance.randint(500, 2_000))
                for _ in range(scale.kills)
            ],
            bound=Bound(at_most=2 * CONNECTIONS),
            sum_up=max,
        )
    for latency in LATENCIES:
        yield Figure(
            name=f"SIGKILL at {SLOW_PACE:.0f} calls a second, {1_000 * latency:.0f} ms: calls left unknown (worst)",
            unit=Unit.CALLS,
            values=[
                _unsettled(server, latency=latency, pace=SLOW_PACE, after=chance.randint(5, 20), late=chance.random())
                for _ in range(scale.kills)
            ],
            bound=Bound(at_most=2),
            sum_up=max,
        )


def _unsettled(server: Server, *, latency: float, pace: float | None, after: int, late: float = 0.0) -> int:
    """Kill a fan-out and count the calls that are unknown.

    :param after: how many POSTs the server has seen when it is killed.
    :param late: by what fraction of the pace's interval the kill comes later.
    """
    with tempfile.TemporaryDirectory() as directory:
        workload = Workload(port=server.port, calls=ENDLESS, directory=directory, calls_per_second=pace)
        server.forget(latency=latency)
        process = subprocess.Popen(module("benchmarks.workload", workload.as_json()), env=environment())
        try:
            give_up = time.monotonic() + MEASURED_WITHIN
            while server.seen().posts < after:
                if process.poll() is not None or time.monotonic() > give_up:
                    raise MeasurementFailed("the fan-out that was to be killed did not run")
                time.sleep(LOOK_EVERY)
            if pace is not None:
                time.sleep(late / pace)
        finally:
            process.kill()
            process.wait()
        with closing(sqlite3.connect(Path(directory, LEDGER_FILE))) as ledger:
            (claimed,) = ledger.execute("SELECT count(*) FROM voice_call_ledger WHERE state = 'claimed'").fetchone()
            return int(claimed)
