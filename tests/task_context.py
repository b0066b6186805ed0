"""What Airflow hands to ``execute``: as much of it as our operators look at, for tests that need no whole Airflow."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from airflow_task_state import TaskStateInMemory


class TaskInstance:
    """One task instance of one try; what is pushed to XCom is kept."""

    def __init__(self, *, task_id: str, run_id: str, try_number: int) -> None:
        self.dag_id = "outreach"
        self.task_id = task_id
        self.run_id = run_id
        self.map_index = -1
        self.try_number = try_number
        self.max_tries = 5
        self.xcoms: dict[str, Any] = {}

    def xcom_push(self, key: str, value: Any) -> None:
        self.xcoms[key] = value


def task_context(
    *,
    task_id: str = "calls",
    run_id: str = "manual__1",
    try_number: int = 1,
    store: TaskStateInMemory | None = None,
) -> dict[str, Any]:
    """The context of one try of one run, whose data interval has just ended.

    :param store: the task's state, as Airflow 3.3 has it; None is an Airflow before that.
    """
    now = datetime.now(UTC)
    interval = {"data_interval_start": now.replace(hour=0, minute=0, second=0, microsecond=0), "data_interval_end": now}
    context: dict[str, Any] = {
        "ti": TaskInstance(task_id=task_id, run_id=run_id, try_number=try_number),
        "run_id": run_id,
        "dag_run": SimpleNamespace(run_id=run_id, run_after=now, **interval),
        **interval,
    }
    if store is not None:
        context["task_state_store"] = store
    return context
