"""What an Airflow connection of type ``callaro`` says."""

from __future__ import annotations

from dataclasses import dataclass

from airflow_provider_callkaro.exceptions import ConfigurationError
from airflow_provider_callkaro.hooks.connection import AirflowConnection, ConnectionFields
from airflow_provider_callkaro.transport.target import Target
from airflow_provider_callkaro.vendors.callaro.api import DEFAULT_HOST, Callaro


@dataclass(frozen=True, slots=True, kw_only=True)
class CallaroConnection:
    """What a connection of type ``callaro`` says.

    :param target: the host, the key and the timeouts.
    :param vendor: Callaro's API, with the routes of this connection.
    :param campaign_page: the address of a campaign's page in the dashboard, with ``{campaign_id}`` in it.
    """

    target: Target
    vendor: Callaro
    campaign_page: str | None = None


def read_connection(conn: AirflowConnection, *, connection_id: str) -> CallaroConnection:
    """What an Airflow connection of type ``callaro`` says.

    :raises ConfigurationError: it has no key, or a field that cannot work.
    """
    fields = ConnectionFields(conn, connection_id=connection_id)
    tenant_id = fields.text("tenant_id")
    if tenant_id is not None and not tenant_id.isascii():
        raise ConfigurationError(f'"tenant_id" in the extra of connection "{connection_id}" must be ASCII')
    try:
        vendor = Callaro(routes=fields.mapping("routes"), states=fields.mapping("states"))
    except ConfigurationError as error:
        raise ConfigurationError(
            f'"routes" or "states" in the extra of connection "{connection_id}": {error}'
        ) from None
    headers = Callaro.headers(fields.secret(what="API key"), tenant_id=tenant_id)
    return CallaroConnection(
        target=fields.target(vendor=Callaro.name, default_host=DEFAULT_HOST, headers=headers),
        vendor=vendor,
        campaign_page=fields.campaign_page(),
    )
