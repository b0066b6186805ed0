"""The Callaro operators that make an existing campaign place its calls: launch and resume.

Neither acts in a stale run: a backfill of last month would call people about last month.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow_provider_callkaro.hooks.callaro import CallaroHook
from airflow_provider_callkaro.tasks.callaro.campaign import look_for_a_launch
from airflow_provider_callkaro.tasks.callaro.campaign_memory import CampaignMemory, Launch
from airflow_provider_callkaro.tasks.callaro.operator import ONE_DAY, CallaroOperator, check_staleness, refuse_if_stale
from airflow_provider_callkaro.tasks.failures import fail_without_retry
from airflow_provider_callkaro.vendors.callaro.answers import CampaignId

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context


class CallaroLaunchCampaignOperator(CallaroOperator):
    """Launch a campaign, and return its id: it places calls from then on.

    A campaign is launched once. One that is launched already stays as it is. If an answer is lost, the operator reads
    the campaign's state before it sends anything again; after a 2xx answer the same try sends nothing more, whatever
    the answer says. In a state that allows no launch the task fails without a retry. If somebody has paused the
    campaign since this task launched it, it stays paused (Airflow 3.3 and later, where the task remembers the launch).

    :param campaign_id: the campaign, as Callaro names it. Templated.
    :param stale_runs: what a stale run does: ``"skip"`` (default), ``"fail"``, or ``"dial"`` all the same. The run's
        first start decides whether it is stale, and the task remembers that (Airflow 3.3 and later). Templated.
    :param stale_after: how long after the end of its data interval a run is stale. Default one day.
    :param callaro_conn_id: the Callaro connection. Templated.
    :raises ConfigurationError: an argument cannot work.
    """

    template_fields: Sequence[str] = ("campaign_id", "stale_runs", "callaro_conn_id")
    ui_color = "#cfdcf0"

    def __init__(
        self,
        *,
        campaign_id: CampaignId,
        stale_runs: str = "skip",
        stale_after: timedelta = ONE_DAY,
        callaro_conn_id: str = CallaroHook.default_conn_name,
        **kwargs: Any,
    ) -> None:
        super().__init__(callaro_conn_id=callaro_conn_id, **kwargs)
        check_staleness(stale_runs, stale_after)
        self.campaign_id = campaign_id
        self.stale_runs = stale_runs
        self.stale_after = stale_after
        self._check_literals()

    def execute(self, context: Context) -> CampaignId:
        """Launch the campaign, unless it is launched already."""
        memory = CampaignMemory(context)
        before = memory.launch_of(self.campaign_id)
        if before is Launch.TAKEN:
            return self._returned(fail_without_retry(self.hook.get_campaign, self.campaign_id), "launched already")
        refuse_if_stale(context, stale_runs=self.stale_runs, stale_after=self.stale_after)
        if before is Launch.SENT:
            fail_without_retry(look_for_a_launch, self.hook, self.campaign_id)
        memory.keep_launch(self.campaign_id, Launch.SENT)
        campaign = fail_without_retry(self.hook.launch, self.campaign_id)
        memory.keep_launch(self.campaign_id, Launch.TAKEN)
        return self._returned(campaign, "launched")


class CallaroResumeCampaignOperator(CallaroOperator):
    """Resume a paused campaign, and return its id: it places calls from then on.

    A campaign that runs already stays as it is. If an answer is lost, the operator reads the campaign's state before it
    sends anything again.

    :param campaign_id: the campaign, as Callaro names it. Templated.
    :param stale_runs: what a stale run does: ``"skip"`` (default), ``"fail"``, or ``"dial"`` all the same. The run's
        first start decides whether it is stale, and the task remembers that (Airflow 3.3 and later). Templated.
    :param stale_after: how long after the end of its data interval a run is stale. Default one day.
    :param callaro_conn_id: the Callaro connection. Templated.
    :raises ConfigurationError: an argument cannot work.
    """

    template_fields: Sequence[str] = ("campaign_id", "stale_runs", "callaro_conn_id")
    ui_color = "#cfdcf0"

    def __init__(
        self,
        *,
        campaign_id: CampaignId,
        stale_runs: str = "skip",
        stale_after: timedelta = ONE_DAY,
        callaro_conn_id: str = CallaroHook.default_conn_name,
        **kwargs: Any,
    ) -> None:
        super().__init__(callaro_conn_id=callaro_conn_id, **kwargs)
        check_staleness(stale_runs, stale_after)
        self.campaign_id = campaign_id
        self.stale_runs = stale_runs
        self.stale_after = stale_after
        self._check_literals()

    def execute(self, context: Context) -> CampaignId:
        """Resume the campaign, unless it runs."""
        refuse_if_stale(context, stale_runs=self.stale_runs, stale_after=self.stale_after)
        return self._returned(fail_without_retry(self.hook.resume, self.campaign_id), "resumed")
