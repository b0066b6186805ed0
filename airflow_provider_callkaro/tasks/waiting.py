"""How a task waits: what the worker itself waits for, how long any wait may last, and the sleep until a moment."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

from airflow_provider_callkaro.triggers.schedule_window import nap

SHORT_WAIT = timedelta(seconds=60)
"""A shorter wait stays on the worker. A task that comes back before the executor has reported its first half is taken
for dead (seen on Airflow 3.3.2), and a minute of a worker slot costs less than a second start."""
LATE_WAKING = timedelta(seconds=60)
"""How late the triggerer may be before Airflow ends the wait: an opening at the end of the timeout still counts."""
LONGEST_TIMEOUT = timedelta(days=3_652)
"""A longer one might end after what a database can store (MySQL: the year 2038)."""


def sleep_until(moment: datetime) -> None:
    """Sleep on the worker until a moment by the wall clock, aware."""
    never = threading.Event()
    while seconds := nap(until=moment, now=datetime.now(UTC)):
        never.wait(seconds)
