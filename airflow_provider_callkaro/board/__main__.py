"""``python -m airflow_provider_callkaro.board report …``: the report of a run as one HTML file."""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser
from collections.abc import Sequence
from datetime import timedelta

from airflow_provider_callkaro.board.standalone import UNRESOLVED_AFTER, write_run_report
from airflow_provider_callkaro.board.task_runs import TaskRun
from airflow_provider_callkaro.exceptions import VoiceCallError


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the report. Exits with 1 and one sentence where that cannot be done.

    :param arguments: those of the command line; None takes the process's own.
    """
    os.environ.setdefault("_AIRFLOW_PROCESS_CONTEXT", "server")  # connections of Airflow's database are found too
    given = _parser().parse_args(arguments)
    try:
        runs = _runs(dag_id=given.dag_id, run_id=given.run_id, task_id=given.task_id, map_index=given.map_index)
        write_run_report(
            given.output,
            ledger_conn_id=given.conn_id,
            runs=runs,
            unresolved_after=timedelta(hours=given.unresolved_after_hours),
        )
    except VoiceCallError as error:
        sys.exit(str(error))
    sys.stdout.write(f"{given.output}\n")


def _parser() -> ArgumentParser:
    parser = ArgumentParser(prog="python -m airflow_provider_callkaro.board", description=__doc__)
    report = parser.add_subparsers(required=True, metavar="command").add_parser(
        "report", help="write what became of the calls of a run into one HTML file"
    )
    report.add_argument("--conn-id", required=True, help="the connection that the tasks have as ledger_conn_id")
    report.add_argument("--dag-id", required=True)
    report.add_argument("--run-id", required=True)
    report.add_argument("--task-id", help="only this task; without it, every task of the run that Airflow knows")
    report.add_argument("--map-index", type=int, default=-1, help="of a mapped task, with --task-id")
    report.add_argument("--output", required=True, help="the file: a path, or the URL of an object storage")
    report.add_argument(
        "--unresolved-after-hours",
        type=float,
        default=UNRESOLVED_AFTER / timedelta(hours=1),
        help="hours after which a call without an outcome is unresolved (default: 24)",
    )
    return parser


def _runs(*, dag_id: str, run_id: str, task_id: str | None, map_index: int) -> list[TaskRun]:
    if task_id is not None:
        return [TaskRun(dag_id=dag_id, run_id=run_id, task_id=task_id, map_index=map_index)]
    from airflow_provider_callkaro.board.airflow_runs import task_runs

    return task_runs(dag_id, run_id) or [TaskRun(dag_id=dag_id, run_id=run_id, task_id="")]


if __name__ == "__main__":
    main()
