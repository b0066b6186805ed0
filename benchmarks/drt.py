"""The virtual environment of drt-core, the nearest peer outside Airflow: made here, and used by nothing else.

It is no dependency of this package, and none of its development: where it cannot be installed, its figures are absent.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

from benchmarks.processes import HERE, MEASURED_WITHIN, MeasurementFailed, Server
from benchmarks.server import LOOPBACK
from benchmarks.workload import KEY

REQUIREMENT = "drt-core==1.2.1"
HOME = HERE.parent / ".venv-drt"  # ignored by git, and removed by `make clean`
CLIENT = HERE / "drt_client.py"
INSTALLED_WITHIN = 300.0  # seconds


def installed() -> bool:
    """Whether drt-core is there; it is installed first, where it can be. Says so on standard error where it cannot."""
    python = str(HOME / "bin" / "python")
    asked = [
        python,
        "-I",
        "-c",
        f"import importlib.metadata as m; assert 'drt-core==' + m.version('drt-core') == '{REQUIREMENT}'",
    ]
    if HOME.exists() and subprocess.run(asked, capture_output=True, check=False).returncode == 0:
        return True
    for command in (
        [sys.executable, "-m", "venv", "--clear", str(HOME)],
        [python, "-I", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", REQUIREMENT],
    ):
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=INSTALLED_WITHIN, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            return _absent(type(error).__name__)
        if done.returncode != 0:
            return _absent(done.stderr.strip()[-500:])
    return True


def send(server: Server, bodies: Sequence[dict[str, Any]]) -> int:
    """Send all bodies by drt-core's REST destination. Returns how many it counts as sent.

    :raises MeasurementFailed: it did not end well.
    """
    url = f"http://{LOOPBACK}:{server.port}/call/outbound"
    done = subprocess.run(
        [str(HOME / "bin" / "python"), "-I", str(CLIENT), url, json.dumps({"X-API-KEY": KEY})],
        input=json.dumps(bodies),
        capture_output=True,
        text=True,
        timeout=MEASURED_WITHIN,
        check=False,
    )
    if done.returncode != 0:
        raise MeasurementFailed(f"{REQUIREMENT} ended with {done.returncode}\n{done.stderr[-4_000:]}")
    return int(done.stdout)


def _absent(why: str) -> bool:
    print(f"{REQUIREMENT} is absent, and so are its figures: it could not be installed ({why})", file=sys.stderr)
    return False
