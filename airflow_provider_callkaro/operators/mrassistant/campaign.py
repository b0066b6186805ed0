"""The MrAssistant campaign operator: the fan-out, with up to a thousand calls in each request."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from airflow_provider_callkaro.dispatch.report import RowSink
from airflow_provider_callkaro.hooks.mrassistant import MrAssistantHook
from airflow_provider_callkaro.links.campaigns import MrAssistantCampaignLink
from airflow_provider_callkaro.links.files import CallReportLink
from airflow_provider_callkaro.sources.inline import as_source
from airflow_provider_callkaro.tasks.account import Account
from airflow_provider_callkaro.tasks.fan_out import FAN_OUT_FIELDS, FanOutOperator
from airflow_provider_callkaro.tasks.mrassistant.campaign_arguments import (
    CAMPAIGN_FIELDS,
    NEVER_SHOWN_OF_A_CAMPAIGN,
    CampaignArguments,
    CampaignsOfRows,
)
from airflow_provider_callkaro.tasks.redacted import Redacted, RedactedPath
from airflow_provider_callkaro.tasks.rules import Suppression, read_policy
from airflow_provider_callkaro.vendors.mrassistant.fields import ROW_SCHEMA

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context, XComArg

    from airflow_provider_callkaro.calls.policy import CallingPolicy
    from airflow_provider_callkaro.sources.contract import ContactSource


class MrAssistantCreateCampaignOperator(FanOutOperator):
    """Call everybody on a list through MrAssistant campaigns, each person at most once, and account for every row.

    Creating a campaign starts it, so up to ``targets_per_campaign`` calls are claimed together, settled together, and
    unknown together when an answer is lost. Returns a summary of bounded size: ``{"campaigns", "created", "total",
    "accepted", "rejected", "skipped", "unknown", "pending", "reasons": {reason: rows}, "report"}``. ``campaigns`` is
    how many campaigns there are, ``created`` the first 100 of them, each ``{"campaign_id", "status", "total_targets",
    "calls_initiated", "calls_completed", "calls_failed", "scheduled_at", "started_at"}`` as MrAssistant answered; of
    one that an earlier try created only the id is known. The report gives the campaign of each row as its ``call_id``.

    :param contacts: where the rows come from: `SqlContacts`, `FileContacts`, `AssetContacts`, a list of mappings or of
        numbers, or an upstream task's output. Templated, never shown.
    :param name: of the campaign, 1 to 255 characters. A list that makes several has them numbered. Templated.
    :param agent_id: the agent for rows that name none; default: the connection's. Templated.
    :param call_options: fields for every call whose row does not set them, such as ``{"priority": 5}``; its
        ``metadata`` is merged with the row's. Templated, never shown.
    :param column_map: source column to call field, such as ``{"phone": "to_number"}``; a column mapped to None
        is left out.
    :param row_fields: the fields of a call that a row may set beside its number and metadata; None allows
        ``schedule_at``, and ``timezone`` with a policy in recipients' zones. A list with
        a column of another field is refused, unless ``column_map`` names the column.
    :param metadata_columns: the columns that the vendor gets as metadata, and the names in a row's own ``metadata``;
        None sends every column that is no field, and logs which.
    :param default_region: two-letter region for numbers without ``+`` (extra ``[phone]``); None rejects them.
    :param allowed_countries: two-letter codes (ISO 3166-1) of the countries that may be called, such as ``["IN"]``;
        None allows all. A number of no country (satellite, ``+1 800``) is in none of them.
    :param allowed_number_types: which types of number may be called, such as ``["mobile", "fixed_line"]`` (extra
        ``[phone]``); others, and impossible numbers, are rejected. None allows all.
    :param policy: when a phone may ring, how often, and whose may not: a `CallingPolicy` or the name of
        a rule pack, such as ``"in-promotional"``; None lets every call ring at any time.
    :param when_closed: what happens to a call that may not ring now: ``"wait"`` (default) keeps it pending, and the
        task waits without a worker slot for the next opening; ``"schedule"`` sends it to the vendor with the next
        opening as its ``schedule_at``; ``"stop"`` ends the task.
    :param soft_fail: with ``when_closed="stop"``, skip the task rather than fail it.
    :param schedule_at: when calls ring whose row does not say so: a date and time, ``"next_window"`` (with a policy),
        or None for now. A past time moves to the next opening. Templated.
    :param expires_after: skip a call that could ring only later than this after it was due. It is due at its
        ``schedule_at``, or else at the end of the run's data interval.
    :param stale_runs: what a run does that is stale when it first starts: ``"skip"`` (default), ``"fail"``, or
        ``"dial"`` all the same. Templated.
    :param stale_after: how long after the end of its data interval a run is stale. Default one day.
    :param calls_per_second: the rate limit: calls started per second at most, evenly spaced, also after a pause; None
        sets no limit.
    :param max_concurrency: campaigns created at once, 1 to 1000. Default 1.
    :param stop_after_unknown: the circuit breaker: this many lost answers end the run, where four clear answers make up
        for a lost one. None never ends it. Default 2.
    :param priority: among the runs that share the connection's budget, -1000 to 1000: a higher one goes first, and
        another number than a call's ``priority`` at the vendor. Default 0. It does nothing without a budget.
    :param weight: of the runs with the same ``priority``, one with the weight 2 gets twice the share of one with 1;
        above 0, at most 1000. Default 1.
    :param on_unknown: ``"warn"`` (default) or ``"fail"`` if calls ended unknown.
    :param on_none_accepted: ``"fail"`` (default) or ``"warn"`` if a list that is not empty ends without an accepted
        call, and neither an earlier run nor a rule about people (suppression, caps, expiry) explains it.
    :param max_rejected: with more rejected rows than this (a count, or a fraction of all rows) the task fails after the
        run; accepted calls stay accepted. None never fails it.
    :param min_rows: a list with fewer rows fails the task: before the first call where the source knows its length,
        else after the run. With a ``shard``, only the former. Default 0.
    :param max_rows: a list with more rows fails the task before the first call. A source that does not know its length
        is read twice: first to count. None sets no limit.
    :param shard: ``(index, count)`` takes only the rows whose key hashes to ``index``, so that several tasks share a
        list.
    :param report_path: a file with one line per row, CSV or JSON Lines by its ending, local or in object storage; None
        writes none. Templated.
    :param report_columns: the columns of the contact rows that the report has beside the outcome, such as
        ``["customer_id"]``, or ``{"state": "home_state"}`` to rename them there. ``call_key`` names the column that
        is the key. Numbers are in the report only if ``"to_number"`` is named. None adds none.
    :param ledger_conn_id: a SQL connection whose ledger remembers who has been called, over runs and DAGs; None uses
        the task's own state (Airflow 3.3 and later). Templated.
    :param ledger_scope: the idempotency scope: a person is called once under this name. Default: DAG, task and data
        interval. A run without an interval (started by hand, or by an asset) needs it with a SQL ledger. Templated.
    :param redial: ``"unknown"`` or ``"rejected"`` (or both, as a list): places calls that ended so once more, on
        purpose. Templated.
    :param call_reference: whether a call carries a reference in its context, by which its outcome finds it, where the
        ledger is a SQL one. Default True.
    :param targets_per_campaign: 1 to 1,000. Default 50: so many people are unknown when one answer is lost. Templated.
    :param concurrent_calls: of one campaign at a time, 1 to 10. Default 1. Templated.
    :param retry_failed: whether MrAssistant redials failed calls. Templated.
    :param retry_attempts: how often, 0 to 3. Templated.
    :param context: facts for the agent in every call, beside the row's own columns. Templated, never shown.
    :param webhook_url: where MrAssistant reports the campaign's progress; default: the connection's. Templated, never
        shown.
    :param webhook_secret: with which it signs these reports; default: the connection's. Templated, never shown.
    :param notify_on_call_complete: whether it reports every completed call. Templated.
    :param extra_fields: what else your account's campaigns take, sent as it is. Templated, never shown.
    :param longest_call: how long one call takes at most, from the first ring to the end; with a policy a campaign only
        starts if its last target will be rung before the window closes. Default 5 minutes. Templated.
    :param dry_run: read, check and look up everything, send nothing, and log what the run would do.
    :param mrassistant_conn_id: the MrAssistant connection. Templated.
    :raises ConfigurationError: an argument cannot work, naming it.
    """

    row_schema = ROW_SCHEMA
    template_fields: Sequence[str] = (*FAN_OUT_FIELDS, *CAMPAIGN_FIELDS, "mrassistant_conn_id")
    operator_extra_links = (MrAssistantCampaignLink(), CallReportLink())
    never_shown = FanOutOperator.never_shown | NEVER_SHOWN_OF_A_CAMPAIGN
    ui_color = "#dfe6f5"

    def __init__(
        self,
        *,
        contacts: ContactSource | Iterable[Mapping[str, Any] | str] | XComArg,
        name: str,
        agent_id: str | None = None,
        call_options: Mapping[str, Any] | None = None,
        column_map: Mapping[str, str | None] | None = None,
        row_fields: Sequence[str] | None = None,
        metadata_columns: Sequence[str] | None = None,
        default_region: str | None = None,
        allowed_countries: Sequence[str] | None = None,
        allowed_number_types: Sequence[str] | None = None,
        policy: CallingPolicy | str | None = None,
        when_closed: Literal["wait", "schedule", "stop"] = "wait",
        soft_fail: bool = False,
        schedule_at: datetime | str | None = None,
        expires_after: timedelta | None = None,
        stale_runs: str = "skip",
        stale_after: timedelta = timedelta(days=1),
        calls_per_second: float | None = None,
        max_concurrency: int = 1,
        stop_after_unknown: int | None = 2,
        priority: int = 0,
        weight: float = 1.0,
        on_unknown: Literal["warn", "fail"] = "warn",
        on_none_accepted: Literal["warn", "fail"] = "fail",
        max_rejected: float | None = None,
        min_rows: int = 0,
        max_rows: int | None = None,
        shard: Sequence[int] | None = None,
        report_path: str | None = None,
        report_columns: Sequence[str] | Mapping[str, str] | None = None,
        ledger_conn_id: str | None = None,
        ledger_scope: str | None = None,
        redial: str | list[str] | None = None,
        call_reference: bool = True,
        targets_per_campaign: int | str = 50,
        concurrent_calls: int | str = 1,
        retry_failed: bool | str = False,
        retry_attempts: int | str = 0,
        context: Mapping[str, Any] | None = None,
        webhook_url: str | None = None,
        webhook_secret: str | None = None,
        notify_on_call_complete: bool | str = False,
        extra_fields: Mapping[str, Any] | None = None,
        longest_call: timedelta | str = timedelta(minutes=5),
        dry_run: bool = False,
        mrassistant_conn_id: str = MrAssistantHook.default_conn_name,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.contacts = as_source(contacts)
        self.name = name
        self.agent_id = agent_id
        self.call_options = Redacted(call_options)
        self.column_map = column_map
        self.row_fields = row_fields
        self.metadata_columns = metadata_columns
        self.default_region = default_region
        self.allowed_countries = allowed_countries
        self.allowed_number_types = allowed_number_types
        self.policy = read_policy(policy)
        self.suppression = Suppression.of(self.policy)
        self.when_closed = when_closed
        self.soft_fail = soft_fail
        self.schedule_at = schedule_at
        self.expires_after = expires_after
        self.stale_runs = stale_runs
        self.stale_after = stale_after
        self.calls_per_second = calls_per_second
        self.max_concurrency = max_concurrency
        self.stop_after_unknown = stop_after_unknown
        self.priority = priority
        self.weight = weight
        self.on_unknown = on_unknown
        self.on_none_accepted = on_none_accepted
        self.max_rejected = max_rejected
        self.min_rows = min_rows
        self.max_rows = max_rows
        self.shard = shard
        self.report_path = RedactedPath(report_path)
        self.report_columns = report_columns
        self.ledger_conn_id = ledger_conn_id
        self.ledger_scope = ledger_scope
        self.redial = redial
        self.call_reference = call_reference
        self.targets_per_campaign = targets_per_campaign
        self.concurrent_calls = concurrent_calls
        self.retry_failed = retry_failed
        self.retry_attempts = retry_attempts
        self.context = Redacted(context)
        self.webhook_url = Redacted(webhook_url)
        self.webhook_secret = Redacted(webhook_secret)
        self.notify_on_call_complete = notify_on_call_complete
        self.extra_fields = Redacted(extra_fields)
        self.longest_call = longest_call
        self.dry_run = dry_run
        self.mrassistant_conn_id = mrassistant_conn_id
        self._check_campaign()
        self._check_arguments()

    def _check_campaign(self) -> None:
        CampaignArguments.of(self).check(self.policy)

    @cached_property
    def hook(self) -> MrAssistantHook:
        """The MrAssistant hook."""
        return MrAssistantHook(self.mrassistant_conn_id)

    def _account(self) -> Account:
        arguments = CampaignArguments.of(self)
        account, self._campaigns = arguments.account(self.hook, agent_id=self.agent_id, policy=self.policy)
        return account

    def _place_calls(self, context: Context, *, resumed: bool) -> dict[str, Any]:
        try:
            return super()._place_calls(context, resumed=resumed)
        finally:
            self._show_campaign(context)

    def _show_campaign(self, context: Context) -> None:
        """Show the link to the campaign; a list that made several has none, because a link leads to one place."""
        created = self._campaigns.created()["campaigns"] if "_campaigns" in vars(self) else []
        if len(created) == 1:
            MrAssistantCampaignLink.show(context, self.hook.connection.campaign_page, created[0]["campaign_id"])

    def _watcher(self) -> RowSink:
        return CampaignsOfRows(self._campaigns)

    def _campaign(self) -> dict[str, Any]:
        campaigns = self._campaigns.created()
        return {"campaigns": campaigns["count"], "created": campaigns["campaigns"]}
