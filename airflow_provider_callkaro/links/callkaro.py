"""The link from a task to its campaign in the CallKaro dashboard."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow.providers.common.compat.sdk import BaseOperator, BaseOperatorLink, Context, XCom

if TYPE_CHECKING:
    from airflow.models.taskinstancekey import TaskInstanceKey


class CallKaroCampaignLink(BaseOperatorLink):
    """Opens the campaign's page in the CallKaro dashboard. Airflow shows it as soon as the task knows the campaign."""

    name = "CallKaro campaign"
    key = "_link_CallKaroCampaignLink"  # Airflow 3 itself looks for the link under it

    @classmethod
    def show(cls, context: Context, batch_id: str | None) -> None:
        """Make the link visible while the task runs."""
        if batch_id:
            from airflow_provider_callkaro.vendors.callkaro.api import CallKaro

            context["ti"].xcom_push(key=cls.key, value=CallKaro.campaign_page(batch_id))

    def get_link(self, operator: BaseOperator, *, ti_key: TaskInstanceKey) -> str:  # noqa: ARG002 - Airflow's signature
        """The address that `show` left; empty where there is no campaign."""
        return XCom.get_value(key=self.key, ti_key=ti_key) or ""
