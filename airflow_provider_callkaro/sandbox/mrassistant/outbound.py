"""The outbound configuration of MrAssistant's agents: what was written, and whether an agent may call now.

The page shows the fields and not how they work, so all of this is the sandbox's own: days are numbered from
Monday, 0; a schedule is open while one of its windows is; a day begins at midnight UTC; nothing is enforced.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from airflow_provider_callkaro.sandbox.vendor import Refused

DAILY_LIMIT = 5_000  # calls; configure outbound calling, daily_limit
_A_WEEK = 8  # days to look ahead: today may be over


class OutboundConfigs:
    """The configuration of every agent. May be used from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._written: dict[str, Mapping[str, Any]] = {}

    def forget(self) -> None:
        """Forget every configuration."""
        with self._lock:
            self._written.clear()

    def write(self, agent_id: str, fields: Mapping[str, object]) -> None:
        """Replace the configuration of an agent."""
        with self._lock:
            self._written[agent_id] = fields

    def report(self, agent_id: str, *, now: datetime, calls_today: int) -> dict[str, Any]:
        """Report how an agent is configured, and whether it may call. ``calls_today``: how many calls it has made since
        midnight UTC. Raises Refused if it was never configured."""
        with self._lock:
            fields = self._written.get(agent_id)
        if fields is None:
            raise Refused(404, "Outbound configuration not found")
        numbers = [{"enabled": True, "daily_limit": DAILY_LIMIT, **each} for each in fields["phone_numbers"]]
        remaining = max(0, sum(each["daily_limit"] for each in numbers if each["enabled"]) - calls_today)
        begins = now if remaining else _midnight(now + timedelta(days=1))
        openings = sorted(
            max(start, begins) for start, end in _openings(fields.get("schedules", []), now) if end > begins
        )
        can_call = bool(openings) and openings[0] <= now
        return {
            "agent_id": agent_id,
            "phone_numbers": numbers,
            "schedules": [{"enabled": True, **each} for each in fields.get("schedules", [])],
            "default_schedule_id": fields.get("default_schedule_id"),
            "total_calls_today": calls_today,
            "calls_remaining_today": remaining,
            "can_call_now": can_call,
            "next_available_time": None if can_call or not openings else openings[0].isoformat(),
        }


def _openings(schedules: list[Mapping[str, Any]], now: datetime) -> Iterator[tuple[datetime, datetime]]:
    """When each window opens and closes, from yesterday to a week ahead."""
    for schedule in schedules:
        for window in schedule.get("time_windows", []) if schedule.get("enabled", True) else []:
            zone = ZoneInfo(window.get("timezone", "UTC"))
            today = now.astimezone(zone).date()
            for day in (today + timedelta(days=ahead) for ahead in range(-1, _A_WEEK)):
                if day.weekday() in window.get("days_of_week", range(7)):
                    starts = datetime.combine(day, _clock(window["start_time"]), zone)
                    ends = datetime.combine(day, _clock(window["end_time"]), zone)
                    ends += timedelta(days=1) if ends <= starts else timedelta(0)
                    yield starts.astimezone(UTC), ends.astimezone(UTC)


def _clock(text: str) -> time:
    return time(0) if text.startswith("24:00") else time.fromisoformat(text.zfill(5))


def _midnight(moment: datetime) -> datetime:
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)
