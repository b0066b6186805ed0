"""What Airflow 2 and Airflow 3 say differently about a sensor that was rescheduled."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from airflow_provider_callkaro.tasks.instants import in_utc

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context


try:
    from airflow.sdk.exceptions import AirflowRescheduleException
except ImportError:  # before Airflow 3.1
    from airflow.exceptions import AirflowRescheduleException

__all__ = ["AirflowRescheduleException", "first_reschedule"]


def first_reschedule(context: Context, *, retries: int) -> datetime | None:
    """When the sensor started before its first reschedule, or None if it was never rescheduled.

    :param retries: the task's ``retries``.
    """
    instance = context["ti"]
    if hasattr(instance, "get_first_reschedule_date"):
        return _in_utc(instance.get_first_reschedule_date(context))
    from airflow.sensors.base import _orig_start_date  # Airflow 2 has no public name for it

    return _in_utc(
        _orig_start_date(
            dag_id=instance.dag_id,
            task_id=instance.task_id,
            run_id=instance.run_id,
            map_index=instance.map_index,
            try_number=instance.max_tries - retries + 1,
        )
    )


def _in_utc(instant: datetime | None) -> datetime | None:
    return None if instant is None else in_utc(instant)
