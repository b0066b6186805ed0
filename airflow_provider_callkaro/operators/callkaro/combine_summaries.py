"""One summary and one report of a list that several tasks shared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from airflow.providers.common.compat.sdk import AirflowFailException, XComArg

from airflow_provider_callkaro.calls.sharding import check_count
from airflow_provider_callkaro.exceptions import ConfigurationError
from airflow_provider_callkaro.links.files import CallReportLink
from airflow_provider_callkaro.tasks.argument_values import check_ending
from airflow_provider_callkaro.tasks.arguments import is_template
from airflow_provider_callkaro.tasks.redacted import RedactedPath
from airflow_provider_callkaro.tasks.rendering import RendersLiterals

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context
    from airflow.providers.openlineage.extractors import OperatorLineage

    from airflow_provider_callkaro.dispatch.combining import CombinedSummary

RESULT = "return_value"  # the XCom in which Airflow keeps what a task returns


class CallKaroCombineSummariesOperator(RendersLiterals):
    """Add up the summaries of a fan-out that was mapped over ``shards(…)``, and write one report of all parts.

    It serves the fan-outs of every vendor. Returns what a fan-out returns (the five outcomes add up to ``total``), with
    ``shards``, how many parts there should be, and ``missing``, how many of them left no summary. A part that was
    skipped, or died before its end, leaves none. Where one is missing, ``"unread": True`` says that the totals are not
    those of the whole list.

    With Airflow's usual ``trigger_rule`` the task runs only if every part succeeded. ``trigger_rule="all_done"`` adds
    up what there is in any case; then ``on_incomplete`` decides what becomes of the task.

    :param summaries: what the parts returned: the output of the mapped task, ``calls.output``, or a list of outputs.
        Templated.
    :param shards: how many parts there should be, 1 to 1024. None takes the number that the summaries say, which those
        of a fan-out with a ``shard`` do.
    :param report_path: where the combined report is written, as CSV, JSON Lines or Parquet by its ending, with its
        lines in the order of the list; every part needs a report of its own. None writes none. Templated.
    :param on_incomplete: ``"fail"`` (default) or ``"warn"`` if a part is missing, or rows are pending or were not read.
        The summary is left in either case. With ``"fail"`` no report is written if a part is missing.
    :raises ConfigurationError: an argument cannot work, naming it.
    """

    template_fields: Sequence[str] = ("summaries", "report_path")
    operator_extra_links = (CallReportLink(),)
    ui_color = "#dcebe4"

    def __init__(
        self,
        *,
        summaries: XComArg | Sequence[Mapping[str, Any] | XComArg],
        shards: int | None = None,
        report_path: str | None = None,
        on_incomplete: Literal["fail", "warn"] = "fail",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.summaries = summaries
        self.shards = shards
        self.report_path = RedactedPath(report_path)
        self.on_incomplete = on_incomplete
        self._read: Sequence[str] = ()
        self._check_literals()
        if not is_template(summaries) and not isinstance(summaries, (list, tuple, Mapping)):
            raise ConfigurationError("summaries must be the output of the mapped task, calls.output, or a list of such")
        if shards is not None:
            check_count(shards)
        check_ending(report_path, argument="report_path")
        if on_incomplete not in ("fail", "warn"):
            raise ConfigurationError('on_incomplete must be "fail" or "warn"')

    def execute(self, context: Context) -> dict[str, Any]:
        """Add up the summaries, leave the sum, and then write the report."""
        from airflow_provider_callkaro.dispatch.combining import combine
        from airflow_provider_callkaro.tasks.combined_report import check_place

        path = self.report_path.value
        check_place(path)
        summaries = self.summaries
        given = [summaries] if summaries is None or isinstance(summaries, Mapping) else summaries
        combined = combine(given, shards=self.shards)
        for line in combined.summary.lines():
            self.log.info("%s", line)
        result = combined.as_xcom(report=None)
        context["ti"].xcom_push(key=RESULT, value=result)
        if path is not None and not (combined.missing and self.on_incomplete == "fail"):
            self._write(context, combined)
            # only now, so that nobody takes what stood there before for this report
            result = combined.as_xcom(report=path)
            context["ti"].xcom_push(key=RESULT, value=result)
        self._judge(combined)
        if self.outlets:
            from airflow_provider_callkaro.tasks.asset_events import CallEventKind, tell_outlets

            counts = {key: value for key, value in result.items() if key != "reasons"}
            kind = CallEventKind.FAN_OUT_ENDED
            tell_outlets(context, self.outlets, kind, counts=counts, connection_type="callkaro")
        return result

    def get_openlineage_facets_on_start(self) -> OperatorLineage | None:
        """What OpenLineage is told when the task starts: the combined report. None if unknown."""
        from airflow_provider_callkaro.tasks.lineage import lineage_between

        return lineage_between(None, reads=self._read, writes=[self.report_path.value])

    def get_openlineage_facets_on_complete(self, task_instance: object) -> OperatorLineage | None:  # noqa: ARG002
        """What OpenLineage is told when the task has ended: the reports of the parts and the combined report."""
        return self.get_openlineage_facets_on_start()

    def _write(self, context: Context, combined: CombinedSummary) -> None:
        from airflow_provider_callkaro.tasks.combined_report import write_report

        lines = write_report(combined, self.report_path.value)
        self._read = [part.report for part in combined.parts if part.report is not None]
        self.log.info("%d lines of %d reports are in %s", lines, len(self._read), self.report_path)
        CallReportLink.show(context, self.report_path.value)

    def _judge(self, combined: CombinedSummary) -> None:
        if combined.whole:
            return
        why = []
        if combined.missing:
            why.append(f"missing: {combined.missing_parts()}")
        if combined.left:
            why.append(f"{combined.left} of {combined.summary.total} rows are pending")
        if any(part.unread for part in combined.parts):
            why.append("a list was not read to its end")
        message = f"the list is not done: {'; '.join(why)}"
        if self.on_incomplete == "fail":
            raise AirflowFailException(f"{message}. Clear those parts and then this task")
        self.log.warning("%s, and on_incomplete lets it be", message)
