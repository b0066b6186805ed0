"""The database of a SQL ledger, and its keys, from the Airflow connection that an argument ``ledger_conn_id`` names.

No hook of a vendor: whoever runs in a task, in a trigger or in a command finds the ledger here.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from airflow_provider_callkaro.exceptions import ConfigurationError
from airflow_provider_callkaro.files.connections import find_connection, hook_of, way_to_a_provider
from airflow_provider_callkaro.ledger.digests import FIELD, LedgerKeys, read_keys
from airflow_provider_callkaro.ledger.sql.causes import CONNECTION_ID

if TYPE_CHECKING:
    from airflow.models import Connection
    from airflow.providers.common.sql.hooks.sql import DbApiHook
    from sqlalchemy.engine import Engine


def ledger_keys(conn_id: str) -> LedgerKeys | None:
    """The keys of the ledger, from the extra of the connection that keeps it; None: the ledger is not keyed.

    :param conn_id: of the ledger's connection; of the vendor's, for a ledger in the task's own state.
    :raises ConfigurationError: the extra holds no key that can be one.
    """
    return read_keys(
        _extra(find_connection(conn_id, argument="ledger_conn_id")).get(FIELD), where=f'connection "{conn_id}"'
    )


def sql_engine(conn_id: str, *, argument: str = "ledger_conn_id") -> Engine:
    """The SQLAlchemy engine of an Airflow connection. It does not get the ledger's secret, and logs no parameter.
    Raises ConfigurationError if the connection is not to a SQL database."""
    from airflow.providers.common.sql.hooks.sql import DbApiHook

    connection = _without_secret(find_connection(conn_id, argument=argument))
    hook = hook_of(connection)
    if not isinstance(hook, DbApiHook):
        raise ConfigurationError(
            f'{argument} "{conn_id}" is a connection of type "{connection.conn_type or ""}", which is no SQL '
            "database that Airflow knows here: use SQLite, PostgreSQL, MySQL or MariaDB, or "
            f"{way_to_a_provider(connection.conn_type)}"
        )
    _hand(connection, hook)
    try:
        engine = hook.get_sqlalchemy_engine(engine_kwargs={"hide_parameters": True})
    except ImportError as error:
        raise ConfigurationError(
            f'{argument} "{conn_id}" needs the driver {error.name}, which is not installed here: install it, or '
            "name another connection"
        ) from None
    engine.update_execution_options(**{CONNECTION_ID: conn_id})
    return engine


def _extra(connection: Connection) -> Mapping[str, Any]:
    extra = connection.extra_dejson
    return extra if isinstance(extra, dict) else {}


def _without_secret(connection: Connection) -> Connection:
    """The connection without the ledger's secret: some hooks hand the whole extra to the driver, and to the log."""
    extra = _extra(connection)
    if FIELD not in extra:
        return connection
    bare = copy.deepcopy(connection)
    others = {name: value for name, value in extra.items() if name != FIELD}
    bare.extra = json.dumps(others) if others else None
    return bare


def _hand(connection: Connection, hook: DbApiHook) -> None:
    """Have a hook use this connection, where it would fetch its own, with the secret."""
    hook.get_connection = lambda *_, **__: connection
