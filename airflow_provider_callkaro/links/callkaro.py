"""The link from a task to its campaign in the CallKaro dashboard."""

from __future__ import annotations

from typing import Any

from airflow.providers.common.compat.sdk import BaseOperatorLink, Context, XCom

from airflow_provider_callkaro.vendors.callkaro.api import CallKaro


class CallKaroCampaignLink(BaseOperatorLink):
    """Opens the campaign's page in the CallKaro dashboard. It is there as soon as the campaign is known."""

    name = "CallKaro campaign"
    key = "_link_CallKaroCampaignLink"  # where Airflow 3 looks for the link by itself

    @classmethod
    def show(cls, context: Context, batch_id: str | None) -> None:
        """Make the link visible while the task runs."""
        if batch_id:
            context["ti"].xcom_push(key=cls.key, value=CallKaro.campaign_page(batch_id))

    def get_link(self, operator: Any, *, ti_key: Any) -> str:  # noqa: ARG002 - Airflow's signature
        """The address that `show` left; empty where there is no campaign."""
        return XCom.get_value(key=self.key, ti_key=ti_key) or ""
