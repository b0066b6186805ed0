"""The state that Airflow keeps of a task instance over its tries (Airflow 3.3 and later)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_callkaro.ledger.task_state.ledger import TaskState


def task_state_of(context: Context) -> TaskState | None:
    """Airflow's task-state store; None before Airflow 3.3."""
    return context.get("task_state_store")


def keep(store: TaskState, key: str, value: Mapping[str, object]) -> None:
    """Write to the task's state what must outlast the days after which Airflow forgets."""
    from airflow.sdk import NEVER_EXPIRE  # type: ignore[attr-defined]  # 3.3 and later

    store.set(key, value, retention=NEVER_EXPIRE)
