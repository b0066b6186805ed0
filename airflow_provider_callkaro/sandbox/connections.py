"""The Airflow connections to a sandbox, in JSON: one for each vendor, with the ids that the hooks look for."""

from __future__ import annotations

import json
from collections.abc import Mapping

from airflow_provider_callkaro.sandbox.mrassistant.tokens import LOGIN


def airflow_connections(*, url: str, api_key: str) -> dict[str, str]:
    """Write the connections, by their ids."""
    where = {"host": url, "password": api_key}
    return {
        "callkaro_default": _json({"conn_type": "callkaro"} | where),
        "callaro_default": _json({"conn_type": "callaro"} | where),
        "mrassistant_default": _json({"conn_type": "mrassistant", "login": LOGIN} | where),
    }


def _json(connection: Mapping[str, str]) -> str:
    return json.dumps(connection, separators=(",", ":"))
