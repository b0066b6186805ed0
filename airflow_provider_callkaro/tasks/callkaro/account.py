"""What a CallKaro connection says, as the engine wants it."""

from __future__ import annotations

from airflow_provider_callkaro.hooks.callkaro import CallKaroHook
from airflow_provider_callkaro.tasks.account import Account


def account_of(hook: CallKaroHook) -> Account:
    """The account behind the hook's connection."""
    connection = hook.connection
    return Account(
        connection_id=hook.callkaro_conn_id,
        vendor=connection.vendor,
        target=connection.target,
        agent_id=connection.agent_id,
        schedule_timezone=connection.vendor.schedule_timezone,
    )
