"""The call budget of a vendor's connection: ``budget`` in its extra."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from airflow_provider_callkaro.budgets.limits import CallBudget
from airflow_provider_callkaro.exceptions import ConfigurationError

if TYPE_CHECKING:
    from airflow_provider_callkaro.hooks.connection import AirflowConnection

FIELD = "budget"


def read_budget(conn: AirflowConnection, *, connection_id: str) -> CallBudget | None:
    """The budget in the extra of a connection, as an object or, from the form, as JSON text; None where there is none.

    :raises ConfigurationError: it cannot be a budget, naming the key.
    """
    extra = conn.extra_dejson
    value = extra.get(FIELD) if isinstance(extra, dict) else None
    where = f'"{FIELD}" in the extra of connection "{connection_id}"'
    if isinstance(value, str) and value.strip():
        try:
            value = json.loads(value)
        except ValueError:
            raise ConfigurationError(f'{where} is no JSON: write it such as {{"calls_per_second": 50}}') from None
    return None if value in (None, "", {}) else CallBudget.read(value, where=where)
