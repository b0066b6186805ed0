"""The addresses of the board's own pages."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote, urlencode

from airflow_provider_callkaro.board.task_runs import TaskRun


@dataclass(frozen=True, slots=True)
class Links:
    """Makes links. ``base``: the path under which the board is mounted."""

    base: str

    def run(self, run: TaskRun, ledger: str) -> str:
        """The page of the run of a task instance."""
        return self.run_of(run.dag_id, run.run_id, ledger=ledger)

    def task(self, run: TaskRun, ledger: str) -> str:
        """The page of a task instance."""
        index = run.map_index if run.map_index >= 0 else None
        return self.run_of(run.dag_id, run.run_id, task_id=run.task_id, map_index=index, ledger=ledger)

    def run_of(
        self, dag_id: str, run_id: str, *, ledger: str, task_id: str | None = None, map_index: int | None = None
    ) -> str:
        """The page of a run, or of one of its tasks."""
        task = "" if task_id is None else f"/tasks/{_quoted(task_id)}"
        query = _query(map_index=map_index, ledger=ledger)
        return f"{self.base}/dags/{_quoted(dag_id)}/runs/{_quoted(run_id)}{task}{query}"

    def campaign(self, dag_id: str, campaign: str, *, ledger: str) -> str:
        """The page of a campaign, as far as a DAG has called in it."""
        return f"{self.base}/dags/{_quoted(dag_id)}/campaigns/{_quoted(campaign)}{_query(ledger=ledger)}"

    def calls(self, dag_id: str, run_id: str, **asked: str | int | None) -> str:
        """The page of the calls of a run. ``asked``: the parameters of its query; None leaves one out."""
        return f"{self.base}/dags/{_quoted(dag_id)}/calls/{_quoted(run_id)}{_query(**asked)}"


def _quoted(part: str) -> str:
    return quote(part, safe="")


def _query(**values: str | int | None) -> str:
    given = {name: value for name, value in values.items() if value is not None}
    return f"?{urlencode(given)}" if given else ""
