"""Processes that share one budget, killed and frozen by their parent; and what they did, as the vendor would see it.

Run as ``python budget_workers.py URL [SECONDS [RATE [SLOTS [SEED]]]]``, it prints the figures of one history, in which
a process is killed every five seconds and another one takes its place.
"""

from __future__ import annotations

import itertools
import json
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from random import Random

WORKER = Path(__file__).with_name("budget_worker.py")
POLL = 0.05  # seconds


class Workers:
    """Processes on one database. Opened with ``with``; what is left of them is killed in the end."""

    def __init__(self, url: str, *, log: Path, seed: int, longest: float = 0.04, **budget: float) -> None:
        self.random = Random(seed)
        self.log = log
        self._url = url
        self._longest = longest
        self._budget = json.dumps(budget)
        self._processes: list[subprocess.Popen[bytes]] = []
        self._names = itertools.count()
        self._pause = threading.Event()
        log.touch()

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, *exc_info: object) -> None:
        for process in self._processes:
            process.kill()
        for process in self._processes:
            process.wait()

    def add(self, count: int) -> None:
        for number in itertools.islice(self._names, count):
            arguments = [self._url, f"run {number}", str(self.random.random()), str(self.log), self._budget]
            command = [sys.executable, str(WORKER), *arguments, str(self._longest)]
            self._processes.append(subprocess.Popen(command, stderr=subprocess.PIPE))

    def kill(self) -> None:
        """Kill any of them."""
        process = self._processes.pop(self.random.randrange(len(self._processes)))
        process.kill()
        process.wait()

    def freeze(self, seconds: float) -> None:
        """Stop any of them for a while."""
        process = self.random.choice(self._processes)
        process.send_signal(signal.SIGSTOP)
        self._pause.wait(seconds)
        process.send_signal(signal.SIGCONT)

    def go_on(self, seconds: float) -> None:
        self._pause.wait(seconds)

    def wait_for(self, calls: int, *, seconds: float = 120.0) -> None:
        """Wait until so many calls have been placed."""
        latest = time.monotonic() + seconds
        while len(self.calls()) < calls:
            for process in self._processes:
                if process.poll() is not None:
                    raise AssertionError(f"a worker ended: {process.stderr.read().decode() if process.stderr else ''}")
            assert time.monotonic() < latest, f"no {calls} calls were placed within {seconds} s"
            self._pause.wait(POLL)

    def calls(self) -> list[tuple[float, float]]:
        """Start and answer of each call; a line that is just being written is left out."""
        whole = self.log.read_text().rpartition("\n")[0]
        return sorted((float(start), float(answer)) for start, answer in map(str.split, whole.splitlines()))


def most_in_a_second(calls: list[tuple[float, float]]) -> int:
    first = most = 0
    for last, (moment, _) in enumerate(calls):
        while calls[first][0] <= moment - 1.0:
            first += 1
        most = max(most, last - first + 1)
    return most


def most_in_flight(calls: list[tuple[float, float]]) -> int:
    changes = sorted([(start, 1) for start, _ in calls] + [(answer, -1) for _, answer in calls])
    return max(itertools.accumulate(change for _, change in changes), default=0)


def main(url: str, seconds: str = "30", rate: str = "50", slots: str = "40", seed: str = "1") -> None:
    """Print the figures of one history."""
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "calls"
        budget = {"calls_per_second": float(rate), "max_concurrency": int(slots)}
        with Workers(url, log=log, seed=int(seed), **budget) as workers:
            workers.add(8)
            workers.wait_for(int(float(rate) * 5))
            began = time.monotonic()
            while time.monotonic() < began + float(seconds):
                workers.go_on(5)
                workers.kill()
                workers.add(1)
            ended = time.monotonic()
            calls = workers.calls()
        placed = sum(began <= start < ended for start, _ in calls)
        part = placed / (ended - began) / float(rate)
        print(f"calls in {ended - began:.1f} s: {placed}, {100 * part:.1f} % of the rate")
        print(f"most in a sliding second: {most_in_a_second(calls)} of {rate}")
        print(f"most in flight: {most_in_flight(calls)} of {slots}")


if __name__ == "__main__":
    main(*sys.argv[1:])
