"""The arguments of a MrAssistant campaign, checked before any claim, and the account that takes calls as campaigns."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Self
from uuid import UUID

from airflow.providers.common.compat.sdk import mask_secret

from airflow_provider_callkaro.calls.outcome import Outcome
from airflow_provider_callkaro.calls.window import SECONDS_PER_DAY, ScheduleWindow
from airflow_provider_callkaro.dispatch.batching import STALE_SECONDS
from airflow_provider_callkaro.dispatch.tally import RowOutcome
from airflow_provider_callkaro.exceptions import ConfigurationError
from airflow_provider_callkaro.hooks.mrassistant import MrAssistantHook
from airflow_provider_callkaro.tasks.account import Account
from airflow_provider_callkaro.tasks.argument_values import holds_template
from airflow_provider_callkaro.tasks.arguments import is_template, unredacted
from airflow_provider_callkaro.vendors.mrassistant.api import ROW_SCHEMA, CampaignSettings
from airflow_provider_callkaro.vendors.mrassistant.campaigns import MrAssistantCampaigns
from airflow_provider_callkaro.vendors.mrassistant.settings import (
    check_name,
    read_longest_call,
    read_targets_per_campaign,
)

if TYPE_CHECKING:
    from airflow_provider_callkaro.calls.policy import CallingPolicy

CAMPAIGN_FIELDS = (
    "name",
    "targets_per_campaign",
    "concurrent_calls",
    "retry_failed",
    "retry_attempts",
    "notify_on_call_complete",
    "longest_call",
    "context",
    "webhook_url",
    "webhook_secret",
    "extra_fields",
)
"""The templated arguments of a campaign."""
NEVER_SHOWN_OF_A_CAMPAIGN = frozenset({"context", "webhook_url", "webhook_secret", "extra_fields"})
"""The ones among them that Airflow shows and stores nowhere."""
DAYS_OF_A_WEEK = 7

_OF_SETTINGS = tuple(each.name for each in fields(CampaignSettings))


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignArguments:
    """The arguments of a campaign, as an operator holds them; see `MrAssistantCreateCampaignOperator`."""

    name: str
    targets_per_campaign: int | str
    concurrent_calls: Any
    retry_failed: Any
    retry_attempts: Any
    context: Mapping[str, Any] | None = field(repr=False)
    webhook_url: str | None = field(repr=False)
    webhook_secret: str | None = field(repr=False)
    notify_on_call_complete: Any
    extra_fields: Mapping[str, Any] | None = field(repr=False)
    longest_call: timedelta | str
    shard: Sequence[int] | None

    @classmethod
    def of(cls, operator: object) -> Self:
        """The arguments of an operator that has attributes of these names."""
        return cls(**{each.name: unredacted(getattr(operator, each.name)) for each in fields(cls)})

    def check(self, policy: CallingPolicy | None) -> None:
        """Refuse what cannot work; a template is checked once it is rendered. Raises ConfigurationError, naming the
        argument."""
        self._check_plain()
        if any(map(is_template, self._coerced)):
            return
        settings = self._settings(name="checked", private=False)
        rings_for = self._rings_for(settings)
        if policy is None:
            return
        if settings.retry_failed or settings.retry_attempts:
            raise ConfigurationError(
                "MrAssistant does not say when it redials, so no policy can be kept with retry_failed or "
                "retry_attempts: leave them out, or the policy"
            )
        if rings_for >= _longest_opening(policy):
            raise ConfigurationError(
                f"a campaign of {self._targets} targets, {settings.concurrent_calls} at a time, may ring for "
                f"{rings_for}, and no window of the policy is open for so long: lower targets_per_campaign or "
                "longest_call, or raise concurrent_calls"
            )

    def account(
        self, hook: MrAssistantHook, *, agent_id: str | None, policy: CallingPolicy | None
    ) -> tuple[Account, MrAssistantCampaigns]:
        """The account behind the hook's connection, which takes calls as campaigns. Raises ConfigurationError if a
        rendered argument or the connection cannot work."""
        self.check(policy)
        connection = hook.connection
        _check_agent(agent_id or connection.agent_id)
        complete = replace(
            self,
            webhook_url=self.webhook_url or connection.webhook_url,
            webhook_secret=self.webhook_secret or connection.webhook_secret,
        )
        if complete.webhook_secret:
            mask_secret(complete.webhook_secret)
        part = None if self.shard is None else int(self.shard[0]) + 1
        settings = complete._settings(name=self.name, private=True)
        vendor = MrAssistantCampaigns(connection.vendor, settings, targets_per_campaign=self._targets, part=part)
        account = replace(
            Account.of_connection(hook.mrassistant_conn_id, connection),
            vendor=vendor,
            row_schema=ROW_SCHEMA,
            rings_for=self._rings_for(settings),
        )
        return account, vendor

    def _check_plain(self) -> None:
        """Refuse each argument that is no template and cannot work, whatever the others are."""
        if not is_template(self.name):
            check_name(self.name)
        settings = {name: getattr(self, name) for name in _OF_SETTINGS}
        plain = {name: value for name, value in settings.items() if value is not None and not holds_template(value)}
        CampaignSettings(**{"name": "checked", **plain})
        if not is_template(self.targets_per_campaign):
            read_targets_per_campaign(self.targets_per_campaign)
        if not is_template(self.longest_call):
            read_longest_call(self.longest_call)

    @property
    def _coerced(self) -> tuple[object, ...]:
        """The arguments that may come as the text of a number, a yes or a no, or a time."""
        return (
            self.targets_per_campaign,
            self.concurrent_calls,
            self.retry_failed,
            self.retry_attempts,
            self.notify_on_call_complete,
            self.longest_call,
        )

    @property
    def _targets(self) -> int:
        return read_targets_per_campaign(self.targets_per_campaign)

    def _rings_for(self, settings: CampaignSettings) -> timedelta:
        """How long after its creation a full campaign may still ring phones."""
        rounds = math.ceil(self._targets / settings.concurrent_calls)
        return rounds * read_longest_call(self.longest_call) + timedelta(seconds=STALE_SECONDS)

    def _settings(self, *, name: str, private: bool) -> CampaignSettings:
        """The settings of every campaign. ``private``: whether they hold what must not be shown."""
        return CampaignSettings(
            name=name,
            concurrent_calls=self.concurrent_calls,
            retry_failed=self.retry_failed,
            retry_attempts=self.retry_attempts,
            notify_on_call_complete=self.notify_on_call_complete,
            context=self.context if private else None,
            webhook_url=self.webhook_url if private else None,
            webhook_secret=self.webhook_secret if private else None,
            extra_fields=self.extra_fields if private and self.extra_fields is not None else {},
        )


class CampaignsOfRows:
    """Gives the campaigns the ids of the rows that they took, also of those that an earlier try had settled."""

    def __init__(self, campaigns: MrAssistantCampaigns) -> None:
        self._campaigns = campaigns

    def add(self, row: RowOutcome) -> None:
        """See `RowSink.add`."""
        if row.outcome is Outcome.ACCEPTED and row.call_id is not None:
            self._campaigns.remember(row.call_id)


def _check_agent(agent_id: str | None) -> None:
    """Refuse, before any claim, what is no agent's id. Source: create campaign, ``agent_id``."""
    try:
        UUID(agent_id) if agent_id else None
    except ValueError:
        raise ConfigurationError("agent_id must be a UUID, as MrAssistant names its agents") from None


def _longest_opening(policy: CallingPolicy) -> timedelta:
    """The longest time without a break in which the policy's windows let phones ring."""
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
