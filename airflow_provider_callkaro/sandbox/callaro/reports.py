"""Callaro's reports on a campaign: tasks, figures, exports, forecasts.

The vendor's page only names these, so their fields are the sandbox's own. Every call that is dialled is answered.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from airflow_provider_callkaro.sandbox.callaro.campaigns import CALL_SECONDS, Campaign

CALLS_PER_HOUR = 30  # of one line, for the forecast of the capacity
ZONES = {"+91": "Asia/Kolkata", "+44": "Europe/London", "+65": "Asia/Singapore"}  # countries with one zone
RESULT_COLUMNS = ("phone_e164", "status", "outcome", "duration_seconds", "dialed_at")
REFUSED_COLUMNS = ("line", "phone_e164", "error")
CAMPAIGN_COLUMNS = ("id", "name", "status", "agent_id", "created_at", "launched_at", "finished_at")


def tasks(campaign: Campaign, audience: Sequence[Mapping[str, object]]) -> list[dict[str, Any]]:
    """List the contacts, each with the state of its call. ``audience``: whom it dials, or would."""
    return [
        {
            "id": number,
            "phone_e164": contact["phone_e164"],
            "status": _status(campaign, number),
            "outcome": "answered" if number <= campaign.answered else None,
            "duration_seconds": CALL_SECONDS if number <= campaign.answered else None,
            "dialed_at": campaign.dialled_at[number - 1].isoformat() if number <= len(campaign.dialled_at) else None,
        }
        for number, contact in enumerate(audience, start=1)
    ]


def _status(campaign: Campaign, number: int) -> str:
    if number <= campaign.answered:
        return "completed"
    return "dialing" if number <= len(campaign.dialled_at) else "pending"


def results(campaign: Campaign, audience: Sequence[Mapping[str, object]]) -> list[dict[str, Any]]:
    """List the contacts with the columns of the export."""
    return [{name: task[name] for name in RESULT_COLUMNS} for task in tasks(campaign, audience)]


def analytics(
    campaign: Campaign, audience: Sequence[Mapping[str, object]], *, start: date, end: date
) -> dict[str, Any]:
    """Count the calls that were dialled on the days asked for, both included; days are UTC."""
    within = [start <= moment.date() <= end for moment in campaign.dialled_at]
    answered = sum(within[: campaign.answered])
    return {
        "campaign_id": campaign.id,
        "total": len(audience),
        "dialed": sum(within),
        "answered": answered,
        "failed": 0,
        "answer_rate": answered / sum(within) if any(within) else 0.0,
        "average_duration_seconds": CALL_SECONDS if answered else 0,
    }


def dispatch_health(campaign: Campaign, audience: Sequence[Mapping[str, object]]) -> dict[str, Any]:
    """Report whether it can dial."""
    numbers = len(campaign.fields.get("campaign_phone_number_ids") or ())
    return {
        "status": "healthy",
        "pending_tasks": len(audience) - len(campaign.dialled_at),
        "dialed": len(campaign.dialled_at),
        "failed": 0,
        "failure_rate": 0.0,
        "numbers_healthy": numbers,
        "numbers_total": numbers,
    }


def capacity_preview(
    campaign: Campaign, audience: Sequence[Mapping[str, object]], *, concurrency_limit: int | None = None
) -> dict[str, Any]:
    """Estimate how long its calls take.

    :param concurrency_limit: how many calls at once, instead of the campaign's own.
    """
    lines = concurrency_limit or campaign.fields.get("concurrency_limit") or 1
    return {
        "contacts": len(audience),
        "concurrency_limit": lines,
        "estimated_minutes": math.ceil(len(audience) * 60 / (lines * CALLS_PER_HOUR)),
        "calls_per_hour": lines * CALLS_PER_HOUR,
        "numbers": len(campaign.fields.get("campaign_phone_number_ids") or ()),
    }


def audience_timezone_analysis(_campaign: Campaign, audience: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Count the contacts by time zone, as far as the country code shows it."""
    by_timezone: dict[str, int] = {}
    for contact in audience:
        if (zone := ZONES.get(contact["phone_e164"][:3])) is not None:
            by_timezone[zone] = by_timezone.get(zone, 0) + 1
    return {
        "total": len(audience),
        "by_timezone": by_timezone,
        "unknown": len(audience) - sum(by_timezone.values()),
        "outside_window": 0,
    }


def csv_lines(columns: Sequence[str], rows: Iterable[Mapping[str, object]]) -> Iterator[str]:
    """Write an export line by line. ``columns``: one of the tuples above; other fields of a row are left out."""
    line = io.StringIO()
    writer = csv.DictWriter(line, columns, extrasaction="ignore")
    writer.writeheader()
    for row in rows:
        yield line.getvalue()
        line.seek(0)
        line.truncate()
        writer.writerow(row)
    yield line.getvalue()
