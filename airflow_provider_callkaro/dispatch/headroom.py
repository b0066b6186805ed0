"""How many calls to claim: for the free places, and a little ahead of them.

A place that falls free is filled from the calls that are claimed ahead, so that no start waits for the ledger. Those
are as many as start before the next turn has claimed more, and never more than one window of concurrency.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from airflow_provider_callkaro.dispatch.flow_control import FlowControl

SMOOTHING = 0.2  # weight of the newest turn in the averages: how long a turn takes, and how many calls it starts


class Headroom:
    """Measures the turns of a run, and says how many requests the next turn may claim. Used from the main thread only.
    ``many``: whether a request carries many calls. ``clock``: seconds of a monotonic clock."""

    def __init__(self, *, flow: FlowControl, many: bool, clock: Callable[[], float]) -> None:
        self._flow = flow
        self._many = many
        self._clock = clock
        self._turn_seconds = 0.005
        self._rate = 0.0  # starts per second, in the fastest recent burst
        self._counted = (clock(), 0)

    def lead(self) -> float:
        """How far ahead of its start a call is claimed, in seconds.

        A call that is claimed ahead starts when a place falls free. Until another one is claimed in its stead, answers
        gather, the current turn ends and the next one writes: two turns and two milliseconds. Turns vary, so it is
        more.
        """
        return 3.0 * self._turn_seconds + 0.004

    def room(self, now: float, *, out: int, waiting: int) -> int:
        """How many requests to fill now. Requests that carry many calls are never claimed ahead of their start.
        ``out``: requests that are claimed and not answered. ``waiting``: those of them that have not started."""
        capacity = self._flow.capacity()
        lead = self.lead()
        ahead = 0 if self._many else min(capacity, max(1, math.ceil(self._rate * lead)))
        free = capacity + ahead - out
        due = self._flow.slots_until(now + lead, now=now) - waiting
        room = max(0, int(min(free, due)))
        group = min(ahead, max(1, capacity // 8))
        return room if room >= group or waiting == 0 else 0

    def measure(self, began: float) -> None:
        """Note the end of a turn: how long it took, and how many calls started. ``began``: when it began."""
        now = self._clock()
        self._turn_seconds += SMOOTHING * (now - began - self._turn_seconds)
        since, started = self._counted
        if now - since >= 0.05:
            rate = (self._flow.started - started) / (now - since)
            # Answers come in bursts, and so do free places: the rate within a burst counts.
            self._rate = max(rate, self._rate + SMOOTHING * (rate - self._rate))
            self._counted = (now, self._flow.started)
