"""The state of MrAssistant's calls: a function of the time since each call began, unless it was ended."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

from airflow_provider_callkaro.sandbox.request_log import Ring
from airflow_provider_callkaro.sandbox.vendor import Refused

TENANT_ID = "7d6f2a4e-5b1c-4c8e-9f3a-2e8b7c1d0a55"
OWN_NUMBER = "+12025550190"  # what a call that names no from_number is placed from; a number of fiction
RINGING_FROM = 0.25  # of a call's time
ANSWERED_FROM = 0.5


class Calls:
    """Every call that was placed. May be used from any thread. ``call_seconds``: how long a call takes from its start
    to its end."""

    def __init__(self, *, call_seconds: float) -> None:
        self._duration = timedelta(seconds=call_seconds)
        self._lock = threading.Lock()
        self._rings: dict[str, Ring] = {}
        self._ended: dict[str, datetime] = {}

    def forget(self) -> None:
        """Forget every call."""
        with self._lock:
            self._rings.clear()
            self._ended.clear()

    def add(self, ring: Ring) -> None:
        """Follow a call."""
        with self._lock:
            self._rings[ring.call_id] = ring

    def end(self, call_id: str, *, now: datetime) -> None:
        """End a call; one that has ended already stays as it is. Raises Refused if there is no such call."""
        ring = self._found(call_id)
        with self._lock:
            self._ended.setdefault(call_id, min(now, _begins_at(ring) + self._duration))

    def placed(self, ring: Ring) -> dict[str, Any]:
        """Give the answer to a request that has just placed a call."""
        return {
            "call_id": ring.call_id,
            "session_id": str(uuid5(UUID(ring.call_id), "session")),
            "room_name": f"call-{ring.call_id}",
            "agent_id": ring.agent_id,
            "direction": "outbound",
            "from_number": _from_number(ring),
            "to_number": ring.to_number,
            "status": "initiated",
            "recording": {},
        }

    def report(self, call_id: str, *, now: datetime) -> dict[str, Any]:
        """Report the state of a call. Raises Refused if there is no such call."""
        ring = self._found(call_id)
        started_at = _begins_at(ring)
        ends_at = self._ended.get(call_id, started_at + self._duration)
        has_ended = now >= ends_at
        return {
            "call_id": call_id,
            "agent_id": ring.agent_id,
            "tenant_id": TENANT_ID,
            "direction": "outbound",
            "from_number": _from_number(ring),
            "to_number": ring.to_number,
            "status": "ended" if has_ended else self._stage(now - started_at),
            "started_at": started_at.isoformat(),
            "disposition": "completed" if has_ended else None,
            "duration_seconds": round((ends_at - started_at).total_seconds()) if has_ended else None,
            "recording_url": None,
            "sentiment_score": None,
            "language_detected": None,
            "ended_at": ends_at.isoformat() if has_ended else None,
        }

    def of_agent(self, agent_id: str, *, now: datetime) -> Iterator[dict[str, Any]]:
        """Report the calls of one agent that have begun, in the order in which they were placed."""
        with self._lock:
            rings = [ring for ring in self._rings.values() if ring.agent_id == agent_id]
        return (self.report(ring.call_id, now=now) for ring in rings if _begins_at(ring) <= now)

    def _stage(self, since: timedelta) -> str:
        if since < self._duration * RINGING_FROM:
            return "initiated"
        return "ringing" if since < self._duration * ANSWERED_FROM else "answered"

    def _found(self, call_id: str) -> Ring:
        with self._lock:
            ring = self._rings.get(call_id)
        if ring is None:
            raise Refused(404, "Call not found")
        return ring


def _begins_at(ring: Ring) -> datetime:
    return max(ring.rings_at, ring.received_at).astimezone(UTC)  # a time in the past means now


def _from_number(ring: Ring) -> str:
    return ring.body.get("from_number") or OWN_NUMBER
