"""The link from a task to its campaign in the CallKaro dashboard."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_callkaro.links.kept import KeptLink

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context


class CallKaroCampaignLink(KeptLink):
    """Opens the campaign's page in the CallKaro dashboard. Airflow shows it as soon as the task knows the campaign."""

    name = "CallKaro campaign"
    key = "_link_CallKaroCampaignLink"

    @classmethod
    def show(cls, context: Context, batch_id: str | None) -> None:
        """Make the link visible while the task runs."""
        if batch_id:
            from airflow_provider_callkaro.vendors.callkaro.api import CallKaro

            cls.keep(context, CallKaro.campaign_page(batch_id))
