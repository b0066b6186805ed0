"""The run's share of a budget in each turn of the dispatcher: when to renew it, and what to ask for."""

from __future__ import annotations

import math
from collections.abc import Callable
from types import TracebackType

from airflow_provider_callkaro.dispatch.budgeting import Keeper
from airflow_provider_callkaro.dispatch.dialler import Dialler
from airflow_provider_callkaro.dispatch.flow_control import FlowControl
from airflow_provider_callkaro.dispatch.limits import Stop

LONG_PAUSE = 1.0  # seconds; in a longer pause a run keeps nothing that others could use


class KeptShare:
    """Keeps the share of a run, if there is a budget. Entered around the run, on its main thread. ``keeper``: None
    where there is no budget."""

    def __init__(
        self,
        keeper: Keeper | None,
        *,
        flow: FlowControl,
        dialler: Dialler,
        stop: Stop,
        clock: Callable[[], float],
    ) -> None:
        self._keeper = keeper
        self._flow = flow
        self._dialler = dialler
        self._stop = stop
        self._clock = clock

    def __enter__(self) -> KeptShare:
        if self._keeper is not None:
            self._keeper.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._keeper is not None:
            self._keeper.__exit__(kind, error, traceback)

    @property
    def exhausted(self) -> str | None:
        """Why the budget lets nothing start any more today; None while it lasts, and without a budget."""
        return None if self._keeper is None else self._keeper.exhausted

    def is_due_in(self, now: float) -> float:
        """Seconds until the share is to be renewed; infinite without a budget."""
        return math.inf if self._keeper is None else max(0.0, self._keeper.due_at - now)

    def keep(self, *, has_calls: bool) -> float:
        """Renew the share if it is time, and start what it lets start. ``has_calls``: whether calls wait. Returns
        how many seconds the renewal took; 0 where there was none."""
        if self._keeper is None:
            return 0.0
        now = self._clock()
        is_open = self._flow.closed is None and self._flow.opens_at() - now <= LONG_PAUSE
        if not self._keeper.turn(now=now, backlog=has_calls and is_open and self._stop.why is None):
            return 0.0
        self._dialler.wake()
        return self._clock() - now
