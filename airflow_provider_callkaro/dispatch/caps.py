"""How often one person may be called: a cap per span of time, and a gap between two calls.

Both count what the ledger knows of the number, over all DAGs that share it: accepted calls, and those that may have
rung. A call over the cap is skipped; one within the gap waits.

This check comes before a claim and spares claims that would be lost. The ledger checks again in the transaction of the
claim, and that decides.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol, runtime_checkable

from airflow_provider_callkaro.calls.outcome import Outcome, Reason
from airflow_provider_callkaro.dispatch.job import Held, Job
from airflow_provider_callkaro.ledger.contract import CallCaps, OverCap


@runtime_checkable
class CallHistory(Protocol):
    """A ledger that knows when numbers were called."""

    def called_since(self, numbers: Sequence[str], since: datetime) -> Mapping[str, Sequence[datetime]]:
        """The moments since ``since`` at which each number was dispatched, in any scope, unless it was rejected."""


class Caps:
    """Holds back calls that come too often.

    :param max_calls: calls to one number within ``per``; None sets no cap.
    :param min_gap: between two calls to one number; None sets no gap.
    :param now: the time, aware.
    """

    def __init__(
        self,
        *,
        history: CallHistory,
        max_calls: int | None,
        per: timedelta | None,
        min_gap: timedelta | None,
        now: Callable[[], datetime],
    ) -> None:
        self._history = history
        self._caps = CallCaps(max_calls=max_calls, per=per, min_gap=min_gap)
        self._now = now

    def holds(self, jobs: Sequence[Job]) -> Mapping[str, Held]:
        """The jobs that do not go out now, by key."""
        now = self._now()
        calls = self._history.called_since([job.number for job in jobs], now - self._caps.span)
        held: dict[str, Held] = {}
        ahead: dict[str, datetime] = {}  # one number may come twice in this group, under different keys
        for job in jobs:
            earlier = [*calls.get(job.number, ()), *([ahead[job.number]] if job.number in ahead else [])]
            over = self._caps.verdict(earlier, now=now)
            if over is None:
                ahead[job.number] = now
            else:
                held[job.key] = held_by(over)
        return held


def held_by(over: OverCap) -> Held:
    """What becomes of a call that comes too often: over the cap it is skipped, within the gap it waits."""
    if over.until is None:
        return Held(outcome=Outcome.SKIPPED, reason=Reason.CAP)
    return Held(outcome=Outcome.PENDING, reason=Reason.GAP, until=over.until)
