"""Whether a long list costs memory: the peak with a million rows beside the peak with ten thousand."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator

from benchmarks.figures import Bound, Figure, Unit
from benchmarks.processes import Server, fan_out
from benchmarks.scale import Scale
from benchmarks.workload import Workload

SHORT_LIST = 10_000  # rows
MEGABYTE = 1 << 20  # bytes


def measure(server: Server, scale: Scale) -> Iterator[Figure]:
    """The figures of the memory; the long list takes some minutes."""
    peaks = []
    for calls in (SHORT_LIST, scale.long_list):
        with tempfile.TemporaryDirectory() as directory:
            workload = Workload(port=server.port, calls=calls, directory=directory)
            cost, seen = fan_out(server, workload, latency=0.0)
        peaks.append(cost.peak_bytes / MEGABYTE)
        yield Figure(name=f"peak memory, {calls:,} rows", unit=Unit.MEGABYTES, values=peaks[-1:])
    yield Figure(name=f"speed over {calls:,} rows, 0 ms", unit=Unit.PER_SECOND, values=[seen.calls_per_second])
    yield Figure(
        name=f"peak memory, {scale.long_list:,} rows beyond {SHORT_LIST:,}",
        unit=Unit.MEGABYTES,
        values=[peaks[1] - peaks[0]],
        bound=Bound(at_most=40),
    )
