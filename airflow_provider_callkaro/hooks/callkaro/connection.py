"""What an Airflow connection of type ``callkaro`` says."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from airflow_provider_callkaro.hooks.connection import AirflowConnection, ConnectionFields
from airflow_provider_callkaro.transport.target import Target
from airflow_provider_callkaro.vendors.callkaro.api import DEFAULT_HOST, CallKaro


@dataclass(frozen=True, slots=True, kw_only=True)
class CallKaroConnection:
    """What a connection of type ``callkaro`` says.

    :param agent_id: the agent for calls that name none.
    :param on_call_number: whom a notifier calls that names nobody.
    :param target: the host, the key and the timeouts.
    :param vendor: CallKaro's API as this account uses it.
    :param calling_windows: when calls may ring, as `policy_from_json` reads it; None where the connection does not say.
    """

    target: Target
    vendor: CallKaro
    agent_id: str | None
    calling_windows: Any = None
    on_call_number: str | None = field(default=None, repr=False)


def read_connection(conn: AirflowConnection, *, connection_id: str) -> CallKaroConnection:
    """What an Airflow connection of type ``callkaro`` says.

    :raises ConfigurationError: it has no key, or a field that cannot work.
    """
    fields = ConnectionFields(conn, connection_id=connection_id)
    headers = CallKaro.headers(fields.secret(what="API key"))
    return CallKaroConnection(
        target=fields.target(vendor=CallKaro.name, default_host=DEFAULT_HOST, headers=headers),
        vendor=CallKaro(schedule_timezone=fields.zone("schedule_timezone")),
        agent_id=fields.text("agent_id"),
        calling_windows=fields.json("calling_windows"),
        on_call_number=fields.text("on_call_number"),
    )
