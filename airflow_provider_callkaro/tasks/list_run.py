"""One task's way through a list of contacts: the engine behind every operator that places calls.

It is handed what the author asks for (`ListSettings`) and what the vendor's account says (`Account`), goes through the
list once or, with naps in between, several times, and gives its account however it ends: counts in the log, the summary
in XCom, then the report.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from airflow_provider_callkaro.calls.phone import NumberReader
from airflow_provider_callkaro.calls.row import RowReader
from airflow_provider_callkaro.dispatch.preparation import Observe, Rules
from airflow_provider_callkaro.dispatch.progress import Snapshot
from airflow_provider_callkaro.dispatch.report import Report, RowSink
from airflow_provider_callkaro.dispatch.run import run_calls
from airflow_provider_callkaro.dispatch.stop import Stop
from airflow_provider_callkaro.dispatch.tally import RowOutcome, Summary
from airflow_provider_callkaro.sources.contract import ContactRow
from airflow_provider_callkaro.tasks.account import Account
from airflow_provider_callkaro.tasks.failures import (
    check_outcome,
    fail_without_retry,
    only_waits,
    refuse_short_list,
    refuse_vanished_list,
)
from airflow_provider_callkaro.tasks.ledgers import Memory, remember
from airflow_provider_callkaro.tasks.list_length import rows_within
from airflow_provider_callkaro.tasks.report_place import check_report_place, new_report
from airflow_provider_callkaro.tasks.rules import rules_for
from airflow_provider_callkaro.tasks.settings import ListSettings
from airflow_provider_callkaro.tasks.task_state import task_state_of
from airflow_provider_callkaro.tasks.waiting import SHORT_WAIT

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context


RESULT = "return_value"  # the XCom in which Airflow keeps what a task returns


class ListRun:
    """One try of one run over one list.

    :param settings: what the author asks for, rendered.
    :param account: what the vendor's account says.
    :param context: the task's.
    :param stop: how Airflow asks the try to end.
    :param log: the task's log.
    :param defer: frees the worker until a moment; it does not return.
    :param campaign: what the summary says of the campaign or campaigns, asked at the end.
    :param watcher: told of every row's outcome, beside the report.
    :param result_key: the XCom in which the summary stands.
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
        self._campaign = campaign
        self._watcher = watcher
        self._result_key = result_key
        self._say_columns: Callable[[str], None] | None = partial(log.info, "%s")

    def run(self, *, resumed: bool = False) -> tuple[Summary, dict[str, Any]]:
        """Go through the list until nothing of it can be rung any more, now or after a nap.

        :param resumed: the task wakes from a nap.
        :return: the summary, and as XCom has it.
        :raises AirflowFailException: the run did not come to what its author asked for, and a retry would not help.
        :raises AirflowSkipException: the run is long past, or its hours are closed and it is not to fail for that.
        :raises RunIncomplete: rows are pending; a retry goes on with them.
        """
        memory = self._memory(resumed=resumed)
        if resumed:
            self._say_columns = None  # it has been said before the nap
        check_report_place(self._settings.report_path)
        self._refuse_short_list()
        if memory.trail is not None:
            memory.trail.started(self._settings, memory.record, resumed=resumed)
        has_waited = resumed
        while True:
            summary = self._one_pass(memory)
            if has_waited:
                refuse_vanished_list(summary)
            if not self._settings.waits or not only_waits(summary):
                break
            if not self._nap(summary):
                summary = replace(summary, stopped=self._stop.why)
                break
            has_waited = True
        self._say_unusual(summary)
        check_outcome(summary, self._settings)
        return summary, self._as_xcom(summary)

    def rehearse(self, observe: Observe) -> Summary:
        """Go through the list once, ring nobody, and tell ``observe`` of every call."""
        return self._one_pass(self._memory(resumed=False), observe=observe)

    def _memory(self, *, resumed: bool) -> Memory:
        memory = remember(
            self._context,
            settings=self._settings,
            vendor_conn_id=self._account.connection_id,
            resumed=resumed,
        )
        limits = self._settings.limits
        self._log.info(
            "%s: ledger %s, scope %s, at most %d calls in flight%s",
            "Dry run, nothing is sent" if self._settings.dry_run else "Placing calls",
            memory.name,
            memory.record.scopes[0],
            limits.max_concurrency,
            f" and {limits.calls_per_second:g} a second" if limits.calls_per_second else "",
        )
        return memory

    def _refuse_short_list(self) -> None:
        total = self._settings.contacts.total(self._context)  # of the whole list, whichever part of it is taken here
        if total is not None:
            refuse_short_list(total, self._settings)

    def _total(self) -> int | None:
        """How many rows there are, where that is known before they are read."""
        return None if self._settings.shard else self._settings.contacts.total(self._context)

    def _one_pass(self, memory: Memory, *, observe: Observe | None = None) -> Summary:
        """Go through the whole list once: whoever may be rung now is."""
        from airflow_provider_callkaro.transport.asynchronous import AsyncTransport

        settings, account = self._settings, self._account
        numbers = NumberReader(default_region=settings.default_region)
        reader = self._reader(numbers)
        rules = self._rules(memory, numbers)
        rows = self._rows()
        report = None if settings.dry_run else new_report(settings.report_path)
        try:
            summary = fail_without_retry(
                run_calls,
                rows=rows,
                total=self._total(),
                read=reader.read if memory.trail is None else memory.trail.reading(reader.read),
                vendor=account.vendor,
                transport=AsyncTransport(account.target, max_connections=settings.max_concurrency),
                ledger=memory.ledger,
                limits=settings.limits,
                stop=self._stop,
                say=self._say,
                redial=settings.redialled,
                report=_both(report, self._watcher),
                shard=settings.part,
                rules=rules,
                dry_run=settings.dry_run,
                observe=observe,
                on_failure=lambda summary: self._give_account(summary, report, memory),
            )
            if not settings.dry_run:
                self._leave_summary(summary)
                try:
                    if report is not None:
                        report.publish()
                finally:
                    self._end_trail(summary, memory)
            return summary
        finally:
            _close(rows)
            if report is not None:
                report.close()

    def _reader(self, numbers: NumberReader) -> RowReader:
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
        )

    def _rows(self) -> Iterator[ContactRow]:
        settings = self._settings
        if settings.max_rows is None:
            return settings.contacts.rows(self._context)
        return rows_within(settings.contacts, self._context, max_rows=settings.max_rows, stop=self._stop, log=self._log)

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

    def _give_account(self, summary: Summary, report: Report | None, memory: Memory) -> None:
        """The ending of a run that breaks off: nothing of it may hide what broke it off."""
        self._leave_summary(summary)
        try:
            if report is not None:
                report.publish()
        except Exception as error:
            self._log.warning("The report of the run that broke off is not there: %s", error)
        self._end_trail(summary, memory)

    def _leave_summary(self, summary: Summary) -> None:
        """Say what the run came to, and leave it in XCom at once: what comes after may fail."""
        self._log.info("%s", summary)
        self._log.info(
            "%d calls were sent in this pass (one that was turned away counts each time it is sent); earlier passes "
            "had settled %d rows",
            summary.dialled,
            summary.resumed,
        )
        try:
            self._context["ti"].xcom_push(key=self._result_key, value=self._as_xcom(summary))
        except Exception as error:  # the report is still to come, and everybody has been rung
            self._log.warning("The summary could not be left in XCom (%s)", type(error).__name__)

    def _end_trail(self, summary: Summary, memory: Memory) -> None:
        """Comes last: a database that is away is asked for longer than Airflow waits for a task that it ends."""
        if memory.trail is not None:
            memory.trail.ended(summary)

    def _as_xcom(self, summary: Summary) -> dict[str, Any]:
        return summary.as_xcom(campaign=self._campaign(), report=self._settings.report_path)

    def _say(self, snapshot: Snapshot) -> None:
        self._log.info("%s", snapshot)
        store = task_state_of(self._context)
        if store is not None:
            store.set("progress", snapshot.as_state())

    def _say_unusual(self, summary: Summary) -> None:
        if not summary.total:
            self._log.warning("The list is empty: nobody was rung. min_rows=1 makes such a run fail")
        if summary.unknown:
            self._log.warning(
                "%d calls are unknown: they may have rung, and nobody is rung again for them unless redial asks for it",
                summary.unknown,
            )

    def _nap(self, summary: Summary) -> bool:
        """Sleep until the next call may ring: in the worker for a moment, else deferred, without a worker slot.

        :return: whether to go on; False where the try was asked to end meanwhile.
        """
        moment = summary.resume_at or datetime.now(UTC)
        self._log.info("%d calls wait until %s", summary.pending, f"{moment:%Y-%m-%d %H:%M:%S} UTC")
        if moment - datetime.now(UTC) >= SHORT_WAIT:
            self._defer(moment)
        wake = threading.Event()
        while (left := (moment - datetime.now(UTC)).total_seconds()) > 0 and self._stop.why is None:
            wake.wait(min(left, 0.25))
        return self._stop.why is None


class _Both:
    """Tells two of each row."""

    def __init__(self, sinks: Sequence[RowSink]) -> None:
        self._sinks = sinks

    def add(self, row: RowOutcome) -> None:
        for sink in self._sinks:
            sink.add(row)


def _both(report: RowSink | None, watcher: RowSink | None) -> RowSink | None:
    sinks = [sink for sink in (report, watcher) if sink is not None]
    return _Both(sinks) if len(sinks) == 2 else next(iter(sinks), None)


def _close(rows: Any) -> None:
    """Close what the rows hold open, where the run ended before the list did."""
    close = getattr(rows, "close", None)
    if close is not None:
        close()
