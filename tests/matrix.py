"""`make test-matrix`: the package under each Airflow and Python that it supports, in virtual environments of their own.

Airflow 2.11 and 3.0 have no task state and another REST API, so what needs those runs under Airflow 3.3 alone.
Everything else runs under each of them: the rooms, the hooks, the sources, the provider's metadata, the example DAGs by
``dag.test()``. A pair that fails does not end the run; a table at the end says what became of each.

``python -m tests.matrix 3.0 3.3:3.12`` runs some pairs only. A Python is looked for on PATH as ``python3.12``; one that
is not there is skipped, and fails the run where ``CALLKARO_TEST_MATRIX=required``.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).parents[1]
PYTHONS = ("3.11", "3.12", "3.13")
SUPPORTED = {"2.11": ("3.11", "3.12"), "3.0": ("3.11", "3.12"), "3.3": PYTHONS}
"""The Pythons that each Airflow can be installed under, by its own metadata, from 3.11 on."""
NEWEST = "3.3"
NEEDS_NEWEST = (
    "tests/operators",
    "tests/sensors",
    "tests/test_real_airflow.py",
    "tests/test_nothing_planted_is_found.py",
    "tests/sandbox",
    "tests/soak",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What became of one pair.

    :param note: why there are no figures; empty if there are.
    """

    airflow: str
    python: str
    passed: int = 0
    skipped: int = 0
    failed: int = 0
    minutes: float = 0.0
    note: str = ""
    good: bool = True

    def __str__(self) -> str:
        figures = f"{self.passed:>7} {self.skipped:>8} {self.failed:>7} {self.minutes:>8.1f}"
        return f"{self.airflow:<8} {self.python:<7}" + (f"  {self.note}" if self.note else figures)


def main() -> int:
    """Run the pairs that were asked for, all by default; 0 if none fails."""
    wanted = sys.argv[1:]
    pairs = [(airflow, python) for airflow in SUPPORTED for python in PYTHONS]
    results = []
    for airflow, python in pairs:
        if not wanted or airflow in wanted or f"{airflow}:{python}" in wanted:
            say(f"== Airflow {airflow}, Python {python}")
            results.append(result_of(airflow, python))
            say(str(results[-1]))
    say("\nAirflow  Python   passed  skipped  failed  minutes")
    for result in results:
        say(str(result))
    return 0 if results and all(result.good for result in results) else 1


def result_of(airflow: str, python: str) -> Result:
    """Install one pair and run the tests under it."""
    if python not in SUPPORTED[airflow]:
        return Result(airflow=airflow, python=python, note=f"Airflow {airflow} does not support Python {python}")
    interpreter = shutil.which(f"python{python}")
    if interpreter is None:
        required = os.environ.get("CALLKARO_TEST_MATRIX") == "required"
        return Result(airflow=airflow, python=python, note=f"no python{python} on PATH", good=not required)
    environment = ROOT / f".venv-{airflow}-{python}"
    try:
        install(interpreter, environment, ROOT / "constraints" / f"airflow-{airflow}.txt")
    except subprocess.CalledProcessError as error:
        return Result(airflow=airflow, python=python, note=f"cannot be installed: {error}", good=False)
    report = environment / "tests.xml"
    tests = [python_of(environment), "-m", "pytest", "-q", "-n", os.environ.get("WORKERS", "4"), f"--junitxml={report}"]
    if airflow != NEWEST:
        tests += [f"--ignore={path}" for path in NEEDS_NEWEST]
    report.unlink(missing_ok=True)
    began = time.monotonic()
    exit_code = run(*tests)
    minutes = (time.monotonic() - began) / 60
    if not report.exists():
        return Result(airflow=airflow, python=python, note=f"pytest ended with exit code {exit_code}", good=False)
    figures = ElementTree.parse(report).getroot()[0].attrib
    skipped = int(figures["skipped"])
    failed = int(figures["failures"]) + int(figures["errors"])
    return Result(
        airflow=airflow,
        python=python,
        passed=int(figures["tests"]) - skipped - failed,
        skipped=skipped,
        failed=failed,
        minutes=minutes,
        good=exit_code == 0,
    )


def install(interpreter: str, environment: Path, constraints: Path) -> None:
    """Make the virtual environment, or bring it up to date.

    :raises subprocess.CalledProcessError: if a step fails.
    """
    python = python_of(environment)
    pip = (python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-c", constraints)
    steps: list[tuple[str | Path, ...]] = [
        (*pip, "-e", ".[dev]"),
        (*pip, "--no-deps", "apache-airflow-providers-mysql"),  # its C driver needs system headers; PyMySQL does not
    ]
    if not python.exists():
        steps.insert(0, (interpreter, "-m", "venv", environment))
    for step in steps:
        if exit_code := run(*step):
            raise subprocess.CalledProcessError(exit_code, [str(word) for word in step])


def python_of(environment: Path) -> Path:
    return environment / "bin" / "python"


def run(*command: str | Path) -> int:
    """Run a command in the repository; its exit code."""
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(command, cwd=ROOT, check=False, env=environment).returncode


def say(line: str) -> None:
    """Print a line at once, between the lines of the commands."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    raise SystemExit(main())
