"""What happens when: faults of the cluster, faults of the vendors, runs of DAGs. The same seed gives the same plan.

Pure: nothing here looks at the cluster. Where a fault needs a victim among those that are there at its moment, the plan
says which share of the way through their list it stands at.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

FIRST_FAULT = 20.0  # seconds: until then the first tasks run
BETWEEN_FAULTS = (5.0, 14.0)  # seconds
BETWEEN_STORMS = (15.0, 40.0)  # seconds


class Harm(StrEnum):
    """What is done to the cluster."""

    TASK_KILLED = "task killed"
    TASK_FROZEN = "task frozen"
    SUPERVISOR_KILLED = "supervisor killed"
    SUPERVISOR_FROZEN = "supervisor frozen"
    WORKER_KILLED = "worker killed"
    WORKER_ORPHANED = "worker killed, its children left alone"
    WORKER_FROZEN = "worker frozen"
    SCHEDULER_KILLED = "scheduler killed"
    SCHEDULER_FROZEN = "scheduler frozen"
    TRIGGERER_KILLED = "triggerer killed"
    TRIGGERER_FROZEN = "triggerer frozen"
    DAG_PROCESSOR_KILLED = "dag-processor killed"
    API_SERVER_KILLED = "api-server killed"
    API_SERVER_FROZEN = "api-server frozen"
    RECEIVER_KILLED = "receiver killed"
    BROKER_KILLED = "broker killed"
    BROKER_FROZEN = "broker frozen"
    CONNECTION_CUT = "database connection cut"
    LEDGER_CUT = "all connections of the ledger cut"
    DATABASE_CRASHED = "database crashed"
    DATABASE_FROZEN = "database frozen"


WEIGHTS: Mapping[Harm, float] = {
    Harm.TASK_KILLED: 5,
    Harm.TASK_FROZEN: 3,
    Harm.SUPERVISOR_KILLED: 3,
    Harm.SUPERVISOR_FROZEN: 3,
    Harm.WORKER_KILLED: 2,
    Harm.WORKER_ORPHANED: 2,
    Harm.WORKER_FROZEN: 2,
    Harm.SCHEDULER_KILLED: 1,
    Harm.SCHEDULER_FROZEN: 1,
    Harm.TRIGGERER_KILLED: 1,
    Harm.TRIGGERER_FROZEN: 1,
    Harm.DAG_PROCESSOR_KILLED: 0.5,
    Harm.API_SERVER_KILLED: 1,
    Harm.API_SERVER_FROZEN: 1,
    Harm.RECEIVER_KILLED: 1,
    Harm.BROKER_KILLED: 1,
    Harm.BROKER_FROZEN: 1,
    Harm.CONNECTION_CUT: 3,
    Harm.LEDGER_CUT: 1,
    Harm.DATABASE_CRASHED: 1,
    Harm.DATABASE_FROZEN: 1,
}
"""How often each comes, against the others: rarely what takes long to start again."""

LASTS: Mapping[Harm, tuple[float, float]] = {
    Harm.TASK_FROZEN: (3, 40),
    Harm.SUPERVISOR_FROZEN: (3, 45),  # longer than the heartbeats may stay away, so that two tries run at once
    Harm.WORKER_FROZEN: (3, 45),
    Harm.SCHEDULER_FROZEN: (3, 15),
    Harm.TRIGGERER_FROZEN: (3, 25),
    Harm.API_SERVER_FROZEN: (2, 12),
    Harm.BROKER_FROZEN: (2, 10),
    Harm.DATABASE_FROZEN: (1, 8),
}
"""Seconds for which something is frozen, from and to."""
GONE_FOR = (0.5, 6.0)  # seconds until what was killed is started again

STORMS: Sequence[Mapping[str, Any]] = (
    {"kind": "drop_answer_after_accepting", "every": 23},
    {"kind": "reset_after_accepting", "every": 29},
    {"kind": "error_after_accepting", "every": 31},
    {"kind": "truncated_answer", "every": 37},
    {"kind": "unreadable_answer", "every": 41},
    {"kind": "answer_without_id", "every": 43},
    {"kind": "reset_before_accepting", "every": 19},
    {"kind": "error_before_accepting", "every": 27},
    {"kind": "throttled", "every": 13, "retry_after": 1},
    {"kind": "throttled", "every": 7},
    {"kind": "unavailable", "every": 11, "retry_after": 2},
    {"kind": "latency", "every": 5, "seconds": 2},
    {"kind": "latency", "every": 17, "seconds": 12},
)
"""Faults of the sandbox, by the names of its `Fault`; the plan adds the path."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Blow:
    """One fault of the cluster.

    :param at: seconds after the faults begin.
    :param lasts: seconds until it is undone: thawed, or started again.
    :param pick: which of the possible victims: 0 is the first of them, just under 1 the last.
    """

    at: float
    harm: Harm
    lasts: float
    pick: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Storm:
    """The faults of the vendors from one moment to the next storm.

    :param at: seconds after the faults begin.
    :param faults: fields of the sandbox's faults.
    """

    at: float
    faults: Sequence[Mapping[str, Any]] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """All that a seed decides.

    :param runs: the DAGs whose runs are started, in this order, as fast as the cluster ends earlier ones.
    """

    blows: Sequence[Blow]
    storms: Sequence[Storm]
    runs: Sequence[str]


def make_plan(*, seed: int, seconds: float, dags: Sequence[str], runs: int, paths: Collection[str]) -> Plan:
    """Decide everything.

    :param seconds: for how long faults happen.
    :param dags: the DAGs to run; each comes once before one comes twice.
    :param runs: how many runs.
    :param paths: the vendors' endpoints that fail, by the sandbox's names.
    """
    return Plan(
        blows=_blows(random.Random(f"blows {seed}"), seconds),
        storms=_storms(random.Random(f"storms {seed}"), seconds, sorted(paths)),
        runs=_runs(random.Random(f"runs {seed}"), dags, runs),
    )


def _blows(chance: random.Random, seconds: float) -> list[Blow]:
    blows = []
    at = FIRST_FAULT
    waiting: list[Harm] = []
    while at < seconds:
        if not waiting:  # every kind comes before chance alone decides, so that a short soak shows most of them
            waiting = chance.sample(list(Harm), k=len(Harm)) if not blows else _drawn(chance)
        harm = waiting.pop()
        blows.append(Blow(at=at, harm=harm, lasts=chance.uniform(*LASTS.get(harm, GONE_FOR)), pick=chance.random()))
        at += chance.uniform(*BETWEEN_FAULTS)
    return blows


def _drawn(chance: random.Random) -> list[Harm]:
    return chance.choices(list(WEIGHTS), weights=list(WEIGHTS.values()), k=len(Harm))


def _storms(chance: random.Random, seconds: float, paths: Sequence[str]) -> list[Storm]:
    storms = []
    at = 0.0
    while at < seconds:
        faults = [{**chance.choice(STORMS), "path": path} for path in paths for _ in range(chance.randint(0, 3))]
        storms.append(Storm(at=at, faults=faults))
        at += chance.uniform(*BETWEEN_STORMS)
    return storms


def _runs(chance: random.Random, dags: Sequence[str], runs: int) -> list[str]:
    order: list[str] = []
    while len(order) < runs:
        order += chance.sample(list(dags), k=len(dags))
    return order[:runs]
