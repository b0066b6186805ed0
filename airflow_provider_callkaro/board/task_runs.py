"""A task instance of a run, by which the ledger knows whose calls are whose."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from airflow_provider_callkaro.ledger.digests import LedgerKeys, Purpose
from airflow_provider_callkaro.ledger.sql.values import digest, distinct
from airflow_provider_callkaro.tasks.identity import name_of_run


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskRun:
    """One task instance of one run, the same for all its tries. ``map_index``: -1 for a task that is not mapped."""

    dag_id: str
    run_id: str
    task_id: str
    map_index: int = -1

    @property
    def name(self) -> str:
        """Its name in the ledger."""
        return name_of_run(dag_id=self.dag_id, run_id=self.run_id, task_id=self.task_id, map_index=self.map_index)

    def texts(self, keys: LedgerKeys | None) -> tuple[str, ...]:
        """Every text that may stand for it in the column ``run`` of the ledger."""
        return (distinct(self.name), *_digests(distinct(self.name), keys))

    def record_ids(self, keys: LedgerKeys | None) -> tuple[str, ...]:
        """Every id that its record may have in the table of runs."""
        return (digest(self.name), *_digests(distinct(self.name), keys))

    def trail_texts(self, keys: LedgerKeys | None) -> tuple[str, ...]:
        """Every text that may stand for it in the audit trail."""
        return (digest(self.name), *_digests(self.name, keys))


def _digests(name: str, keys: LedgerKeys | None) -> Iterable[str]:
    return () if keys is None else (key.digest(Purpose.RUN, name) for key in keys.keys)
