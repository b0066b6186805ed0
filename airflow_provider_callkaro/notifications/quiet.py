"""Where it is kept that a person has been alerted: in the SQL ledger's database, or in this process alone."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Protocol


class QuietPeriods(Protocol):
    """Begins an alert once per thing, person and quiet period; see `SqlQuietPeriods`."""

    def begin(self, what: str, *, number: str, period: timedelta, owner: str) -> bool: ...

    def withdraw(self, what: str, *, number: str, owner: str) -> None: ...


class ProcessQuietPeriods:
    """The alerts of this process. ``clock``: seconds of a clock that only goes forward."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._begun: dict[tuple[str, str], tuple[str, float]] = {}

    def begin(self, what: str, *, number: str, period: timedelta, owner: str) -> bool:
        """As `SqlQuietPeriods.begin`."""
        with self._lock:
            now, key = self._clock(), (what, number)
            if key in self._begun and now - self._begun[key][1] < period.total_seconds():
                return self._begun[key][0] == owner
            self._begun[key] = (owner, now)
            return True

    def withdraw(self, what: str, *, number: str, owner: str) -> None:
        """As `SqlQuietPeriods.withdraw`."""
        with self._lock:
            if self._begun.get((what, number), ("", 0.0))[0] == owner:
                del self._begun[what, number]


_OF_THIS_PROCESS = ProcessQuietPeriods()


@contextmanager
def quiet_periods(ledger_conn_id: str | None) -> Iterator[QuietPeriods]:
    """The quiet periods in the ledger's database; without one those of this process.

    :raises ConfigurationError: the connection is not to a SQL database.
    :raises LedgerError: the database does not answer.
    """
    if ledger_conn_id is None:
        yield _OF_THIS_PROCESS
        return
    from airflow_provider_callkaro.hooks.ledger import ledger_keys, sql_engine
    from airflow_provider_callkaro.ledger.sql.quiet_periods import SqlQuietPeriods

    engine = sql_engine(ledger_conn_id)
    try:
        with SqlQuietPeriods(engine, keys=ledger_keys(ledger_conn_id)) as kept:
            yield kept
    finally:
        engine.dispose()
