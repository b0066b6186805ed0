"""What is told of a run that is slow, or silent: that it waits, for how long, and why.

One line for each kind of thing, and no more than one in half a minute, however many calls it happens to.
"""

from __future__ import annotations

import logging
import math
from collections import Counter
from collections.abc import Callable
from enum import Enum

from airflow_provider_callkaro.dispatch.flow_control import FlowControl
from airflow_provider_callkaro.exceptions import Throttled, VendorError

SILENCE = 30.0  # seconds between two lines of one kind
WORTH_A_WORD = 1.0  # seconds of waiting

_log = logging.getLogger(__name__)


class _Kind(Enum):
    WAITING = "waiting"
    AGAIN = "again"
    LATE = "late"


class Notices:
    """Tells the log what holds a run up. Asked from the main thread."""

    def __init__(self, *, flow: FlowControl, clock: Callable[[], float]) -> None:
        self._flow = flow
        self._clock = clock
        self._told: VendorError | None = None
        self._told_at: dict[_Kind, float] = {}
        self._untold: Counter[_Kind] = Counter()

    def look(self) -> None:
        """Tell of a pause, if there is a new one."""
        pause = self._flow.pause
        if pause is None or pause is self._told:
            return
        self._told = pause
        seconds = self._flow.opens_at() - self._clock()
        if seconds < WORTH_A_WORD and not isinstance(pause, Throttled):
            return
        self._say(
            _Kind.WAITING,
            "Waiting %.1f s before the next call, then at most %d calls in flight: %s",
            max(0.0, seconds),
            self._flow.capacity(),
            pause,
        )

    def again(self, calls: int, why: VendorError) -> None:
        """Tell that calls are to be sent once more."""
        self._say(_Kind.AGAIN, "%d calls did not go out and are sent again: %s", calls, why)

    def too_late(self, calls: int) -> None:
        """Tell that calls waited until their judgement no longer held."""
        self._say(_Kind.LATE, "%d calls waited too long to go out: they are judged anew", calls)

    def ending(self, why: str, refusal: VendorError | None) -> None:
        """Tell why the run ends before its list does."""
        _log.warning("The run ends before its list: %s%s", why, f" ({refusal})" if refusal is not None else "")

    def _say(self, kind: _Kind, message: str, *arguments: object) -> None:
        now = self._clock()
        if now - self._told_at.get(kind, -math.inf) < SILENCE:
            self._untold[kind] += 1
            return
        untold = self._untold.pop(kind, 0)
        self._told_at[kind] = now
        _log.info(message + "%s", *arguments, f" (as {untold} times since the last word of it)" if untold else "")
