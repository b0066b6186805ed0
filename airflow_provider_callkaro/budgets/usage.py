"""What a worker makes of its share, and so what it has use for."""

from __future__ import annotations

import math
from collections import deque

SPAN = 1.0  # seconds that are looked back
IDLE_AFTER = 0.25  # seconds after which a ready token counts as left lying
GROWTH = 1.25  # of what was used, for a worker that leaves a part of its share lying


class Usage:
    """Starts and calls in flight of the last second. Moments are seconds of one monotonic clock."""

    def __init__(self) -> None:
        self._starts: deque[tuple[float, int]] = deque()
        self._recent = 0
        self._peaks = (math.inf, math.inf)  # of calls in flight, in this span and in the one before; at first unknown
        self._since = -math.inf

    def started(self, calls: int, *, in_flight: int, now: float) -> None:
        """Note the start of a request. ``in_flight``: with this one."""
        self._starts.append((now, calls))
        self._recent += calls
        self._forget(now)
        self._peaks = (max(self._peaks[0], in_flight), self._peaks[1])

    def recent(self, *, now: float) -> int:
        """Calls that started in the last second."""
        self._forget(now)
        return self._recent

    def wanted_slots(self, *, held: int, most: int, in_flight: int, now: float) -> int:
        """How many slots it has use for while it has a backlog."""
        if held == 0 or self._since < 0:
            self._peaks, self._since = (math.inf, math.inf), now
        elif now - self._since >= SPAN:
            self._peaks, self._since = (in_flight, self._peaks[0]), now
        peak = max(self._peaks)
        if peak >= min(held, most) * 0.9:
            return most
        return min(most, math.ceil(GROWTH * peak) + 1)

    def wanted_tokens(self, *, held: int, left_lying: int, most: int, now: float) -> int:
        """How many tokens, of one call each, it has use for while it has a backlog. ``left_lying``: those of the held
        ones that are ready for long."""
        if left_lying <= max(1, held // 10):
            return most
        return min(most, math.ceil(GROWTH * self.recent(now=now)) + 1)

    def _forget(self, now: float) -> None:
        while self._starts and self._starts[0][0] <= now - SPAN:
            self._recent -= self._starts.popleft()[1]
