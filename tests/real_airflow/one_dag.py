"""One DAG file, run once by ``dag.test()`` in a process of its own, under whichever Airflow an interpreter has.

Cheaper than :class:`real_airflow.RealAirflow` (no scheduler, no server), and possible on Airflow 2.11 too, which has
another REST API. What it cannot do: be killed and retried by a scheduler, resume a deferred task under 3.3.2, or run
two tasks at once.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from .settings import home_and_dags, sqlite_url, without_airflow

CHILD = Path(__file__).with_name("one_dag_child.py")


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskResult:
    """What became of one task instance.

    :param map_index: -1 if the task is not mapped.
    :param state: as Airflow names it, ``None`` if it never ran.
    :param xcoms: what it pushed, by key.
    :param task_state: its state store, empty below Airflow 3.3.
    """

    task_id: str
    map_index: int
    state: str | None
    try_number: int
    xcoms: Mapping[str, Any]
    task_state: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class DagResult:
    """What became of one run, and everything that was printed meanwhile, task logs included."""

    airflow_version: str
    run_id: str
    state: str
    tasks: tuple[TaskResult, ...]
    stdout: str
    stderr: str

    def task(self, task_id: str, *, map_index: int = -1) -> TaskResult:
        """Return one task instance.

        :raises KeyError: if the run has none of that name.
        """
        for task in self.tasks:
            if (task.task_id, task.map_index) == (task_id, map_index):
                return task
        raise KeyError(f"{task_id}[{map_index}] is not among {[(task.task_id, task.map_index) for task in self.tasks]}")

    def xcom(self, task_id: str, key: str = "return_value", *, map_index: int = -1) -> Any:
        """Return one XCom.

        :raises KeyError: if there is none.
        """
        return self.task(task_id, map_index=map_index).xcoms[key]


def dag_test(
    file: Path,
    dag_id: str,
    *,
    home: Path,
    python: str = sys.executable,
    environment: Mapping[str, str] | None = None,
    logical_date: datetime | None = None,
    run_conf: Mapping[str, Any] | None = None,
    timeout: float = 300.0,
) -> DagResult:
    """Run a DAG once with ``dag.test()``.

    A failed run is a result, not an error: look at ``state``.

    :param file: the DAG file; its folder becomes the DAG folder.
    :param home: Airflow's home, made if it does not exist; not inside the folder of ``file``. Give the same one again
        to run against the same metadata database.
    :param python: the interpreter of the environment whose Airflow is to run; 2.11, 3.0 and 3.3 are known to work.
    :param environment: more variables, such as ``AIRFLOW_CONN_…``. Nothing that begins with ``AIRFLOW`` is inherited.
    :param logical_date: aware; the time of the run by default.
    :param run_conf: what ``dag_run.conf`` holds.
    :param timeout: seconds until the run is killed.
    :raises RuntimeError: if there is no result because the DAG cannot be imported or Airflow itself broke.
    :raises subprocess.TimeoutExpired: when the time is up.
    """
    home.mkdir(parents=True, exist_ok=True)
    answer = home / "dag_test.json"
    answer.unlink(missing_ok=True)
    request = {
        "file": str(file),
        "dag_id": dag_id,
        "logical_date": logical_date.isoformat() if logical_date else None,
        "run_conf": dict(run_conf) if run_conf is not None else None,
        "answer": str(answer),
    }
    done = subprocess.run(
        [python, str(CHILD), json.dumps(request)],
        env={
            **without_airflow(),
            **home_and_dags(home=home, dags=file.parent),
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": sqlite_url(home),
            "AIRFLOW__DATABASE__LOAD_DEFAULT_CONNECTIONS": "False",
            **(environment or {}),
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    if not answer.exists():
        raise RuntimeError(
            f"{dag_id} in {file} had no result, exit code {done.returncode}\n"
            f"{done.stdout[-4_000:]}\n{done.stderr[-4_000:]}"
        )
    told = json.loads(answer.read_text())
    return DagResult(
        airflow_version=told["airflow_version"],
        run_id=told["run_id"],
        state=told["state"],
        tasks=tuple(TaskResult(**task) for task in told["tasks"]),
        stdout=done.stdout,
        stderr=done.stderr,
    )
