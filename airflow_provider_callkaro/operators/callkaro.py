"""The CallKaro operators: create a campaign, place one call or many, delete scheduled calls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from airflow.providers.common.compat.sdk import BaseOperator, XComArg

from airflow_provider_callkaro.calls.masking import mask_number
from airflow_provider_callkaro.calls.phone import NumberReader
from airflow_provider_callkaro.exceptions import ConfigurationError
from airflow_provider_callkaro.hooks.callkaro import CallKaroHook
from airflow_provider_callkaro.links.callkaro import CallKaroCampaignLink
from airflow_provider_callkaro.operators.failing import fail_without_retry
from airflow_provider_callkaro.operators.fan_out import Account, FanOutCallsOperator
from airflow_provider_callkaro.operators.outbound_call import OutboundCallOperator
from airflow_provider_callkaro.operators.preflight import PreflightOperator
from airflow_provider_callkaro.operators.private import Private, own_copies
from airflow_provider_callkaro.operators.task_run import task_state_of

CAMPAIGN_STATE = "campaign"
CALL_ARGUMENTS = (
    "schedule_at",
    "min_trigger_time",
    "max_trigger_time",
    "carry_over",
    "number_of_retries",
    "gap_between_retries",
    "priority",
    "language",
)


class CallKaroCreateCampaignOperator(BaseOperator):
    """Create a campaign and return its ``batch_id``. Rings nobody.

    On Airflow 3.3 and later a retry of the task, and a cleared task, return the campaign that the first try created.

    :param name: what the campaign is called in the dashboard, 1 to 200 characters. Templated.
    :param agent_id: the one agent of all its calls; without it each call names its own. Templated.
    :param callkaro_conn_id: the CallKaro connection.
    """

    template_fields: Sequence[str] = ("name", "agent_id", "callkaro_conn_id")
    operator_extra_links = (CallKaroCampaignLink(),)
    ui_color = "#e3f1ec"

    def __init__(
        self,
        *,
        name: str,
        agent_id: str | None = None,
        callkaro_conn_id: str = CallKaroHook.default_conn_name,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.name = name
        self.agent_id = agent_id
        self.callkaro_conn_id = callkaro_conn_id

    @cached_property
    def hook(self) -> CallKaroHook:
        """The CallKaro hook."""
        return CallKaroHook(self.callkaro_conn_id)

    def execute(self, context: Mapping[str, Any]) -> str:
        """Create the campaign, or find the one that an earlier try created."""
        store = task_state_of(context)
        remembered = store.get(CAMPAIGN_STATE, default={}) if store is not None else {}
        batch_id = remembered.get("batch_id")
        if batch_id:
            self.log.info("An earlier try created campaign %s; using it", batch_id)
        else:
            batch_id = fail_without_retry(self.hook.create_campaign, self.name, self.agent_id or None)
            if store is not None:
                store.set(CAMPAIGN_STATE, {"batch_id": batch_id})
            self.log.info("Created campaign %s", batch_id)
        CallKaroCampaignLink.show(context, batch_id)
        return batch_id


class CallKaroOutboundCallOperator(OutboundCallOperator):
    """Place one call, and return its id.

    The same ledger as in a fan-out stands before it. The arguments are those of `OutboundCallOperator`, and:

    :param batch_id: the campaign that the call belongs to. Templated.
    :param metadata: facts for the agent's prompts. Templated, never shown.
    :param schedule_at: when to ring, ISO form or datetime; naive values are meant in the connection's
        ``schedule_timezone``. Templated.
    :param min_trigger_time: the earliest time of day to ring, ``HH:MM`` in that zone.
    :param max_trigger_time: the latest time of day to ring, ``HH:MM`` in that zone.
    :param carry_over: whether a call that reached ``max_trigger_time`` moves to the next day.
    :param number_of_retries: how often CallKaro redials somebody who does not pick up, 0 to 10.
    :param gap_between_retries: minutes between its redials, one number or one per redial.
    :param priority: place in CallKaro's queue, -100 (last) to 100 (first).
    :param language: ``hi``, ``en``, ``kn``, ``mr``, ``ta``, ``te``, ``bn``, ``gu`` or ``ml``.
    :param callkaro_conn_id: the CallKaro connection. Templated.
    """

    template_fields: Sequence[str] = (
        *OutboundCallOperator.template_fields,
        "batch_id",
        "metadata",
        "schedule_at",
        "callkaro_conn_id",
    )
    operator_extra_links = (CallKaroCampaignLink(),)
    ui_color = "#e3f1ec"

    def __init__(
        self,
        *,
        batch_id: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        schedule_at: Any = None,
        min_trigger_time: str | None = None,
        max_trigger_time: str | None = None,
        carry_over: bool | None = None,
        number_of_retries: int | None = None,
        gap_between_retries: int | list[int] | None = None,
        priority: int | None = None,
        language: str | None = None,
        callkaro_conn_id: str = CallKaroHook.default_conn_name,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.batch_id = batch_id
        self.metadata = Private(metadata)
        self.schedule_at = schedule_at
        self.min_trigger_time = min_trigger_time
        self.max_trigger_time = max_trigger_time
        self.carry_over = carry_over
        self.number_of_retries = number_of_retries
        self.gap_between_retries = gap_between_retries
        self.priority = priority
        self.language = language
        self.callkaro_conn_id = callkaro_conn_id
        XComArg.apply_upstream_relationship(self, metadata)

    @cached_property
    def hook(self) -> CallKaroHook:
        """The CallKaro hook."""
        return CallKaroHook(self.callkaro_conn_id)

    def _account(self) -> Account:
        return _account(self.hook, self.callkaro_conn_id)

    def _facts(self) -> Any:
        return self.metadata.value

    def _options(self) -> Mapping[str, Any]:
        return {name: getattr(self, name) for name in CALL_ARGUMENTS}

    def _batch_id(self) -> str | None:
        return self.batch_id

    def _announce(self, context: Mapping[str, Any]) -> None:
        CallKaroCampaignLink.show(context, self.batch_id)


class CallKaroFanOutCallsOperator(FanOutCallsOperator):
    """Place one CallKaro call per contact row, each at most once, and account for every row.

    The arguments are those of `FanOutCallsOperator`, and:

    :param batch_id: the campaign that the calls belong to. Templated.
    :param callkaro_conn_id: the CallKaro connection. Templated.
    """

    template_fields: Sequence[str] = (*FanOutCallsOperator.template_fields, "batch_id", "callkaro_conn_id")
    operator_extra_links = (CallKaroCampaignLink(),)
    ui_color = "#cfe8dc"

    def __init__(
        self, *, batch_id: str | None = None, callkaro_conn_id: str = CallKaroHook.default_conn_name, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.batch_id = batch_id
        self.callkaro_conn_id = callkaro_conn_id

    @cached_property
    def hook(self) -> CallKaroHook:
        """The CallKaro hook."""
        return CallKaroHook(self.callkaro_conn_id)

    def _account(self) -> Account:
        return _account(self.hook, self.callkaro_conn_id)

    def _announce(self, context: Mapping[str, Any]) -> None:
        CallKaroCampaignLink.show(context, self.batch_id)

    def _batch_id(self) -> str | None:
        return self.batch_id

    def _campaign(self) -> dict[str, Any]:
        return {"batch_id": self.batch_id}


class CallKaroPreflightOperator(PreflightOperator, CallKaroFanOutCallsOperator):
    """Rehearse a CallKaro fan-out: ring nobody, and report who would be rung, where, when, and for how much.

    The arguments are those of `PreflightOperator` and of `CallKaroFanOutCallsOperator`.
    """

    template_fields: Sequence[str] = (*PreflightOperator.template_fields, "batch_id", "callkaro_conn_id")
    ui_color = PreflightOperator.ui_color


class CallKaroDeleteScheduledCallOperator(BaseOperator):
    """Delete the scheduled calls of one agent to one number.

    CallKaro selects by agent and number alone, so calls that another campaign or DAG scheduled go too.

    :param to_number: whose calls to delete, E.164. Templated, never shown.
    :param agent_id: the agent that would speak; default: the connection's. Templated.
    :param callkaro_conn_id: the CallKaro connection. Templated.
    """

    template_fields: Sequence[str] = ("to_number", "agent_id", "callkaro_conn_id")
    ui_color = "#f3e9e3"

    def __init__(
        self,
        *,
        to_number: str,
        agent_id: str | None = None,
        callkaro_conn_id: str = CallKaroHook.default_conn_name,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.to_number = Private(to_number)
        self.agent_id = agent_id
        self.callkaro_conn_id = callkaro_conn_id
        XComArg.apply_upstream_relationship(self, to_number)

    def render_template_fields(self, context: Any, jinja_env: Any = None) -> None:
        """Render the template fields of this try, and of no other."""
        own_copies(self, self.template_fields)
        super().render_template_fields(context, jinja_env)

    @cached_property
    def hook(self) -> CallKaroHook:
        """The CallKaro hook."""
        return CallKaroHook(self.callkaro_conn_id)

    def execute(self, context: Mapping[str, Any]) -> None:  # noqa: ARG002 - Airflow's signature
        """Delete the calls. Deleting what is not there is no error of ours."""
        number = NumberReader().read(self.to_number.value)
        if number is None:
            raise ConfigurationError("to_number cannot be read as E.164: + and 2 to 15 digits")
        agent_id = self.agent_id or self.hook.connection.agent_id
        if not agent_id:
            raise ConfigurationError(
                "no agent is known: set agent_id on the operator or in the extra of the connection"
            )
        fail_without_retry(self.hook.delete_scheduled_call, number, agent_id)
        self.log.info("Deleted the scheduled calls of agent %s to %s", agent_id, mask_number(number))


def _account(hook: CallKaroHook, connection_id: str) -> Account:
    connection = hook.connection
    return Account(
        connection_id=connection_id,
        vendor=connection.vendor,
        target=connection.target,
        agent_id=connection.agent_id,
        schedule_timezone=connection.vendor.schedule_timezone,
    )
