"""Beside drt-core's REST destination: how fast, and whom it rings twice when answers get lost.

Of every twenty calls the server takes one and closes the connection without an answer: the phone rings, and the client
cannot know. Both run on a bare process; the peers that need a scheduler are in `under_airflow.py`.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator

from benchmarks import drt
from benchmarks.figures import Bound, Figure, Unit
from benchmarks.processes import CONNECTIONS, MeasurementFailed, Seen, Server, fan_out, finish, module
from benchmarks.scale import Scale
from benchmarks.workload import AGENT, Workload, contact_rows

LATENCY = 0.02  # seconds
DRT_CALLS = 200
LOSE_EVERY = 20  # calls; of so many one answer gets lost
LOSSY_CALLS = 2_000
TIMES_DRT = 40.0  # least calls per second, in those of drt-core


def measure(server: Server, scale: Scale) -> Iterator[Figure]:
    """The figures beside drt-core, and what this package does where answers get lost."""
    has_drt = drt.installed()
    theirs: list[float] = []
    ours: list[float] = []
    for _ in range(scale.repetitions if has_drt else 0):
        theirs.append(_drt(server, lose_every=0).calls_per_second)
        with tempfile.TemporaryDirectory() as directory:
            workload = Workload(port=server.port, calls=scale.rounds * CONNECTIONS, directory=directory)
            ours.append(fan_out(server, workload, latency=LATENCY)[1].calls_per_second)
    yield Figure(name="20 ms, drt-core's REST destination", unit=Unit.PER_SECOND, values=theirs)
    yield Figure(
        name="20 ms, SQLite ledger, times drt-core's REST destination",
        unit=Unit.TIMES,
        values=[mine / other for mine, other in zip(ours, theirs, strict=True)],
        bound=Bound(at_least=TIMES_DRT),
    )
    lost = f"every {LOSE_EVERY}th answer lost"
    yield Figure(
        name=f"{lost}, drt-core's REST destination: numbers rung twice, of {DRT_CALLS:,} that rang",
        unit=Unit.CALLS,
        values=[_drt(server, lose_every=LOSE_EVERY).rung_twice] if has_drt else [],
    )
    yield Figure(
        name=f"{lost}, SQLite ledger, cleared: numbers rung twice, of {LOSSY_CALLS:,} that rang (worst)",
        unit=Unit.CALLS,
        values=[_ours_and_again(server).rung_twice for _ in range(scale.repetitions)],
        bound=Bound(at_most=0),
        sum_up=max,
    )


def _drt(server: Server, *, lose_every: int) -> Seen:
    """Every row once by drt-core. Raises MeasurementFailed if a row was not sent although nothing was lost."""
    bodies = []
    for row in contact_rows(DRT_CALLS):
        number = row.pop("to_number")
        bodies.append({"to_number": number, "agent_id": AGENT, "metadata": row})
    server.forget(latency=LATENCY, lose_every=lose_every)
    sent = drt.send(server, bodies)
    seen = server.seen()
    if not lose_every and not sent == seen.posts == DRT_CALLS:
        raise MeasurementFailed(f"{DRT_CALLS} rows came to {seen.posts} POSTs, {sent} of them counted as sent")
    if lose_every and seen.rung != DRT_CALLS:
        raise MeasurementFailed(f"{DRT_CALLS} rows made {seen.rung} numbers ring")
    return seen


def _ours_and_again(server: Server) -> Seen:
    """A fan-out whose answers get lost, and the same run once more with the same ledger, as after a clear."""
    server.forget(latency=LATENCY, lose_every=LOSE_EVERY)
    with tempfile.TemporaryDirectory() as directory:
        workload = Workload(port=server.port, calls=LOSSY_CALLS, directory=directory)
        for _ in range(2):
            finish(module("benchmarks.workload", workload.as_json()))
    seen = server.seen()
    if seen.rung != LOSSY_CALLS:
        raise MeasurementFailed(f"{LOSSY_CALLS} rows made {seen.rung} numbers ring")
    return seen
