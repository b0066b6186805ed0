"""Notices a dialler that has stopped working.

The thread has died, the event loop hangs, an answer is overdue although every step has a deadline: none of this should
happen, and each would make a run wait for ever. Only time in which the main thread itself ran counts. So a process that
was frozen for an hour gets the time to catch up when it wakes.
"""

from __future__ import annotations

from collections.abc import Callable

from airflow_provider_callkaro.dispatch.dialler import Dialler

SLACK = 20.0  # seconds without a sign of life, or beyond a deadline, before the run gives the dialler up
LONGEST_STEP = 1.0  # seconds that count between two checks, at most


class Watchdog:
    """Watches a dialler. Used from the main thread only, in each of its turns. ``dialler``: the dialler to watch.
    ``clock``: seconds of a monotonic clock."""

    def __init__(self, dialler: Dialler, *, clock: Callable[[], float]) -> None:
        self._dialler = dialler
        self._clock = clock
        self._checked_at = clock()
        self._beats = 0
        self._silent_for = 0.0
        self._overdue: str | None = None
        self._overdue_for = 0.0

    def is_standing_still(self) -> bool:
        """Whether no answer can come back any more."""
        return not self._dialler.is_alive or self._silent_for > SLACK

    def overdue(self) -> str | None:
        """The key of a dispatch whose answer is overdue beyond `SLACK`; None where there is none."""
        return self._overdue if self._overdue_for > SLACK else None

    def alarm(self) -> str | None:
        """Why the run gives the dialler up; None while it works."""
        self._check()
        if not self._dialler.is_alive:
            return "the thread that dials has died"
        if self.is_standing_still():
            return f"the thread that dials has stood still for {SLACK:g} s"
        if self.overdue() is not None:
            return f"an answer is overdue by more than {SLACK:g} s"
        return None

    def _check(self) -> None:
        now = self._clock()
        step = min(max(0.0, now - self._checked_at), LONGEST_STEP)
        self._checked_at = now
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
