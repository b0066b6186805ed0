"""Stale runs: a backfill of last month places no calls about last month, unless its author says so.

What counts is the end of the run's data interval or, where it has none, the moment after which it might start. The
logical date says nothing: a run started by hand may have none. Guards such as LatestOnly let stale runs through.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from enum import StrEnum

from airflow.providers.common.compat.sdk import AirflowFailException, AirflowSkipException, Context

from airflow_provider_callkaro.exceptions import ConfigurationError
from airflow_provider_callkaro.tasks.argument_values import check_span
from airflow_provider_callkaro.tasks.instants import in_utc, to_minute


class StaleRuns(StrEnum):
    """What a stale run does."""

    SKIP = "skip"
    DIAL = "dial"
    FAIL = "fail"


def checked_stale_runs(stale_runs: str, stale_after: timedelta) -> StaleRuns:
    """The choice as an enum. Raises ConfigurationError if it is none, or the age is not positive."""
    check_span("stale_after", stale_after)
    try:
        return StaleRuns(stale_runs)
    except ValueError:
        raise ConfigurationError('stale_runs must be "skip", "dial" or "fail"') from None


def due_at(context: Context) -> datetime:
    """When the run was due: the end of its data interval, else the moment after which it might start, else now."""
    run = context["dag_run"]
    for moment in (
        getattr(run, "data_interval_end", None),
        getattr(run, "run_after", None),
        getattr(run, "logical_date", None),
    ):
        if moment is not None:
            return in_utc(moment)
    return datetime.now(UTC)


def is_stale(context: Context, stale_after: timedelta) -> bool:
    """Whether the run was due longer ago than that."""
    return datetime.now(UTC) - due_at(context) > stale_after


def refuse_stale_run(
    context: Context, *, choice: StaleRuns, dialling: str = "it rings everybody whom the ledger does not know yet"
) -> None:
    """End the task of a stale run, unless its author asks to place the calls all the same. ``dialling``: what the task
    does with ``stale_runs="dial"``, for the message. Raises AirflowSkipException if such runs are skipped. Raises
    AirflowFailException if such runs fail."""
    if choice is StaleRuns.DIAL:
        return
    due = due_at(context)
    age = datetime.now(UTC) - due
    message = (
        f"this run was due at {to_minute(due)}, {_days(age)} ago, more than stale_after allows: nobody is "
        f'rung. With stale_runs="dial" {dialling}'
    )
    raise AirflowSkipException(message) if choice is StaleRuns.SKIP else AirflowFailException(message)


def _days(age: timedelta) -> str:
    return f"{age.days} days" if age.days >= 2 else f"{age.total_seconds() / 3600:.0f} hours"
