"""`make test-matrix`: the package under each Airflow that it supports, in a virtual environment of its own.

Airflow 2.11 and 3.0 have no task state and another REST API, so what needs those stays with `make test`. Everything
else runs under each of them: the rooms, the hook, the sources, the provider's metadata, the example DAGs by
``dag.test()``.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
VERSIONS = ("2.11", "3.0", "3.3")
NEEDS_NEWEST = (
    "tests/operators",
    "tests/sensors",
    "tests/test_real_airflow.py",
    "tests/test_nothing_planted_is_found.py",
    "tests/sandbox",
)


def main() -> int:
    """Run the tests under each version; 0 if all pass."""
    failed = [version for version in sys.argv[1:] or VERSIONS if not passes(version)]
    sys.stdout.write(f"failed under {', '.join(failed)}\n" if failed else "passed under every version\n")
    return 1 if failed else 0


def passes(version: str) -> bool:
    """Install one version, run the tests under it."""
    environment = ROOT / f".venv-{version}"
    python = environment / "bin" / "python"
    constraints = ROOT / "constraints" / f"airflow-{version}.txt"
    if not python.exists():
        run(sys.executable, "-m", "venv", str(environment))
    install = (str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-c", str(constraints))
    run(*install, "-e", ".[dev]")
    run(*install, "--no-deps", "apache-airflow-providers-mysql")
    sys.stdout.write(f"== Airflow {version}\n")
    sys.stdout.flush()
    ignored = [f"--ignore={path}" for path in NEEDS_NEWEST]
    tests = subprocess.run([python, "-m", "pytest", "-q", *ignored], cwd=ROOT, check=False)
    return tests.returncode == 0


def run(*command: str) -> None:
    subprocess.run(command, cwd=ROOT, check=True, env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"})


if __name__ == "__main__":
    raise SystemExit(main())
