"""What a run over a list tells: the log lines, the progress in the task's state, the summary in XCom, the report."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from airflow_provider_callkaro.dispatch.progress import Snapshot
from airflow_provider_callkaro.dispatch.report import Report, report_format
from airflow_provider_callkaro.dispatch.report_columns import ReportColumns
from airflow_provider_callkaro.dispatch.tally import Summary
from airflow_provider_callkaro.exceptions import ConfigurationError
from airflow_provider_callkaro.files.writing.publishing import published
from airflow_provider_callkaro.files.writing.write_check import check_writable
from airflow_provider_callkaro.tasks.settings import ListSettings
from airflow_provider_callkaro.tasks.task_state import task_state_of

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_callkaro.tasks.ledgers import Memory
    from airflow_provider_callkaro.tasks.metrics import RunMetrics


_LONGEST_SCOPE = 40  # letters of a scope in a log line


class RunOutput:
    """Tells what one run does and what it came to. ``campaign``: what the summary says of the campaign or campaigns,
    asked at the end. ``result_key``: the XCom for the summary."""

    def __init__(
        self,
        *,
        settings: ListSettings,
        context: Context,
        log: logging.Logger,
        campaign: Callable[[], Mapping[str, Any]],
        result_key: str,
        metrics: RunMetrics | None = None,
    ) -> None:
        self._settings = settings
        self._context = context
        self._log = log
        self._campaign = campaign
        self._result_key = result_key
        self._metrics = metrics

    def started(self, memory: Memory) -> None:
        """Say in the log how fast the run may go, and where it remembers its calls."""
        limits = self._settings.limits
        self._log.info(
            "%s: up to %d at once%s",
            "Dry run, no call is placed" if self._settings.dry_run else "Placing calls",
            limits.max_concurrency,
            f", at most {limits.calls_per_second:g} a second" if limits.calls_per_second else "",
        )
        scope = memory.record.scopes[0]
        self._log.info(
            'Who has been called is remembered in %s, scope "%s"',
            memory.name,
            scope if len(scope) <= _LONGEST_SCOPE else f"{scope[:_LONGEST_SCOPE]}…",
        )

    def say_progress(self, snapshot: Snapshot) -> None:
        """Say in the log how far the run is."""
        self._log.info("%s", snapshot)

    def keep_progress(self, snapshot: Snapshot) -> None:
        """Keep in the task's state, where there is one, how far the run is, and send it as metrics."""
        if self._metrics is not None:
            self._metrics.progress(snapshot)
        store = task_state_of(self._context)
        if store is not None:
            store.set("progress", snapshot.as_state())

    def leave_summary(self, summary: Summary) -> None:
        """Say what the run came to, and leave it in XCom at once: what comes after may fail."""
        if self._metrics is not None:
            self._metrics.end(summary)
        for line in summary.lines():
            self._log.info("%s", line)
        self._log.info(
            "%d calls were sent in this pass, repeats included; %d rows were settled in earlier passes",
            summary.dialled,
            summary.resumed,
        )
        try:
            self._context["ti"].xcom_push(key=self._result_key, value=self.as_xcom(summary))
        except Exception as error:  # the report is still to come, and every call has been placed
            self._log.warning("The summary could not be left in XCom (%s)", type(error).__name__)

    def unusual(self, summary: Summary) -> None:
        """Warn of what a person should look at though the run succeeds."""
        if not summary.total:
            self._log.warning("The list is empty: nobody was rung. min_rows=1 makes such a run fail")
        if summary.unknown:
            self._log.warning(
                "%d calls are unknown: they may have rung, and nobody is rung again for them unless redial asks for it",
                summary.unknown,
            )

    def as_xcom(self, summary: Summary) -> dict[str, Any]:
        """The summary as the task returns it."""
        settings = self._settings
        return summary.as_xcom(campaign=self._campaign(), report=settings.report_path, shard=settings.shard)


def check_report_place(path: str | None) -> None:
    """Refuse a place to which no report can be written, before the first call is placed. Raises ConfigurationError,
    naming the place and what is missing."""
    if path is None:
        return
    report_format(path)
    try:
        check_writable(path)
    except ConfigurationError as error:
        raise ConfigurationError(f"report_path: {error}") from None


def new_report(path: str | None, columns: ReportColumns | None = None) -> Report | None:
    """A report that will stand at ``path``, local or in object storage, with these columns of the rows; None without a
    path. Raises ConfigurationError if the path does not end in a known format."""
    if path is None:
        return None
    return Report(kind=report_format(path), open_target=lambda: published(path), columns=columns)
