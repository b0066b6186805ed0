"""Airflow's connections and their hooks, with one sentence for each way in which there may be none."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from airflow_provider_callkaro.calls.masking import mask_error
from airflow_provider_callkaro.exceptions import ConfigurationError

if TYPE_CHECKING:
    from airflow.models import Connection

log = logging.getLogger(__name__)

PACKAGES = {
    "athena": "amazon",
    "databricks": "databricks",
    "drill": "apache-drill",
    "druid": "apache-druid",
    "exasol": "exasol",
    "gcpbigquery": "google",
    "hiveserver2": "apache-hive",
    "impala": "apache-impala",
    "jdbc": "jdbc",
    "mssql": "microsoft-mssql",
    "mysql": "mysql",
    "odbc": "odbc",
    "oracle": "oracle",
    "pinot": "apache-pinot",
    "postgres": "postgres",
    "presto": "presto",
    "redshift": "amazon",
    "snowflake": "snowflake",
    "sqlite": "sqlite",
    "teradata": "teradata",
    "trino": "trino",
    "vertica": "vertica",
}
"""The provider package of a type of connection to a database: what follows ``apache-airflow-providers-``."""


def find_connection(conn_id: str, *, argument: str) -> Connection:
    """The connection of a task's argument.

    :param argument: what names it, for the message.
    :raises ConfigurationError: there is none of that id.
    """
    from airflow.providers.common.compat.sdk import AirflowNotFoundException, BaseHook

    try:
        return BaseHook.get_connection(conn_id)
    except AirflowNotFoundException:
        raise ConfigurationError(f'no connection is named "{conn_id}": create it, or change {argument}') from None


def hook_of(connection: Any) -> Any:
    """The hook of a connection; None where no installed provider has one, or its library is not installed.

    Airflow says that in as many ways as it has versions, one of which is an AttributeError. The log keeps which.
    """
    try:
        return connection.get_hook()
    except Exception as error:
        log.info("A connection of type %s has no hook here (%s)", connection.conn_type, mask_error(error))
        return None


def way_to_a_provider(connection_type: str | None) -> str:
    """What to install for a type of connection, as the end of a sentence."""
    package = PACKAGES.get(connection_type or "")
    return f"install apache-airflow-providers-{package}" if package else "install the provider package of its type"
