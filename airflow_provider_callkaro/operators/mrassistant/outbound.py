"""MrAssistant's outbound configuration of an agent, written by a task: its numbers, hours and pace."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from airflow.providers.common.compat.sdk import Context, XComArg

from airflow_provider_callkaro.hooks.mrassistant import MrAssistantHook
from airflow_provider_callkaro.tasks.failures import fail_without_retry_if_invalid
from airflow_provider_callkaro.tasks.mrassistant.operator import MrAssistantOperator
from airflow_provider_callkaro.tasks.redacted import Redacted


class MrAssistantConfigureOutboundOperator(MrAssistantOperator):
    """Write the outbound configuration of an agent, and return its state. It places no call.

    The new configuration replaces the old one, so the request is retry-safe. Returns ``can_call_now``,
    ``next_available_time`` (ISO 8601 or None), ``total_calls_today`` and ``calls_remaining_today``, as far as
    MrAssistant says them.

    :param agent_id: the agent; default: the connection's. Templated.
    :param phone_numbers: at least one, each with the fields of MrAssistant's page: ``phone_number``, ``display_name``,
        ``is_default``, ``enabled``, ``daily_limit`` and ``metadata``. Templated, never shown.
    :param schedules: each with the fields of the page: ``name``, ``time_windows`` (``start_time``, ``end_time``,
        ``days_of_week``, ``timezone``), ``enabled``, ``max_concurrent_calls``, ``call_interval_seconds``,
        ``respect_dnc`` and ``respect_timezone``; or their JSON text. Default: the request holds no schedules.
        Templated.
    :param default_schedule_id: the schedule that applies. Templated.
    :param mrassistant_conn_id: the MrAssistant connection. Templated.
    """

    template_fields: Sequence[str] = (
        "agent_id",
        "phone_numbers",
        "schedules",
        "default_schedule_id",
        *MrAssistantOperator.template_fields,
    )
    never_shown = frozenset({"phone_numbers"})

    def __init__(
        self,
        *,
        phone_numbers: Sequence[Mapping[str, Any]] | str,
        agent_id: str | None = None,
        schedules: Sequence[Mapping[str, Any]] | str | None = None,
        default_schedule_id: str | None = None,
        mrassistant_conn_id: str = MrAssistantHook.default_conn_name,
        **kwargs: Any,
    ) -> None:
        super().__init__(mrassistant_conn_id=mrassistant_conn_id, **kwargs)
        self.agent_id = agent_id
        self.phone_numbers = Redacted(phone_numbers)
        self.schedules = schedules
        self.default_schedule_id = default_schedule_id
        XComArg.apply_upstream_relationship(self, phone_numbers)
        self._check_literals()

    def execute(self, context: Context) -> dict[str, Any]:  # noqa: ARG002 - Airflow's signature
        """Write the configuration."""
        self._refuse_empty()
        config = fail_without_retry_if_invalid(
            self.hook.configure_outbound,
            self.agent_id,
            phone_numbers=_objects(self.phone_numbers.value),
            schedules=_objects(self.schedules),
            default_schedule_id=self.default_schedule_id,
        )
        self.log.info(
            "The agent is configured: can_call_now is %s, %s calls remain today",
            config.can_call_now,
            "it is not said how many" if config.calls_remaining_today is None else config.calls_remaining_today,
        )
        available = config.next_available_time
        return {
            "can_call_now": config.can_call_now,
            "next_available_time": None if available is None else available.isoformat(),
            "total_calls_today": config.total_calls_today,
            "calls_remaining_today": config.calls_remaining_today,
        }


def _objects(value: object) -> Any:
    """The list in a JSON text that a template made; anything else as it is, for the vendor's adapter to check."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return value
