"""A deadline "when calling hours close", for Airflow's `DeadlineAlert` (Airflow 3.3 and later)."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import AirflowPlugin

from airflow_provider_callkaro.schedules.openings import hours_as_json, hours_from_json, hours_of

try:
    from airflow.sdk.definitions.deadline import REFERENCE_TYPE_FIELD, BaseDeadlineReference
except ImportError:
    BaseDeadlineReference = None
if BaseDeadlineReference is None or not hasattr(AirflowPlugin, "deadline_references"):
    raise ImportError("HoursClose needs Airflow 3.3 or later, which takes deadline references from plugins")

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from airflow_provider_callkaro.calls.policy import CallingPolicy


class HoursClose(BaseDeadlineReference):
    """The moment at which calling hours close: of the opening in which a run is due, or else of the next one.

    Hours that never close give no deadline. An ``interval`` of less than nothing warns before they close.

    :param policy: the hours, in one time zone, or the name of a rule pack; its caps and ``suppress`` mean nothing here.
        Without one a deadline is never set; Airflow makes such an object when it registers the class.
    :raises ConfigurationError: the hours are those of each recipient.
    """

    required_kwargs = frozenset({"dag_id", "run_id"})

    def __init__(self, policy: CallingPolicy | str | None = None) -> None:
        self._policy = None if policy is None else hours_of(policy, what="HoursClose")

    def serialize_reference(self) -> dict[str, Any]:
        """The reference as Airflow keeps it with the DAG."""
        hours = None if self._policy is None else json.dumps(hours_as_json(self._policy), sort_keys=True)
        return {REFERENCE_TYPE_FIELD: self.reference_name, "hours": hours}

    @classmethod
    def deserialize_reference(cls, reference_data: dict[str, Any]) -> HoursClose:
        """The reference of what `serialize_reference` gave."""
        hours = reference_data.get("hours")
        return cls(None if hours is None else hours_from_json(json.loads(hours)))

    def closes_after(self, moment: datetime) -> datetime | None:
        """When the hours close that are open at ``moment``, or that open next; None if they do not. Aware, UTC."""
        from airflow_provider_callkaro.exceptions import NeverOpens

        if self._policy is None:
            return None
        try:
            return self._policy.closes_at(self._policy.next_open(moment))
        except NeverOpens:
            return None

    def _evaluate_with(self, *, session: Session, dag_id: str, run_id: str) -> datetime | None:
        """Asked by Airflow's scheduler when it makes a run."""
        from airflow.models.dagrun import DagRun
        from sqlalchemy import select

        due = session.scalar(select(DagRun.run_after).where(DagRun.dag_id == dag_id, DagRun.run_id == run_id))
        return self.closes_after(due or datetime.now(UTC))
