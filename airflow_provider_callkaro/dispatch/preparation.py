"""The last look at a call before it is claimed: may it ring, and has the person been called too often.

A call that is held back here is first looked up in the ledger, because what an earlier try has dispatched is not
pending.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, TypeAlias

from airflow_provider_callkaro.calls.call import NEXT_WINDOW, Call
from airflow_provider_callkaro.calls.outcome import Outcome, Reason
from airflow_provider_callkaro.dispatch.job import Held, Job, Judged
from airflow_provider_callkaro.dispatch.outcome_recorder import OutcomeRecorder

if TYPE_CHECKING:
    from airflow_provider_callkaro.dispatch.caps import Caps
    from airflow_provider_callkaro.dispatch.hours import CallingHours

Observe: TypeAlias = Callable[[Call, Call | Held], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The rules that a call has to pass.

    :param hours: the calling policy; None lets every call ring at any time.
    :param caps: how often one person may be called; None sets no limit.
    :param suppressed: numbers, E.164, that must not be called.
    """

    hours: CallingHours | None = None
    caps: Caps | None = None
    suppressed: Container[str] = ()


class Preparation:
    """Makes calls ready to be claimed.

    :param rules: what a call has to pass; None lets every call ring.
    :param observe: told of every call that is ready, as the row asks for it and as it would go out, and of every one
        that a rule holds back.
    """

    def __init__(
        self,
        *,
        recorder: OutcomeRecorder,
        rules: Rules | None = None,
        observe: Observe | None = None,
    ) -> None:
        self._recorder = recorder
        self._rules = rules or Rules()
        self._observe = observe

    @property
    def resume_at(self) -> datetime | None:
        """The first moment at which a call that was held back, here or by the ledger, may ring."""
        return self._recorder.resume_at

    @property
    def has_rules(self) -> bool:
        """Whether a call may be held back, for which the ledger is asked."""
        return self._rules != Rules()

    def ready(self, jobs: Sequence[Job]) -> list[Job]:
        """The jobs that may be claimed now, as the rules let them go; the others are given their outcome."""
        ready: list[Job] = []
        held: dict[str, Held] = {}
        for job in jobs:
            verdict = self._judged(job.call)
            if isinstance(verdict, Held):
                held[job.key] = verdict
            else:
                job.ready, job.not_after = verdict.call, verdict.not_after
                ready.append(job)
        if self._rules.caps is not None and ready:
            held.update(self._rules.caps.holds(ready))
        if self._observe is not None:
            for job in ready:
                if job.key not in held:
                    self._observe(job.call, job.ready)
        if not held:
            return ready
        for job in self._recorder.sift([job for job in jobs if job.key in held]):
            self._hold(job, held[job.key])
        return [job for job in ready if job.key not in held]

    def within_caps(self, jobs: Sequence[Job]) -> Sequence[Job]:
        """Those of the jobs whose person may still be called, after they have waited; the others get their outcome.

        Meanwhile another call to the same number may have gone out, or stand beside it in the same request.
        """
        if self._rules.caps is None or not jobs:
            return jobs
        held = self._rules.caps.holds(jobs)
        for job in jobs:
            if job.key in held:
                self._hold(job, held[job.key])
        return [job for job in jobs if job.key not in held]

    def _judged(self, call: Call) -> Judged | Held:
        if call.to_number in self._rules.suppressed:
            return Held(outcome=Outcome.SKIPPED, reason=Reason.SUPPRESSED)
        if self._rules.hours is not None:
            return self._rules.hours.judge(call)
        if call.schedule_at is NEXT_WINDOW:  # nobody knows when that is, and now may be the middle of the night
            return Held(outcome=Outcome.REJECTED, reason=Reason.BAD_SCHEDULE_AT)
        return Judged(call=call)

    def _hold(self, job: Job, held: Held) -> None:
        self._recorder.hold(job, held)
        if self._observe is not None:
            self._observe(job.call, held)
