"""What one try of a Callaro campaign tells Airflow's metrics and traces: how it moved, and nothing of a person.

Callaro places the calls and counts them, so there is no metric of a row. ``docs/observability.md`` lists what there is.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

from airflow_provider_callkaro.tasks.metrics import TaskMetrics
from airflow_provider_callkaro.tasks.tracing import RunSpan, span_of_run
from airflow_provider_callkaro.vendors.callaro.states import CampaignState

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context


class CampaignObserver:
    """Notes what a try does. ``metrics``: None where Airflow sends none. ``span``: keeps nothing without tracing."""

    def __init__(self, *, metrics: TaskMetrics | None, span: RunSpan) -> None:
        self._metrics = metrics
        self._span = span

    def launched(self) -> None:
        """Note that Callaro took the launch."""
        self._count("campaigns_launched")
        self._span.note(launched=True)

    def ended(self, state: CampaignState, *, rows: int | None = None) -> None:
        """Note how the campaign ended. ``rows``: of its results that were exported."""
        self._count("campaigns_completed" if state is CampaignState.COMPLETED else "campaigns_failed")
        self._span.note(state=state.value, **({} if rows is None else {"rows": rows}))

    def _count(self, name: str) -> None:
        if self._metrics is not None:
            self._metrics.send("incr", name, 1)


@contextmanager
def observed_try(context: Context, *, connection_id: str, resumed: bool) -> Iterator[CampaignObserver]:
    """A span around one try, and its duration as a metric. ``resumed``: the task comes back from the triggerer."""
    metrics = TaskMetrics.of(context, connection_id=connection_id)
    began = time.monotonic()
    with span_of_run() as span:
        span.note(connection=connection_id, resumed=resumed)
        try:
            yield CampaignObserver(metrics=metrics, span=span)
        finally:
            if metrics is not None:
                metrics.send("timing", "duration", timedelta(seconds=time.monotonic() - began))
