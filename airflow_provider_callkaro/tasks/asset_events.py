"""The asset events of an operator that places calls, and of a sensor that waits for what became of them: counts alone.

An outlet that is an asset gets one event. An alias gets one for each campaign, whose asset has an address of its own:
``callkaro://campaigns/<its id>``. So a DAG can wait for a campaign that another DAG has just made.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Asset, Context


class CallEventKind(StrEnum):
    """What an asset event tells: ``event`` in its extra."""

    FAN_OUT_ENDED = "fan_out_ended"
    """The list is done: its calls are accepted, rejected, skipped or unknown."""
    OUTCOMES_COMPLETE = "outcomes_complete"
    """As many calls have an outcome as were waited for."""
    OUTCOMES_INCOMPLETE = "outcomes_incomplete"
    """The wait is over, and fewer have one."""


def campaign_asset(connection_type: str, campaign_id: str) -> Asset:
    """The asset of a campaign, for ``schedule=[…]`` of a DAG.

    :param connection_type: of the vendor: ``callkaro``, ``callaro`` or ``mrassistant``.
    :param campaign_id: as the vendor names it.
    """
    from airflow.providers.common.compat.sdk import Asset

    return Asset(f"{connection_type}://campaigns/{quote(str(campaign_id), safe='')}")


def campaigns_of(result: Mapping[str, Any]) -> list[str]:
    """The campaigns that a fan-out's summary names."""
    if "created" in result:
        return [str(campaign["campaign_id"]) for campaign in result["created"]]
    return [str(result["batch_id"])] if result.get("batch_id") else []


def tell_outlets(
    context: Context,
    outlets: Iterable[Any],
    kind: CallEventKind,
    *,
    counts: Mapping[str, Any],
    campaigns: Sequence[str] = (),
    connection_type: str,
) -> None:
    """Leave an event for each outlet of the task; Airflow sends them if the task succeeds.

    :param counts: go into the event's extra, beside ``event``.
    :param campaigns: an alias gets the events of these.
    """
    from airflow.providers.common.compat.sdk import AssetAlias

    extra = {"event": kind.value, **counts}
    for outlet in outlets:
        accessor = context["outlet_events"][outlet]
        if not isinstance(outlet, AssetAlias):
            accessor.extra = extra
            continue
        for campaign in campaigns:
            accessor.add(campaign_asset(connection_type, campaign), extra={**extra, "campaign_id": campaign})
