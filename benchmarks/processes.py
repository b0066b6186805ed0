"""The processes that a measurement takes: the server on one core, what is measured on the other.

Each is a process of its own, so that nothing is shared but the loopback: no interpreter lock, no allocator, no imports.
"""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from benchmarks.server import LOOPBACK
from benchmarks.workload import Cost, Workload

HERE = Path(__file__).resolve().parent
SERVER_CORE, CLIENT_CORE = 0, 1
CONNECTIONS = 64
ANSWER_WITHIN = 30.0  # seconds
MEASURED_WITHIN = 1_800.0  # seconds that one measurement may take before it counts as hung


class MeasurementFailed(RuntimeError):
    """A process that was measured did not do what it was to do; the message has the end of its output."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What the server saw of one run; moments are seconds on its monotonic clock.

    :param rung: different numbers that rang; counted only where answers get lost.
    :param rung_twice: those of them that rang more than once.
    """

    posts: int
    answers: int
    connections: int
    first_post: float
    last_post: float
    last_answer: float
    rung: int
    rung_twice: int

    @property
    def calls_per_second(self) -> float:
        """From the first POST to the last answer."""
        return self.answers / (self.last_answer - self.first_post)

    @property
    def posts_per_second(self) -> float:
        """From the first POST to the last POST."""
        return (self.posts - 1) / (self.last_post - self.first_post)


class Server:
    """The benchmark's server, as long as a ``with`` block lasts."""

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            module("benchmarks.server", "--core", SERVER_CORE), env=environment(), stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout is not None
        self.port = int(self._process.stdout.readline())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.wait()

    def forget(self, *, latency: float, lose_every: int = 0) -> None:
        """Begin a new count.

        :param latency: seconds from a POST to its answer, from now on.
        :param lose_every: of so many calls one is taken and never answered; 0 loses none.
        """
        self._ask(f"/forget?latency={latency}&lose_every={lose_every}")

    def seen(self) -> Seen:
        """What has been seen since."""
        return Seen(**self._ask("/seen"))

    def _ask(self, path: str) -> dict[str, Any]:
        connection = http.client.HTTPConnection(LOOPBACK, self.port, timeout=ANSWER_WITHIN)
        try:
            connection.request("GET", path)
            answer: dict[str, Any] = json.loads(connection.getresponse().read())
            return answer
        finally:
            connection.close()


def fan_out(server: Server, workload: Workload, *, latency: float) -> tuple[Cost, Seen]:
    """Run a workload to its end, and make sure that it did what it was to do.

    :raises MeasurementFailed: it failed, or not every call was accepted by exactly one POST.
    """
    server.forget(latency=latency)
    cost = Cost(**json.loads(finish(module("benchmarks.workload", workload.as_json()))))
    seen = server.seen()
    if not cost.accepted == seen.posts == workload.calls:
        raise MeasurementFailed(f"{workload.calls} rows came to {seen.posts} POSTs, {cost.accepted} of them accepted")
    return cost, seen


def generate(server: Server, *, calls: int, latency: float) -> Seen:
    """Let the bare load generator send its calls."""
    server.forget(latency=latency)
    finish(
        module(
            *("benchmarks.generator", "--port", server.port, "--connections", CONNECTIONS),
            *("--calls", calls, "--core", CLIENT_CORE),
        )
    )
    return server.seen()


def bare_loop(server: Server, *, calls: int) -> float:
    """Let a bare loop over aiohttp send its calls. Microseconds of its CPU per call."""
    server.forget(latency=0.0)
    return float(
        finish(
            module(
                *("benchmarks.yardstick", "--port", server.port, "--connections", CONNECTIONS),
                *("--calls", calls, "--core", CLIENT_CORE),
            )
        )
    )


def module(name: str, *arguments: object) -> list[str]:
    """The command that runs a module with this interpreter."""
    return [sys.executable, "-m", name, *map(str, arguments)]


def environment(**more: str) -> dict[str, str]:
    """This process's environment for a child, which finds this package wherever it was started."""
    found = os.environ.get("PYTHONPATH")
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, [str(HERE.parent), found])), **more}


def finish(command: list[str]) -> str:
    """Run a command to its end; what it printed.

    :raises MeasurementFailed: it did not end well.
    """
    done = subprocess.run(
        command, env=environment(), capture_output=True, text=True, timeout=MEASURED_WITHIN, check=False
    )
    if done.returncode != 0:
        raise MeasurementFailed(f"{command[2]} ended with {done.returncode}\n{done.stderr[-4_000:]}")
    return done.stdout
