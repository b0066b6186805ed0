"""The MrAssistant sensors that a DAG imports; the one for calls is in this file."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

from airflow.providers.common.compat.sdk import conf

from airflow_provider_callkaro.hooks.mrassistant import MrAssistantHook
from airflow_provider_callkaro.sensors.mrassistant_outbound import MrAssistantOutboundOpenSensor
from airflow_provider_callkaro.sensors.status import StatusSensor

__all__ = ["MrAssistantCallSensor", "MrAssistantOutboundOpenSensor"]


class MrAssistantCallSensor(StatusSensor):
    """Waits until a call reaches a state, and returns that state.

    A refused key, an unknown call and a state in ``failed_statuses`` fail the task without a retry, or skip it with
    ``soft_fail``. A lost answer is asked for again at the next poke. ``poke``, ``reschedule`` and ``deferrable`` give
    the same answer.

    :param call_id: the call, such as the output of `MrAssistantOutboundCallOperator`. Templated.
    :param target_statuses: the states to wait for: ``initiated``, ``ringing``, ``answered``, ``ended`` or ``failed``.
        The sensor does not see a state that comes and goes between two questions. Default: ``ended``.
    :param failed_statuses: the states that fail the task. Default: ``failed``.
    :param deferrable: wait in the triggerer, asking every ``poke_interval``; the worker asks the first question.
        Default: ``[operators] default_deferrable``.
    :param mrassistant_conn_id: the MrAssistant connection. Templated.
    :raises ConfigurationError: there is no state to wait for, or one is in both lists.
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
        deferrable: bool = conf.getboolean("operators", "default_deferrable", fallback=False),
        mrassistant_conn_id: str = MrAssistantHook.default_conn_name,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            target_statuses=target_statuses, failed_statuses=failed_statuses, deferrable=deferrable, **kwargs
        )
        self.call_id = call_id
        self.mrassistant_conn_id = mrassistant_conn_id
        self._check_literals()

    @cached_property
    def hook(self) -> MrAssistantHook:
        """The MrAssistant hook."""
        return MrAssistantHook(self.mrassistant_conn_id)

    @property
    def subject(self) -> str:
        """The call."""
        return self.call_id
