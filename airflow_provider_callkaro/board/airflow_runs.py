"""The task instances that Airflow knows: those of a run, and the names that the audit trail does not keep."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from airflow.models.dagrun import DagRun
from airflow.models.taskinstance import TaskInstance
from airflow.utils.session import create_session
from sqlalchemy import select

from airflow_provider_callkaro.board.task_runs import TaskRun
from airflow_provider_callkaro.board.trail import TrailedRun
from airflow_provider_callkaro.ledger.digests import LedgerKeys

_MOST_INSTANCES = 2_000  # of one run
_MOST_RUNS = 1_000  # of one DAG, the latest, among which a name is looked for


def task_runs(dag_id: str, run_id: str, *, task_id: str | None = None) -> list[TaskRun]:
    """The task instances of a run, of one task or of all."""
    query = select(TaskInstance.task_id, TaskInstance.map_index).where(
        TaskInstance.dag_id == dag_id, TaskInstance.run_id == run_id
    )
    if task_id is not None:
        query = query.where(TaskInstance.task_id == task_id)
    with create_session() as session:
        found = session.execute(query.limit(_MOST_INSTANCES)).all()
    return [TaskRun(dag_id=dag_id, run_id=run_id, task_id=task, map_index=index) for task, index in found]


def latest_task_runs(dag_id: str) -> list[TaskRun]:
    """The task instances of the latest runs of a DAG."""
    query = select(TaskInstance.run_id, TaskInstance.task_id, TaskInstance.map_index).where(
        TaskInstance.dag_id == dag_id, TaskInstance.run_id.in_(_run_ids(dag_id))
    )
    with create_session() as session:
        found = session.execute(query.limit(_MOST_RUNS * 10)).all()
    return [TaskRun(dag_id=dag_id, run_id=run, task_id=task, map_index=index) for run, task, index in found]


def identified(
    runs: Iterable[TrailedRun], *, dags: frozenset[str], keys: LedgerKeys | None
) -> list[tuple[TaskRun, TrailedRun]]:
    """The task instance of each run in the trail, for the DAGs that may be shown. A run that Airflow does not know any
    more is left out, and so is one whose names the trail has masked."""
    named: dict[str, Sequence[str]] = {}
    found = []
    for run in runs:
        if run.dag_id not in dags:
            continue
        if run.run_id is None and run.dag_id not in named:
            named[run.dag_id] = _run_ids(run.dag_id)
        for run_id in (run.run_id,) if run.run_id is not None else named[run.dag_id]:
            task_run = TaskRun(dag_id=run.dag_id, run_id=run_id, task_id=run.task_id, map_index=run.map_index)
            if run.digest in task_run.trail_texts(keys):
                found.append((task_run, run))
                break
    return found


def _run_ids(dag_id: str) -> Sequence[str]:
    query = select(DagRun.run_id).where(DagRun.dag_id == dag_id).order_by(DagRun.id.desc()).limit(_MOST_RUNS)
    with create_session() as session:
        return list(session.scalars(query))
