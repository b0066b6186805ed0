"""One task's way through a list of contacts: the engine behind every operator that places calls.

It takes what the author asks for (`ListSettings`) and what the vendor's account says (`Account`). It goes through the
list once or, with waits in between, several times. However it ends, it leaves the counts in the log, the summary in
XCom, and then the report.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from airflow_provider_callkaro.calls.phone import NumberReader
from airflow_provider_callkaro.calls.row import RowReader
from airflow_provider_callkaro.dispatch.limits import Stop
from airflow_provider_callkaro.dispatch.preflight import Preflight
from airflow_provider_callkaro.dispatch.preflight_report import PreflightReport, Price
from airflow_provider_callkaro.dispatch.preparation import Observe, Rules
from airflow_provider_callkaro.dispatch.report import Report, RowSink
from airflow_provider_callkaro.dispatch.run import run_calls
from airflow_provider_callkaro.dispatch.tally import Summary
from airflow_provider_callkaro.links.files import CallReportLink
from airflow_provider_callkaro.sources.contract import ContactRow
from airflow_provider_callkaro.tasks.account import Account
from airflow_provider_callkaro.tasks.budgets import limits_of_run
from airflow_provider_callkaro.tasks.failures import (
    check_outcome,
    fail_without_retry,
    only_waits,
    refuse_short_list,
    refuse_vanished_list,
)
from airflow_provider_callkaro.tasks.instants import to_second
from airflow_provider_callkaro.tasks.ledgers import Memory, remember
from airflow_provider_callkaro.tasks.list_length import rows_within
from airflow_provider_callkaro.tasks.metrics import RunMetrics
from airflow_provider_callkaro.tasks.row_sinks import close_rows, one_sink
from airflow_provider_callkaro.tasks.rules import rules_for
from airflow_provider_callkaro.tasks.run_output import RunOutput, check_report_place, new_report
from airflow_provider_callkaro.tasks.settings import ListSettings
from airflow_provider_callkaro.tasks.tracing import RunSpan, span_of_run
from airflow_provider_callkaro.tasks.waiting import SHORT_WAIT

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

RESULT = "return_value"  # the XCom in which Airflow keeps what a task returns


class ListRun:
    """One try of one run over one list.

    :param stop: how Airflow asks the try to end.
    :param defer: frees the worker until a moment; it does not return.
    :param campaign: what the summary says of the campaign or campaigns, asked at the end.
    :param watcher: gets every row's outcome, beside the report.
    :param result_key: the XCom for the summary.
    """

    def __init__(
        self,
        *,
        settings: ListSettings,
        account: Account,
        context: Context,
        stop: Stop,
        log: logging.Logger,
        defer: Callable[[datetime], None],
        campaign: Callable[[], Mapping[str, Any]] = dict,
        watcher: RowSink | None = None,
        result_key: str = RESULT,
    ) -> None:
        self._settings = settings
        self._account = account
        self._context = context
        self._stop = stop
        self._log = log
        self._defer = defer
        self._watcher = watcher
        self._metrics = None if settings.dry_run else RunMetrics.of(context, connection_id=account.connection_id)
        self._output = RunOutput(
            settings=settings,
            context=context,
            log=log,
            campaign=campaign,
            result_key=result_key,
            metrics=self._metrics,
        )
        self._say_columns: Callable[[str], None] | None = partial(log.info, "%s")

    def run(self, *, resumed: bool = False) -> tuple[Summary, dict[str, Any]]:
        """Go through the list until no more call of it can be placed, now or after a wait.

        :param resumed: the task comes back from the triggerer.
        :return: the summary, and the same as XCom has it.
        :raises AirflowFailException: the run did not come to what its author asked for, and a retry would not help.
        :raises AirflowSkipException: the run is long past, or its hours are closed and it is not to fail for that.
        :raises RunIncomplete: rows are pending; a retry goes on with them.
        """
        with span_of_run() as span:
            span.note(connection=self._account.connection_id, resumed=resumed)
            return self._run(span, resumed=resumed)

    def _run(self, span: RunSpan, *, resumed: bool) -> tuple[Summary, dict[str, Any]]:
        memory = self._memory(resumed=resumed)
        if resumed:
            self._say_columns = None  # the log has it from before the wait
        check_report_place(self._settings.report_path)
        length = self._length()
        if length is not None:
            refuse_short_list(length, self._settings)
        if memory.trail is not None:
            memory.trail.started(self._settings, memory.record, resumed=resumed)
        has_waited = resumed
        while True:
            summary = self._one_pass(memory, length)
            span.note_summary(summary)
            if has_waited:
                refuse_vanished_list(summary)
            if not self._settings.waits or not only_waits(summary):
                break
            if not self._wait(summary):
                summary = replace(summary, stopped=self._stop.why)
                break
            has_waited, length = True, self._length()
        if (summary.accepted or summary.unknown) and memory.match_outcomes is not None:
            memory.match_outcomes()
        self._output.unusual(summary)
        check_outcome(summary, self._settings)
        return summary, self._output.as_xcom(summary)

    def rehearse(self, observe: Observe) -> Summary:
        """Go through the list once, place no call, and give every one to ``observe`` instead."""
        return self._one_pass(self._memory(resumed=False), self._length(), observe=observe)

    def _memory(self, *, resumed: bool) -> Memory:
        memory = remember(
            self._context, settings=self._settings, vendor_conn_id=self._account.connection_id, resumed=resumed
        )
        self._output.started(memory)
        return memory

    def _length(self) -> int | None:
        """How many rows the whole list has, where that is known before they are read."""
        return self._settings.contacts.total(self._context)

    def _one_pass(self, memory: Memory, length: int | None, *, observe: Observe | None = None) -> Summary:
        """Go through the whole list once, and place every call that may be placed now."""
        from airflow_provider_callkaro.transport.asynchronous import AsyncTransport

        settings, account = self._settings, self._account
        numbers = NumberReader(default_region=settings.default_region)
        reader = self._reader(numbers, memory)
        rules = self._rules(memory, numbers)
        rows = self._rows(length)
        columns = settings.columns_of_report(account.row_schema)
        report = None if settings.dry_run else new_report(settings.report_path, columns)
        transport = AsyncTransport(account.target, max_connections=settings.max_concurrency)
        try:
            limits, keeper = limits_of_run(
                settings=settings, account=account, memory=memory, context=self._context, deadline=transport.deadline
            )
            summary = fail_without_retry(
                run_calls,
                rows=rows,
                total=None if settings.shard else length,
                read=reader.read if memory.trail is None else memory.trail.reading(reader.read),
                vendor=account.vendor,
                transport=transport,
                ledger=memory.ledger,
                limits=limits,
                keeper=keeper,
                stop=self._stop,
                say=self._output.say_progress,
                keep=self._output.keep_progress,
                redial=settings.redialled,
                report=one_sink(report, self._watcher, None if self._metrics is None else self._metrics.begin()),
                shard=settings.part,
                on_row=None if columns is None else columns.check if report is None else columns.keep,
                rules=rules,
                dry_run=settings.dry_run,
                observe=observe,
                on_failure=lambda summary: self._end_broken_off(summary, report, memory),
            )
            if not settings.dry_run:
                self._output.leave_summary(summary)
                try:
                    self._publish(report)
                finally:
                    self._end_trail(summary, memory)
            return summary
        finally:
            close_rows(rows)
            if report is not None:
                report.close()

    def _reader(self, numbers: NumberReader, memory: Memory) -> RowReader:
        settings, account = self._settings, self._account
        allowed = settings.allowed_numbers
        if allowed is not None:
            allowed.require_library()
        say, self._say_columns = self._say_columns, None  # a second pass over the list says nothing new
        return RowReader(
            numbers=numbers,
            agent_id=settings.agent_id or account.agent_id,
            batch_id=settings.batch_id,
            options=settings.options,
            column_map=settings.column_map,
            schedule_timezone=account.schedule_timezone,
            row_schema=account.row_schema,
            judged=settings.policy is not None,
            row_fields=settings.fields_of_rows(account.row_schema),
            metadata_columns=settings.metadata_columns,
            allowed_numbers=allowed,
            say=say,
            reference=memory.reference,
        )

    def _rows(self, length: int | None) -> Iterator[ContactRow]:
        settings = self._settings
        if settings.max_rows is None:
            return settings.contacts.rows(self._context)
        return rows_within(
            settings.contacts, self._context, length=length, max_rows=settings.max_rows, stop=self._stop, log=self._log
        )

    def _rules(self, memory: Memory, numbers: NumberReader) -> Rules | None:
        settings = self._settings
        if settings.policy is None:
            return None
        return rules_for(
            settings.policy,
            when_closed=settings.when_closed,
            due=memory.record.due,
            expires_after=settings.expires_after,
            account=self._account,
            suppressed=settings.suppression.read(self._context, numbers),
            ledger=memory.ledger,
        )

    def _end_broken_off(self, summary: Summary, report: Report | None, memory: Memory) -> None:
        """End a run that breaks off; no failure in here may hide the error that broke it off."""
        self._output.leave_summary(summary)
        try:
            self._publish(report)
        except Exception as error:
            self._log.warning("The report of the run that broke off is not there: %s", error)
        self._end_trail(summary, memory)

    def _publish(self, report: Report | None) -> None:
        if report is not None:
            report.publish()
            CallReportLink.show(self._context, self._settings.report_path)

    def _end_trail(self, summary: Summary, memory: Memory) -> None:
        """Do this last: asking a database that is away takes longer than Airflow waits for a task that it ends."""
        if memory.trail is not None:
            memory.trail.ended(summary)

    def _wait(self, summary: Summary) -> bool:
        """Wait until the next call may ring: a short time on the worker, a longer one deferred, without a worker slot.
        Returns whether to go on; False where Airflow asked the try to end meanwhile."""
        moment = summary.resume_at or datetime.now(UTC)
        self._log.info("%d calls wait until %s", summary.pending, to_second(moment))
        if self._metrics is not None:
            self._metrics.wait((moment - datetime.now(UTC)).total_seconds())
        if moment - datetime.now(UTC) >= SHORT_WAIT:
            self._defer(moment)
        wake = threading.Event()
        while (left := (moment - datetime.now(UTC)).total_seconds()) > 0 and self._stop.why is None:
            wake.wait(min(left, 0.25))
        return self._stop.why is None


def rehearse(run: ListRun, settings: ListSettings, *, price: Price | None = None) -> tuple[Summary, PreflightReport]:
    """What the run would do."""
    preflight = Preflight(policy=settings.policy, pace=settings.calls_per_second, waits=settings.when_closed != "stop")
    summary = run.rehearse(preflight.observe)
    return summary, preflight.report(summary, price=price)
