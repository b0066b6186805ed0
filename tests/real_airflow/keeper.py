"""Keeps Airflow's components alive for exactly as long as the test that asked for them.

A test can end in ways that run no ``finally``: a SIGKILL, a closed terminal, a CI runner out of patience. So the
components are not children of the test but of this process, and this process holds one end of a pipe whose other end
only the test holds. When the test is gone, however it went, the pipe closes, and all that is below this process is
killed.

Orphans too: as a subreaper this process inherits the task whose worker was killed, so nothing can slip away by losing
its parent. Runs as a script, ``python keeper.py plan.json``; the plan says which commands to run and where their output
goes.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import select
import sys
import threading
from pathlib import Path

import psutil

SET_CHILD_SUBREAPER = 36  # PR_SET_CHILD_SUBREAPER, linux/prctl.h
LOOK_EVERY = 0.2  # seconds between two looks at the pipe and at the children
COMPONENT_ENDED = 1  # exit code: a component ended by itself, so this Airflow is of no more use


def adopt_orphans() -> None:
    """Make descendants that lose their parent children of this process (Linux; elsewhere they go to init)."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def start(components: dict[str, list[str]], *, logs: Path) -> dict[int, str]:
    """Start every component with its output in ``logs``; return their names by process id."""
    started = {}
    for name, command in components.items():
        with (logs / f"{name}.log").open("ab") as output:
            pid = os.posix_spawn(
                command[0],
                command,
                os.environ,
                file_actions=[
                    (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                    (os.POSIX_SPAWN_DUP2, output.fileno(), 1),
                    (os.POSIX_SPAWN_DUP2, output.fileno(), 2),
                ],
                setpgroup=0,
            )
        started[pid] = name
    return started


def reap() -> list[tuple[int, int]]:
    """Collect every child that has ended, adopted ones included; return process id and exit code of each."""
    ended = []
    with contextlib.suppress(ChildProcessError):
        while True:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                break
            ended.append((pid, os.waitstatus_to_exitcode(status)))
    return ended


def kill_everything_below() -> None:
    """SIGKILL all descendants until there are none; what is forked meanwhile is found in the next round."""
    while below := psutil.Process().children(recursive=True):
        for process in below:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        reap()
        threading.Event().wait(0.02)


def main(plan_file: str) -> int:
    """Run the plan until the pipe on stdin closes or a component ends."""
    plan = json.loads(Path(plan_file).read_text())
    adopt_orphans()
    components = start(plan["components"], logs=Path(plan["logs"]))
    try:
        while not select.select([sys.stdin], [], [], LOOK_EVERY)[0]:
            for pid, exit_code in reap():
                if pid in components:
                    print(f"{components[pid]} ended by itself with exit code {exit_code}", flush=True)
                    return COMPONENT_ENDED
        return 0
    finally:
        kill_everything_below()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
