"""The links from a task to its campaign where the connection, and not the vendor, says how its page is called."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from airflow_provider_callkaro.links.kept import KeptLink

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

PLACE = "{campaign_id}"


class _CampaignLink(KeptLink):
    """The common part of the links to campaigns."""

    @classmethod
    def show(cls, context: Context, campaign_page: str | None, campaign_id: object) -> None:
        """Make the link visible, where the connection says how a campaign's page is called."""
        if campaign_page and campaign_id is not None:
            cls.keep(context, campaign_page.replace(PLACE, quote(str(campaign_id), safe="")))


class CallaroCampaignLink(_CampaignLink):
    """Opens the campaign's page in Callaro's dashboard, where the connection has a ``campaign_page``."""

    name = "Callaro campaign"
    key = "_link_CallaroCampaignLink"


class MrAssistantCampaignLink(_CampaignLink):
    """Opens the campaign's page in MrAssistant's dashboard, where the connection has a ``campaign_page``."""

    name = "MrAssistant campaign"
    key = "_link_MrAssistantCampaignLink"
