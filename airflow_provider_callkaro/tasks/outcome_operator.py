"""The base of the operators that write what became of calls: which calls are meant, and the lines about them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import XComArg

from airflow_provider_callkaro.tasks.argument_values import check_span
from airflow_provider_callkaro.tasks.arguments import provided_arguments, refuse_empty_arguments
from airflow_provider_callkaro.tasks.outcome_calls import check_calls, find_calls
from airflow_provider_callkaro.tasks.outcome_lines import OutcomeLines
from airflow_provider_callkaro.tasks.redacted import ReportPath
from airflow_provider_callkaro.tasks.rendering import RendersLiterals

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context


class OutcomesOperator(RendersLiterals):
    """The common part of the operators that write outcomes; not to be used by itself."""

    ledger_conn_id: str
    report_path: ReportPath
    unresolved_after: timedelta
    _provided: frozenset[str] = frozenset()
    _has_report = False

    def _check_calls(self, report_path: object) -> None:
        self._provided = provided_arguments(self, [name for name in self.template_fields if name != "report_path"])
        self._has_report = report_path is not None
        check_calls(self)
        check_span("unresolved_after", self.unresolved_after)
        XComArg.apply_upstream_relationship(self, report_path)

    def _lines(self, context: Context, as_instant: Callable[[datetime], str]) -> OutcomeLines:
        refuse_empty_arguments(self, self._provided)
        return OutcomeLines(
            calls=find_calls(self, context),
            unresolved_after=self.unresolved_after,
            interval=_interval(context),
            as_instant=as_instant,
        )

    def _rows(self, lines: OutcomeLines) -> Iterator[dict[str, Any]]:
        if not self._has_report:
            return lines.of_ledger()
        from airflow_provider_callkaro.files.reading.report_file import report_lines

        return lines.of_report(report_lines(self.report_path.path()))

    def _say_unmatched(self, lines: OutcomeLines) -> None:
        if lines.counts.without_call:
            self.log.warning(
                "%d calls of the report are not in the ledger, or not for certain, and are left out: have call_key in "
                "report_columns, and see that ledger_conn_id is that of the fan-out",
                lines.counts.without_call,
            )


def _interval(context: Context) -> datetime:
    """The start of the run's data interval; of a run without one, the moment after which it runs."""
    start = context.get("data_interval_start")
    if start is None:
        run = context["dag_run"]
        start = getattr(run, "run_after", None) or getattr(run, "logical_date", None)
    return start  # type: ignore[no-any-return,return-value]
