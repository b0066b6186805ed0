"""What a DAG file pays for importing the operators, each time that Airflow parses it."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator

from benchmarks.figures import Bound, Figure, Unit
from benchmarks.processes import environment
from benchmarks.scale import Scale

TIMED_IMPORT = """
import time
from airflow.providers.common.compat.sdk import BaseHook, BaseOperator
began = time.perf_counter()
import airflow_provider_callkaro.operators.callkaro
print(1_000 * (time.perf_counter() - began))
"""

TIMED_IMPORT_OF_HTTP = """
import time
from airflow.providers.common.compat.sdk import BaseHook, BaseOperator
began = time.perf_counter()
import airflow.providers.http.operators.http, airflow.providers.http.hooks.http
print(1_000 * (time.perf_counter() - began))
"""


def measure(scale: Scale) -> Iterator[Figure]:
    """The figures of the import: alone, and beside that of Airflow's own provider for HTTP."""
    with tempfile.TemporaryDirectory() as home:
        pairs = [
            (milliseconds(TIMED_IMPORT, home), milliseconds(TIMED_IMPORT_OF_HTTP, home))
            for _ in range(2 * scale.repetitions + 1)
        ][1:]  # the first may compile
    yield Figure(
        name="import of operators.callkaro beyond BaseOperator and BaseHook",
        unit=Unit.MILLISECONDS,
        values=[ours for ours, _ in pairs],
        bound=Bound(at_most=40),
    )
    yield Figure(
        name="import of the http provider's operator and hook, likewise",
        unit=Unit.MILLISECONDS,
        values=[theirs for _, theirs in pairs],
    )
    yield Figure(
        name="import of operators.callkaro, in those of the http provider",
        unit=Unit.RATIO,
        values=[ours / theirs for ours, theirs in pairs],
        bound=Bound(at_most=1.0),
    )


def milliseconds(script: str, home: str) -> float:
    """What a script prints that times itself, in a process of its own.

    :param home: Airflow's home; a script that is the same in the same home finds everything compiled.
    """
    done = subprocess.run(
        [sys.executable, "-c", script],
        env=environment(AIRFLOW_HOME=home, PYTHONDONTWRITEBYTECODE=""),  # an installed package is compiled
        capture_output=True,
        text=True,
        check=True,
    )
    return float(done.stdout.splitlines()[-1])
