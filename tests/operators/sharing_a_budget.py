"""How these tests let many task processes share a budget, and what the vendor's own log says of them."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from airflow_provider_callkaro.sandbox import Sandbox
from airflow_provider_callkaro.sandbox.request_log import Request

WORKER = Path(__file__).with_name("budget_worker.py")
PATIENCE = 120.0  # seconds until something must have come


class Tasks:
    """Starts task processes, and kills and freezes them."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self._pids: queue.Queue[int] = queue.Queue()
        self._ended: dict[str, dict[str, Any]] = {}
        self._changed = threading.Condition()
        self.running: dict[str, int] = {}
        threading.Thread(target=self._read, daemon=True).start()

    def start(self, name: str, **arguments: Any) -> None:
        """Start a task process; it is not waited for."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"name": name, **arguments}) + "\n")
        self._process.stdin.flush()
        self.running[name] = self._pids.get(timeout=PATIENCE)

    def kill(self, name: str) -> float:
        """Kill a task process with SIGKILL. Returns when, in seconds since 1970 UTC."""
        with suppress(ProcessLookupError):
            os.kill(self.running.pop(name), signal.SIGKILL)
        return time.time()

    def freeze(self, name: str) -> None:
        """Stop a task process as it stands."""
        os.kill(self.running[name], signal.SIGSTOP)

    def thaw(self, name: str) -> None:
        """Let a frozen task process go on."""
        os.kill(self.running[name], signal.SIGCONT)

    def result_of(self, name: str) -> dict[str, Any]:
        """What a task process came to, when it has ended."""
        with self._changed:
            assert self._changed.wait_for(lambda: name in self._ended, PATIENCE), f"{name} does not end"
            return self._ended[name]

    def close(self) -> None:
        """Kill all that still runs."""
        for name in list(self.running):
            self.kill(name)
        self._process.kill()
        self._process.wait()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            told = json.loads(line)
            if "pid" in told:
                self._pids.put(told["pid"])
            else:
                with self._changed:
                    self._ended[told["ended"]] = told
                    self.running.pop(told["ended"], None)
                    self._changed.notify_all()


@contextmanager
def tasks(sandbox: Sandbox, *, ledger: str | None, budget: dict[str, Any], log: Path) -> Iterator[Tasks]:
    """Task processes whose connection has a budget. ``ledger``: the value of the ledger's AIRFLOW_CONN variable."""
    connection = json.loads(sandbox.airflow_connections["callkaro_default"])
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(WORKER.parents[1]), os.environ.get("PYTHONPATH", "")]),
        "AIRFLOW_CONN_CALLKARO_DEFAULT": json.dumps({**connection, "extra": {"budget": budget}}),
        **({"AIRFLOW_CONN_CALL_LEDGER": ledger} if ledger else {}),
    }
    with log.open("w") as stderr:
        process = subprocess.Popen(
            [sys.executable, str(WORKER)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            env=environment,
        )
        assert process.stdout is not None
        started = None
        try:
            assert process.stdout.readline() == "ready\n", log.read_text()
            started = Tasks(process)
            yield started
        finally:
            if started is not None:
                started.close()
            process.kill()
            process.wait()


def starts(requests: Sequence[Request]) -> list[float]:
    """When each request came, in seconds since 1970 UTC, in order."""
    return sorted(request.received_at.timestamp() for request in requests)


def most_in_a_second(moments: Sequence[float]) -> int:
    """The most starts in any sliding second, its end not included."""
    return max((bisect_left(moments, moment + 1.0) - place for place, moment in enumerate(moments)), default=0)


def most_in_flight(requests: Sequence[Request]) -> int:
    """The most requests that waited for their answer at one moment, those of killed tasks too."""
    changes = [(request.received_at.timestamp(), 1) for request in requests]
    changes += [(request.answered_at.timestamp(), -1) for request in requests if request.answered_at is not None]
    now = most = 0
    for _, change in sorted(changes):
        now += change
        most = max(most, now)
    return most


def between(moments: Sequence[float], begin: float, end: float) -> int:
    """How many starts lie in a span of time."""
    return bisect_left(moments, end) - bisect_left(moments, begin)
