"""The part of the MrAssistant hook that writes and reads the outbound configuration of an agent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow_provider_callkaro.exceptions import ConfigurationError
from airflow_provider_callkaro.hooks.mrassistant.connection import MrAssistantConnection
from airflow_provider_callkaro.hooks.vendor import VendorHook

if TYPE_CHECKING:
    from airflow_provider_callkaro.calls.policy import CallingPolicy
    from airflow_provider_callkaro.vendors.mrassistant.outbound_config import OutboundConfig


class MrAssistantOutboundHook(VendorHook[MrAssistantConnection]):
    """The outbound configuration of MrAssistant's agents; use `MrAssistantHook`, which has it."""

    def configure_outbound(
        self,
        agent_id: str | None = None,
        *,
        phone_numbers: Sequence[Mapping[str, Any]],
        schedules: Sequence[Mapping[str, Any]] | None = None,
        default_schedule_id: str | None = None,
    ) -> OutboundConfig:
        """Write the outbound configuration of an agent. No phone rings.

        :param agent_id: whose; default: the connection's.
        :param phone_numbers: at least one, each with the fields of MrAssistant's page: ``phone_number``,
            ``display_name``, ``is_default``, ``enabled``, ``daily_limit`` and ``metadata``.
        :param schedules: each with the fields of the page: ``name``, ``time_windows`` (``start_time``, ``end_time``,
            ``days_of_week``, ``timezone``), ``enabled``, ``max_concurrent_calls``, ``call_interval_seconds``,
            ``respect_dnc`` and ``respect_timezone``. Default: nothing is said of schedules.
        :param default_schedule_id: which schedule counts.
        :return: the configuration as MrAssistant took it, and whether the agent may call now.
        :raises VendorError: MrAssistant did not take it.
        """
        vendor = self.connection.vendor
        request = vendor.configure_outbound(
            self._agent(agent_id),
            phone_numbers=phone_numbers,
            schedules=schedules,
            default_schedule_id=default_schedule_id,
        )
        return self._ask(request, vendor.read_outbound)

    def get_outbound_config(self, agent_id: str | None = None) -> OutboundConfig:
        """Read the outbound configuration of an agent, and whether it may call now.

        That a GET at the path of the configuration reads it is inferred: MrAssistant documents only how to write it.

        :param agent_id: whose; default: the connection's.
        :raises VendorError: MrAssistant does not say.
        """
        vendor = self.connection.vendor
        return self._ask(vendor.get_outbound(self._agent(agent_id)), vendor.read_outbound)

    async def read_outbound_config(self, agent_id: str | None = None) -> OutboundConfig:
        """As `get_outbound_config`, but asked once, from an event loop: asking again is left to whoever waits."""
        vendor = (await self.async_connection()).vendor
        return await self._ask_once(vendor.get_outbound(self._agent(agent_id)), vendor.read_outbound)

    def calling_policy(self, *, agent_id: str | None = None, campaign_id: str | None = None) -> CallingPolicy:
        """The hours in which an agent may call, as a policy in their own time zone.

        They are those of the agent's default schedule, or of the only one that is enabled. What the numbers of its days
        mean is not documented: unless a window is open all week, the extra ``day_numbers`` of the connection says it.

        :param agent_id: whose; default: the connection's.
        :param campaign_id: must be None: MrAssistant's hours belong to agents.
        :raises ConfigurationError: the hours are not certain, naming what is missing or unclear.
        :raises VendorError: MrAssistant does not say.
        """
        if campaign_id is not None:
            raise ConfigurationError("MrAssistant's hours belong to an agent: give agent_id in place of campaign_id")
        vendor = self.connection.vendor
        return vendor.calling_policy(self.get_outbound_config(agent_id))

    def _agent(self, agent_id: str | None) -> str:
        found = agent_id or self.connection.agent_id
        if not found:
            raise ConfigurationError("no agent is known: set agent_id, or set it in the extra of the connection")
        return str(found)
