"""When a run that went through its list still fails its task: what its author asked for, as one decision each."""

from __future__ import annotations

from airflow.providers.common.compat.sdk import AirflowFailException, AirflowSkipException

from airflow_provider_callkaro.calls.outcome import Reason
from airflow_provider_callkaro.dispatch.tally import Summary
from airflow_provider_callkaro.exceptions import AllRejected, RunIncomplete, Unauthorized
from airflow_provider_callkaro.tasks.settings import ListSettings

# A list in which nobody was accepted is no dead list where these say why: the people have been, or will be, rung.
_REACHED_OTHERWISE = (
    Reason.ALREADY_ACCEPTED,
    Reason.ALREADY_UNKNOWN,
    Reason.CLAIMED_BY_ANOTHER_RUN,
    Reason.SUPPRESSED,
    Reason.ERASED,
    Reason.CAP,
    Reason.EXPIRED,
)
_HELD_BY_RULES = (Reason.WINDOW_CLOSED, Reason.GAP)


def conclude(summary: Summary, settings: ListSettings) -> None:
    """Fail the task where the run did not come to what its author asked for.

    :raises AirflowFailException: a retry would change nothing.
    :raises AirflowSkipException: the calls wait for an opening, and ``soft_fail`` skips the task.
    :raises RunIncomplete: rows are pending; a retry goes on with them.
    """
    refuse_unfinished(summary, settings)
    refuse_beyond_limits(summary, settings)
    refuse_dead_list(summary, settings)


def only_waits(summary: Summary) -> bool:
    """Whether all that is left of the list is held back by rules, so that there is a moment to wait for."""
    held = sum(summary.reasons.get(reason, 0) for reason in _HELD_BY_RULES)
    return summary.stopped is None and summary.resume_at is not None and summary.pending == held


def refuse_unfinished(summary: Summary, settings: ListSettings) -> None:
    """Fail the task if its list is not done, in the way in which a retry helps or is kept from happening."""
    if isinstance(summary.refusal, (Unauthorized, AllRejected)):
        raise AirflowFailException(str(summary.refusal)) from summary.refusal
    if settings.when_closed == "stop" and only_waits(summary):
        message = (
            f"{summary.pending} of {summary.total} calls may not ring before {summary.resume_at:%Y-%m-%d %H:%M} UTC, "
            'and when_closed is "stop"'
        )
        raise AirflowSkipException(message) if settings.soft_fail else AirflowFailException(message)
    if summary.pending or summary.stopped:
        why = summary.refusal or summary.stopped or "they could not be sent"
        raise RunIncomplete(
            f"{summary.pending} of {summary.total} rows are pending: {why}. A retry of the task goes on with them"
        ) from summary.refusal


def refuse_beyond_limits(summary: Summary, settings: ListSettings) -> None:
    """Fail the task of which more rows ended badly than its author allows; a retry would change nothing."""
    if settings.on_unknown == "fail" and summary.unknown:
        message = f"{summary.unknown} of {summary.total} calls are unknown, and on_unknown is fail"
        raise AirflowFailException(message)
    if settings.max_rejected is None:
        return
    limit = settings.max_rejected
    if summary.rejected > (limit * summary.total if isinstance(limit, float) else limit):
        raise AirflowFailException(
            f"{summary.rejected} of {summary.total} rows were rejected, more than max_rejected={limit} "
            "allows; the accepted calls stay accepted (the reasons are in the report and the summary)"
        )


def refuse_dead_list(summary: Summary, settings: ListSettings) -> None:
    """Fail the task whose list is too short, or in which nobody was accepted and nothing explains it."""
    if settings.shard is None:  # a part says nothing of how long the list is
        refuse_short_list(summary.total, settings)
    why = of_nobody(summary)
    if settings.on_none_accepted == "fail" and why is not None:
        raise AirflowFailException(f'{why}; on_none_accepted="warn" lets such a run succeed')


def of_nobody(summary: Summary) -> str | None:
    """What is said of a list in which nobody was accepted and nothing explains it; None of any other."""
    if not summary.total or summary.accepted or any(reason in summary.reasons for reason in _REACHED_OTHERWISE):
        return None
    reasons = ", ".join(f"{reason} {count}" for reason, count in summary.reasons.items())
    return f"none of {summary.total} rows was accepted ({reasons}): correct the list or the task's settings"


def refuse_list_that_is_gone(summary: Summary) -> None:
    """Fail the task that has waited for calls of a list, and finds none of its rows when it wakes.

    A source that gives its rows only once, such as a queue, has given them to the pass before.
    """
    if not summary.total and summary.stopped is None:
        raise AirflowFailException(
            "calls of this list waited for their hours, and none of its rows came when it was read again: nobody was "
            "rung. Give a source that can be read twice, such as a table or a file that holds them"
        )


def refuse_short_list(rows: int, settings: ListSettings) -> None:
    """Fail the task whose list has fewer rows than its author expects."""
    if rows < settings.min_rows:
        raise AirflowFailException(
            f"the list has {rows} rows, fewer than min_rows={settings.min_rows}: look at where the contacts come from"
        )
