"""Does the dialler still dial?

A thread that has died, an event loop that stands still, an answer that is overdue although everything has a deadline:
none of it can happen, and each of it would leave a run waiting for ever. Only time during which the main thread itself
was running counts. So a process that was frozen for an hour, and wakes up, is given the time to catch up.
"""

from __future__ import annotations

from collections.abc import Callable

from airflow_provider_callkaro.dispatch.dialler import Dialler

SLACK = 20.0  # seconds without a sign of life, or beyond a deadline, before the dialler is given up
LONGEST_STEP = 1.0  # seconds that count between two looks


class Watchdog:
    """Watches a dialler. Asked from the main thread, at each of its turns.

    :param dialler: the one that is watched.
    """

    def __init__(self, dialler: Dialler, *, clock: Callable[[], float]) -> None:
        self._dialler = dialler
        self._clock = clock
        self._looked_at = clock()
        self._beats = 0
        self._silent_for = 0.0
        self._overdue: str | None = None
        self._overdue_for = 0.0

    def is_standing_still(self) -> bool:
        """Whether nothing will come back any more."""
        return not self._dialler.is_alive or self._silent_for > SLACK

    def overdue(self) -> str | None:
        """The key of a dispatch whose answer is not there, although it must be; None where there is none."""
        return self._overdue if self._overdue_for > SLACK else None

    def alarm(self) -> str | None:
        """Why the dialler is given up; None while it does its work."""
        self._look()
        if not self._dialler.is_alive:
            return "the thread that dials has died"
        if self.is_standing_still():
            return f"the thread that dials has stood still for {SLACK:g} s"
        if self.overdue() is not None:
            return f"an answer is overdue by more than {SLACK:g} s"
        return None

    def _look(self) -> None:
        now = self._clock()
        step = min(max(0.0, now - self._looked_at), LONGEST_STEP)
        self._looked_at = now
        beats = self._dialler.beats
        self._silent_for = self._silent_for + step if beats == self._beats else 0.0
        self._beats = beats
        longest = self._dialler.longest_in_flight()
        if longest is None or now - longest[0] <= self._dialler.deadline:
            self._overdue, self._overdue_for = None, 0.0
        elif longest[1].key != self._overdue:
            self._overdue, self._overdue_for = longest[1].key, 0.0
        else:
            self._overdue_for += step
