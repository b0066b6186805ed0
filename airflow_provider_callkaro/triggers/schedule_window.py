"""Waiting for one moment without a worker.

The task that defers has already decided when to go on; the trigger only sleeps until then. It looks nothing up, opens
no connection and places no call, so it may run twice, move to another triggerer, or start again after a crash.

The standard provider's `DateTimeTrigger` does the same, but sleeps up to an hour without a look at the clock. After the
machine was suspended, or the clock set, it may fire an hour late: half an hour where a triggerer slept for 13.5 of the
14 hours until an opening (standard provider 1.21.0, simulated clock). A short calling window would be lost. Here it is
at most a minute. It also writes 160 lines into the log of a task that waits for a night; this trigger writes one.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

from airflow_provider_callkaro.exceptions import ConfigurationError

LONGEST_NAP = timedelta(seconds=60)
"""The longest sleep without a look at the clock: a sleep does not notice that somebody set the clock, or that the
machine was suspended."""


def nap(*, until: datetime, now: datetime) -> float:
    """How many seconds to sleep before looking at the clock again; 0 when the moment has come. ``until``: the moment
    that is waited for, aware. ``now``: what the clock says, aware."""
    return min(max(until - now, timedelta(0)), LONGEST_NAP).total_seconds()


class ScheduleWindowTrigger(BaseTrigger):
    """Sleeps until a moment, then fires once with ``{"moment": ISO 8601}``. ``moment``: when to fire, aware. In the
    past means at once. Raises ConfigurationError if the moment has no time zone."""

    def __init__(self, moment: datetime) -> None:
        super().__init__()
        if moment.tzinfo is None:
            raise ConfigurationError("moment has no time zone: give an aware datetime")
        self.moment = moment.astimezone(UTC)

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """What Airflow stores of the trigger, and makes it from again."""
        return f"{type(self).__module__}.{type(self).__qualname__}", {"moment": self.moment}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Sleep until the moment by the wall clock, then say so."""
        self.log.info("Sleeping until %s", self.moment.isoformat(timespec="seconds"))
        while seconds := nap(until=self.moment, now=datetime.now(UTC)):
            await asyncio.sleep(seconds)
        yield TriggerEvent({"moment": self.moment.isoformat()})
