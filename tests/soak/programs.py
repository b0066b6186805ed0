"""A program that can be killed, frozen, and started again: each part of the soak is one."""

from __future__ import annotations

import contextlib
import os
import pwd
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import psutil

LOOPBACK = "127.0.0.1"
MARK = "CALLKARO_SOAK"
"""The variable that marks every process of a soak, so that none is left at its end, whoever its parent is."""
_sessions: set[int] = set()
"""Every session that was begun: Celery's processes overwrite their environment with their titles."""
LOOK_EVERY = 0.1  # seconds
ENDED_WITHIN = 30.0  # seconds


class Program:
    """One program, in a session of its own. Used from one thread at a time.

    :param name: what it is called in logs and in faults.
    :param environment: all of it.
    :param logs: the folder for its output; each start adds to the same file.
    :param user: who runs it, where the soak is run by root; None: whoever runs the soak.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        environment: Mapping[str, str],
        logs: Path,
        user: str | None = None,
    ) -> None:
        self.name = name
        self._command = list(command)
        self._environment = {**environment, MARK: os.environ.get(MARK, "")}
        self._log = logs / f"{name}.log"
        self._user = user
        self._running: subprocess.Popen[bytes] | None = None
        self._frozen: list[psutil.Process] = []

    def start(self) -> None:
        """Start it, unless it runs."""
        if self.runs:
            return
        account = None if self._user is None else pwd.getpwnam(self._user)
        with self._log.open("ab") as output:
            self._running = subprocess.Popen(
                self._command,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                cwd="/",
                user=None if account is None else account.pw_uid,
                group=None if account is None else account.pw_gid,
                extra_groups=None if account is None else [],
            )
        _sessions.add(self._running.pid)

    @property
    def runs(self) -> bool:
        """Whether its first process is there, frozen or not."""
        return self._running is not None and self._running.poll() is None

    @property
    def process(self) -> psutil.Process | None:
        """Its first process; None where it does not run."""
        try:
            return psutil.Process(self._running.pid) if self._running is not None and self.runs else None
        except psutil.NoSuchProcess:
            return None

    def processes(self) -> list[psutil.Process]:
        """All of its processes, the first one first."""
        first = self.process
        return [] if first is None else [first, *children_of(first)]

    def kill(self) -> None:
        """SIGKILL all of its processes, as when the machine is lost; what is forked meanwhile and orphans too."""
        session = None if self._running is None else self._running.pid
        signal_all(self.processes(), signal.SIGKILL)
        self._wait()
        while left := [process for process in psutil.process_iter() if _is_of(process, session)]:
            signal_all(left, signal.SIGKILL)
            time.sleep(LOOK_EVERY)

    def kill_first(self) -> None:
        """SIGKILL the first process alone: the others lose their parent."""
        self.end(signal.SIGKILL)

    def end(self, number: signal.Signals) -> None:
        """Send a signal to the first process, and wait until it has ended; after a while all are killed."""
        first = self.process
        if first is not None:
            signal_all([first], number)
            self._wait()

    def freeze(self) -> None:
        """SIGSTOP all of its processes, as when a machine is suspended."""
        self._frozen = self.processes()
        signal_all(self._frozen, signal.SIGSTOP)

    def thaw(self) -> None:
        """Let what was frozen go on."""
        signal_all(self._frozen, signal.SIGCONT)
        self._frozen = []

    def _wait(self) -> None:
        if self._running is None:
            return
        try:
            self._running.wait(ENDED_WITHIN)
        except subprocess.TimeoutExpired:
            signal_all(self.processes(), signal.SIGKILL)
            self._running.wait(ENDED_WITHIN)


def children_of(process: psutil.Process) -> list[psutil.Process]:
    """All descendants of a process, nearest first; none where it has gone."""
    try:
        return process.children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def signal_all(processes: Sequence[psutil.Process], number: signal.Signals) -> None:
    """Send a signal to each process that is still there."""
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(number)


def _is_of(process: psutil.Process, session: int | None) -> bool:
    with contextlib.suppress(psutil.Error, ProcessLookupError):
        return os.getsid(process.pid) == session and process.status() != psutil.STATUS_ZOMBIE
    return False


def kill_all_of(mark: str) -> None:
    """SIGKILL every process with this mark, or of a session that was begun here, but this one."""
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, ProcessLookupError):
            is_ours = os.getsid(process.pid) in _sessions or process.environ().get(MARK) == mark
            if is_ours and process.pid != os.getpid():
                process.kill()


def wait_for_port(port: int, *, name: str, within: float) -> None:
    """Wait until something listens at a port of loopback.

    :param name: what should listen, as it reads in the error.
    :param within: seconds.
    :raises TimeoutError: nothing does.
    """
    _wait_until(lambda: _listens(port), what=f"{name} does not listen at port {port}", within=within)


def _wait_until(is_so: Callable[[], bool], *, what: str, within: float) -> None:
    ends = time.monotonic() + within
    while not is_so():
        if time.monotonic() > ends:
            raise TimeoutError(f"{what} after {within:.0f} s")
        time.sleep(LOOK_EVERY)


def _listens(port: int) -> bool:
    try:
        socket.create_connection((LOOPBACK, port), timeout=1).close()
    except OSError:
        return False
    return True


def run_as(user: str | None) -> str | None:
    """The user to run a program as: only root can and must choose one."""
    return user if os.geteuid() == 0 else None
