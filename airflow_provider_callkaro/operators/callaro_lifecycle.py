"""Callaro campaigns, step by step: create, update, launch, pause, resume, cancel, clone. One operator each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from airflow.providers.common.compat.sdk import BaseOperator, XComArg

from airflow_provider_callkaro.exceptions import ConfigurationError
from airflow_provider_callkaro.hooks.callaro import CallaroHook
from airflow_provider_callkaro.operators.callaro_campaign import own_campaign, own_clone
from airflow_provider_callkaro.tasks.arguments import own_copies
from airflow_provider_callkaro.tasks.failing import fail_without_retry
from airflow_provider_callkaro.tasks.ledgers import task_state_of
from airflow_provider_callkaro.tasks.private import Private
from airflow_provider_callkaro.vendors.callaro_answers import CallaroCampaign, CampaignId

LAUNCHED = "callaro_launched"  # the key in the task's state


class CallaroOperator(BaseOperator):
    """The common part of the Callaro operators; not to be used by itself.

    :param callaro_conn_id: the Callaro connection. Templated.
    """

    template_fields: Sequence[str] = ("callaro_conn_id",)

    def __init__(self, *, callaro_conn_id: str = CallaroHook.default_conn_name, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.callaro_conn_id = callaro_conn_id

    def render_template_fields(self, context: Any, jinja_env: Any = None) -> None:
        """Render the template fields of this try, and of no other."""
        own_copies(self, self.template_fields)
        super().render_template_fields(context, jinja_env)

    @cached_property
    def hook(self) -> CallaroHook:
        """The Callaro hook."""
        return CallaroHook(self.callaro_conn_id)

    def _returned(self, campaign: CallaroCampaign, done: str) -> CampaignId:
        self.log.info("Campaign %s is %s: its state is %s", campaign.id, done, campaign.state)
        return campaign.id


class CallaroNewCampaignOperator(CallaroOperator):
    """The common part of the operators that make a campaign of their own; not to be used by itself.

    :param name: what the campaign is called. Templated.
    :param agent_id: the number of the agent that speaks. Templated.
    :param timezone: the zone of the campaign's schedule, an IANA name. Templated.
    :param campaign_phone_number_ids: the numbers of the phone numbers to ring from. Templated.
    :param concurrency_limit: how many calls at once, 1 or more. Templated.
    :param extra_fields: what else the account's campaigns take. Sent as it is. Templated, never shown.
    """

    template_fields: Sequence[str] = (
        "name",
        "agent_id",
        "timezone",
        "campaign_phone_number_ids",
        "concurrency_limit",
        "extra_fields",
        *CallaroOperator.template_fields,
    )

    def __init__(
        self,
        *,
        name: str,
        agent_id: int | str | None = None,
        timezone: str | None = None,
        campaign_phone_number_ids: Sequence[int | str] | None = None,
        concurrency_limit: int | str | None = None,
        extra_fields: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.name = name
        self.agent_id = agent_id
        self.timezone = timezone
        self.campaign_phone_number_ids = campaign_phone_number_ids
        self.concurrency_limit = concurrency_limit
        self.extra_fields = Private(extra_fields)
        XComArg.apply_upstream_relationship(self, extra_fields)

    def _own_campaign(self, context: Mapping[str, Any]) -> CallaroCampaign:
        """The campaign of this task: a new one, or the one that an earlier try created."""
        fields = campaign_fields(
            agent_id=self.agent_id,
            timezone=self.timezone,
            campaign_phone_number_ids=self.campaign_phone_number_ids,
            concurrency_limit=self.concurrency_limit,
            extra_fields=self.extra_fields.value,
        )
        return fail_without_retry(own_campaign, self.hook, context, name=self.name, fields=fields)


class CallaroCreateCampaignOperator(CallaroNewCampaignOperator):
    """Create a campaign, in draft, and return its id. Rings nobody, unless a field of yours starts it.

    The name gets a mark, such as `` [1f0c9a3e]``, by which a retry of the task, a cleared task and the successor of a
    killed worker find the campaign that was created, on every Airflow. There is never a second one.

    :param name: what the campaign is called. Templated.
    :param agent_id: the number of the agent that speaks. Templated.
    :param timezone: the zone of the campaign's schedule, an IANA name. Templated.
    :param campaign_phone_number_ids: the numbers of the phone numbers to ring from. Templated.
    :param concurrency_limit: how many calls at once, 1 or more. Templated.
    :param extra_fields: what else the account's campaigns take, such as the audience, which Callaro's guide does not
        name. Sent as it is. Templated, never shown.
    :param callaro_conn_id: the Callaro connection. Templated.
    """

    ui_color = "#e1e9f5"

    def execute(self, context: Mapping[str, Any]) -> CampaignId:
        """Create the campaign, or find the one that an earlier try created."""
        return self._returned(self._own_campaign(context), "created")


class CallaroCampaignOperator(CallaroOperator):
    """The common part of the operators that work on a campaign which is there; not to be used by itself.

    :param campaign_id: the campaign, as Callaro names it. Templated.
    """

    template_fields: Sequence[str] = ("campaign_id", *CallaroOperator.template_fields)

    def __init__(self, *, campaign_id: CampaignId, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.campaign_id = campaign_id


class CallaroUpdateCampaignOperator(CallaroCampaignOperator):
    """Change some fields of a campaign, and return its id. Which fields a state lets be changed is Callaro's affair.

    :param campaign_id: the campaign, as Callaro names it. Templated.
    :param fields: the fields and their new values. Templated, never shown.
    :param callaro_conn_id: the Callaro connection. Templated.
    """

    template_fields: Sequence[str] = ("fields", *CallaroCampaignOperator.template_fields)
    ui_color = "#e1e9f5"

    def __init__(self, *, fields: Mapping[str, Any], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.fields = Private(fields)
        XComArg.apply_upstream_relationship(self, fields)

    def execute(self, context: Mapping[str, Any]) -> CampaignId:  # noqa: ARG002 - Airflow's signature
        """Send the new values. Sent twice they are the same."""
        fields = _mapping("fields", self.fields.value)
        campaign = fail_without_retry(self.hook.update_campaign, self.campaign_id, fields)
        return self._returned(campaign, "updated")


class CallaroLaunchCampaignOperator(CallaroCampaignOperator):
    """Launch a campaign, and return its id: phones ring from then on.

    It is launched once: launched already, it is left as it is, and where an answer gets lost its state is read before
    anything is sent again. In a state that does not allow it the task fails without a retry; a campaign that this very
    task launched and somebody has paused since is left paused (Airflow 3.3 and later, which remembers the launch).

    :param campaign_id: the campaign, as Callaro names it. Templated.
    :param callaro_conn_id: the Callaro connection. Templated.
    """

    ui_color = "#cfdcf0"

    def execute(self, context: Mapping[str, Any]) -> CampaignId:
        """Launch the campaign, unless it has been."""
        store = task_state_of(context)
        remembered = store.get(LAUNCHED, default={}) if store is not None else {}
        if remembered.get("campaign_id") == str(self.campaign_id):
            return self._returned(fail_without_retry(self.hook.get_campaign, self.campaign_id), "launched already")
        campaign = fail_without_retry(self.hook.launch, self.campaign_id)
        if store is not None:
            store.set(LAUNCHED, {"campaign_id": str(self.campaign_id)})
        return self._returned(campaign, "launched")


class CallaroPauseCampaignOperator(CallaroCampaignOperator):
    """Pause a running campaign, and return its id. Paused already, it is left as it is.

    :param campaign_id: the campaign, as Callaro names it. Templated.
    :param callaro_conn_id: the Callaro connection. Templated.
    """

    ui_color = "#f3ecd9"

    def execute(self, context: Mapping[str, Any]) -> CampaignId:  # noqa: ARG002 - Airflow's signature
        """Pause the campaign, unless it is."""
        return self._returned(fail_without_retry(self.hook.pause, self.campaign_id), "paused")


class CallaroResumeCampaignOperator(CallaroCampaignOperator):
    """Resume a paused campaign, and return its id: phones ring from then on.

    Running already, it is left as it is; a lost answer is resolved as by `CallaroLaunchCampaignOperator`.

    :param campaign_id: the campaign, as Callaro names it. Templated.
    :param callaro_conn_id: the Callaro connection. Templated.
    """

    ui_color = "#cfdcf0"

    def execute(self, context: Mapping[str, Any]) -> CampaignId:  # noqa: ARG002 - Airflow's signature
        """Resume the campaign, unless it runs."""
        return self._returned(fail_without_retry(self.hook.resume, self.campaign_id), "resumed")


class CallaroCancelCampaignOperator(CallaroCampaignOperator):
    """End a running or paused campaign for good, and return its id. Cancelled already, it is left as it is.

    :param campaign_id: the campaign, as Callaro names it. Templated.
    :param callaro_conn_id: the Callaro connection. Templated.
    """

    ui_color = "#f3e3e0"

    def execute(self, context: Mapping[str, Any]) -> CampaignId:  # noqa: ARG002 - Airflow's signature
        """Cancel the campaign, unless it is."""
        return self._returned(fail_without_retry(self.hook.cancel, self.campaign_id), "cancelled")


class CallaroCloneCampaignOperator(CallaroCampaignOperator):
    """Create a campaign like another one, in draft, and return the new one's id.

    The name gets a mark, as in `CallaroCreateCampaignOperator`: a retry finds its own clone.

    :param campaign_id: the campaign to clone, as Callaro names it. Templated.
    :param name: what the clone is called; default: as the campaign. Templated.
    :param extra_fields: what else is to be different. Sent as it is. Templated, never shown.
    :param callaro_conn_id: the Callaro connection. Templated.
    """

    template_fields: Sequence[str] = ("name", "extra_fields", *CallaroCampaignOperator.template_fields)
    ui_color = "#e1e9f5"

    def __init__(
        self, *, name: str | None = None, extra_fields: Mapping[str, Any] | None = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.name = name
        self.extra_fields = Private(extra_fields)
        XComArg.apply_upstream_relationship(self, extra_fields)

    def execute(self, context: Mapping[str, Any]) -> CampaignId:
        """Make the clone, or find the one that an earlier try made."""
        clone = fail_without_retry(
            own_clone,
            self.hook,
            context,
            campaign_id=self.campaign_id,
            name=self.name,
            fields=_mapping("extra_fields", self.extra_fields.value),
        )
        return self._returned(clone, f"a clone of {self.campaign_id}")


def campaign_fields(
    *,
    agent_id: int | str | None,
    timezone: str | None,
    campaign_phone_number_ids: Sequence[int | str] | None,
    concurrency_limit: int | str | None,
    extra_fields: Any,
) -> dict[str, Any]:
    """The fields of a new campaign, without its name: what was given, numbers as numbers.

    :raises ConfigurationError: a field is given twice, or cannot be one.
    """
    numbers = campaign_phone_number_ids
    if isinstance(numbers, (str, int)):
        raise ConfigurationError("campaign_phone_number_ids must be a list of ids, such as [101, 102]")
    own = {
        "agent_id": _number(agent_id),
        "timezone": timezone,
        "campaign_phone_number_ids": None if numbers is None else [_number(each) for each in numbers],
        "concurrency_limit": _number(concurrency_limit),
    }
    given = {name: value for name, value in own.items() if value not in (None, "")}
    extra = _mapping("extra_fields", extra_fields)
    if both := sorted(given.keys() & extra.keys()):
        raise ConfigurationError(f"{both[0]} stands in extra_fields and beside it: give it once")
    return {**given, **extra}


def _mapping(name: str, given: Any) -> dict[str, Any]:
    if given is not None and not isinstance(given, Mapping):
        raise ConfigurationError(f"{name} must be a mapping of the names of fields to their values")
    return dict(given or {})


def _number(given: Any) -> Any:
    """A number that a template made a text is a number again; an id that is a text stays one."""
    text = given.strip() if isinstance(given, str) else ""
    return int(text) if text.isascii() and text.isdigit() and str(int(text)) == text else given
