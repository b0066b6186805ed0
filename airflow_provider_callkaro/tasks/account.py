"""The vendor's account with which a task places calls."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta, tzinfo
from typing import TYPE_CHECKING, Any, Self

from airflow_provider_callkaro.calls.row_schema import CALLKARO, RowSchema

if TYPE_CHECKING:
    from airflow_provider_callkaro.budgets.limits import CallBudget
    from airflow_provider_callkaro.dispatch.batching import CallVendor, ManyCallsVendor
    from airflow_provider_callkaro.transport.target import Target


def _no_budget() -> CallBudget | None:
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """What the operator's connection says of the account.

    :param connection_id: of the connection, for messages.
    :param vendor: what the vendor's API says.
    :param target: where requests go.
    :param agent_id: the agent for calls that name none.
    :param schedule_timezone: the zone in which the vendor reads times of day, where it is known.
    :param row_schema: which columns of a row mean something to the vendor.
    :param rings_for: how long after a dispatch phones may still ring because of it.
    :param read_budget: reads anew which budget the connection's tasks share; None: it sets none.
    """

    connection_id: str
    vendor: CallVendor | ManyCallsVendor
    target: Target
    agent_id: str | None
    schedule_timezone: tzinfo | None
    row_schema: RowSchema = CALLKARO
    rings_for: timedelta = timedelta(0)
    read_budget: Callable[[], CallBudget | None] = _no_budget

    @classmethod
    def of_connection(cls, connection_id: str, connection: Any) -> Self:
        """The account behind what a vendor's hook has read from a connection. ``connection_id``: the connection's id.
        ``connection``: says ``vendor``, ``target`` and ``agent_id``; the vendor says its zone."""
        return cls(
            connection_id=connection_id,
            vendor=connection.vendor,
            target=connection.target,
            agent_id=connection.agent_id,
            schedule_timezone=connection.vendor.schedule_timezone,
        )
