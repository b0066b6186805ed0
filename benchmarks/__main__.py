"""``python -m benchmarks``: take every figure, print one table. Linux, two cores or more; about 20 minutes.

``--only speed`` takes one part (it may be given several times). ``--quick`` takes everything in few repetitions: its
figures tell whether something broke, not whether a bound is reached. ``--shielded`` gives the benchmark real-time
priority, which needs root: without it, a shared machine's other processes are part of each figure. The Airflow part
runs without it: its many processes would only take the processor from one another.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterable
from contextlib import nullcontext

from benchmarks import imports, judging, killed, memory, peers, speed, under_airflow
from benchmarks.figures import Figure, table
from benchmarks.machine import describe, shield
from benchmarks.processes import Server
from benchmarks.scale import FULL, QUICK, Scale

PARTS: dict[str, Callable[[Server, Scale], Iterable[Figure]]] = {
    "speed": speed.measure,
    "peers": peers.measure,
    "airflow": under_airflow.measure,
    "killed": killed.measure,
    "memory": memory.measure,
    "import": lambda _, scale: imports.measure(scale),
    "judging": lambda _, scale: judging.measure(scale),
}


def main() -> int:
    """Take the figures and print them.

    :return: 1 where a bound is not reached; 0 otherwise, and with ``--quick``, whose few repetitions prove nothing.
    """
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--only", choices=PARTS, action="append", help="take this part; may be given several times")
    parser.add_argument("--quick", action="store_true", help="take everything with little patience")
    parser.add_argument("--shielded", action="store_true", help="real-time priority but for Airflow; needs root")
    options = parser.parse_args()
    scale = QUICK if options.quick else FULL
    machine = describe()
    figures: list[Figure] = []
    for name in options.only or PARTS:
        began = time.monotonic()
        with shield() if options.shielded and name != "airflow" else nullcontext(), Server() as server:
            figures.extend(PARTS[name](server, scale))
        print(f"{name}: took {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    print(machine, table(figures), sep="\n\n")
    missed = [figure.name for figure in figures if not figure.reached]
    for name in missed:
        print(f"not reached: {name}", file=sys.stderr)
    return 1 if missed and not options.quick else 0


if __name__ == "__main__":
    sys.exit(main())
