"""How many calls to claim: for the free places, and a little ahead of them.

A place that falls free is filled from what was claimed ahead, so that nobody waits for the ledger. What is claimed
ahead is what goes out until the next turn has claimed more, and never above a window.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from airflow_provider_callkaro.dispatch.flow_control import FlowControl

SMOOTHING = 0.2  # weight of the newest turn in what a turn is expected to take, and to start


class Headroom:
    """Measures the turns of a run, and says how many requests the next one may claim.

    :param flow: the dialler's flow.
    :param many: whether a request carries many calls.
    """

    def __init__(self, *, flow: FlowControl, many: bool, clock: Callable[[], float]) -> None:
        self._flow = flow
        self._many = many
        self._clock = clock
        self._turn_seconds = 0.005
        self._rate = 0.0  # starts per second, the fastest of late
        self._counted = (clock(), 0)

    def lead(self) -> float:
        """How far ahead of its start a call is claimed, in seconds.

        A place that falls free is filled from what was claimed ahead. Until there is a replacement for that, answers
        gather, the turn under way ends, and the next one is written: two turns and two milliseconds. Turns are not
        even, so it is rather more.
        """
        return 3.0 * self._turn_seconds + 0.004

    def room(self, now: float, *, out: int, waiting: int) -> int:
        """How many requests to fill now. Of those that carry many calls none is claimed ahead of its start.

        :param out: requests that are claimed and not answered.
        :param waiting: those of them that have not started.
        """
        capacity = self._flow.capacity()
        lead = self.lead()
        ahead = 0 if self._many else min(capacity, max(1, math.ceil(self._rate * lead)))
        free = capacity + ahead - out
        due = self._flow.slots_until(now + lead, now=now) - waiting
        room = max(0, int(min(free, due)))
        group = min(ahead, max(1, capacity // 8))
        return room if room >= group or waiting == 0 else 0

    def measure(self, began: float) -> None:
        """Note how long a turn took that began then, and how much went out."""
        now = self._clock()
        self._turn_seconds += SMOOTHING * (now - began - self._turn_seconds)
        since, started = self._counted
        if now - since >= 0.05:
            rate = (self._flow.started - started) / (now - since)
            # Answers come in bursts, and so do places that fall free: what counts is how fast a burst goes out.
            self._rate = max(rate, self._rate + SMOOTHING * (rate - self._rate))
            self._counted = (now, self._flow.started)
