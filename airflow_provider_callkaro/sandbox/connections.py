"""The Airflow connections to a sandbox, in JSON: one for each vendor, with the ids that the hooks look for."""

from __future__ import annotations

import json

from airflow_provider_callkaro.sandbox.known import VENDORS


def airflow_connections(*, url: str, api_key: str) -> dict[str, str]:
    """Write the connections, by their ids."""
    connections = {}
    for vendor in VENDORS:
        login = {} if vendor.login is None else {"login": vendor.login}
        connection = {"conn_type": vendor.connection_type, **login, "host": url, "password": api_key}
        connections[f"{vendor.connection_type}_default"] = json.dumps(connection, separators=(",", ":"))
    return connections
