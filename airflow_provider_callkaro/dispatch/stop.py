"""How somebody asks a run to end before its list does."""

from __future__ import annotations

import math
from collections.abc import Callable

CALM_GRACE = 90.0  # seconds that calls in flight may take to finish: longer than the wait for an answer
KILLED_GRACE = 3.5  # seconds, when Airflow ends the task: it kills the process five seconds after asking


class Stop:
    """Asks a run to take no new calls, finish those in flight, and settle.

    A signal handler or another thread may ask while the run reads, so asking does nothing but set values.

    :param clock: seconds of a monotonic clock.
    :param deadline: the moment of that clock at which the run stops by itself.
    """

    def __init__(self, *, clock: Callable[[], float], deadline: float = math.inf) -> None:
        self._clock = clock
        self._deadline = deadline
        self._asked: str | None = None
        self._finish_by = math.inf

    def ask(self, why: str, *, grace: float = CALM_GRACE) -> None:
        """Ask for the end. Asking again can only shorten the time. ``why``: half a sentence for the log and the
        summary; the first one counts. ``grace``: seconds from now that calls in flight may take to finish."""
        self._finish_by = min(self._finish_by, self._clock() + grace)
        if self._asked is None:
            self._asked = why

    @property
    def finish_by(self) -> float:
        """Until when, by the clock, the run waits for calls in flight; infinite before anybody asks."""
        return self._finish_by

    @property
    def why(self) -> str | None:
        """Why the run shall end; None while it shall go on."""
        if self._asked is None and self._clock() >= self._deadline:
            self.ask("the task's execution_timeout is near")
        return self._asked
