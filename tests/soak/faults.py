"""The blows of the plan, dealt and undone."""

from __future__ import annotations

import contextlib
import heapq
import itertools
import logging
import signal
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar

import psutil
import psycopg2

from tests.soak.cluster import Cluster
from tests.soak.plan import Blow, Harm
from tests.soak.programs import Program, children_of, signal_all

log = logging.getLogger("soak")

Undo = Callable[[], object]
_Victim = TypeVar("_Victim")

CONNECTIONS = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname IS NOT NULL AND pid <> pg_backend_pid() AND pid IN (
        SELECT pid FROM pg_stat_activity WHERE datname = ANY(%s) AND pid <> pg_backend_pid()
        ORDER BY backend_start LIMIT %s OFFSET %s
    )
"""


class Faults:
    """Deals blows to a cluster, one after another, and undoes them in time. Used from one thread.

    :ivar dealt: each blow with what it hit, in order.
    """

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._undo: list[tuple[float, int, Undo]] = []
        self._order = itertools.count()
        self.dealt: list[tuple[Blow, str]] = []

    def deal(self, blow: Blow) -> None:
        """Deal one blow. One that finds no victim, or a database that is down, does nothing."""
        hit = "nothing"
        with contextlib.suppress(psutil.NoSuchProcess, psycopg2.OperationalError):
            hit = self._deal(blow)
        self.dealt.append((blow, hit))
        log.info("%5.0f s  %s: %s (%.1f s)", blow.at, blow.harm, hit, blow.lasts)

    def undo_what_is_due(self) -> None:
        """Thaw and start what has been long enough frozen or down."""
        while self._undo and self._undo[0][0] <= time.monotonic():
            heapq.heappop(self._undo)[2]()

    def undo_all(self) -> None:
        """Thaw and start everything."""
        while self._undo:
            heapq.heappop(self._undo)[2]()

    def _later(self, blow: Blow, undo: Undo) -> None:
        heapq.heappush(self._undo, (time.monotonic() + blow.lasts, next(self._order), undo))

    def _deal(self, blow: Blow) -> str:
        cluster = self._cluster
        match blow.harm:
            case Harm.TASK_KILLED:
                return self._signal_one(_tasks(cluster), blow, signal.SIGKILL)
            case Harm.TASK_FROZEN:
                return self._signal_one(_tasks(cluster), blow, signal.SIGSTOP)
            case Harm.SUPERVISOR_KILLED:
                return self._signal_one(cluster.supervisors(), blow, signal.SIGKILL)
            case Harm.SUPERVISOR_FROZEN:
                return self._signal_one(cluster.supervisors(), blow, signal.SIGSTOP)
            case Harm.WORKER_KILLED | Harm.WORKER_ORPHANED | Harm.WORKER_FROZEN:
                worker = _picked(cluster.workers, blow)
                return "nothing" if worker is None else self._harm(worker, blow)
            case Harm.CONNECTION_CUT:
                return self._cut(blow, databases=["ledger", "warehouse", "airflow"], most=1)
            case Harm.LEDGER_CUT:
                return self._cut(blow, databases=["ledger"], most=1_000)
            case Harm.DATABASE_CRASHED:
                cluster.database.crash()
                self._later(blow, cluster.database.start)
                return "database"
            case Harm.DATABASE_FROZEN:
                return self._harm(cluster.database.program, blow)
            case Harm.BROKER_KILLED:
                cluster.broker.program.kill()
                self._later(blow, cluster.broker.start)
                return "broker"
            case Harm.BROKER_FROZEN:
                return self._harm(cluster.broker.program, blow)
        return self._harm(cluster.programs[blow.harm.partition(" ")[0]], blow)

    def _harm(self, program: Program, blow: Blow) -> str:
        """Freeze or kill a whole program, as the blow says."""
        if blow.harm is Harm.WORKER_ORPHANED:
            self._cluster.hold_down(program.name)
            program.kill_first()
            self._later(blow, partial(self._cluster.bring_up, program.name))
        elif blow.harm.endswith("killed"):
            self._cluster.hold_down(program.name)
            program.kill()
            self._later(blow, partial(self._cluster.bring_up, program.name))
        else:
            program.freeze()
            self._later(blow, program.thaw)
        return program.name

    def _signal_one(self, victims: Sequence[psutil.Process], blow: Blow, number: signal.Signals) -> str:
        victim = _picked(victims, blow)
        if victim is None:
            return "nothing"
        signal_all([victim], number)
        if number == signal.SIGSTOP:
            self._later(blow, partial(signal_all, [victim], signal.SIGCONT))
        return f"process {victim.pid}"

    def _cut(self, blow: Blow, *, databases: Sequence[str], most: int) -> str:
        rows = self._cluster.database.run(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = ANY(%s)", list(databases), database="postgres"
        )
        count = int(str(rows[0][0]))
        first = 0 if most > 1 else int(blow.pick * count)
        cut = self._cluster.database.run(CONNECTIONS, list(databases), most, first, database="postgres")
        return f"{len(cut)} of {count} connections"


def _tasks(cluster: Cluster) -> list[psutil.Process]:
    """The processes that run the DAGs' code."""
    return [task for supervisor in cluster.supervisors() for task in children_of(supervisor)]


def _picked(victims: Sequence[_Victim], blow: Blow) -> _Victim | None:
    return victims[int(blow.pick * len(victims))] if victims else None
