"""The CallKaro operators: create a campaign, delete scheduled calls."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

from airflow.providers.common.compat.sdk import Context, XComArg

from airflow_provider_callkaro.calls.masking import mask_number
from airflow_provider_callkaro.exceptions import ConfigurationError
from airflow_provider_callkaro.hooks.callkaro import CallKaroHook
from airflow_provider_callkaro.links.callkaro import CallKaroCampaignLink
from airflow_provider_callkaro.tasks.arguments import provided_arguments, refuse_empty_arguments
from airflow_provider_callkaro.tasks.failures import fail_without_retry
from airflow_provider_callkaro.tasks.redacted import Redacted
from airflow_provider_callkaro.tasks.rendering import RendersLiterals
from airflow_provider_callkaro.tasks.task_state import keep, task_state_of

CAMPAIGN_STATE = "campaign"


class CallKaroCreateCampaignOperator(RendersLiterals):
    """Create a campaign and return its ``batch_id``. It places no call.

    On Airflow 3.3 and later a retry of the task, and a cleared task, return the campaign that the first try created.

    :param name: the campaign's name in the dashboard, 1 to 200 characters. Templated.
    :param agent_id: the agent of all its calls; None lets each call name its own. Templated.
    :param callkaro_conn_id: the CallKaro connection. Templated.
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
        self._provided = provided_arguments(self, self.template_fields)
        self._check_literals()

    @cached_property
    def hook(self) -> CallKaroHook:
        """The CallKaro hook."""
        return CallKaroHook(self.callkaro_conn_id)

    def execute(self, context: Context) -> str:
        """Create the campaign, or find the one that an earlier try created."""
        refuse_empty_arguments(self, self._provided)
        store = task_state_of(context)
        remembered = store.get(CAMPAIGN_STATE, default={}) if store is not None else {}
        batch_id = remembered.get("batch_id")
        if batch_id:
            self.log.info("An earlier try created campaign %s; using it", batch_id)
        else:
            batch_id = fail_without_retry(self.hook.create_campaign, self.name, self.agent_id)
            if store is not None:
                keep(store, CAMPAIGN_STATE, {"batch_id": batch_id})
            self.log.info("Created campaign %s", batch_id)
        CallKaroCampaignLink.show(context, batch_id)
        return batch_id


class CallKaroDeleteScheduledCallOperator(RendersLiterals):
    """Delete the scheduled calls of one agent to one number.

    CallKaro selects by agent and number alone, so this also deletes calls that another campaign or DAG has scheduled.

    :param to_number: the number whose calls to delete, E.164. Templated, never shown.
    :param agent_id: the agent that would speak; default: the connection's. Templated.
    :param callkaro_conn_id: the CallKaro connection. Templated.
    """

    template_fields: Sequence[str] = ("to_number", "agent_id", "callkaro_conn_id")
    never_shown = frozenset({"to_number"})
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
        self.to_number = Redacted(to_number)
        self.agent_id = agent_id
        self.callkaro_conn_id = callkaro_conn_id
        self._provided = provided_arguments(self, self.template_fields)
        XComArg.apply_upstream_relationship(self, to_number)
        self._check_literals()

    @cached_property
    def hook(self) -> CallKaroHook:
        """The CallKaro hook."""
        return CallKaroHook(self.callkaro_conn_id)

    def execute(self, context: Context) -> None:  # noqa: ARG002 - Airflow's signature
        """Delete the calls. It is no error if there are none."""
        refuse_empty_arguments(self, self._provided)
        from airflow_provider_callkaro.calls.phone import NumberReader

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
