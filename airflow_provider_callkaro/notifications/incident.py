"""What a callback of Airflow's is about: which DAG, run and task, and the class of the error.

Airflow hands over a task's context, a run's, or what a missed deadline leaves of one. An error's message may hold a
customer's data, so only its class goes out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self

_WORD = re.compile(r"[A-Za-z_][\w.]{0,99}")
_LONGEST = 250  # characters of a fact; Airflow's own ids are no longer


class OncePer(StrEnum):
    """What counts as one incident, for which a person is called once in a quiet period."""

    TASK_INSTANCE = "task_instance"
    """A task of a run; all that it maps to are one."""
    DAG_RUN = "dag_run"
    """A run of a DAG, however many of its tasks fail."""
    DAG = "dag"
    """A DAG, however many of its runs fail."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """What has happened. A field is None where Airflow does not say it.

    :param error: the class of the exception, ``deadline_missed``, Airflow's word for what a run failed of, or
        ``failed``.
    """

    dag_id: str | None
    run_id: str | None
    task_id: str | None
    try_number: int | None
    error: str

    @classmethod
    def of(cls, context: Mapping[str, Any]) -> Self:
        """What the context of a callback says."""
        instance = context.get("ti") or context.get("task_instance")
        run, dag = context.get("dag_run"), context.get("dag")
        return cls(
            dag_id=_text(_get(instance, "dag_id") or _get(dag, "dag_id") or _get(run, "dag_id")),
            run_id=_text(_get(instance, "run_id") or _get(run, "run_id") or context.get("run_id")),
            task_id=_text(_get(instance, "task_id")),
            try_number=_get(instance, "try_number"),
            error=_error(context),
        )

    def name(self, once_per: OncePer) -> str:
        """What is quiet once a person has been called for it."""
        parts = {
            OncePer.TASK_INSTANCE: (self.dag_id, self.run_id, self.task_id),
            OncePer.DAG_RUN: (self.dag_id, self.run_id),
            OncePer.DAG: (self.dag_id,),
        }[once_per]
        return f"{once_per} {'/'.join(part or '' for part in parts)}"

    def facts(self) -> dict[str, Any]:
        """What the agent may say: each fact that is known, by its name."""
        facts = {
            "dag_id": self.dag_id,
            "task_id": self.task_id,
            "run_id": self.run_id,
            "try_number": self.try_number,
            "error": self.error,
        }
        return {name: value for name, value in facts.items() if value is not None}

    def __str__(self) -> str:
        return "/".join(part for part in (self.dag_id, self.run_id, self.task_id) if part) or "something"


def _error(context: Mapping[str, Any]) -> str:
    exception = context.get("exception")
    if isinstance(exception, BaseException):
        return type(exception).__name__
    if context.get("deadline") is not None:
        return "deadline_missed"
    reason = context.get("reason")
    return reason if isinstance(reason, str) and _WORD.fullmatch(reason) else "failed"


def _get(source: Any, name: str) -> Any:
    return source.get(name) if isinstance(source, Mapping) else getattr(source, name, None)


def _text(value: object) -> str | None:
    return None if value is None else str(value)[:_LONGEST]
