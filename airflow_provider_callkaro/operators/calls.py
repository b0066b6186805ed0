"""What the operators that place calls have in common: one run of the dispatcher, under Airflow."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from airflow.providers.common.compat.sdk import AirflowFailException, BaseOperator

from airflow_provider_callkaro.dispatch.intake import Shard
from airflow_provider_callkaro.dispatch.packing import CallVendor, ManyCallsVendor
from airflow_provider_callkaro.dispatch.preparation import Observe, Rules
from airflow_provider_callkaro.dispatch.progress import Snapshot
from airflow_provider_callkaro.dispatch.report import Report, RowSink, report_format
from airflow_provider_callkaro.dispatch.run import Limits, redial_states, run_calls
from airflow_provider_callkaro.dispatch.stop import KILLED_GRACE, Stop
from airflow_provider_callkaro.dispatch.tally import Summary
from airflow_provider_callkaro.exceptions import AllRejected, RunIncomplete, Unauthorized
from airflow_provider_callkaro.files.publishing import published
from airflow_provider_callkaro.ledger.contract import CallLedger
from airflow_provider_callkaro.operators.failing import fail_without_retry
from airflow_provider_callkaro.operators.private import own_copies
from airflow_provider_callkaro.operators.task_run import default_scope, open_ledger, remaining_time, task_state_of
from airflow_provider_callkaro.transport.target import Target


@dataclass(frozen=True, slots=True, kw_only=True)
class CallList:
    """The calls of one run, and whom to send them to.

    :param rows: contact rows, lazily.
    :param total: how many, where it is known.
    :param read: turns a row into a call.
    :param rules: the rules of this run, for the ledger that it keeps; None lets every call ring.
    """

    rows: Iterable[Any]
    total: int | None
    read: Callable[[Any], Any]
    vendor: CallVendor | ManyCallsVendor
    target: Target
    rules: Callable[[CallLedger], Rules] | None = None

    def close(self) -> None:
        """Close what the rows hold open, where the run ended before the list did."""
        close = getattr(self.rows, "close", None)
        if close is not None:
            close()


class PlaceCallsOperator(BaseOperator):
    """The common part of the operators that place calls; not to be used by itself.

    :param ledger_conn_id: a SQL connection whose ledger remembers who has been rung, over runs and DAGs; None uses the
        task's own state (Airflow 3.3 and later).
    :param ledger_scope: the name under which a person may be rung once; default: DAG, task and data interval.
    :param redial: ``"unknown"`` or ``"rejected"`` (or both, as a list) dispatches calls that ended so once more, on
        purpose.
    """

    def __init__(
        self,
        *,
        ledger_conn_id: str | None = None,
        ledger_scope: str | None = None,
        redial: str | list[str] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.ledger_conn_id = ledger_conn_id
        self.ledger_scope = ledger_scope
        self.redial = redial
        self._stop: Stop | None = None

    def render_template_fields(self, context: Any, jinja_env: Any = None) -> None:
        """Render the template fields of this try, and of no other."""
        own_copies(self, self.template_fields)
        super().render_template_fields(context, jinja_env)

    def on_kill(self) -> None:
        """Take no new calls, let those in flight finish, settle; the rest stays pending."""
        if self._stop is not None:
            self._stop.ask("Airflow ended the task", grace=KILLED_GRACE)

    def _asked_to_stop(self) -> bool:
        return self._stop is not None and self._stop.why is not None

    def _default_scope(self, context: Mapping[str, Any]) -> str:
        return default_scope(context)

    def _ledger(self, context: Mapping[str, Any], scope: str) -> CallLedger:
        return open_ledger(context, ledger_conn_id=self.ledger_conn_id, scope=scope)

    def _place_calls(
        self,
        context: Mapping[str, Any],
        calls: CallList,
        *,
        limits: Limits,
        report: RowSink | None = None,
        shard: Shard | None = None,
        dry_run: bool = False,
        observe: Observe | None = None,
    ) -> Summary:
        from airflow_provider_callkaro.transport.asynchronous import AsyncTransport

        scope = self.ledger_scope or self._default_scope(context)
        ledger = self._ledger(context, scope)
        self._stop = Stop(clock=time.monotonic, deadline=remaining_time(self.execution_timeout))
        store = task_state_of(context)
        self.log.info(
            "%s: ledger %s, scope %s, at most %d calls in flight%s",
            "Dry run, nothing is sent" if dry_run else "Placing calls",
            self.ledger_conn_id or type(ledger).__name__,
            scope,
            limits.max_concurrency,
            f" and {limits.calls_per_second:g} a second" if limits.calls_per_second else "",
        )

        def say(snapshot: Snapshot) -> None:
            self.log.info("%s", snapshot)
            if store is not None:
                store.set("progress", snapshot.as_state())

        return fail_without_retry(
            run_calls,
            rows=calls.rows,
            total=calls.total,
            read=calls.read,
            vendor=calls.vendor,
            transport=AsyncTransport(calls.target, max_connections=limits.max_concurrency),
            ledger=ledger,
            limits=limits,
            stop=self._stop,
            say=say,
            redial=redial_states(self.redial),
            report=report,
            shard=shard,
            rules=None if calls.rules is None else calls.rules(ledger),
            dry_run=dry_run,
            observe=observe,
        )

    def _refuse_unfinished(self, summary: Summary) -> None:
        """Fail the task if its list is not done, in the way in which a retry helps or is kept from happening.

        :raises AirflowFailException: the key, or what all calls have in common, was refused; so would a retry be.
        :raises RunIncomplete: rows are pending; a retry goes on with them.
        """
        if isinstance(summary.refusal, (Unauthorized, AllRejected)):
            raise AirflowFailException(str(summary.refusal)) from summary.refusal
        if summary.pending or summary.stopped:
            why = summary.refusal or summary.stopped or "they could not be sent"
            raise RunIncomplete(
                f"{summary.pending} of {summary.total} rows are pending: {why}. A retry of the task goes on with them"
            ) from summary.refusal


def new_report(path: str | None) -> Report | None:
    """A report that will stand at ``path``, local or in object storage; None without a path.

    :raises ConfigurationError: the path does not end in a known format.
    """
    if not path:
        return None
    return Report(kind=report_format(path), open_target=lambda: published(path))
