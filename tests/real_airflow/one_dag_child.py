"""The half of :func:`real_airflow.dag_test` that runs under the Airflow in question, 2.11 to 3.3.

A script, run by the other half with one JSON argument; leaves its answer in the file that the argument names. It may
not import anything of the harness: its interpreter belongs to another environment.
"""

from __future__ import annotations

import inspect
import json
import sys
from datetime import datetime
from pathlib import Path
from typing import Any


def load_dag(file: str, dag_id: str) -> Any:
    """Return the DAG from its file, or end the process with the import error."""
    try:
        from airflow.dag_processing.dagbag import DagBag
    except ImportError:  # before Airflow 3.1
        from airflow.models import DagBag
    bag = DagBag(file)
    if bag.import_errors:
        sys.exit("\n".join(bag.import_errors.values()))
    if dag_id not in bag.dags:
        sys.exit(f"{file} has no DAG {dag_id}, but {sorted(bag.dags)}")
    return bag.dags[dag_id]


def run(dag: Any, *, logical_date: str | None, run_conf: dict[str, Any] | None) -> Any:
    """Run the DAG with ``dag.test()``; return the DAG run."""
    date_argument = "logical_date" if "logical_date" in inspect.signature(dag.test).parameters else "execution_date"
    arguments: dict[str, Any] = {"run_conf": run_conf}
    if logical_date is not None:
        arguments[date_argument] = datetime.fromisoformat(logical_date)
    return dag.test(**arguments)


def send_metrics_as_a_worker() -> None:
    """Let Airflow's metrics go where the settings say: from 3.2 on ``dag.test()`` does not, and a worker does."""
    try:
        from airflow.sdk.observability import stats
        from airflow.sdk.observability.metrics.stats_utils import get_stats_factory
    except ImportError:
        return
    stats.initialize(factory=get_stats_factory(), export_legacy_names=False)


def xcoms(session: Any, *, run: Any, task_id: str, map_index: int) -> dict[str, Any]:
    """Return what a task instance pushed, by key."""
    from airflow.models import xcom as module

    model = getattr(module, "XComModel", None) or module.XCom  # Airflow 3, or 2
    rows = session.query(model).filter_by(dag_id=run.dag_id, run_id=run.run_id, task_id=task_id, map_index=map_index)
    read = (
        model.deserialize_value if model.__name__ == "XComModel" else lambda row: row.value
    )  # Airflow 2 decodes on loading
    return {row.key: read(row) for row in rows}


def task_state(session: Any, *, run: Any, task_id: str, map_index: int) -> dict[str, Any]:
    """Return a task instance's state store; empty where Airflow has none."""
    try:
        from airflow.models.task_state_store import TaskStateStoreModel
    except ImportError:  # before Airflow 3.3
        return {}
    rows = session.query(TaskStateStoreModel).filter_by(dag_run_id=run.id, task_id=task_id, map_index=map_index)
    return {row.key: json.loads(row.value) for row in rows}


def describe(run: Any) -> dict[str, Any]:
    """Return a finished run as JSON can hold it."""
    import airflow
    from airflow.models.taskinstance import TaskInstance
    from airflow.utils.session import create_session

    with create_session() as session:
        instances = session.query(TaskInstance).filter_by(dag_id=run.dag_id, run_id=run.run_id).all()
        return {
            "airflow_version": airflow.__version__,
            "run_id": run.run_id,
            "state": str(getattr(run.state, "value", run.state)),
            "tasks": [
                {
                    "task_id": instance.task_id,
                    "map_index": instance.map_index,
                    "state": getattr(instance.state, "value", instance.state),
                    "try_number": instance.try_number,
                    "xcoms": xcoms(session, run=run, task_id=instance.task_id, map_index=instance.map_index),
                    "task_state": task_state(session, run=run, task_id=instance.task_id, map_index=instance.map_index),
                }
                for instance in instances
            ],
        }


def main(request: dict[str, Any]) -> None:
    """Create the metadata database if need be, run the DAG, write down what became of it."""
    from airflow.utils.db import initdb

    initdb()
    send_metrics_as_a_worker()
    dag = load_dag(request["file"], request["dag_id"])
    finished = run(dag, logical_date=request["logical_date"], run_conf=request["run_conf"])
    Path(request["answer"]).write_text(json.dumps(describe(finished), default=str))


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
