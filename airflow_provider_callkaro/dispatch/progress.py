"""How far a run is, said at most every few seconds."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from airflow_provider_callkaro.calls.outcome import Outcome
from airflow_provider_callkaro.dispatch.tally import Tally

INTERVAL = 5.0  # seconds between two words about the progress

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """Where a run stands.

    :param total: rows in the list, None where it is not known.
    :param calls_per_second: requests sent per second since the last snapshot.
    :param seconds_left: an estimate, None where the total is not known or nothing has been done yet.
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
    """Says how far a run is. What cannot be said ends no run: it is told once, and said again when it works again.

    :param total: rows in the list, None where it is not known.
    :param say: what to do with a snapshot; whatever `Exception` it raises stays here.
    """

    def __init__(self, *, total: int | None, say: Callable[[Snapshot], None], clock: Callable[[], float]) -> None:
        self._total = total
        self._say = say
        self._clock = clock
        self._began = self._last = clock()
        self._dialled = 0
        self._works = True

    def tick(self, tally: Tally) -> None:
        """Say where the run stands, if the last word is long enough ago."""
        now = self._clock()
        if now - self._last < INTERVAL:
            return
        rate = (tally.dialled - self._dialled) / (now - self._last)
        self._last, self._dialled = now, tally.dialled
        done = tally.total
        left = None
        if self._total is not None and done:
            left = round(max(0, self._total - done) * (now - self._began) / done, 1)
        self._tell(
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

    def _tell(self, snapshot: Snapshot) -> None:
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
