"""Log lines about a run that is slow or silent: that it waits, how long, and why.

Each kind of line comes at most twice a minute, however many calls it concerns.
"""

from __future__ import annotations

import logging
import math
from collections import Counter
from collections.abc import Callable
from enum import Enum

from airflow_provider_callkaro.dispatch.flow_control import FlowControl
from airflow_provider_callkaro.exceptions import LeaseEnded, Throttled, TooLate, VendorError

SILENCE = 30.0  # seconds between two lines of one kind
WORTH_A_LINE = 1.0  # seconds of waiting

_log = logging.getLogger(__name__)


class _Kind(Enum):
    WAITING = "waiting"
    AGAIN = "again"
    LATE = "late"
    LEASE = "lease"


class Notices:
    """Logs what delays a run. Used from the main thread only."""

    def __init__(self, *, flow: FlowControl, clock: Callable[[], float]) -> None:
        self._flow = flow
        self._clock = clock
        self._logged_pause: VendorError | None = None
        self._logged_at: dict[_Kind, float] = {}
        self._suppressed: Counter[_Kind] = Counter()

    def look(self) -> None:
        """Log a pause, if there is a new one."""
        pause = self._flow.pause
        if pause is None or pause is self._logged_pause:
            return
        self._logged_pause = pause
        seconds = self._flow.opens_at() - self._clock()
        if seconds < WORTH_A_LINE and not isinstance(pause, Throttled):
            return
        self._log_once(
            _Kind.WAITING,
            "Waiting %.1f s before the next call, then at most %d calls in flight: %s",
            max(0.0, seconds),
            self._flow.capacity(),
            pause,
        )

    def again(self, calls: int, why: VendorError | None) -> None:
        """Log that calls are sent again, or that they waited until their judgement no longer held."""
        if isinstance(why, LeaseEnded):
            self._log_once(_Kind.LEASE, "%d calls did not go out before the run's share of the budget ended", calls)
        elif isinstance(why, TooLate):
            self._log_once(_Kind.LATE, "%d calls waited too long to go out: they are judged anew", calls)
        else:
            self._log_once(_Kind.AGAIN, "%d calls did not go out and are sent again: %s", calls, why)

    def ending(self, why: str, refusal: VendorError | None) -> None:
        """Log why the run ends before its list does."""
        _log.warning("The run ends before its list: %s%s", why, f" ({refusal})" if refusal is not None else "")

    def _log_once(self, kind: _Kind, message: str, *arguments: object) -> None:
        now = self._clock()
        if now - self._logged_at.get(kind, -math.inf) < SILENCE:
            self._suppressed[kind] += 1
            return
        suppressed = self._suppressed.pop(kind, 0)
        self._logged_at[kind] = now
        unlogged = f" (as {suppressed} times since the last word of it)" if suppressed else ""
        _log.info(message + "%s", *arguments, unlogged)
