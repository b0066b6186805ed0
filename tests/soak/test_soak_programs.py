"""What the soak starts, freezes and kills is really frozen and dead, children and all."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from real_airflow import wait_until

from tests.soak.programs import Program, signal_all

PATIENCE = 60.0  # seconds


@pytest.fixture
def program(tmp_path: Path) -> Iterator[Program]:
    waits = "import time\nwhile True: time.sleep(60)"
    family = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {waits!r}])"
    made = Program("family", [sys.executable, "-c", family], environment=dict(os.environ), logs=tmp_path)
    made.start()
    yield made
    made.thaw()
    made.kill()


def family_of(program: Program) -> list[psutil.Process]:
    def look() -> list[psutil.Process] | None:
        found = program.processes()
        return found if len(found) == 2 else None

    return wait_until("parent and child", look, timeout=PATIENCE)


def until(what: str, is_so: Callable[[], bool]) -> None:
    wait_until(what, lambda: is_so() or None, timeout=PATIENCE)


def is_gone(process: psutil.Process) -> bool:
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


def test_a_kill_takes_the_children_too(program: Program) -> None:
    family = family_of(program)
    program.kill()
    until("all to be gone", lambda: all(map(is_gone, family)))
    assert not program.runs


def test_what_was_killed_starts_again_as_another_process(program: Program) -> None:
    before = family_of(program)
    program.kill()
    program.start()
    assert not {each.pid for each in family_of(program)} & {each.pid for each in before}


def test_orphans_live_on(program: Program) -> None:
    parent, child = family_of(program)
    program.kill_first()
    until("the parent to be gone", lambda: is_gone(parent))
    assert not is_gone(child)
    signal_all([child], signal.SIGKILL)


def test_what_is_frozen_goes_on_when_it_thaws(program: Program) -> None:
    family = family_of(program)
    program.freeze()
    until("all to be stopped", lambda: all(each.status() == psutil.STATUS_STOPPED for each in family))
    assert program.runs
    program.thaw()
    until("all to go on", lambda: all(each.status() != psutil.STATUS_STOPPED for each in family))
