"""What the runs left behind: summaries from Airflow, reports from the disk, and whether a log holds a number."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

from tests.real_airflow.rest import NoAnswer, Refused
from tests.real_airflow.views import NOT_MAPPED
from tests.soak.account import ToldByTask
from tests.soak.cluster import Cluster
from tests.soak.lists import Run

NUMBER = re.compile(r"(?<![0-9a-zA-Z])\+?919\d{9}(?![0-9a-zA-Z])")  # no part of a trace's id
ASKED_AT_MOST = 5  # times: Airflow is well again by now
_Answer = TypeVar("_Answer")


def gather(cluster: Cluster, runs: Iterable[Run], *, reports: Path) -> list[ToldByTask]:
    """What each task instance that calls a list left."""
    told = []
    for run in runs:
        for task in (*run.dag.lists, *run.dag.combined):
            for map_index in [NOT_MAPPED] if task.shards is None else range(task.shards):
                place = "" if map_index == NOT_MAPPED else f" {map_index}"
                told.append(
                    ToldByTask(
                        run=run,
                        task=task,
                        map_index=map_index,
                        summary=_summary(cluster, run, task.task_id, map_index),
                        lines=_lines(reports / f"{run.run_id} {task.task_id}{place}.csv"),
                    )
                )
    return told


def _summary(cluster: Cluster, run: Run, task_id: str, map_index: int) -> dict[str, Any] | None:
    def ask() -> Any:
        return cluster.xcom(run.dag.dag_id, run.run_id, task_id, map_index=map_index)

    try:
        found = _asked(ask)
    except Refused:
        return None
    return found if isinstance(found, dict) else None


def _asked(ask: Callable[[], _Answer]) -> _Answer:
    for left in reversed(range(ASKED_AT_MOST)):
        try:
            return ask()
        except NoAnswer:
            if not left:
                raise
    raise AssertionError("unreachable")


def _lines(report: Path) -> list[dict[str, str]] | None:
    if not report.exists():
        return None
    with report.open(newline="") as lines:
        return list(csv.DictReader(lines))


def numbers_logged(logs: Iterable[Path]) -> list[str]:
    """Where logs hold a number of the soak: file and line, not the number."""
    found = []
    for path in sorted(logs):
        with path.open(errors="replace") as lines:
            found += [f"{path}, line {place}" for place, line in enumerate(lines, start=1) if NUMBER.search(line)]
    return found
