"""What a task instance means to the ledger: which run it is, in which scope it rings, and which ledger remembers it."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from datetime import UTC
from typing import Any

from airflow_provider_callkaro.exceptions import ConfigurationError, LedgerRequired
from airflow_provider_callkaro.ledger.call_caps import CallCaps
from airflow_provider_callkaro.ledger.contract import CallLedger

log = logging.getLogger(__name__)


def run_name(context: Mapping[str, Any]) -> str:
    """The task instance of one run, the same for all its tries."""
    ti = context["ti"]
    return f"{ti.dag_id}/{ti.run_id}/{ti.task_id}/{ti.map_index}"


def default_scope(context: Mapping[str, Any]) -> str:
    """The scope in which a person is rung once: DAG, task and data interval; the run, where it has no interval.

    Never built from the logical date alone: a run triggered by hand or by an asset may have none.
    """
    ti = context["ti"]
    start, end = context.get("data_interval_start"), context.get("data_interval_end")
    if start is None or end is None:
        return f"{ti.dag_id}/{ti.task_id}@{ti.run_id}"
    return f"{ti.dag_id}/{ti.task_id}@{start.astimezone(UTC).isoformat()}/{end.astimezone(UTC).isoformat()}"


def task_state_of(context: Mapping[str, Any]) -> Any | None:
    """Airflow's task-state store (3.3 and later), or None where there is none."""
    return context.get("task_state_store")


def open_ledger(
    context: Mapping[str, Any],
    *,
    ledger_conn_id: str | None,
    scope: str,
    also: Sequence[str] = (),
    caps: CallCaps | None = None,
    several_passes: bool = False,
) -> CallLedger:
    """The ledger for this task: SQL where a connection is given, else the task's own state, else none but a first try.

    :param ledger_conn_id: an Airflow connection to SQLite, PostgreSQL, MySQL or MariaDB.
    :param also: further scopes of a SQL ledger, in which each call is claimed with it.
    :param caps: how often one person may be called, which a SQL ledger checks with each claim.
    :param several_passes: whether the task goes through its list more than once, sleeping in between.
    :raises ConfigurationError: the connection is not to a SQL database.
    :raises LedgerRequired: there is no ledger, and an earlier try may have rung people.
    """
    if ledger_conn_id:
        from airflow_provider_callkaro.ledger.sql import SqlLedger

        return SqlLedger(_engine(ledger_conn_id), scope=scope, also=also, run=run_name(context), caps=caps)
    store = task_state_of(context)
    if store is not None:
        from airflow.sdk import NEVER_EXPIRE  # type: ignore[attr-defined]  # 3.3 and later

        from airflow_provider_callkaro.ledger.task_state import TaskStateLedger

        return TaskStateLedger(store, retention=NEVER_EXPIRE)
    if several_passes:
        raise LedgerRequired(
            'with a policy the task may sleep and go through its list again (when_closed="wait"), and nothing would '
            "remember whom it has rung: set ledger_conn_id to a SQL connection, or run on Airflow 3.3 or later"
        )
    if context["ti"].try_number > 1:
        raise LedgerRequired(
            "an earlier try of this task may have rung people, and nothing remembers whom: set ledger_conn_id to a SQL "
            "connection, or run on Airflow 3.3 or later; to start over knowingly, trigger a new run"
        )
    log.warning(
        "No ledger: this Airflow has no task state (3.3 or later) and no ledger_conn_id is set. This try goes ahead; "
        "if it fails, a retry will refuse to ring anybody, because nothing remembers who has been rung."
    )
    from airflow_provider_callkaro.ledger.memory import MemoryLedger

    return MemoryLedger(scope=scope, run=run_name(context))


def remaining_time(execution_timeout: Any) -> float:
    """The moment of the monotonic clock at which a task with this ``execution_timeout`` should wind down."""
    if execution_timeout is None:
        return float("inf")
    seconds = float(execution_timeout.total_seconds())
    return time.monotonic() + max(0.8 * seconds, seconds - 60)


def _engine(conn_id: str) -> Any:
    from airflow.providers.common.compat.sdk import BaseHook

    hook = BaseHook.get_hook(conn_id)
    try:
        return hook.get_sqlalchemy_engine()
    except AttributeError:
        raise ConfigurationError(
            f'ledger_conn_id "{conn_id}" is a connection of type "{hook.conn_type}", which is no SQL database: use '
            "SQLite, PostgreSQL, MySQL or MariaDB"
        ) from None
