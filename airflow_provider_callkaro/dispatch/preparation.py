"""The rules that a call passes before it is claimed: suppression, calling hours, caps.

A call that a rule holds back is first looked up in the ledger: what an earlier try has dispatched is not pending.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from airflow_provider_callkaro.calls.call import NEXT_WINDOW, Call
from airflow_provider_callkaro.calls.outcome import Outcome, Reason
from airflow_provider_callkaro.dispatch.job import Held, Job, Judged, ReadyJob
from airflow_provider_callkaro.dispatch.outcome_recorder import OutcomeRecorder

if TYPE_CHECKING:
    from airflow_provider_callkaro.dispatch.caps import Caps
    from airflow_provider_callkaro.dispatch.hours import CallingHours

Observe: TypeAlias = Callable[[Call, Call | Held], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The rules that a call has to pass.

    :param hours: judges by the calling policy; None lets every call ring at any time.
    :param caps: how often one person may be called; None sets no limit.
    :param suppressed: numbers, E.164, that must not be called.
    """

    hours: CallingHours | None = None
    caps: Caps | None = None
    suppressed: Container[str] = ()


class Preparation:
    """Makes calls ready to be claimed. Used from the main thread only. ``rules``: None lets every call ring.
    ``observe``: called with each call as the row asks for it, and with the call as it would go out or what holds it
    back."""

    def __init__(
        self, *, recorder: OutcomeRecorder, rules: Rules | None = None, observe: Observe | None = None
    ) -> None:
        self._recorder = recorder
        self._rules = rules or Rules()
        self._observe = observe

    @property
    def has_rules(self) -> bool:
        """Whether any rule may hold a call back, and ask the ledger about it."""
        return self._rules != Rules()

    def ready(self, jobs: Sequence[Job]) -> list[ReadyJob]:
        """The jobs that the rules let pass now; the others get their outcome."""
        ready: list[ReadyJob] = []
        held: dict[str, Held] = {}
        for job in jobs:
            verdict = self._judge(job.call)
            if isinstance(verdict, Held):
                held[job.key] = verdict
            else:
                ready.append(ReadyJob(job, verdict.call, verdict.not_after))
        if self._rules.caps is not None and ready:
            held.update(self._rules.caps.holds([each.job for each in ready]))
        if self._observe is not None:
            for job, call, _ in ready:
                if job.key not in held:
                    self._observe(job.call, call)
        if not held:
            return ready
        for job in self._recorder.sift([job for job in jobs if job.key in held]):
            self._hold(job, held[job.key])
        return [each for each in ready if each.job.key not in held]

    def within_caps(self, jobs: Sequence[Job]) -> Sequence[Job]:
        """The jobs whose person may still be called after the wait for a full request; the others get their outcome.

        Meanwhile another call to the same number may have gone out, or may be in the same request.
        """
        if self._rules.caps is None or not jobs:
            return jobs
        held = self._rules.caps.holds(jobs)
        for job in jobs:
            if job.key in held:
                self._hold(job, held[job.key])
        return [job for job in jobs if job.key not in held]

    def _judge(self, call: Call) -> Judged | Held:
        if call.to_number in self._rules.suppressed:
            return Held(outcome=Outcome.SKIPPED, reason=Reason.SUPPRESSED)
        if self._rules.hours is not None:
            return self._rules.hours.judge(call)
        if call.schedule_at is NEXT_WINDOW:  # without hours it has no moment, and now may be night
            return Held(outcome=Outcome.REJECTED, reason=Reason.BAD_SCHEDULE_AT)
        return Judged(call=call)

    def _hold(self, job: Job, held: Held) -> None:
        self._recorder.hold(job, held)
        if self._observe is not None:
            self._observe(job.call, held)
