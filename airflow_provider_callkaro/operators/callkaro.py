"""The CallKaro operators: create a campaign, place one call or many, delete scheduled calls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, Literal

from airflow.providers.common.compat.sdk import (
    AirflowFailException,
    AirflowSkipException,
    BaseOperator,
    XComArg,
)

from airflow_provider_callkaro.calls.masking import mask_number
from airflow_provider_callkaro.calls.outcome import Outcome
from airflow_provider_callkaro.calls.phone import NumberReader
from airflow_provider_callkaro.calls.row import OPTION_FIELDS, RowReader
from airflow_provider_callkaro.dispatch.intake import Shard
from airflow_provider_callkaro.dispatch.run import Limits, redial_states
from airflow_provider_callkaro.dispatch.tally import RowOutcome, Summary
from airflow_provider_callkaro.exceptions import ConfigurationError, Rejected, Unauthorized
from airflow_provider_callkaro.hooks.callkaro import CallKaroHook
from airflow_provider_callkaro.links.callkaro import CallKaroCampaignLink
from airflow_provider_callkaro.operators.calls import CallList, PlaceCallsOperator, new_report
from airflow_provider_callkaro.operators.private import Private, own_copies
from airflow_provider_callkaro.operators.task_run import task_state_of
from airflow_provider_callkaro.sources.contract import templated_values
from airflow_provider_callkaro.sources.given import as_source

CAMPAIGN_STATE = "campaign"


class CallKaroCreateCampaignOperator(BaseOperator):
    """Create a campaign and return its ``batch_id``. Rings nobody.

    On Airflow 3.3 and later a retry of the task, and a cleared task, return the campaign that the first try created.

    :param name: what the campaign is called in the dashboard, 1 to 200 characters. Templated.
    :param agent_id: the one agent of all its calls; without it each call names its own. Templated.
    :param callkaro_conn_id: the CallKaro connection.
    """

    template_fields: Sequence[str] = ("name", "agent_id", "callkaro_conn_id")
    operator_extra_links = (CallKaroCampaignLink(),)
    ui_color = "#e3f1ec"

    def __init__(
        self,
        *,
        name: str,
        agent_id: str | None = None,
        callkaro_conn_id: str = CallKaroHook.default_conn_name,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.name = name
        self.agent_id = agent_id
        self.callkaro_conn_id = callkaro_conn_id

    @cached_property
    def hook(self) -> CallKaroHook:
        """The CallKaro hook."""
        return CallKaroHook(self.callkaro_conn_id)

    def execute(self, context: Mapping[str, Any]) -> str:
        """Create the campaign, or find the one that an earlier try created."""
        store = task_state_of(context)
        remembered = store.get(CAMPAIGN_STATE, default={}) if store is not None else {}
        batch_id = remembered.get("batch_id")
        if batch_id:
            self.log.info("An earlier try created campaign %s; using it", batch_id)
        else:
            batch_id = _fail_without_retry(self.hook.create_campaign, self.name, self.agent_id or None)
            if store is not None:
                store.set(CAMPAIGN_STATE, {"batch_id": batch_id})
            self.log.info("Created campaign %s", batch_id)
        CallKaroCampaignLink.show(context, batch_id)
        return batch_id


class CallKaroOutboundCallOperator(PlaceCallsOperator):
    """Place one call, and return its id.

    The same ledger as in a fan-out stands before it: a retry returns the call that the first try placed, and a person
    who has been rung in the scope is not rung again (the task is skipped).

    :param to_number: whom to ring, E.164. Templated, never shown.
    :param agent_id: which agent speaks; default: the connection's. Templated.
    :param batch_id: the campaign that the call belongs to. Templated.
    :param metadata: facts for the agent's prompts. Templated, never shown.
    :param schedule_at: when to ring, ISO form or datetime; naive values are meant in the connection's
        ``schedule_timezone``. Templated.
    :param min_trigger_time: the earliest time of day to ring, ``HH:MM`` in that zone.
    :param max_trigger_time: the latest time of day to ring, ``HH:MM`` in that zone.
    :param carry_over: whether a call that reached ``max_trigger_time`` moves to the next day.
    :param number_of_retries: how often CallKaro redials somebody who does not pick up, 0 to 10.
    :param gap_between_retries: minutes between its redials, one number or one per redial.
    :param priority: place in CallKaro's queue, -100 (last) to 100 (first).
    :param language: ``hi``, ``en``, ``kn``, ``mr``, ``ta``, ``te``, ``bn``, ``gu`` or ``ml``.
    :param call_key: under which the person may be rung once in the scope; default: the number. Templated.
    :param default_region: two-letter region for a number without ``+`` (extra ``[phone]``).
    :param callkaro_conn_id: the CallKaro connection.
    :param ledger_conn_id: see `CallKaroFanOutCallsOperator`.
    :param ledger_scope: see `CallKaroFanOutCallsOperator`.
    :param redial: see `CallKaroFanOutCallsOperator`.
    """

    template_fields: Sequence[str] = (
        "to_number",
        "agent_id",
        "batch_id",
        "metadata",
        "schedule_at",
        "call_key",
        "callkaro_conn_id",
        "ledger_conn_id",
        "ledger_scope",
        "redial",
    )
    operator_extra_links = (CallKaroCampaignLink(),)
    ui_color = "#e3f1ec"

    def __init__(
        self,
        *,
        to_number: str,
        agent_id: str | None = None,
        batch_id: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        schedule_at: Any = None,
        min_trigger_time: str | None = None,
        max_trigger_time: str | None = None,
        carry_over: bool | None = None,
        number_of_retries: int | None = None,
        gap_between_retries: int | list[int] | None = None,
        priority: int | None = None,
        language: str | None = None,
        call_key: str | None = None,
        default_region: str | None = None,
        callkaro_conn_id: str = CallKaroHook.default_conn_name,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.to_number = Private(to_number)
        self.agent_id = agent_id
        self.batch_id = batch_id
        self.metadata = Private(metadata)
        self.schedule_at = schedule_at
        self.min_trigger_time = min_trigger_time
        self.max_trigger_time = max_trigger_time
        self.carry_over = carry_over
        self.number_of_retries = number_of_retries
        self.gap_between_retries = gap_between_retries
        self.priority = priority
        self.language = language
        self.call_key = call_key
        self.default_region = default_region
        self.callkaro_conn_id = callkaro_conn_id
        XComArg.apply_upstream_relationship(self, [to_number, metadata])

    @cached_property
    def hook(self) -> CallKaroHook:
        """The CallKaro hook."""
        return CallKaroHook(self.callkaro_conn_id)

    def execute(self, context: Mapping[str, Any]) -> str:
        """Place the call, unless the ledger says that it has been placed."""
        connection = self.hook.connection
        reader = RowReader(
            numbers=NumberReader(default_region=self.default_region),
            agent_id=self.agent_id or connection.agent_id,
            batch_id=self.batch_id,
            options={name: getattr(self, name) for name in OPTION_FIELDS - {"agent_id", "metadata"}},
            schedule_timezone=connection.vendor.schedule_timezone,
        )
        row = {"to_number": self.to_number.value, "metadata": self.metadata.value, "call_key": self.call_key}
        CallKaroCampaignLink.show(context, self.batch_id)
        kept = _LastRow()
        summary = self._place_calls(
            context,
            CallList(rows=[row], total=1, read=reader.read, vendor=connection.vendor, target=connection.target),
            limits=Limits(max_concurrency=1, stop_after_unknown=None),
            report=kept,
        )
        self._refuse_unfinished(summary)
        return self._call_id(kept.row, str(self.to_number.value))

    def _call_id(self, row: RowOutcome | None, number: str) -> str:
        if row is None:
            raise ConfigurationError("the call has no outcome, which must not happen: please report it")
        shown = mask_number(number)
        if row.outcome is Outcome.ACCEPTED:
            self.log.info("Call %s to %s was accepted", row.call_id, shown)
            return row.call_id or ""
        if row.outcome is Outcome.SKIPPED:
            raise AirflowSkipException(f"{shown} was not rung: {row.reason}")
        raise AirflowFailException(f"the call to {shown} ended {row.outcome}: {row.detail or row.reason}")


class CallKaroFanOutCallsOperator(PlaceCallsOperator):
    """Place one call per contact row, each at most once, and account for every row.

    Returns a summary of fixed size: ``{"batch_id", "total", "accepted", "rejected", "skipped", "unknown", "pending",
    "reasons": {reason: rows}, "report"}``. The five outcomes add up to ``total``.

    :param contacts: where the rows come from: `SqlContacts`, `FileContacts`, `AssetContacts`, a list of mappings or of
        numbers, or an upstream task's output. Templated, never shown.
    :param batch_id: the campaign, such as the output of `CallKaroCreateCampaignOperator`. Templated.
    :param agent_id: the agent for rows that name none; default: the connection's. Templated.
    :param call_options: fields for every call whose row does not say otherwise, such as ``{"priority": 5}``; its
        ``metadata`` is joined with the row's. Templated, never shown.
    :param column_map: source column to call field, such as ``{"phone": "to_number"}``; None as field leaves the column
        out altogether.
    :param default_region: two-letter region for numbers without ``+`` (extra ``[phone]``); None rejects them.
    :param calls_per_second: starts per second at most, evenly spaced, also after a pause; None sets no pace.
    :param max_concurrency: calls in flight at once, 1 to 1000. Default 64.
    :param stop_after_unknown: a streak of this many lost answers ends the run; None goes on. Default 20.
    :param ledger_conn_id: a SQL connection whose ledger remembers who has been rung, over runs and DAGs; None uses the
        task's own state (Airflow 3.3 and later). Templated.
    :param ledger_scope: the name under which a person may be rung once; default: DAG, task and data interval.
    Templated.
    :param redial: ``"unknown"`` or ``"rejected"`` (or both, as a list) dispatches calls that ended so once more, on
        purpose; each at most once. Templated.
    :param on_unknown: ``"warn"`` or ``"fail"`` when calls ended unknown.
    :param max_rejected: above this many rejected rows (a count, or a fraction of all rows) the task fails after the
    run;
        what was accepted stays accepted. None never fails.
    :param shard: ``(index, count)`` takes only the rows whose key hashes there, so that several tasks share one list.
    :param report_path: one line per row, CSV or JSON Lines by its ending, local or in object storage. Templated.
    :param dry_run: read, check and look up everything, send nothing, and say what would have been done.
    :param callkaro_conn_id: the CallKaro connection. Templated.
    """

    template_fields: Sequence[str] = (
        "contacts",
        "batch_id",
        "agent_id",
        "call_options",
        "ledger_conn_id",
        "ledger_scope",
        "redial",
        "report_path",
        "callkaro_conn_id",
    )
    template_ext: Sequence[str] = (".sql",)
    operator_extra_links = (CallKaroCampaignLink(),)
    ui_color = "#cfe8dc"

    def __init__(
        self,
        *,
        contacts: Any,
        batch_id: str | None = None,
        agent_id: str | None = None,
        call_options: Mapping[str, Any] | None = None,
        column_map: Mapping[str, str | None] | None = None,
        default_region: str | None = None,
        calls_per_second: float | None = None,
        max_concurrency: int = 64,
        stop_after_unknown: int | None = 20,
        on_unknown: Literal["warn", "fail"] = "warn",
        max_rejected: float | None = None,
        shard: Sequence[int] | None = None,
        report_path: str | None = None,
        dry_run: bool = False,
        callkaro_conn_id: str = CallKaroHook.default_conn_name,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.contacts = as_source(contacts)
        self.batch_id = batch_id
        self.agent_id = agent_id
        self.call_options = Private(call_options)
        self.column_map = column_map
        self.default_region = default_region
        self.calls_per_second = calls_per_second
        self.max_concurrency = max_concurrency
        self.stop_after_unknown = stop_after_unknown
        self.on_unknown = on_unknown
        self.max_rejected = max_rejected
        self.shard = shard
        self.report_path = report_path
        self.dry_run = dry_run
        self.callkaro_conn_id = callkaro_conn_id
        XComArg.apply_upstream_relationship(self, [*templated_values(self.contacts), call_options])
        if on_unknown not in ("warn", "fail"):
            raise ConfigurationError('on_unknown must be "warn" or "fail"')
        if max_rejected is not None and max_rejected < 0:
            raise ConfigurationError("max_rejected must be a count, or a fraction from 0.0 to 1.0")
        self._limits()

    @cached_property
    def hook(self) -> CallKaroHook:
        """The CallKaro hook."""
        return CallKaroHook(self.callkaro_conn_id)

    def execute(self, context: Mapping[str, Any]) -> dict[str, Any]:
        """Place the calls, publish the report, and return the summary."""
        calls = self._calls(context)
        report = new_report(self.report_path)
        CallKaroCampaignLink.show(context, self.batch_id)
        try:
            summary = self._place_calls(
                context, calls, limits=self._limits(), report=report, shard=self._shard(), dry_run=self.dry_run
            )
            if report is not None:
                report.publish()
        finally:
            calls.close()
            if report is not None:
                report.close()
        return self._conclude(context, summary)

    def _calls(self, context: Mapping[str, Any]) -> CallList:
        connection = self.hook.connection
        redial_states(self.redial)
        reader = RowReader(
            numbers=NumberReader(default_region=self.default_region),
            agent_id=self.agent_id or connection.agent_id,
            batch_id=self.batch_id,
            options=self.call_options.value,
            column_map=self.column_map,
            schedule_timezone=connection.vendor.schedule_timezone,
        )
        return CallList(
            rows=self.contacts.rows(context),
            total=None if self.shard else self.contacts.total(context),
            read=reader.read,
            vendor=connection.vendor,
            target=connection.target,
        )

    def _limits(self) -> Limits:
        return Limits(
            max_concurrency=self.max_concurrency,
            calls_per_second=self.calls_per_second,
            stop_after_unknown=self.stop_after_unknown,
        )

    def _shard(self) -> Shard | None:
        if self.shard is None:
            return None
        index, count = self.shard
        return Shard(index=int(index), count=int(count))

    def _conclude(self, context: Mapping[str, Any], summary: Summary) -> dict[str, Any]:
        """Say what the run came to, and fail the task where its author asked for that."""
        result = summary.as_xcom(batch_id=self.batch_id, report=self.report_path)
        self.log.info("%s%s", "Would have dispatched the pending: " if self.dry_run else "", summary)
        self.log.info(
            "%d requests were sent in this try; %d rows were settled before it", summary.dialled, summary.resumed
        )
        if self.dry_run:
            return result
        try:
            self._refuse_unfinished(summary)
            self._refuse_beyond_limits(summary)
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

    def _refuse_beyond_limits(self, summary: Summary) -> None:
        if self.on_unknown == "fail" and summary.unknown:
            raise AirflowFailException(
                f"{summary.unknown} of {summary.total} calls are unknown, and on_unknown is fail"
            )
        if self.max_rejected is None:
            return
        fraction = isinstance(self.max_rejected, float)
        allowed = self.max_rejected * summary.total if fraction else self.max_rejected
        if summary.rejected > allowed:
            raise AirflowFailException(
                f"{summary.rejected} of {summary.total} rows were rejected, more than max_rejected={self.max_rejected} "
                "allows; the accepted calls stay accepted (the reasons are in the report and the summary)"
            )


class CallKaroDeleteScheduledCallOperator(BaseOperator):
    """Delete the scheduled calls of one agent to one number.

    CallKaro selects by agent and number alone, so calls that another campaign or DAG scheduled go too.

    :param to_number: whose calls to delete, E.164. Templated, never shown.
    :param agent_id: the agent that would speak; default: the connection's. Templated.
    :param callkaro_conn_id: the CallKaro connection. Templated.
    """

    template_fields: Sequence[str] = ("to_number", "agent_id", "callkaro_conn_id")
    ui_color = "#f3e9e3"

    def __init__(
        self,
        *,
        to_number: str,
        agent_id: str | None = None,
        callkaro_conn_id: str = CallKaroHook.default_conn_name,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.to_number = Private(to_number)
        self.agent_id = agent_id
        self.callkaro_conn_id = callkaro_conn_id
        XComArg.apply_upstream_relationship(self, to_number)

    def render_template_fields(self, context: Any, jinja_env: Any = None) -> None:
        """Render the template fields of this try, and of no other."""
        own_copies(self, self.template_fields)
        super().render_template_fields(context, jinja_env)

    @cached_property
    def hook(self) -> CallKaroHook:
        """The CallKaro hook."""
        return CallKaroHook(self.callkaro_conn_id)

    def execute(self, context: Mapping[str, Any]) -> None:  # noqa: ARG002 - Airflow's signature
        """Delete the calls. Deleting what is not there is no error of ours."""
        number = NumberReader().read(self.to_number.value)
        if number is None:
            raise ConfigurationError("to_number cannot be read as E.164: + and 2 to 15 digits")
        agent_id = self.agent_id or self.hook.connection.agent_id
        if not agent_id:
            raise ConfigurationError(
                "no agent is known: set agent_id on the operator or in the extra of the connection"
            )
        _fail_without_retry(self.hook.delete_scheduled_call, number, agent_id)
        self.log.info("Deleted the scheduled calls of agent %s to %s", agent_id, mask_number(number))


class _LastRow:
    """A report of one row, for the operator itself to read."""

    def __init__(self) -> None:
        self.row: RowOutcome | None = None

    def add(self, row: RowOutcome) -> None:
        self.row = row


def _fail_without_retry(method: Any, *arguments: Any) -> Any:
    """Call a hook's method; an answer that a retry of the task cannot change fails the task for good."""
    try:
        return method(*arguments)
    except (Unauthorized, Rejected) as error:
        raise AirflowFailException(str(error)) from error
