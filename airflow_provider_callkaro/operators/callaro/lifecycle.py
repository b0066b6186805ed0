"""Callaro campaigns, step by step: create, update, pause, cancel. What makes a campaign place calls is in `launch`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from airflow.providers.common.compat.sdk import Context, XComArg

from airflow_provider_callkaro.hooks.callaro import CallaroHook
from airflow_provider_callkaro.tasks.callaro.campaign import own_campaign
from airflow_provider_callkaro.tasks.callaro.operator import CallaroOperator, campaign_fields, check_plain, read_mapping
from airflow_provider_callkaro.tasks.failures import fail_without_retry
from airflow_provider_callkaro.tasks.redacted import Redacted
from airflow_provider_callkaro.vendors.callaro.answers import CampaignId


class CallaroCreateCampaignOperator(CallaroOperator):
    """Create a draft campaign, and return its id. It places no call, unless one of your own fields starts it.

    The name gets an idempotency key, a mark such as `` [1f0c9a3e]``. By it, on every Airflow, a retry, a cleared task
    and the successor of a killed worker find the campaign, and create no second one.

    :param name: the campaign's name. Templated.
    :param agent_id: the agent that speaks: a whole number above 0, or the text that Callaro shows. Templated.
    :param timezone: the zone of the campaign's schedule, an IANA name. Templated.
    :param campaign_phone_number_ids: the ids of the phone numbers to ring from, at least one. Templated.
    :param concurrency_limit: how many calls at once, 1 or more. Templated.
    :param extra_fields: other fields that the account's campaigns take, such as the audience, which Callaro's guide
        does not name. Sent as they are. Templated, never shown.
    :param callaro_conn_id: the Callaro connection. Templated.
    :raises ConfigurationError: a value cannot be what it should; when the DAG is parsed, where it is no template.
    """

    template_fields: Sequence[str] = (
        "name",
        "agent_id",
        "timezone",
        "campaign_phone_number_ids",
        "concurrency_limit",
        "extra_fields",
        "callaro_conn_id",
    )
    never_shown = frozenset({"extra_fields"})
    ui_color = "#e1e9f5"

    def __init__(
        self,
        *,
        name: str,
        agent_id: int | str | None = None,
        timezone: str | None = None,
        campaign_phone_number_ids: Sequence[int | str] | str | None = None,
        concurrency_limit: int | str | None = None,
        extra_fields: Mapping[str, Any] | None = None,
        callaro_conn_id: str = CallaroHook.default_conn_name,
        **kwargs: Any,
    ) -> None:
        super().__init__(callaro_conn_id=callaro_conn_id, **kwargs)
        check_plain(
            name=name,
            agent_id=agent_id,
            timezone=timezone,
            campaign_phone_number_ids=campaign_phone_number_ids,
            concurrency_limit=concurrency_limit,
        )
        self.name = name
        self.agent_id = agent_id
        self.timezone = timezone
        self.campaign_phone_number_ids = campaign_phone_number_ids
        self.concurrency_limit = concurrency_limit
        self.extra_fields = Redacted(extra_fields)
        XComArg.apply_upstream_relationship(self, extra_fields)
        self._check_literals()

    def execute(self, context: Context) -> CampaignId:
        """Create the campaign, or find the one that an earlier try created."""
        fields = campaign_fields(
            agent_id=self.agent_id,
            timezone=self.timezone,
            campaign_phone_number_ids=self.campaign_phone_number_ids,
            concurrency_limit=self.concurrency_limit,
            extra_fields=self.extra_fields.value,
        )
        campaign = fail_without_retry(own_campaign, self.hook, context, name=self.name, fields=fields)
        self._show_campaign(context, campaign.id)
        return self._returned(campaign, "created")


class CallaroUpdateCampaignOperator(CallaroOperator):
    """Change some fields of a campaign, and return its id. Callaro decides which fields a state lets change.

    :param campaign_id: the campaign, as Callaro names it. Templated.
    :param fields: the fields and their new values. Templated, never shown.
    :param callaro_conn_id: the Callaro connection. Templated.
    """

    template_fields: Sequence[str] = ("fields", "campaign_id", "callaro_conn_id")
    never_shown = frozenset({"fields"})
    ui_color = "#e1e9f5"

    def __init__(
        self,
        *,
        campaign_id: CampaignId,
        fields: Mapping[str, Any],
        callaro_conn_id: str = CallaroHook.default_conn_name,
        **kwargs: Any,
    ) -> None:
        super().__init__(callaro_conn_id=callaro_conn_id, **kwargs)
        self.campaign_id = campaign_id
        self.fields = Redacted(fields)
        XComArg.apply_upstream_relationship(self, fields)
        self._check_literals()

    def execute(self, context: Context) -> CampaignId:  # noqa: ARG002 - Airflow's signature
        """Send the new values. Sent twice they are the same."""
        fields = read_mapping("fields", self.fields.value)
        campaign = fail_without_retry(self.hook.update_campaign, self.campaign_id, fields)
        return self._returned(campaign, "updated")


class CallaroPauseCampaignOperator(CallaroOperator):
    """Pause a running campaign, and return its id. One that is paused already stays as it is.

    :param campaign_id: the campaign, as Callaro names it. Templated.
    :param callaro_conn_id: the Callaro connection. Templated.
    """

    template_fields: Sequence[str] = ("campaign_id", "callaro_conn_id")
    ui_color = "#f3ecd9"

    def __init__(
        self, *, campaign_id: CampaignId, callaro_conn_id: str = CallaroHook.default_conn_name, **kwargs: Any
    ) -> None:
        super().__init__(callaro_conn_id=callaro_conn_id, **kwargs)
        self.campaign_id = campaign_id
        self._check_literals()

    def execute(self, context: Context) -> CampaignId:  # noqa: ARG002 - Airflow's signature
        """Pause the campaign, unless it is paused already."""
        return self._returned(fail_without_retry(self.hook.pause, self.campaign_id), "paused")


class CallaroCancelCampaignOperator(CallaroOperator):
    """End a running or paused campaign for good, and return its id. One that is cancelled already stays as it is.

    :param campaign_id: the campaign, as Callaro names it. Templated.
    :param callaro_conn_id: the Callaro connection. Templated.
    """

    template_fields: Sequence[str] = ("campaign_id", "callaro_conn_id")
    ui_color = "#f3e3e0"

    def __init__(
        self, *, campaign_id: CampaignId, callaro_conn_id: str = CallaroHook.default_conn_name, **kwargs: Any
    ) -> None:
        super().__init__(callaro_conn_id=callaro_conn_id, **kwargs)
        self.campaign_id = campaign_id
        self._check_literals()

    def execute(self, context: Context) -> CampaignId:  # noqa: ARG002 - Airflow's signature
        """Cancel the campaign, unless it is cancelled already."""
        return self._returned(fail_without_retry(self.hook.cancel, self.campaign_id), "cancelled")
