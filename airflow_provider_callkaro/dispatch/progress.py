"""How far a run is, logged every few seconds."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from airflow_provider_callkaro.calls.outcome import Outcome
from airflow_provider_callkaro.dispatch.tally import Tally

INTERVAL = 5.0  # seconds between two snapshots

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """How far a run is.

    :param done: rows that have their outcome.
    :param total: rows in the list; None where that is not known.
    :param calls_per_second: requests sent per second since the last snapshot.
    :param seconds_left: an estimate; None where the total is not known or nothing is done yet.
    """

    done: int
    total: int | None
    accepted: int
    rejected: int
    skipped: int
    unknown: int
    calls_per_second: float
    seconds_left: float | None

    def as_state(self) -> dict[str, Any]:
        """The snapshot as JSON, for Airflow's task state."""
        return {name: getattr(self, name) for name in self.__slots__}

    def __str__(self) -> str:
        of = f" of {self.total}" if self.total is not None else ""
        left = f"; about {_span(self.seconds_left)} left" if self.seconds_left is not None else ""
        return (
            f"{self.done}{of} rows: {self.accepted} accepted, {self.skipped} skipped, {self.rejected} rejected, "
            f"{self.unknown} unknown; {self.calls_per_second:.1f} calls/s{left}"
        )


class Progress:
    """Publishes how far a run is. A failure to publish does not end the run: it is logged once, until it works again.

    :param total: rows in the list; None where that is not known.
    :param say: publishes a snapshot. An `Exception` that it raises stays here.
    :param clock: seconds of a monotonic clock.
    """

    def __init__(self, *, total: int | None, say: Callable[[Snapshot], None], clock: Callable[[], float]) -> None:
        self._total = total
        self._say = say
        self._clock = clock
        self._began = self._published_at = clock()
        self._dialled = 0
        self._works = True

    def tick(self, tally: Tally) -> None:
        """Publish a snapshot, if the last one is `INTERVAL` ago."""
        now = self._clock()
        if now - self._published_at < INTERVAL:
            return
        rate = (tally.dialled - self._dialled) / (now - self._published_at)
        self._published_at, self._dialled = now, tally.dialled
        done = tally.total
        left = None
        if self._total is not None and done:
            left = round(max(0, self._total - done) * (now - self._began) / done, 1)
        self._publish(
            Snapshot(
                done=done,
                total=self._total,
                accepted=tally[Outcome.ACCEPTED],
                rejected=tally[Outcome.REJECTED],
                skipped=tally[Outcome.SKIPPED],
                unknown=tally[Outcome.UNKNOWN],
                calls_per_second=round(rate, 1),
                seconds_left=left,
            )
        )

    def _publish(self, snapshot: Snapshot) -> None:
        try:
            self._say(snapshot)
        except Exception as error:
            if self._works:
                _log.warning("The progress could not be written (%s); the run goes on", type(error).__name__)
            self._works = False
        else:
            self._works = True


def _span(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
