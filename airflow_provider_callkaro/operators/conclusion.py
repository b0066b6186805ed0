"""When a run that went through its list still fails its task: what its author asked for, as one decision each."""

from __future__ import annotations

from airflow.providers.common.compat.sdk import AirflowFailException, AirflowSkipException

from airflow_provider_callkaro.dispatch.tally import Summary


def refuse_closed(summary: Summary, *, soft_fail: bool) -> None:
    """End the task whose calls wait for an opening that it must not wait for.

    :param soft_fail: skip the task rather than fail it.
    """
    if summary.resume_at is None or summary.stopped is not None:
        return
    message = (
        f"{summary.pending} of {summary.total} calls may not ring before {summary.resume_at:%Y-%m-%d %H:%M} UTC, "
        'and when_closed is "stop"'
    )
    raise AirflowSkipException(message) if soft_fail else AirflowFailException(message)


def refuse_beyond_limits(summary: Summary, *, on_unknown: str, max_rejected: float | None) -> None:
    """Fail the task of which more rows ended badly than its author allows; a retry would change nothing.

    :param on_unknown: ``"fail"`` allows no unknown call.
    :param max_rejected: a count, or a fraction of all rows; None allows any number.
    """
    if on_unknown == "fail" and summary.unknown:
        message = f"{summary.unknown} of {summary.total} calls are unknown, and on_unknown is fail"
        raise AirflowFailException(message)
    if max_rejected is None:
        return
    allowed = max_rejected * summary.total if isinstance(max_rejected, float) else max_rejected
    if summary.rejected > allowed:
        raise AirflowFailException(
            f"{summary.rejected} of {summary.total} rows were rejected, more than max_rejected={max_rejected} "
            "allows; the accepted calls stay accepted (the reasons are in the report and the summary)"
        )
