"""What a call is, and when it may ring.

This room is pure: it reads no clock, opens no connection, and imports `exceptions` only. The libraries behind the
extras (phonenumbers, holidays) are imported where they are used. Begin with `call.Call`, then `row.RowReader` (from a
contact row to a call) and `policy.CallingPolicy` (when a phone may ring). `shards` cuts a list in parts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_callkaro.lazy_exports import lazy_exports

if TYPE_CHECKING:
    from airflow_provider_callkaro.calls.call import Call, InvalidCall
    from airflow_provider_callkaro.calls.outcome import Outcome, Reason
    from airflow_provider_callkaro.calls.policy import CallingPolicy
    from airflow_provider_callkaro.calls.sharding import shards
    from airflow_provider_callkaro.calls.window import ScheduleWindow

__all__ = ["Call", "CallingPolicy", "InvalidCall", "Outcome", "Reason", "ScheduleWindow", "shards"]

__getattr__ = lazy_exports(
    __name__,
    {
        "Call": "call",
        "CallingPolicy": "policy",
        "InvalidCall": "call",
        "Outcome": "outcome",
        "Reason": "outcome",
        "ScheduleWindow": "window",
        "shards": "sharding",
    },
)
