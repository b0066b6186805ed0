"""The MrAssistant sensors: what a DAG imports. The one for calls stands here."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

from airflow_provider_callkaro.hooks.mrassistant import MrAssistantHook
from airflow_provider_callkaro.sensors.mrassistant_outbound import MrAssistantOutboundOpenSensor
from airflow_provider_callkaro.sensors.status import StatusSensor

__all__ = ["MrAssistantCallSensor", "MrAssistantOutboundOpenSensor"]


class MrAssistantCallSensor(StatusSensor):
    """Waits until a call has come to a state, and returns that state.

    The arguments are those of `StatusSensor`, and:

    :param call_id: the call, such as the output of `MrAssistantOutboundCallOperator`. Templated.
    :param target_statuses: what is waited for: ``initiated``, ``ringing``, ``answered``, ``ended`` or ``failed``; a
        state that is passed through between two questions is not seen. Default: ``ended``.
    :param failed_statuses: which states fail the task. Default: ``failed``.
    :param mrassistant_conn_id: the MrAssistant connection. Templated.
    """

    template_fields: Sequence[str] = ("call_id", "mrassistant_conn_id")
    ui_color = "#dfe6f5"
    what = "call"

    def __init__(
        self,
        *,
        call_id: str,
        target_statuses: Sequence[str] = ("ended",),
        failed_statuses: Sequence[str] = ("failed",),
        mrassistant_conn_id: str = MrAssistantHook.default_conn_name,
        **kwargs: Any,
    ) -> None:
        super().__init__(target_statuses=target_statuses, failed_statuses=failed_statuses, **kwargs)
        self.call_id = call_id
        self.mrassistant_conn_id = mrassistant_conn_id

    @cached_property
    def hook(self) -> MrAssistantHook:
        """The MrAssistant hook."""
        return MrAssistantHook(self.mrassistant_conn_id)

    @property
    def subject(self) -> str:
        """The call."""
        return self.call_id
