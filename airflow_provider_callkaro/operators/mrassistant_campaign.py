"""The MrAssistant campaign operator: the fan-out, with up to a thousand calls in each request."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any
from uuid import UUID

from airflow.providers.common.compat.sdk import XComArg, mask_secret

from airflow_provider_callkaro.calls.outcome import Outcome
from airflow_provider_callkaro.calls.window import SECONDS_PER_DAY, ScheduleWindow
from airflow_provider_callkaro.dispatch.packing import STALE_SECONDS
from airflow_provider_callkaro.dispatch.report import Report, RowSink
from airflow_provider_callkaro.dispatch.tally import RowOutcome
from airflow_provider_callkaro.exceptions import ConfigurationError
from airflow_provider_callkaro.hooks.mrassistant import MrAssistantHook
from airflow_provider_callkaro.operators.fan_out import Account, FanOutCallsOperator
from airflow_provider_callkaro.operators.preflight import PreflightOperator
from airflow_provider_callkaro.operators.private import Private
from airflow_provider_callkaro.vendors.mrassistant import MAX_TARGETS, VOCABULARY, CampaignSettings
from airflow_provider_callkaro.vendors.mrassistant_campaigns import MrAssistantCampaigns

DAYS_OF_A_WEEK = 7

if TYPE_CHECKING:
    from airflow_provider_callkaro.calls.policy import CallingPolicy


class MrAssistantCreateCampaignOperator(FanOutCallsOperator):
    """Ring everybody on a list through MrAssistant campaigns, each person at most once, and account for every row.

    Creating a campaign starts it, so up to ``targets_per_campaign`` calls are claimed together, settled together, and
    unknown together when an answer is lost. Returns the summary of `FanOutCallsOperator`, and ``"campaigns"``: how many
    campaigns took calls. The report gives the campaign of each row as its ``call_id``.

    The arguments are those of `FanOutCallsOperator`, and:

    :param name: of the campaign, 1 to 255 characters. A list that makes several has them numbered. Templated.
    :param targets_per_campaign: 1 to 1,000. Default 50: so many people are unknown when one answer is lost.
    :param concurrent_calls: of one campaign at a time, 1 to 10. Default 1.
    :param retry_failed: whether MrAssistant redials failed calls.
    :param retry_attempts: how often, 0 to 3.
    :param context: facts for the agent in every call; a row's own columns stand beside it. Templated, never shown.
    :param webhook_url: where MrAssistant reports the campaign's progress. Templated, never shown.
    :param webhook_secret: with which it signs these reports. Templated, never shown.
    :param notify_on_call_complete: whether it reports every completed call.
    :param extra_fields: what else your account's campaigns take, sent as it is. Templated, never shown.
    :param longest_call: how long one call takes at most, from the first ring to the end; with a policy a campaign only
        starts if its last target will be rung before the window closes. Default 5 minutes.
    :param max_concurrency: campaigns created at once. Default 1.
    :param stop_after_unknown: a streak of this many lost answers ends the run. Default 2.
    :param mrassistant_conn_id: the MrAssistant connection. Templated.
    """

    template_fields: Sequence[str] = (
        *FanOutCallsOperator.template_fields,
        "name",
        "context",
        "webhook_url",
        "webhook_secret",
        "extra_fields",
        "mrassistant_conn_id",
    )
    ui_color = "#dfe6f5"

    def __init__(
        self,
        *,
        name: str,
        targets_per_campaign: int = 50,
        concurrent_calls: int = 1,
        retry_failed: bool = False,
        retry_attempts: int = 0,
        context: Mapping[str, Any] | None = None,
        webhook_url: str | None = None,
        webhook_secret: str | None = None,
        notify_on_call_complete: bool = False,
        extra_fields: Mapping[str, Any] | None = None,
        longest_call: timedelta = timedelta(minutes=5),
        max_concurrency: int = 1,
        stop_after_unknown: int | None = 2,
        mrassistant_conn_id: str = MrAssistantHook.default_conn_name,
        **kwargs: Any,
    ) -> None:
        super().__init__(max_concurrency=max_concurrency, stop_after_unknown=stop_after_unknown, **kwargs)
        self.name = name
        self.targets_per_campaign = targets_per_campaign
        self.concurrent_calls = concurrent_calls
        self.retry_failed = retry_failed
        self.retry_attempts = retry_attempts
        self.context = Private(context)
        self.webhook_url = Private(webhook_url)
        self.webhook_secret = Private(webhook_secret)
        self.notify_on_call_complete = notify_on_call_complete
        self.extra_fields = Private(extra_fields)
        self.longest_call = longest_call
        self.mrassistant_conn_id = mrassistant_conn_id
        XComArg.apply_upstream_relationship(self, [context, webhook_url, webhook_secret, extra_fields])
        self._vendor: MrAssistantCampaigns | None = None
        self._check_campaign()

    def _check_campaign(self) -> None:
        if not 1 <= self.targets_per_campaign <= MAX_TARGETS:
            raise ConfigurationError(f"targets_per_campaign must be from 1 to {MAX_TARGETS}")
        if self.longest_call <= timedelta(0):
            raise ConfigurationError("longest_call must be a positive timedelta")
        if self.policy is not None and (self.retry_failed or self.retry_attempts):
            raise ConfigurationError(
                "MrAssistant does not say when it redials, so no policy can be kept with retry_failed or "
                "retry_attempts: leave them out, or the policy"
            )
        self._settings(name="checked", context=None, webhook_url=None, webhook_secret=None, extra_fields=None)
        if self.policy is not None and self._rings_for() >= _longest_opening(self.policy):
            raise ConfigurationError(
                f"a campaign of {self.targets_per_campaign} targets, {self.concurrent_calls} at a time, may ring for "
                f"{self._rings_for()}, and no window of the policy is open for so long: lower targets_per_campaign or "
                "longest_call, or raise concurrent_calls"
            )

    @cached_property
    def hook(self) -> MrAssistantHook:
        """The MrAssistant hook."""
        return MrAssistantHook(self.mrassistant_conn_id)

    def _account(self) -> Account:
        connection = self.hook.connection
        _check_agent(self.agent_id or connection.agent_id)
        secret = self.webhook_secret.value
        if secret:
            mask_secret(secret)
        settings = self._settings(
            name=self.name,
            context=self.context.value,
            webhook_url=self.webhook_url.value,
            webhook_secret=secret,
            extra_fields=self.extra_fields.value,
        )
        if self._vendor is None:  # one for all passes of a try, so that it goes on counting
            self._vendor = MrAssistantCampaigns(
                connection.vendor, settings, targets_per_campaign=self.targets_per_campaign, part=self._part()
            )
        return Account(
            connection_id=self.mrassistant_conn_id,
            vendor=self._vendor,
            target=connection.target,
            agent_id=connection.agent_id,
            schedule_timezone=connection.schedule_timezone,
            vocabulary=VOCABULARY,
            rings_for=self._rings_for(),
        )

    def _settings(
        self,
        *,
        name: str,
        context: Mapping[str, Any] | None,
        webhook_url: str | None,
        webhook_secret: str | None,
        extra_fields: Mapping[str, Any] | None,
    ) -> CampaignSettings:
        return CampaignSettings(
            name=name,
            concurrent_calls=self.concurrent_calls,
            retry_failed=self.retry_failed,
            retry_attempts=self.retry_attempts,
            context=context or None,
            webhook_url=webhook_url or None,
            webhook_secret=webhook_secret or None,
            notify_on_call_complete=self.notify_on_call_complete,
            extra_fields=extra_fields or {},
        )

    def _part(self) -> int | None:
        shard = self._shard()
        return None if shard is None else shard.index + 1

    def _rings_for(self) -> timedelta:
        """How long after its creation a full campaign may still ring phones."""
        rounds = math.ceil(self.targets_per_campaign / self.concurrent_calls)
        return rounds * self.longest_call + timedelta(seconds=STALE_SECONDS)

    def _sink(self, report: Report | None) -> RowSink:
        self._campaigns = _CampaignCount(report)
        return self._campaigns

    def _campaign(self) -> dict[str, Any]:
        return {"campaigns": len(self._campaigns.ids)}


class MrAssistantPreflightOperator(PreflightOperator, MrAssistantCreateCampaignOperator):
    """Rehearse MrAssistant campaigns: ring nobody, and report who would be rung, where, when, and for how much.

    The arguments are those of `PreflightOperator` and of `MrAssistantCreateCampaignOperator`.
    """

    template_fields: Sequence[str] = (*MrAssistantCreateCampaignOperator.template_fields, "page_path")
    ui_color = PreflightOperator.ui_color


def _check_agent(agent_id: str | None) -> None:
    """Refuse an agent that cannot be one before anybody is claimed. Source: create campaign, ``agent_id``."""
    try:
        UUID(agent_id) if agent_id else None
    except ValueError:
        raise ConfigurationError("agent_id must be a UUID, as MrAssistant names its agents") from None


def _longest_opening(policy: CallingPolicy) -> timedelta:
    """How long phones may ring without a break, by the policy's windows alone."""
    windows = [policy.windows] if isinstance(policy.windows, ScheduleWindow) else list(policy.windows)
    spans = sorted(
        (day * SECONDS_PER_DAY + opens, day * SECONDS_PER_DAY + closes)
        for day in range(2 * DAYS_OF_A_WEEK)  # what is open over the turn of the week is seen whole
        for opens, closes in (window.spans[day % DAYS_OF_A_WEEK] for window in windows)
        if closes > opens
    )
    longest, began, ends = 0, 0, 0
    for opens, closes in spans:
        began, ends = (opens, closes) if opens > ends else (began, max(ends, closes))
        longest = max(longest, ends - began)
    return timedelta(seconds=longest) if longest < DAYS_OF_A_WEEK * SECONDS_PER_DAY else timedelta.max


class _CampaignCount:
    """Passes each row on to the report, and remembers which campaigns took calls."""

    def __init__(self, report: RowSink | None) -> None:
        self._report = report
        self.ids: set[str] = set()

    def add(self, row: RowOutcome) -> None:
        if row.outcome is Outcome.ACCEPTED and row.call_id is not None:
            self.ids.add(row.call_id)
        if self._report is not None:
            self._report.add(row)
