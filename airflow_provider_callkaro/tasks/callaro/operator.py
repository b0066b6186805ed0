"""The base of the Callaro operators, and the checks of arguments that several of them have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from airflow_provider_callkaro.exceptions import ConfigurationError
from airflow_provider_callkaro.hooks.callaro import CallaroHook
from airflow_provider_callkaro.links.campaigns import CallaroCampaignLink
from airflow_provider_callkaro.tasks.arguments import is_plain
from airflow_provider_callkaro.tasks.callaro.campaign_memory import CampaignMemory
from airflow_provider_callkaro.tasks.rendering import RendersLiterals
from airflow_provider_callkaro.tasks.staleness import checked_stale_runs, is_stale, refuse_stale_run
from airflow_provider_callkaro.vendors.callaro.answers import CallaroCampaign, CampaignId
from airflow_provider_callkaro.vendors.callaro.fields import checked_fields, is_template

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context
    from airflow.providers.openlineage.extractors import OperatorLineage


ONE_DAY = timedelta(days=1)


class CallaroOperator(RendersLiterals):
    """The common part of the Callaro operators; not to be used by itself.

    A template that renders to nothing, or to the text ``None``, fails the task before anything is sent.

    :param callaro_conn_id: the Callaro connection. Templated.
    """

    template_fields: Sequence[str] = ("callaro_conn_id",)
    operator_extra_links: Sequence[Any] = (CallaroCampaignLink(),)
    _result: Any = None
    """What the task returns, once it is known."""

    def __init__(self, *, callaro_conn_id: str = CallaroHook.default_conn_name, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.callaro_conn_id = callaro_conn_id

    @cached_property
    def hook(self) -> CallaroHook:
        """The Callaro hook."""
        return CallaroHook(self.callaro_conn_id)

    def pre_execute(self, context: Context) -> None:
        """Make the campaign's link visible, where the task is about one that is there already."""
        super().pre_execute(context)
        self._show_campaign(context, getattr(self, "campaign_id", None))

    def get_openlineage_facets_on_start(self) -> OperatorLineage | None:
        """What OpenLineage is told when the task starts: campaigns, imports and files. None if unknown."""
        from airflow_provider_callkaro.tasks.lineage import lineage_between

        moved = self._moves()
        return lineage_between(self.hook, **moved) if moved else None

    def get_openlineage_facets_on_complete(self, task_instance: object) -> OperatorLineage | None:  # noqa: ARG002
        """What OpenLineage is told when the task has ended: the same, with what was made."""
        return self.get_openlineage_facets_on_start()

    def _moves(self) -> dict[str, list[Any]]:
        """What the task moves between Callaro and files, as `lineage_between` takes it; empty for nothing."""
        return {}

    def _show_campaign(self, context: Context, campaign_id: object) -> None:
        CallaroCampaignLink.show(context, self.hook.connection.campaign_page, campaign_id)

    def _returned(self, campaign: CallaroCampaign, done: str) -> CampaignId:
        self.log.info("Campaign %s is %s: its state is %s", campaign.id, done, campaign.state)
        return campaign.id


def campaign_fields(
    *,
    agent_id: int | str | None,
    timezone: str | None,
    campaign_phone_number_ids: Sequence[int | str] | str | None,
    concurrency_limit: int | str | None,
    extra_fields: object,
) -> dict[str, Any]:
    """The fields of a new campaign without its name: those that are set, checked, with numbers as numbers. Raises
    ConfigurationError if a field stands in both places, or its value cannot be one."""
    own = {
        "agent_id": agent_id,
        "timezone": timezone,
        "campaign_phone_number_ids": campaign_phone_number_ids,
        "concurrency_limit": concurrency_limit,
    }
    fields = {name: value for name, value in own.items() if value is not None}
    extra = read_mapping("extra_fields", extra_fields)
    if both := sorted(fields.keys() & extra.keys()):
        raise ConfigurationError(f"{both[0]} stands in extra_fields and beside it: give it once")
    return checked_fields({**fields, **extra})


def check_plain(**fields: object) -> None:
    """When the DAG is parsed: check the fields of a campaign that are no templates. Raises ConfigurationError if a
    value cannot be what it should."""
    checked_fields({name: value for name, value in fields.items() if value is not None and is_plain(value)})


def read_mapping(name: str, value: object) -> dict[str, Any]:
    """A mapping of fields; empty for None. Raises ConfigurationError if it is no mapping."""
    if value is not None and not isinstance(value, Mapping):
        raise ConfigurationError(f"{name} must be a mapping of the names of fields to their values")
    return dict(value or {})


def check_staleness(stale_runs: str, stale_after: timedelta) -> None:
    """When the DAG is parsed: check what stale runs do. Raises ConfigurationError if the choice is unknown, or the age
    is not positive."""
    checked_stale_runs("skip" if is_template(stale_runs) else stale_runs, stale_after)


def refuse_if_stale(context: Context, *, stale_runs: str, stale_after: timedelta) -> None:
    """Refuse a run that was stale when it first started. A run that waits does not become stale.

    Where the task has no state (Airflow before 3.3), every try is judged as if it were the first.

    :raises AirflowSkipException: the run is stale, and such runs are skipped.
    :raises AirflowFailException: the run is stale, and such runs fail.
    """
    choice = checked_stale_runs(stale_runs, stale_after)
    memory = CampaignMemory(context)
    if memory.was_on_time or context.get("dag_run") is None:
        return
    if is_stale(context, stale_after):
        refuse_stale_run(context, choice=choice, dialling="the campaign is started all the same")
    else:
        memory.keep_on_time()
