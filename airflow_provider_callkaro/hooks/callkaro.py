"""The CallKaro hook: the connection, and one method per thing that CallKaro's API can do."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from airflow.providers.common.compat.sdk import BaseHook

from airflow_provider_callkaro import __version__
from airflow_provider_callkaro.exceptions import ConfigurationError, VendorError
from airflow_provider_callkaro.forms import CALLKARO_FIELDS, CALLKARO_FORM, behaviour, widgets
from airflow_provider_callkaro.transport.retry import RetryPolicy
from airflow_provider_callkaro.transport.sync import SyncTransport
from airflow_provider_callkaro.transport.target import Target, checked_base_url
from airflow_provider_callkaro.vendors.callkaro import DEFAULT_HOST, CallKaro
from airflow_provider_callkaro.vendors.http import Request

if TYPE_CHECKING:
    from airflow_provider_callkaro.calls.call import Call
    from airflow_provider_callkaro.vendors.answers import PlacedCall

TEST_TIMEOUT = 5  # seconds that the connection test waits for the host


@dataclass(frozen=True, slots=True, kw_only=True)
class CallKaroConnection:
    """What a connection of type ``callkaro`` says.

    :param agent_id: the agent for calls that name none.
    :param target: the host, the key and the timeouts.
    :param vendor: CallKaro's API as this account uses it.
    """

    target: Target
    vendor: CallKaro
    agent_id: str | None


class CallKaroHook(BaseHook):
    """Talks to CallKaro.

    The connection is read once per hook. Its fields: host (default ``https://api.callkaro.ai``), password (the API
    key), and the extras ``schedule_timezone`` (IANA name of the zone in which CallKaro reads times of day),
    ``agent_id`` (for calls that name none), ``connect_timeout`` and ``read_timeout`` (seconds; 10 and 60).

    :param callkaro_conn_id: the connection's id.
    """

    conn_name_attr = "callkaro_conn_id"
    default_conn_name = "callkaro_default"
    conn_type = "callkaro"
    hook_name = "CallKaro"

    def __init__(self, callkaro_conn_id: str = default_conn_name) -> None:
        super().__init__()
        self.callkaro_conn_id = callkaro_conn_id

    def create_campaign(self, name: str, agent_id: str | None = None) -> str:
        """Create a campaign; rings nobody.

        :param name: 1 to 200 characters.
        :param agent_id: the one agent of all its calls (CallKaro's v1); without it each call names its own (v2).
        :return: the ``batch_id``.
        :raises VendorError: CallKaro did not create it. A lost answer is tried again: at worst an empty campaign is
        left.
        """
        vendor = self.connection.vendor
        return self._transport.call(vendor.create_campaign(name, agent_id), vendor.read_campaign)

    def place_call(self, call: Call) -> PlacedCall:
        """Place one call. No ledger stands before it: use an operator where a person must not be rung twice.

        :return: the call as CallKaro took it, with its ``call_id``.
        :raises OutcomeUnknown: the call may have been accepted; it is not sent again.
        :raises VendorError: CallKaro did not take it.
        """
        vendor = self.connection.vendor
        return self._transport.call(vendor.place_call(call), vendor.read_placed_call)

    def delete_scheduled_call(self, to_number: str, agent_id: str) -> None:
        """Delete the scheduled calls of one agent to one number, whichever campaign or DAG scheduled them.

        :raises VendorError: CallKaro refused. What it answers where there is nothing to delete is not documented.
        """
        vendor = self.connection.vendor
        self._transport.call(vendor.delete_scheduled_call(to_number, agent_id), vendor.read_deleted_call)

    def get_conn(self) -> CallKaroConnection:
        """What the connection says; see `connection`."""
        return self.connection

    @cached_property
    def connection(self) -> CallKaroConnection:
        """The connection, read once.

        :raises ConfigurationError: it cannot work, naming the field.
        """
        conn = self.get_connection(self.callkaro_conn_id)
        return read_connection(conn, connection_id=self.callkaro_conn_id)

    @cached_property
    def _transport(self) -> SyncTransport:
        return SyncTransport(self.connection.target, policy=RetryPolicy(), sleep=time.sleep, random=random.random)

    def test_connection(self) -> tuple[bool, str]:
        """Check what can be checked without ringing anybody: the fields, and that the host answers."""
        try:
            target = replace(
                self.connection.target, headers={}, connect_timeout=TEST_TIMEOUT, read_timeout=TEST_TIMEOUT
            )
            transport = SyncTransport(target, policy=RetryPolicy(attempts=1), sleep=time.sleep, random=random.random)
            transport.call(Request("HEAD", "/"), lambda response: response.status)
            transport.close()
        except (ConfigurationError, VendorError) as error:
            return False, str(error)
        return True, (
            "The host answers and an API key is set. Whether the key is right was not checked: CallKaro documents no "
            "request that would tell without creating or ringing something."
        )

    @classmethod
    def get_ui_field_behaviour(cls) -> dict[str, Any]:
        """The connection form before Airflow 3.2, which reads it from the provider info."""
        return behaviour(CALLKARO_FORM)

    @classmethod
    def get_connection_form_widgets(cls) -> dict[str, Any]:
        """The extra fields of the connection form before Airflow 3.2."""
        return widgets(CALLKARO_FIELDS)


def read_connection(conn: Any, *, connection_id: str) -> CallKaroConnection:
    """What an Airflow connection of type ``callkaro`` says.

    :raises ConfigurationError: it has no key, or a field that cannot work.
    """
    api_key = (conn.password or "").strip()
    if not api_key:
        raise ConfigurationError(f'connection "{connection_id}" has no API key: set it as the password')
    if not api_key.isascii() or not api_key.isprintable():
        raise ConfigurationError(f'the API key of connection "{connection_id}" has a character that no key has')
    extra = conn.extra_dejson
    if not isinstance(extra, dict):
        raise ConfigurationError(f'the extra of connection "{connection_id}" must be a JSON object')
    agent_id = str(extra.get("agent_id") or "").strip()
    return CallKaroConnection(
        target=Target(
            vendor=CallKaro.name,
            base_url=checked_base_url(conn.host or DEFAULT_HOST, port=conn.port, connection=connection_id),
            headers={**CallKaro.headers(api_key), "User-Agent": f"airflow-provider-callkaro/{__version__}"},
            connect_timeout=_seconds(extra, "connect_timeout", 10.0, connection_id),
            read_timeout=_seconds(extra, "read_timeout", 60.0, connection_id),
        ),
        vendor=CallKaro(schedule_timezone=_zone(extra.get("schedule_timezone"), connection_id)),
        agent_id=agent_id or None,
    )


def _seconds(extra: dict[str, Any], name: str, default: float, connection_id: str) -> float:
    given = extra.get(name)
    try:
        seconds = default if given in (None, "") else float(str(given))
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= 600:
        raise ConfigurationError(
            f'"{name}" in the extra of connection "{connection_id}" must be seconds, above 0 and at most 600'
        )
    return seconds


def _zone(name: Any, connection_id: str) -> ZoneInfo | None:
    if name in (None, ""):
        return None
    try:
        return ZoneInfo(str(name).strip())
    except (KeyError, ValueError, OSError):
        raise ConfigurationError(
            f'"schedule_timezone" in the extra of connection "{connection_id}" is no time zone: give an IANA name such '
            'as "Asia/Kolkata"'
        ) from None
