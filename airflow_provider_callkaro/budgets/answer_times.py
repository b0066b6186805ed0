"""How long a vendor takes to answer: what tells when it can have received a request, and how long one may be out."""

from __future__ import annotations

import math

SPAN = 60.0  # seconds; what is called recent lies one to two spans back
ENOUGH = 20  # answers, before the fastest of them is believed
SLOW = 0.5  # seconds; a vendor whose fastest answer takes longer keeps no token waiting for its answers


class AnswerTimes:
    """The fastest and the slowest recent answer. All moments are seconds of one monotonic clock.

    The way to the vendor is part of every answer time. So a request was received, at the latest, as long before its
    answer as the fastest answer took, give or take what the way varies. The fastest counts only once some worker has
    seen enough: the first few may all have been slowed by the same thing. On a busy machine all of one worker may be,
    so what the others have seen counts too.
    """

    def __init__(self) -> None:
        self._since = -math.inf
        self._now = (math.inf, 0.0, 0)  # fastest, slowest, how many
        self._before = (math.inf, 0.0, 0)
        self.others = math.inf
        """Seconds of the fastest answer that any worker has seen; infinite while none has seen enough."""

    def note(self, seconds: float, *, now: float) -> None:
        """Note an answer that took so long."""
        if now - self._since >= SPAN:
            self._before = self._now if now - self._since < 2 * SPAN else (math.inf, 0.0, 0)
            self._now = (math.inf, 0.0, 0)
            self._since = now
        fastest, slowest, count = self._now
        self._now = (min(fastest, seconds), max(slowest, seconds), count + 1)

    @property
    def fastest(self) -> float:
        """Seconds of the fastest recent answer; 0 while there are too few of them."""
        if self.count < ENOUGH and self.others == math.inf:
            return 0.0
        return max(0.0, min(self.own, self.others))

    @property
    def count(self) -> int:
        """How many recent answers this worker has seen."""
        return self._now[2] + self._before[2]

    @property
    def own(self) -> float:
        """Seconds of the fastest recent answer that this worker has seen, however few there are; infinite without
        any."""
        return min(self._now[0], self._before[0])

    @property
    def slowest(self) -> float:
        """Seconds of the slowest recent answer; 0 without any."""
        return max(self._now[1], self._before[1])

    @property
    def are_slow(self) -> bool:
        """Whether even the fastest recent answer took long."""
        return self.fastest >= SLOW
