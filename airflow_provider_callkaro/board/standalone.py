"""The report of a run as one HTML file, for those who have no board: the same figures, with nothing to load."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from airflow_provider_callkaro.board.figures import figures_of
from airflow_provider_callkaro.board.ledgers import open_board_ledger
from airflow_provider_callkaro.board.rendering import standalone_page
from airflow_provider_callkaro.board.task_runs import TaskRun
from airflow_provider_callkaro.board.view import shown_of
from airflow_provider_callkaro.exceptions import ConfigurationError
from airflow_provider_callkaro.files.writing.publishing import published

UNRESOLVED_AFTER = timedelta(hours=24)
"""The default for how long after its claim a call may wait for its outcome."""


def run_report(*, ledger_conn_id: str, runs: Sequence[TaskRun], unresolved_after: timedelta = UNRESOLVED_AFTER) -> str:
    """The report of some task instances of one run, as HTML. It shows no number of a person.

    :param ledger_conn_id: the connection that the tasks have as ledger_conn_id.
    :param runs: the task instances, at least one, all of one run.
    :param unresolved_after: how long after its claim a call may wait for its outcome before it counts as unresolved.
    :raises ConfigurationError: none of them has begun with this ledger.
    :raises LedgerError: the ledger could not be read.
    """
    with open_board_ledger(ledger_conn_id) as ledger:
        figures = figures_of(ledger, runs, unresolved_after=unresolved_after)
    if figures is None:
        raise ConfigurationError(
            f'the ledger of connection "{ledger_conn_id}" knows no such run: give the DAG, the run and the task as '
            "Airflow names them"
        )
    return standalone_page(
        "report.html",
        heading=heading_of(runs),
        subheading=f"{runs[0].run_id}. Made {datetime.now(UTC):%d %b %Y %H:%M} UTC.",
        shown=shown_of(figures, conn_id=ledger_conn_id),
    )


def write_run_report(
    path: str, *, ledger_conn_id: str, runs: Sequence[TaskRun], unresolved_after: timedelta = UNRESOLVED_AFTER
) -> None:
    """Write the report of `run_report` to its place, local or in object storage, replacing what stood there.

    :param path: a path, or the URL of an object storage that Airflow knows.
    :raises ConfigurationError: none of the task instances has begun with this ledger.
    :raises LedgerError: the ledger could not be read.
    :raises NotWritten: the file could not be written; what stood there before still stands.
    """
    page = run_report(ledger_conn_id=ledger_conn_id, runs=runs, unresolved_after=unresolved_after)
    with published(path) as file:
        file.write(page.encode("utf-8"))


def heading_of(runs: Sequence[TaskRun]) -> str:
    """The DAG, and the task where there is only one."""
    tasks = {run.task_id for run in runs}
    return f"{runs[0].dag_id}: {tasks.pop()}" if len(tasks) == 1 else runs[0].dag_id
