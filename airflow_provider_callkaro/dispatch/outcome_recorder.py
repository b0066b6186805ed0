"""The books of a run: what the ledger is told, and which outcome each row is given.

Everything that comes back from the dialler, and everything that the ledger says stood in the way, is turned here
into one outcome per row, counted and reported once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from airflow_provider_callkaro.calls.outcome import Outcome, Reason
from airflow_provider_callkaro.dispatch.caps import held_by
from airflow_provider_callkaro.dispatch.job import Answer, Held, Job
from airflow_provider_callkaro.dispatch.refusals import RefusalWatch, kind_of, list_refused
from airflow_provider_callkaro.dispatch.report import RowSink
from airflow_provider_callkaro.dispatch.tally import RowOutcome, Tally
from airflow_provider_callkaro.exceptions import (
    AllRejected,
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
    Entry,
    EntryState,
    Erasure,
    Lost,
    OverCap,
    Settlement,
)
from airflow_provider_callkaro.transport.retry import RetryPolicy

MAX_DELAYS = 20  # of one call that came too late; then the next try has to do it
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

    :param redial: the states of earlier dispatches that shall be dispatched once more, on purpose.
    :param policy: whether a call that did not go out is handed over again.
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
        self._refusals = RefusalWatch()
        self._held_back: list[tuple[Job, Rejected]] = []
        self.resume_at: datetime | None = None
        """The first moment at which a call that was held back may ring."""

    @property
    def unsettled(self) -> bool:
        """Whether something waits to be written."""
        return bool(self._settlements)

    @property
    def has_releases(self) -> bool:
        """Whether a claim that was given up still stands in the ledger, and would be taken for a call under way."""
        return any(settlement.state is None for settlement in self._settlements)

    def close_row(self, row: RowOutcome) -> None:
        """Give a row its outcome; `report` hands it on."""
        self._tally.count(row)
        self._unreported.append(row)

    def report(self) -> None:
        """Report the rows that have got their outcome since. It comes after everything else, because it may fail."""
        rows, self._unreported = self._unreported, []
        if self._report is not None:
            for row in rows:
                self._report.add(row)

    def enter(self, answer: Answer) -> Sequence[Job]:
        """Take in what came back for a dispatch.

        :return: its jobs that are to be handed over again.
        """
        jobs, error = answer.dispatch.jobs, answer.error
        if error is None:
            self._accept(jobs, answer.call_id)
            return ()
        if not isinstance(error, NotSent):
            self._tally.dialled += len(jobs)
        if isinstance(error, Rejected) and error.invalid_indexes and len(jobs) > 1:
            return self._without_the_blamed(jobs, error)
        if isinstance(error, Rejected) and self._may_be_about_the_list(jobs, error):
            return []
        return [job for job in jobs if self._enter(job, error)]

    def _accept(self, jobs: Sequence[Job], call_id: str | None) -> None:
        self._tally.dialled += len(jobs)
        if not self._refusals.is_over:
            self._let_go(accepted=True)
        for job in jobs:
            self._settlements.append(Settlement(key=job.key, state=EntryState.ACCEPTED, call_id=call_id))
            self.close_row(RowOutcome(row_number=job.row_number, outcome=Outcome.ACCEPTED, call_id=call_id))

    def _enter(self, job: Job, error: VendorError) -> bool:
        """Give a job its outcome, unless it is to be handed over again."""
        if isinstance(error, Rejected):
            self._settle(job, EntryState.REJECTED, Outcome.REJECTED, error.reason, error)
            return False
        if isinstance(error, OutcomeUnknown):
            self._settle(job, EntryState.UNKNOWN, Outcome.UNKNOWN, error.reason, error)
            return False
        self.release(job)
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

    def _may_be_about_the_list(self, jobs: Sequence[Job], error: Rejected) -> bool:
        """Hold back a refusal that may be meant for the list, and leave its calls claimed until that is known.

        A claim that is settled cannot be freed. If the process is killed meanwhile, these calls read as unknown; there
        are never more of them than a few streaks take.
        """
        if self._refusals.refused(error):
            self._held_back.extend((job, error) for job in jobs)
            return True
        self._let_go(accepted=False)
        return False

    def _let_go(self, *, accepted: bool) -> None:
        """Give the refusals that were held back their outcome, once it is known that they are about the calls."""
        if accepted and not self._refusals.condemns_the_list:
            self._refusals.is_over = True
        if self._refusals.is_over and self._held_back:
            self._settle_held_back()

    def _settle_held_back(self) -> None:
        held_back, self._held_back = self._held_back, []
        for job, error in held_back:
            self._settle(job, EntryState.REJECTED, Outcome.REJECTED, error.reason, error)

    def conclude(self, *, is_done: bool) -> AllRejected | None:
        """Decide, as no answer comes any more, what becomes of the refusals that were held back.

        :param is_done: whether the list was dispatched to its end.
        :return: what the vendor says of the whole list, where it refused the list.
        """
        held_back = self._held_back
        if not held_back:
            return None
        others = self._tally[Outcome.ACCEPTED] + self._tally[Outcome.UNKNOWN]
        alike = len({kind_of(error) for _, error in held_back}) == 1
        is_refused = self._refusals.condemns_the_list or (is_done and alike and len(held_back) > 1 and not others)
        if is_done and not is_refused:
            self._settle_held_back()
            return None
        self._held_back = []
        for job, error in held_back:  # of a run that ends too early to tell, the next try asks again
            self.release(job)
            self._pending(job, Reason.LIST_REFUSED if is_refused else Reason.STOPPED, error)
        return list_refused(held_back[-1][1], calls=len(held_back)) if is_refused else None

    def _without_the_blamed(self, jobs: Sequence[Job], error: Rejected) -> list[Job]:
        """Reject the calls that the vendor found fault with; it took none of the others, so they go once more."""
        others = []
        for place, job in enumerate(jobs):
            if place in error.invalid_indexes:
                self._enter(job, error)
            else:
                self.release(job)
                others.append(job)
        return others

    def release(self, job: Job) -> None:
        """Free the claim of a job that was not sent."""
        self._settlements.append(Settlement(key=job.key, state=None))

    def interrupted(self, job: Job) -> None:
        """Give up on a job in flight: nobody knows what became of it."""
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
        """Write what came back and claim ``jobs``, durably.

        :return: the jobs whose claim was won, and those to be claimed again as a redial.
        """
        if not self._settlements and not jobs:
            return [], []
        claims = [Claim(key=job.key, number=job.number, replaces=job.replaces) for job in jobs]
        lost = self._ledger.commit(settle=self._settlements, claim=claims)
        self._settlements = []
        if not lost:
            return list(jobs), []
        won = [job for job in jobs if job.key not in lost]
        return won, self._turned_down([job for job in jobs if job.key in lost], lost)

    def sift(self, jobs: Sequence[Job]) -> list[Job]:
        """Close the jobs that the ledger knows already.

        :return: those that are still to be claimed.
        """
        known = self._ledger.state_of([job.key for job in jobs])
        free = [job for job in jobs if job.key not in known or known[job.key] == job.replaces]
        again = self._turned_down([job for job in jobs if job.key in known and known[job.key] != job.replaces], known)
        return free + again

    def _turned_down(self, jobs: Sequence[Job], entries: Mapping[str, Lost]) -> list[Job]:
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
                row_number=job.row_number, outcome=outcome, reason=reason, call_id=entry.call_id, detail=entry.detail
            )
        )

    def _settle(self, job: Job, state: EntryState, outcome: Outcome, reason: str, error: VendorError) -> None:
        detail = str(error)
        self._settlements.append(Settlement(key=job.key, state=state, reason=reason, detail=detail))
        self.close_row(RowOutcome(row_number=job.row_number, outcome=outcome, reason=reason, detail=detail))

    def _pending(self, job: Job, reason: Reason, error: VendorError) -> None:
        self.close_row(RowOutcome(row_number=job.row_number, outcome=Outcome.PENDING, reason=reason, detail=str(error)))

    def _close(self, job: Job, outcome: Outcome, reason: Reason) -> None:
        self.close_row(RowOutcome(row_number=job.row_number, outcome=outcome, reason=reason))
