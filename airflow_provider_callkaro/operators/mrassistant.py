"""The MrAssistant operators: what a DAG imports. The one for single calls stands here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from airflow.providers.common.compat.sdk import XComArg

from airflow_provider_callkaro.calls.call import InvalidCall
from airflow_provider_callkaro.exceptions import ConfigurationError
from airflow_provider_callkaro.hooks.mrassistant import MrAssistantHook, patient
from airflow_provider_callkaro.operators.fan_out import Account
from airflow_provider_callkaro.operators.mrassistant_call_control import (
    MrAssistantEndCallOperator,
    MrAssistantTransferCallOperator,
)
from airflow_provider_callkaro.operators.mrassistant_campaign import (
    MrAssistantCreateCampaignOperator,
    MrAssistantPreflightOperator,
)
from airflow_provider_callkaro.operators.mrassistant_outbound import MrAssistantConfigureOutboundOperator
from airflow_provider_callkaro.operators.outbound_call import OutboundCallOperator
from airflow_provider_callkaro.operators.private import Private
from airflow_provider_callkaro.vendors.mrassistant_fields import CALL_FIELDS, CALL_VOCABULARY

__all__ = [
    "MrAssistantConfigureOutboundOperator",
    "MrAssistantCreateCampaignOperator",
    "MrAssistantEndCallOperator",
    "MrAssistantOutboundCallOperator",
    "MrAssistantPreflightOperator",
    "MrAssistantTransferCallOperator",
]

PRIVATE_FIELDS = ("from_number", "dtmf", "custom_headers")
TEMPLATED_FIELDS = (*PRIVATE_FIELDS, "display_name")


class MrAssistantOutboundCallOperator(OutboundCallOperator):
    """Place one call, at once, and return its id.

    The same ledger as in a fan-out stands before it. The arguments are those of `OutboundCallOperator`, and:

    :param context: facts for the agent's prompts. Templated, never shown.
    :param from_number: the number that the person called sees, E.164. Templated, never shown.
    :param priority: ``low``, ``normal``, ``high`` or ``urgent``.
    :param krisp_enabled: whether noise is taken out of the call.
    :param wait_until_answered: whether MrAssistant answers only once the phone has been answered, or rang in vain; the
        answer is then waited for ``ringing_timeout_seconds`` (80 where none is given) and 30 seconds more.
    :param display_name: the name that the person called sees. Templated.
    :param dtmf: tones to dial once the call stands. Templated, never shown.
    :param play_dialtone: whether the caller's side hears a dial tone.
    :param media_encryption: ``DISABLE``, ``ALLOW`` or ``REQUIRE``.
    :param ringing_timeout_seconds: how long the phone rings, 1 to 80.
    :param max_call_duration_seconds: how long the call lasts at most, 60 to 86,400.
    :param hide_phone_number: whether the number is withheld.
    :param custom_headers: SIP headers whose names begin with ``X-``. Templated, never shown.
    :param mrassistant_conn_id: the MrAssistant connection. Templated.
    :raises ConfigurationError: a field that is not templated is out of its range.
    """

    template_fields: Sequence[str] = (
        *OutboundCallOperator.template_fields,
        "context",
        *TEMPLATED_FIELDS,
        "mrassistant_conn_id",
    )
    ui_color = "#dfe6f5"

    def __init__(
        self,
        *,
        context: Mapping[str, Any] | None = None,
        from_number: str | None = None,
        priority: str | None = None,
        krisp_enabled: bool | None = None,
        wait_until_answered: bool | None = None,
        display_name: str | None = None,
        dtmf: str | None = None,
        play_dialtone: bool | None = None,
        media_encryption: str | None = None,
        ringing_timeout_seconds: int | None = None,
        max_call_duration_seconds: int | None = None,
        hide_phone_number: bool | None = None,
        custom_headers: Mapping[str, str] | None = None,
        mrassistant_conn_id: str = MrAssistantHook.default_conn_name,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.context = Private(context)
        self.from_number = Private(from_number)
        self.priority = priority
        self.krisp_enabled = krisp_enabled
        self.wait_until_answered = wait_until_answered
        self.display_name = display_name
        self.dtmf = Private(dtmf)
        self.play_dialtone = play_dialtone
        self.media_encryption = media_encryption
        self.ringing_timeout_seconds = ringing_timeout_seconds
        self.max_call_duration_seconds = max_call_duration_seconds
        self.hide_phone_number = hide_phone_number
        self.custom_headers = Private(custom_headers)
        self.mrassistant_conn_id = mrassistant_conn_id
        XComArg.apply_upstream_relationship(self, [context, from_number, dtmf, custom_headers])
        self._check_fields()

    def _check_fields(self) -> None:
        for name, value in self._options().items():
            if value is not None and name not in TEMPLATED_FIELDS:
                try:
                    CALL_FIELDS[name](value)
                except InvalidCall as error:
                    raise ConfigurationError(str(error)) from None

    @cached_property
    def hook(self) -> MrAssistantHook:
        """The MrAssistant hook."""
        return MrAssistantHook(self.mrassistant_conn_id)

    def _account(self) -> Account:
        connection = self.hook.connection
        return Account(
            connection_id=self.mrassistant_conn_id,
            vendor=connection.vendor,
            target=patient(connection.target, connection.vendor.answer_may_take(self._options())),
            agent_id=connection.agent_id,
            schedule_timezone=connection.schedule_timezone,
            vocabulary=CALL_VOCABULARY,
        )

    def _facts(self) -> Any:
        return self.context.value

    def _options(self) -> Mapping[str, Any]:
        given = {name: getattr(self, name) for name in CALL_FIELDS}
        return {name: value.value if isinstance(value, Private) else value for name, value in given.items()}
