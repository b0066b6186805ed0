"""What the figures were taken on: without it no figure means anything."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGES = (
    "apache-airflow",
    "httptools",
    "uvloop",
    "aiohttp",
    "SQLAlchemy",
    "requests",
    "apache-airflow-providers-http",
)
IDLE_FIELDS = (3, 4)  # idle and iowait, in the first line of /proc/stat


@contextmanager
def shield() -> Iterator[None]:
    """Give this process and its children real-time priority, so that other work on a shared machine hardly counts.

    :raises PermissionError: the user may not; root may.
    """
    os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
    try:
        yield
    finally:
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))


def describe() -> str:
    """The machine, the versions, and how busy the machine is with other things."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / (1 << 30)
    packages = ", ".join(f"{name} {_version(name)}" for name in PACKAGES)
    return (
        f"{datetime.now(UTC):%Y-%m-%d}: {os.cpu_count()} cores ({_processor()}), {memory:.0f} GB, "
        f"Python {platform.python_version()}, {packages}; "
        f"other processes keep {busy_cores(seconds=2.0):.1f} cores busy"
    )


def busy_cores(*, seconds: float) -> float:
    """How many cores were busy while this process slept."""
    before = _busy_seconds()
    time.sleep(seconds)
    return (_busy_seconds() - before) / seconds


def _busy_seconds() -> float:
    fields = [int(field) for field in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
    return (sum(fields) - sum(fields[at] for at in IDLE_FIELDS)) / os.sysconf("SC_CLK_TCK")


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "absent"
