"""The CallKaro hook: the connection, and one method per thing that CallKaro's API can do."""

from __future__ import annotations

from dataclasses import replace
from datetime import tzinfo
from typing import TYPE_CHECKING

from airflow_provider_callkaro.exceptions import ConfigurationError
from airflow_provider_callkaro.hooks.vendor import Ask, VendorHook
from airflow_provider_callkaro.vendors.callkaro.profile import CALLKARO

if TYPE_CHECKING:
    from airflow_provider_callkaro.calls.call import Call
    from airflow_provider_callkaro.calls.policy import CallingPolicy
    from airflow_provider_callkaro.hooks.callkaro.connection import CallKaroConnection
    from airflow_provider_callkaro.hooks.connection import AirflowConnection
    from airflow_provider_callkaro.transport.retry import RetryPolicy
    from airflow_provider_callkaro.transport.target import Target
    from airflow_provider_callkaro.vendors.answers import PlacedCall


class CallKaroHook(VendorHook["CallKaroConnection"]):
    """Talks to CallKaro.

    The connection is read once per hook. Its fields: host (default ``https://api.callkaro.ai``), password (the API
    key), and the extras ``schedule_timezone`` (IANA name of the zone in which CallKaro reads times of day),
    ``calling_windows`` (when calls may ring, in that zone; see `calling_policy`), ``agent_id`` (for calls that name
    none), ``on_call_number`` (whom `CallKaroNotifier` calls), ``connect_timeout`` and ``read_timeout`` (seconds; 10 and
    60).

    :param callkaro_conn_id: the connection's id.
    """

    conn_name_attr = "callkaro_conn_id"
    default_conn_name = "callkaro_default"
    conn_type = "callkaro"
    hook_name = "CallKaro"
    profile = CALLKARO

    def __init__(self, callkaro_conn_id: str = default_conn_name) -> None:
        super().__init__(callkaro_conn_id)

    @property
    def schedule_timezone(self) -> tzinfo | None:
        """The zone in which CallKaro reads times of day, where the connection says it."""
        return self.connection.vendor.schedule_timezone

    def calling_policy(self, *, agent_id: str | None = None, campaign_id: str | None = None) -> CallingPolicy:
        """The hours that the connection's extra names: ``calling_windows``, in its ``schedule_timezone``.

        An example of the extra: ``{"schedule_timezone": "Asia/Kolkata", "calling_windows": [{"start": "10:00", "end":
        "19:00", "days": "mon-sat"}]}``.

        :param agent_id: must be None: CallKaro's API knows no hours of an agent.
        :param campaign_id: must be None, for the same reason.
        :raises ConfigurationError: the extra has no windows or no zone, or they cannot be read.
        """
        from airflow_provider_callkaro.calls.described import policy_from_json

        if agent_id is not None or campaign_id is not None:
            raise ConfigurationError(
                "CallKaro tells no hours of an agent or a campaign: leave agent_id and campaign_id out, and set "
                '"calling_windows" in the extra of the connection'
            )
        place = f'in the extra of connection "{getattr(self, self.conn_name_attr)}"'
        windows, zone = self.connection.calling_windows, self.schedule_timezone
        if windows is None or zone is None:
            missing = "calling_windows" if windows is None else "schedule_timezone"
            raise ConfigurationError(f'the hours need "{missing}" {place}')
        try:
            return policy_from_json(windows, timezone=str(zone))
        except ConfigurationError as error:
            raise ConfigurationError(f'"calling_windows" {place}: {error}') from None

    def create_campaign(self, name: str, agent_id: str | None = None) -> str:
        """Create a campaign. No phone rings.

        :param name: 1 to 200 characters.
        :param agent_id: the one agent of all its calls (CallKaro's v1); without it each call names its own (v2).
        :return: the ``batch_id``.
        :raises OutcomeUnknown: CallKaro said yes, but not under which id: it is not asked again.
        :raises VendorError: CallKaro did not create it. A lost answer is tried again: at worst an empty campaign is
            left.
        """
        vendor = self.connection.vendor
        return self._ask(vendor.create_campaign(name, agent_id), vendor.read_campaign)

    def place_call(self, call: Call, *, patience: RetryPolicy | None = None) -> PlacedCall:
        """Place one call. The hook has no ledger: use an operator where a person must not be rung twice.

        :param patience: how often, and after how long, what was not taken is sent again; default: as any request.
        :return: the call as CallKaro took it, with its ``call_id``.
        :raises OutcomeUnknown: the call may have been accepted; it is not sent again.
        :raises VendorError: CallKaro did not take it.
        """
        connection = self.connection
        transport = self._transport if patience is None else self._transport_to(connection.target, patience)
        return transport.call(connection.vendor.place_call(call), connection.vendor.read_placed_call)

    def delete_scheduled_call(self, to_number: str, agent_id: str) -> None:
        """Delete the scheduled calls of one agent to one number, whichever campaign or DAG scheduled them.

        :raises VendorError: CallKaro refused. What it answers where there is nothing to delete is not documented.
        """
        vendor = self.connection.vendor
        self._ask(vendor.delete_scheduled_call(to_number, agent_id), vendor.read_deleted_call)

    def _read_connection(self, conn: AirflowConnection, *, connection_id: str) -> CallKaroConnection:
        from airflow_provider_callkaro.hooks.callkaro.connection import read_connection

        return read_connection(conn, connection_id=connection_id)

    def _probe_target(self) -> Target:
        return replace(self.connection.target, headers={})  # no request would tell whether the key is right

    def _probe(self, ask: Ask) -> str:
        from airflow_provider_callkaro.vendors.http import Request

        ask(Request("HEAD", "/"), lambda response: response.status)
        return (
            "The host answers and an API key is set. Whether the key is right was not checked: CallKaro documents no "
            "request that would tell without creating or ringing something."
        )
