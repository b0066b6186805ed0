"""One call per contact row, each at most once, every row accounted for: what a vendor's fan-out operator inherits."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import TYPE_CHECKING, Any, Literal

from airflow.providers.common.compat.sdk import XComArg

from airflow_provider_callkaro.calls.phone import NumberReader
from airflow_provider_callkaro.calls.row import RowReader
from airflow_provider_callkaro.calls.vocabulary import CALLKARO, Vocabulary
from airflow_provider_callkaro.dispatch.intake import Shard
from airflow_provider_callkaro.dispatch.packing import CallVendor, ManyCallsVendor
from airflow_provider_callkaro.dispatch.preparation import Observe
from airflow_provider_callkaro.dispatch.report import Report, RowSink
from airflow_provider_callkaro.dispatch.run import Limits
from airflow_provider_callkaro.dispatch.tally import Summary
from airflow_provider_callkaro.exceptions import ConfigurationError
from airflow_provider_callkaro.ledger.contract import CallLedger
from airflow_provider_callkaro.operators.calls import CallList, PlaceCallsOperator, new_report
from airflow_provider_callkaro.operators.conclusion import refuse_beyond_limits, refuse_closed
from airflow_provider_callkaro.operators.private import Private
from airflow_provider_callkaro.operators.rules import Suppression, caps_of, check_policy, rules_for
from airflow_provider_callkaro.operators.staleness import checked_stale_runs, due_at, is_stale, refuse_stale_run
from airflow_provider_callkaro.operators.task_run import open_ledger
from airflow_provider_callkaro.sources.contract import templated_values
from airflow_provider_callkaro.sources.given import as_source
from airflow_provider_callkaro.transport.target import Target

if TYPE_CHECKING:
    from airflow_provider_callkaro.calls.policy import CallingPolicy
    from airflow_provider_callkaro.dispatch.preflight import Preflight

SHORT_NAP = timedelta(seconds=60)  # a shorter one is slept in the worker: deferring takes longer than it saves


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """What the operator's connection says.

    :param agent_id: the agent for calls that name none.
    :param schedule_timezone: the zone in which the vendor reads times of day, where it is known.
    :param vocabulary: which columns of a row mean something to the vendor.
    :param rings_for: how long after a dispatch phones may still be rung because of it.
    """

    connection_id: str
    vendor: CallVendor | ManyCallsVendor
    target: Target
    agent_id: str | None
    schedule_timezone: tzinfo | None
    vocabulary: Vocabulary = CALLKARO
    rings_for: timedelta = timedelta(0)


class FanOutCallsOperator(PlaceCallsOperator):
    """Place one call per contact row, each at most once, and account for every row.

    Returns a summary of fixed size: ``{"total", "accepted", "rejected", "skipped", "unknown", "pending",
    "reasons": {reason: rows}, "report"}``, and what the vendor's operator says of its campaign. The five outcomes add
    up to ``total``.

    :param contacts: where the rows come from: `SqlContacts`, `FileContacts`, `AssetContacts`, a list of mappings or of
        numbers, or an upstream task's output. Templated, never shown.
    :param agent_id: the agent for rows that name none; default: the connection's. Templated.
    :param call_options: fields for every call whose row does not say otherwise, such as ``{"priority": 5}``; its
        ``metadata`` is joined with the row's. Templated, never shown.
    :param column_map: source column to call field, such as ``{"phone": "to_number"}``; None as field leaves the column
        out altogether.
    :param default_region: two-letter region for numbers without ``+`` (extra ``[phone]``); None rejects them.
    :param policy: when a phone may ring, how often, and whose may not; None lets every call ring at any time.
    :param when_closed: what becomes of a call that may not ring now: ``"wait"`` (default) keeps it pending and the task
        sleeps, without a worker slot, until the next opening; ``"schedule"`` sends it to the vendor with the next
        opening as its ``schedule_at``; ``"stop"`` ends the task.
    :param soft_fail: with ``when_closed="stop"``, skip the task rather than fail it.
    :param schedule_at: when calls ring whose row does not say: a date and time, ``"next_window"``, or None for now. A
        moment in the past moves to the next opening. Templated.
    :param expires_after: a call that could ring only later than this after it was due is skipped. Due is its
        ``schedule_at``, else the end of the run's data interval.
    :param stale_runs: what a run does that is long past: ``"skip"`` (default), ``"fail"``, or ``"dial"`` all the same.
        Templated.
    :param stale_after: how long after the end of its data interval a run is long past. Default one day.
    :param calls_per_second: starts per second at most, evenly spaced, also after a pause; None sets no pace.
    :param max_concurrency: calls in flight at once, 1 to 1000. Default 64.
    :param stop_after_unknown: a streak of this many lost answers ends the run; None goes on. Default 20.
    :param on_unknown: ``"warn"`` or ``"fail"`` when calls ended unknown.
    :param max_rejected: above this many rejected rows (a count, or a fraction of all rows) the task fails after the
    run;
        what was accepted stays accepted. None never fails.
    :param shard: ``(index, count)`` takes only the rows whose key hashes there, so that several tasks share one list.
    :param report_path: one line per row, CSV or JSON Lines by its ending, local or in object storage. Templated.
    :param dry_run: read, check and look up everything, send nothing, and say what would have been done.
    """

    template_fields: Sequence[str] = (
        "contacts",
        "agent_id",
        "call_options",
        "suppression",
        "schedule_at",
        "stale_runs",
        "ledger_conn_id",
        "ledger_scope",
        "redial",
        "report_path",
    )
    template_ext: Sequence[str] = (".sql",)

    def __init__(
        self,
        *,
        contacts: Any,
        agent_id: str | None = None,
        call_options: Mapping[str, Any] | None = None,
        column_map: Mapping[str, str | None] | None = None,
        default_region: str | None = None,
        policy: CallingPolicy | None = None,
        when_closed: Literal["wait", "schedule", "stop"] = "wait",
        soft_fail: bool = False,
        schedule_at: Any = None,
        expires_after: timedelta | None = None,
        stale_runs: str = "skip",
        stale_after: timedelta = timedelta(days=1),
        calls_per_second: float | None = None,
        max_concurrency: int = 64,
        stop_after_unknown: int | None = 20,
        on_unknown: Literal["warn", "fail"] = "warn",
        max_rejected: float | None = None,
        shard: Sequence[int] | None = None,
        report_path: str | None = None,
        dry_run: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.contacts = as_source(contacts)
        self.agent_id = agent_id
        self.call_options = Private(call_options)
        self.column_map = column_map
        self.default_region = default_region
        self.policy = policy
        self.suppression = Suppression(policy.suppress if policy is not None else None)
        self.when_closed = when_closed
        self.soft_fail = soft_fail
        self.schedule_at = schedule_at
        self.expires_after = expires_after
        self.stale_runs = stale_runs
        self.stale_after = stale_after
        self.calls_per_second = calls_per_second
        self.max_concurrency = max_concurrency
        self.stop_after_unknown = stop_after_unknown
        self.on_unknown = on_unknown
        self.max_rejected = max_rejected
        self.shard = shard
        self.report_path = report_path
        self.dry_run = dry_run
        XComArg.apply_upstream_relationship(
            self, [*templated_values(self.contacts), *self.suppression.templated, call_options]
        )
        self._check_arguments()

    def _check_arguments(self) -> None:
        if self.on_unknown not in ("warn", "fail"):
            raise ConfigurationError('on_unknown must be "warn" or "fail"')
        if self.max_rejected is not None and self.max_rejected < 0:
            raise ConfigurationError("max_rejected must be a count, or a fraction from 0.0 to 1.0")
        if self.when_closed not in ("wait", "schedule", "stop"):
            raise ConfigurationError('when_closed must be "wait", "schedule" or "stop"')
        if "{{" not in self.stale_runs:
            checked_stale_runs(self.stale_runs, self.stale_after)
        if self.expires_after is not None and self.expires_after <= timedelta(0):
            raise ConfigurationError("expires_after must be a positive timedelta")
        if self.policy is not None:
            check_policy(self.policy, ledger_conn_id=self.ledger_conn_id)
        elif self.expires_after is not None:
            raise ConfigurationError("expires_after needs a policy, which tells when a call may ring")
        self._limits()
        self._shard()

    def _account(self) -> Account:
        """The operator's connection, read once."""
        raise NotImplementedError

    def _announce(self, context: Mapping[str, Any]) -> None:
        """Make the run's link visible, where the vendor has a page for it."""

    def _batch_id(self) -> str | None:
        """The campaign that every call belongs to, where the vendor's calls name one."""
        return None

    def _campaign(self) -> dict[str, Any]:
        """What the result says of the campaign, or campaigns."""
        return {}

    def _sink(self, report: Report | None) -> RowSink | None:
        """Who is told of each row's outcome."""
        return report

    def _default_scope(self, context: Mapping[str, Any]) -> str:
        """One scope for all runs that are long past: a person is rung once over all days that a backfill replays."""
        if is_stale(context, self.stale_after):
            return f"{context['ti'].dag_id}/{context['ti'].task_id}@replayed"
        return super()._default_scope(context)

    def _ledger(self, context: Mapping[str, Any], scope: str) -> CallLedger:
        several_passes = self.policy is not None and self.when_closed != "stop" and not self.dry_run
        own_scope = [] if self.ledger_scope else [super()._default_scope(context)]  # where it began, not yet long past
        return open_ledger(
            context,
            ledger_conn_id=self.ledger_conn_id,
            scope=scope,
            also=own_scope,
            caps=caps_of(self.policy),
            several_passes=several_passes,
        )

    def execute(self, context: Mapping[str, Any]) -> dict[str, Any]:
        """Place the calls, publish the report, and return the summary."""
        stale_runs = checked_stale_runs(self.stale_runs, self.stale_after)
        refuse_stale_run(context, stale_runs=stale_runs, stale_after=self.stale_after)
        return self._run(context)

    def go_on(self, context: Mapping[str, Any], event: Any = None) -> dict[str, Any]:  # noqa: ARG002
        """Go on after the hours have opened; the ledger knows who has been rung before."""
        return self._run(context)

    def _run(self, context: Mapping[str, Any]) -> dict[str, Any]:
        self._announce(context)
        if self.dry_run:
            from airflow_provider_callkaro.dispatch.preflight import Preflight

            preflight = Preflight(policy=self.policy, pace=self.calls_per_second, waits=self.when_closed != "stop")
            return self._rehearsed(context, preflight, self._one_pass(context, observe=preflight.observe))
        while True:
            summary = self._one_pass(context)
            if not self._waits(summary):
                return self._conclude(context, summary)
            self._nap(summary)

    def _rehearsed(self, context: Mapping[str, Any], preflight: Preflight, summary: Summary) -> dict[str, Any]:  # noqa: ARG002
        """Say what would have become of the list."""
        self.log.info("Dry run, nobody was rung:\n%s", preflight.report(summary))
        return summary.as_xcom(campaign=self._campaign(), report=self.report_path)

    def _one_pass(self, context: Mapping[str, Any], *, observe: Observe | None = None) -> Summary:
        """Go through the whole list once: whoever may be rung now is."""
        account = self._account()
        numbers = NumberReader(default_region=self.default_region)
        options = {**(self.call_options.value or {}), **({"schedule_at": self.schedule_at} if self.schedule_at else {})}
        reader = RowReader(
            numbers=numbers,
            agent_id=self.agent_id or account.agent_id,
            batch_id=self._batch_id(),
            options=options,
            column_map=self.column_map,
            schedule_timezone=account.schedule_timezone,
            vocabulary=account.vocabulary,
            judged=self.policy is not None,
        )
        rules = None
        if self.policy is not None:
            rules = rules_for(
                self.policy,
                when_closed=self.when_closed,
                due=due_at(context),
                expires_after=self.expires_after,
                vendor_zone=account.schedule_timezone,
                takes_times_of_day="min_trigger_time" in account.vocabulary.fields,
                suppressed=self.suppression.read(context, numbers),
                connection_id=account.connection_id,
                rings_for=account.rings_for,
            )
        calls = CallList(
            rows=self.contacts.rows(context),
            total=None if self.shard else self.contacts.total(context),
            read=reader.read,
            vendor=account.vendor,
            target=account.target,
            rules=rules,
        )
        report = new_report(self.report_path)
        try:
            summary = self._place_calls(
                context,
                calls,
                limits=self._limits(),
                report=self._sink(report),
                shard=self._shard(),
                dry_run=self.dry_run,
                observe=observe,
            )
            if report is not None:
                report.publish()
        finally:
            calls.close()
            if report is not None:
                report.close()
        return summary

    def _waits(self, summary: Summary) -> bool:
        return summary.resume_at is not None and summary.stopped is None and self.when_closed != "stop"

    def _nap(self, summary: Summary) -> None:
        """Sleep until the next call may ring: in the worker for a moment, else deferred, without a worker slot."""
        from airflow_provider_callkaro.triggers.schedule_window import ScheduleWindowTrigger

        moment = summary.resume_at or datetime.now(UTC)
        pause = moment - datetime.now(UTC)
        self.log.info("%s", summary)
        self.log.info("%d calls wait until %s", summary.pending, f"{moment:%Y-%m-%d %H:%M:%S} UTC")
        if pause >= SHORT_NAP:
            self.defer(trigger=ScheduleWindowTrigger(moment=moment), method_name="go_on")
        wake = threading.Event()
        while (left := (moment - datetime.now(UTC)).total_seconds()) > 0 and not self._asked_to_stop():
            wake.wait(min(left, 0.25))

    def _limits(self) -> Limits:
        return Limits(
            max_concurrency=self.max_concurrency,
            calls_per_second=self.calls_per_second,
            stop_after_unknown=self.stop_after_unknown,
        )

    def _shard(self) -> Shard | None:
        if self.shard is None:
            return None
        try:
            index, count = map(int, self.shard)
        except (TypeError, ValueError):
            raise ConfigurationError("shard must be two whole numbers, (index, count)") from None
        return Shard(index=index, count=count)

    def _conclude(self, context: Mapping[str, Any], summary: Summary) -> dict[str, Any]:
        """Say what the run came to, and fail the task where its author asked for that."""
        result = summary.as_xcom(campaign=self._campaign(), report=self.report_path)
        self.log.info("%s", summary)
        self.log.info(
            "%d calls were sent in this try; %d rows were settled before it", summary.dialled, summary.resumed
        )
        try:
            refuse_closed(summary, soft_fail=self.soft_fail)
            self._refuse_unfinished(summary)
            refuse_beyond_limits(summary, on_unknown=self.on_unknown, max_rejected=self.max_rejected)
        except Exception:
            context["ti"].xcom_push(key="return_value", value=result)
            raise
        if summary.unknown:
            self.log.warning(
                "%d calls are unknown: they may have rung, and nobody is rung again for them unless redial asks for it",
                summary.unknown,
            )
        for outlet in self.outlets:
            context["outlet_events"][outlet].extra = {key: value for key, value in result.items() if key != "reasons"}
        return result
