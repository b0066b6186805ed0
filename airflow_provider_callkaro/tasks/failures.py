"""When a task fails, and whether Airflow retries it.

`fail_without_retry` turns an answer that a retry cannot change into Airflow's failure without a retry. `check_outcome`
compares the summary of a list with what the DAG's author asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from airflow.providers.common.compat.sdk import AirflowFailException, AirflowSkipException

from airflow_provider_callkaro.calls.outcome import Reason
from airflow_provider_callkaro.exceptions import (
    AllRejected,
    ConfigurationError,
    NotAllowed,
    NotThereYet,
    Rejected,
    RunIncomplete,
    Unauthorized,
)
from airflow_provider_callkaro.tasks.instants import to_minute

if TYPE_CHECKING:
    from airflow_provider_callkaro.dispatch.tally import Summary
    from airflow_provider_callkaro.tasks.settings import ListSettings

P = ParamSpec("P")
T = TypeVar("T")

# Reasons that explain a list without one accepted call: an earlier run has called these people, or a rule spares them.
_EXPLAINED_BY = (
    Reason.ALREADY_ACCEPTED,
    Reason.ALREADY_UNKNOWN,
    Reason.CLAIMED_BY_ANOTHER_RUN,
    Reason.SUPPRESSED,
    Reason.ERASED,
    Reason.CAP,
    Reason.EXPIRED,
)
_HELD_BY_RULES = (Reason.WINDOW_CLOSED, Reason.GAP)


def fail_without_retry(method: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
    """Call a hook's method; an answer that a retry of the task cannot change fails the task at once. Raises
    AirflowFailException if the key was refused, the request was rejected, or the campaign's state forbids it."""
    try:
        return method(*arguments, **named)
    except (Unauthorized, Rejected, NotAllowed) as error:
        raise AirflowFailException(str(error)) from error


def fail_without_retry_if_invalid(method: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
    """As `fail_without_retry`, for a hook's method or a check that raises `ConfigurationError` as well. Raises
    AirflowFailException if an argument cannot work, the key was refused, or the request was rejected."""
    try:
        return fail_without_retry(method, *arguments, **named)
    except ConfigurationError as error:
        raise AirflowFailException(str(error)) from error


def for_good(method: Callable[P, T]) -> Callable[P, T]:
    """The same method of a task, of which an error of the configuration fails the task at once: a retry meets it again.

    What it raises then is a `ConfigurationError` still, and Airflow's failure without a retry as well. A file that is
    not there may come; that alone is tried again.
    """

    @wraps(method)
    def guarded(*arguments: P.args, **named: P.kwargs) -> T:
        try:
            return method(*arguments, **named)
        except (NotThereYet, AirflowFailException):
            raise
        except ConfigurationError as error:
            final = final_error(error)
        raise final

    return guarded


def final_error(error: ConfigurationError) -> ConfigurationError:
    """The same error as one after which Airflow tries no more."""
    kind = type(error)
    also = {"__doc__": kind.__doc__, "__module__": kind.__module__}
    final: ConfigurationError = type(kind.__name__, (kind, AirflowFailException), also)(*error.args)
    vars(final).update(vars(error))
    return final.with_traceback(error.__traceback__)


def check_outcome(summary: Summary, settings: ListSettings) -> None:
    """Fail the task if its list did not end as the author asked. Raises AirflowFailException if a retry would change
    nothing. Raises AirflowSkipException if the calls wait for an opening, and ``soft_fail`` skips the task. Raises
    RunIncomplete if rows are pending; a retry goes on with them."""
    refuse_unfinished(summary, settings)
    refuse_beyond_limits(summary, settings)
    refuse_none_accepted(summary, settings)


def only_waits(summary: Summary) -> bool:
    """Whether rules alone hold back every pending call, so that the run knows until when to wait."""
    held = sum(summary.reasons.get(reason, 0) for reason in _HELD_BY_RULES)
    return summary.stopped is None and summary.resume_at is not None and summary.pending == held


def refuse_unfinished(summary: Summary, settings: ListSettings) -> None:
    """Fail the task if rows are pending: with a retry where one helps, otherwise without."""
    if isinstance(summary.refusal, (Unauthorized, AllRejected, Rejected)):
        raise AirflowFailException(str(summary.refusal)) from summary.refusal
    if settings.when_closed == "stop" and summary.resume_at is not None and only_waits(summary):
        message = (
            f"{summary.pending} of {summary.total} calls may not ring before {to_minute(summary.resume_at)}, "
            'and when_closed is "stop"'
        )
        raise AirflowSkipException(message) if settings.soft_fail else AirflowFailException(message)
    if summary.pending or summary.stopped:
        why = summary.refusal or summary.stopped or summary.held_by or "they could not be sent"
        raise RunIncomplete(
            f"{summary.pending} of {summary.total} rows are pending: {why}. A retry of the task goes on with them"
        ) from summary.refusal


def refuse_beyond_limits(summary: Summary, settings: ListSettings) -> None:
    """Fail the task without a retry if more rows ended badly than the author allows."""
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


def refuse_none_accepted(summary: Summary, settings: ListSettings) -> None:
    """Fail the task if its list is too short, or if no call was accepted and nothing explains it."""
    if settings.shard is None:  # a part says nothing of how long the list is
        refuse_short_list(summary.total, settings)
    why = why_none_accepted(summary)
    if settings.on_none_accepted == "fail" and why is not None:
        raise AirflowFailException(f'{why}; on_none_accepted="warn" lets such a run succeed')


def why_none_accepted(summary: Summary) -> str | None:
    """The message about a list without one accepted call that nothing explains; None for any other list."""
    if not summary.total or summary.accepted or any(reason in summary.reasons for reason in _EXPLAINED_BY):
        return None
    reasons = ", ".join(f"{reason} {count}" for reason, count in summary.reasons.items())
    return f"none of {summary.total} rows was accepted ({reasons}): correct the list or the task's settings"


def refuse_vanished_list(summary: Summary) -> None:
    """Fail the task if its list was empty when the task woke up to call the rest of it.

    A source that gives its rows only once, such as a queue, has given them to the pass before.
    """
    if not summary.total and summary.stopped is None:
        raise AirflowFailException(
            "calls of this list waited for their hours, and none of its rows came when it was read again: nobody was "
            "rung. Give a source that can be read twice, such as a table or a file that holds them"
        )


def refuse_short_list(rows: int, settings: ListSettings) -> None:
    """Fail the task if the list has fewer rows than the author expects."""
    if rows < settings.min_rows:
        raise AirflowFailException(
            f"the list has {rows} rows, fewer than min_rows={settings.min_rows}: look at where the contacts come from"
        )
