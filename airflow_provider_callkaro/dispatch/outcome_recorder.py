"""Records what becomes of each call: in the ledger, in the counts and in the report.

The answers from the dialler, and the claims that the ledger refuses, become one outcome per row here, which is counted
and reported once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from airflow_provider_callkaro.calls.outcome import Outcome, Reason
from airflow_provider_callkaro.dispatch.caps import held_by
from airflow_provider_callkaro.dispatch.job import Answer, Held, Job
from airflow_provider_callkaro.dispatch.refusals import HeldRefusals
from airflow_provider_callkaro.dispatch.report import RowSink
from airflow_provider_callkaro.dispatch.tally import RowOutcome, Tally
from airflow_provider_callkaro.exceptions import (
    AllRejected,
    LeaseEnded,
    NotSent,
    OutcomeUnknown,
    Rejected,
    Throttled,
    TooLate,
    Unauthorized,
    VendorError,
)
from airflow_provider_callkaro.ledger.contract import (
    CallLedger,
    Claim,
    ClaimRefusal,
    Entry,
    EntryState,
    Erasure,
    OverCap,
    Settlement,
)
from airflow_provider_callkaro.transport.retry import RetryPolicy

MAX_DELAYS = 20  # how often one call may be too late to start; then it is left to the next try
_SAME_RUN = {
    EntryState.ACCEPTED: Outcome.ACCEPTED,
    EntryState.REJECTED: Outcome.REJECTED,
    EntryState.UNKNOWN: Outcome.UNKNOWN,
    EntryState.CLAIMED: Outcome.UNKNOWN,
}
_OTHER_RUN = {
    EntryState.ACCEPTED: Reason.ALREADY_ACCEPTED,
    EntryState.REJECTED: Reason.ALREADY_REJECTED,
    EntryState.UNKNOWN: Reason.ALREADY_UNKNOWN,
    EntryState.CLAIMED: Reason.CLAIMED_BY_ANOTHER_RUN,
}


class OutcomeRecorder:
    """Keeps the ledger, the tally and the report of a run in step. Used from the main thread only.

    :param ledger: opened and closed by the caller.
    :param report: takes each outcome; None for no report.
    :param redial: the states of earlier dispatches that are to be dispatched once more, on purpose.
    :param policy: decides whether a call that did not go out is handed over again.
    :param random: from 0 to 1, for the policy's jitter.
    """

    def __init__(
        self,
        *,
        ledger: CallLedger,
        tally: Tally,
        report: RowSink | None,
        redial: frozenset[EntryState],
        policy: RetryPolicy,
        random: Callable[[], float],
    ) -> None:
        self._ledger = ledger
        self._tally = tally
        self._report = report
        self._redial = redial
        self._policy = policy
        self._random = random
        self._settlements: list[Settlement] = []
        self._unreported: list[RowOutcome] = []
        self._refusals = HeldRefusals()
        self.resume_at: datetime | None = None
        """The first moment at which a call that a rule holds back may ring; None where none is held back."""

    @property
    def unsettled(self) -> bool:
        """Whether settlements wait to be written."""
        return bool(self._settlements)

    @property
    def has_releases(self) -> bool:
        """Whether a released claim is still in the ledger, where it looks like a call under way."""
        return any(settlement.state is None for settlement in self._settlements)

    def close_row(self, row: RowOutcome) -> None:
        """Give a row its outcome; `report` writes it."""
        self._tally.count(row)
        self._unreported.append(row)

    def report(self) -> None:
        """Report the rows that got their outcome since the last time. It comes last in a turn, because it may fail."""
        rows, self._unreported = self._unreported, []
        if self._report is not None:
            for row in rows:
                self._report.add(row)

    def record(self, answer: Answer) -> Sequence[Job]:
        """Record the answer to a dispatch. Returns its jobs that are to be handed over again."""
        jobs, error = answer.dispatch.jobs, answer.error
        if error is None:
            self._accept(jobs, answer.call_id)
            return ()
        if not isinstance(error, NotSent):
            self._tally.dialled += len(jobs)
        if isinstance(error, Rejected) and error.invalid_indexes and len(jobs) > 1:
            return self._reject_invalid(jobs, error)
        if isinstance(error, Rejected):
            if self._refusals.hold(jobs, error):
                return ()
            self._settle_refusals()
        return [job for job in jobs if self._record_failure(job, error)]

    def _accept(self, jobs: Sequence[Job], call_id: str | None) -> None:
        self._tally.dialled += len(jobs)
        if not self._refusals.are_about_calls:
            self._refusals.accepted()
            self._settle_refusals()
        for job in jobs:
            self._settlements.append(Settlement(key=job.key, state=EntryState.ACCEPTED, call_id=call_id))
            self.close_row(RowOutcome(row_number=job.row_number, outcome=Outcome.ACCEPTED, call_id=call_id))

    def _record_failure(self, job: Job, error: VendorError) -> bool:
        """Give a job its outcome, or release it. Returns whether it is to be handed over again."""
        if isinstance(error, Rejected):
            self._reject(job, error)
            return False
        if isinstance(error, OutcomeUnknown):
            self._settle(job, EntryState.UNKNOWN, Outcome.UNKNOWN, error.reason, error)
            return False
        self.release(job)
        if isinstance(error, LeaseEnded):
            job.attempts -= 1
            return True
        if isinstance(error, TooLate):
            job.attempts -= 1
            job.delays += 1
            if job.delays < MAX_DELAYS:
                return True
            self._pending(job, Reason.NOT_SENT, error)
            return False
        if isinstance(error, (Unauthorized, AllRejected)):
            self._pending(job, Reason.STOPPED, error)
            return False
        if self._policy.delay(error, attempt=job.attempts, retry_safe=False, random=self._random) is None:
            self._pending(job, Reason.THROTTLED if isinstance(error, Throttled) else Reason.NOT_SENT, error)
            return False
        return True

    def _settle_refusals(self) -> None:
        """Settle the refusals that are held back, once it is known that they are about single calls."""
        if self._refusals.are_about_calls:
            for job, error in self._refusals.take():
                self._reject(job, error)

    def conclude(self, *, is_done: bool) -> AllRejected | None:
        """Decide about the refusals that are held back, when no more answers come. ``is_done``: whether the list was
        dispatched to its end. Returns the error of a list that the vendor refused as a whole, else None."""
        others = self._tally[Outcome.ACCEPTED] + self._tally[Outcome.UNKNOWN]
        list_refused = self._refusals.verdict(is_done=is_done, others=others)
        for job, error in self._refusals.take():
            if is_done and list_refused is None:
                self._reject(job, error)
            else:  # where the run ends too early to know, the next try asks again
                self.release(job)
                self._pending(job, Reason.STOPPED if list_refused is None else Reason.LIST_REFUSED, error)
        return list_refused

    def _reject_invalid(self, jobs: Sequence[Job], error: Rejected) -> list[Job]:
        """Reject the calls that the vendor refuses by their index. Returns the others: the vendor took none of them, so
        they go once more."""
        others = []
        for place, job in enumerate(jobs):
            if place in error.invalid_indexes:
                self._record_failure(job, error)
            else:
                self.release(job)
                others.append(job)
        return others

    def release(self, job: Job) -> None:
        """Free the claim of a job that was not sent."""
        self._settlements.append(Settlement(key=job.key, state=None))

    def interrupted(self, job: Job) -> None:
        """Settle a job in flight as unknown, without waiting for its answer any longer."""
        self._tally.dialled += 1
        self._settlements.append(Settlement(key=job.key, state=EntryState.UNKNOWN, reason=Reason.INTERRUPTED))
        self._close(job, Outcome.UNKNOWN, Reason.INTERRUPTED)

    def hold(self, job: Job, held: Held) -> None:
        """Give a job that a rule holds back its outcome."""
        self._close(job, held.outcome, held.reason)
        if held.until is not None:
            self.resume_at = held.until if self.resume_at is None else min(self.resume_at, held.until)

    def leave(self, job: Job, reason: Reason) -> None:
        """Leave a job that was not claimed to the next try."""
        self._close(job, Outcome.PENDING, reason)

    def commit(self, jobs: Sequence[Job]) -> tuple[list[Job], list[Job]]:
        """Write the settlements and claim ``jobs``, in one durable write. Returns the jobs whose claim is won, and
        those to be claimed again as a redial."""
        if not self._settlements and not jobs:
            return [], []
        claims = [Claim(key=job.key, number=job.number, replaces=job.replaces) for job in jobs]
        lost = self._ledger.commit(settle=self._settlements, claim=claims)
        self._settlements = []
        if not lost:
            return list(jobs), []
        won = [job for job in jobs if job.key not in lost]
        return won, self._close_lost([job for job in jobs if job.key in lost], lost)

    def sift(self, jobs: Sequence[Job]) -> list[Job]:
        """Close the jobs that the ledger knows. Returns those that are still to be claimed."""
        known = self._ledger.state_of([job.key for job in jobs])
        free = [job for job in jobs if job.key not in known or known[job.key] == job.replaces]
        again = self._close_lost([job for job in jobs if job.key in known and known[job.key] != job.replaces], known)
        return free + again

    def _close_lost(self, jobs: Sequence[Job], entries: Mapping[str, ClaimRefusal]) -> list[Job]:
        """Close the jobs whose claim the ledger refuses. Returns those that a redial may claim."""
        again: list[Job] = []
        for job in jobs:
            entry = entries[job.key]
            if isinstance(entry, OverCap):
                self.hold(job, held_by(entry))
            elif isinstance(entry, Erasure):
                self._close(job, Outcome.SKIPPED, Reason.ERASED)
            elif self._may_redial(job, entry):
                job.replaces = entry
                again.append(job)
            else:
                self._close_by_entry(job, entry)
        return again

    def _may_redial(self, job: Job, entry: Entry) -> bool:
        asked_for = entry.state in self._redial and entry.redials == 0
        return asked_for and job.replaces is None and not entry.may_be_ringing

    def _close_by_entry(self, job: Job, entry: Entry) -> None:
        if not entry.this_run:
            self._close(job, Outcome.SKIPPED, _OTHER_RUN[entry.state])
            return
        self._tally.resumed += 1
        outcome = _SAME_RUN[entry.state]
        reason = entry.reason or (Reason.INTERRUPTED if outcome is Outcome.UNKNOWN else None)
        self.close_row(
            RowOutcome(
                row_number=job.row_number,
                outcome=outcome,
                reason=reason,
                call_id=entry.call_id,
                detail=entry.detail,
                earlier=True,
            )
        )

    def _reject(self, job: Job, error: Rejected) -> None:
        self._settle(job, EntryState.REJECTED, Outcome.REJECTED, error.reason, error)

    def _settle(self, job: Job, state: EntryState, outcome: Outcome, reason: str, error: VendorError) -> None:
        detail = str(error)
        self._settlements.append(Settlement(key=job.key, state=state, reason=reason, detail=detail))
        self.close_row(RowOutcome(row_number=job.row_number, outcome=outcome, reason=reason, detail=detail))

    def _pending(self, job: Job, reason: Reason, error: VendorError) -> None:
        self.close_row(RowOutcome(row_number=job.row_number, outcome=Outcome.PENDING, reason=reason, detail=str(error)))

    def _close(self, job: Job, outcome: Outcome, reason: Reason) -> None:
        self.close_row(RowOutcome(row_number=job.row_number, outcome=outcome, reason=reason))
