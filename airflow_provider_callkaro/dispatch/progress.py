"""How far a run is: logged every few seconds at first and then ever more rarely, and kept up to date elsewhere."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from airflow_provider_callkaro.calls.outcome import Outcome
from airflow_provider_callkaro.dispatch.tally import Tally

INTERVAL = 5.0  # seconds up to the first line, and between two snapshots that are kept
LONGEST = 300.0  # seconds between two lines; each pause is twice the one before it, up to this

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """How far a run is.

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
        of = f" of {self.total:,}" if self.total is not None else " rows"
        left = f", about {_span(self.seconds_left)} left" if self.seconds_left is not None else ""
        counts = {"skipped": self.skipped, "rejected": self.rejected, "unknown": self.unknown}
        others = "".join(f", {count:,} {name}" for name, count in counts.items() if count)
        rate = f"{self.calls_per_second:,.{0 if self.calls_per_second >= 10 else 1}f} calls/s"
        return f"{self.done:,}{of}{left}: {self.accepted:,} accepted{others}; {rate}"


class Progress:
    """Publishes how far a run is. A failure to publish does not end the run: it is logged once, until it works again.

    :param total: rows in the list; None where that is not known.
    :param say: logs a snapshot: after `INTERVAL`, then after pauses that double up to `LONGEST`.
    :param keep: keeps a snapshot where others look at it, each `INTERVAL`; None keeps none. An `Exception` that either
        raises stays here.
    :param clock: seconds of a monotonic clock.
    """

    def __init__(
        self,
        *,
        total: int | None,
        say: Callable[[Snapshot], None],
        keep: Callable[[Snapshot], None] | None = None,
        clock: Callable[[], float],
    ) -> None:
        self._total = total
        self._clock = clock
        self._began = clock()
        self._outlets = [_Outlet(say, longest=LONGEST, began=self._began)]
        if keep is not None:
            self._outlets.append(_Outlet(keep, longest=INTERVAL, began=self._began))

    def tick(self, tally: Tally) -> None:
        """Publish a snapshot wherever one is due."""
        now = self._clock()
        for outlet in self._outlets:
            if now - outlet.published_at >= outlet.pause:
                outlet.publish(self._snapshot(tally, now=now, rate=outlet.rate(tally, now=now)))

    def _snapshot(self, tally: Tally, *, now: float, rate: float) -> Snapshot:
        done = tally.total
        left = None
        if self._total is not None and done:
            left = round(max(0, self._total - done) * (now - self._began) / done, 1)
        return Snapshot(
            done=done,
            total=self._total,
            accepted=tally[Outcome.ACCEPTED],
            rejected=tally[Outcome.REJECTED],
            skipped=tally[Outcome.SKIPPED],
            unknown=tally[Outcome.UNKNOWN],
            calls_per_second=round(rate, 1),
            seconds_left=left,
        )


class _Outlet:
    """One place where snapshots go, and when the next one is due there."""

    def __init__(self, say: Callable[[Snapshot], None], *, longest: float, began: float) -> None:
        self.published_at = began
        self.pause = INTERVAL
        self._say = say
        self._longest = longest
        self._dialled = 0
        self._works = True

    def rate(self, tally: Tally, *, now: float) -> float:
        """Requests per second since the snapshot before this one; the next one is due a pause from now."""
        rate = (tally.dialled - self._dialled) / max(now - self.published_at, 1e-3)
        self.published_at, self._dialled = now, tally.dialled
        self.pause = min(2 * self.pause, self._longest)
        return rate

    def publish(self, snapshot: Snapshot) -> None:
        try:
            self._say(snapshot)
        except Exception as error:
            if self._works:
                _log.warning("The progress could not be written (%s); the run goes on", type(error).__name__)
            self._works = False
        else:
            self._works = True


def _span(seconds: float) -> str:
    """A time as people say it: seconds below a minute, minutes below a hundred of them, then hours."""
    if seconds < 59.5:
        return f"{round(seconds)} s"
    return f"{round(seconds / 60)} min" if seconds < 6_000 else f"{round(seconds / 3_600):,} h"
