"""Which faults are switched on, and which of them hit the request that has just come.

Each fault counts the requests by itself, so that two faults never disturb each other's counting. `ActiveFaults.strikes`
is called once per request, in the order of arrival.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from airflow_provider_callkaro.sandbox.endpoints import VendorPath
from airflow_provider_callkaro.sandbox.faults import Fault

WINDOW_SECONDS = 1.0  # a rate limit counts calls per second


class SlidingWindow:
    """Lets at most ``limit`` requests pass in any span of one second.

    A request that it turns away does not count, so a client that waits as long as it is asked to is let in.

    :param limit: how many may pass in a second, 1 or more.
    :param clock: gives the time in seconds; it never goes back.
    """

    def __init__(self, *, limit: int, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._passed: deque[float] = deque(maxlen=limit)

    def seconds_to_wait(self) -> float:
        """Let a request pass and return 0, or return the seconds until there is room."""
        now = self._clock()
        if len(self._passed) == self._passed.maxlen:
            wait = self._passed[0] + WINDOW_SECONDS - now
            if wait > 0:
                return wait
        self._passed.append(now)
        return 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Strike:
    """A fault that hits the request at hand. ``wait``: the seconds until a rate limit has room again; 0 for every other
    kind."""

    fault: Fault
    wait: float = 0.0


@dataclass(slots=True, kw_only=True)
class ActiveFault:
    """A fault that is switched on, and its counters. `ActiveFaults` guards it with its lock. ``seen``: requests to its
    path so far. ``hit``: how many of them it hit."""

    fault: Fault
    window: SlidingWindow | None
    seen: int = 0
    hit: int = 0

    def meet(self) -> Strike | None:
        """Count one more request; return what hits it, if anything does."""
        self.seen += 1
        if not self.fault.is_hit(self.seen):
            return None
        wait = self.window.seconds_to_wait() if self.window else 0.0
        if self.window and not wait:
            return None
        self.hit += 1
        return Strike(fault=self.fault, wait=wait)


class ActiveFaults:
    """The faults that are switched on. May be used from any thread. ``clock``: gives the time in seconds for rate
    limits; it never goes back."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._active: list[ActiveFault] = []

    def add(self, fault: Fault) -> None:
        """Switch a fault on, beside those that are on already."""
        limit = fault.calls_per_second
        window = SlidingWindow(limit=limit, clock=self._clock) if limit else None
        with self._lock:
            self._active.append(ActiveFault(fault=fault, window=window))

    def clear(self) -> None:
        """Switch every fault off."""
        with self._lock:
            self._active.clear()

    def strikes(self, endpoint: VendorPath) -> list[Strike]:
        """Count a request to an endpoint, and return what hits it, in the order in which it was switched on."""
        if not self._active:
            return []
        with self._lock:
            met = [active.meet() for active in self._active if active.fault.path is endpoint]
        return [strike for strike in met if strike]

    def report(self) -> list[dict[str, Any]]:
        """List the faults that are on, each with the requests it has ``seen`` and ``hit``."""
        with self._lock:
            return [active.fault.as_json() | {"seen": active.seen, "hit": active.hit} for active in self._active]
