"""Which ledgers the board shows. A viewer never names a connection that the deployment has not named."""

from __future__ import annotations

from datetime import timedelta

from airflow.providers.common.compat.sdk import conf

SECTION = "callkaro"
LEDGERS = "board_ledger_conn_ids"
UNRESOLVED = "board_unresolved_after_hours"


def ledger_conn_ids() -> tuple[str, ...]:
    """The connections in the setting ``[callkaro] board_ledger_conn_ids``, in its order."""
    text = conf.get(SECTION, LEDGERS, fallback="") or ""
    return tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))


def unresolved_after() -> timedelta:
    """How long after its claim a call may wait for its outcome before the board shows it as unresolved: the setting
    ``[callkaro] board_unresolved_after_hours``, 24 by default."""
    return timedelta(hours=conf.getfloat(SECTION, UNRESOLVED, fallback=24.0))
