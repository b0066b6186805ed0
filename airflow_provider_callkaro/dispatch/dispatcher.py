"""The dispatcher: claim, send, settle, until every row has its outcome.

It works in turns on the main thread. Each turn records the answers, claims the next calls and hands them to the
dialler, with one durable write for all of it. The calls claimed ahead of the free places are those that start before
the next turn has claimed more, and never more than one window of concurrency. So a killed process leaves at most two
windows unknown, and with a slow pace hardly anything.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from contextlib import suppress

from airflow_provider_callkaro.calls.outcome import Outcome, Reason
from airflow_provider_callkaro.dispatch.batching import STALE_SECONDS, Batch, Batcher
from airflow_provider_callkaro.dispatch.breaker import Closed
from airflow_provider_callkaro.dispatch.dialler import Dialler
from airflow_provider_callkaro.dispatch.flow_control import FlowControl, Headroom
from airflow_provider_callkaro.dispatch.intake import Intake
from airflow_provider_callkaro.dispatch.job import Dispatch, Job
from airflow_provider_callkaro.dispatch.kept_share import LONG_PAUSE, KeptShare
from airflow_provider_callkaro.dispatch.limits import CALM_GRACE, KILLED_GRACE, Stop
from airflow_provider_callkaro.dispatch.notices import Notices
from airflow_provider_callkaro.dispatch.outcome_recorder import OutcomeRecorder
from airflow_provider_callkaro.dispatch.preparation import Preparation
from airflow_provider_callkaro.dispatch.progress import Progress
from airflow_provider_callkaro.dispatch.supply import Supply
from airflow_provider_callkaro.dispatch.tally import Summary, Tally
from airflow_provider_callkaro.dispatch.watchdog import Watchdog
from airflow_provider_callkaro.exceptions import AllRejected, LedgerError

LONGEST_WAIT = 0.25  # seconds between two checks whether the run shall stop


class Dispatcher:
    """Dispatches a list of calls. Good for one run, on the main thread; the dialler has the event loop. ``dialler``:
    sends the requests; the run opens it. ``share``: of a budget; the run keeps it. ``clock``: seconds of a monotonic
    clock."""

    def __init__(
        self,
        *,
        intake: Intake,
        preparation: Preparation,
        batcher: Batcher,
        recorder: OutcomeRecorder,
        tally: Tally,
        dialler: Dialler,
        flow: FlowControl,
        stop: Stop,
        progress: Progress,
        clock: Callable[[], float],
        share: KeptShare,
    ) -> None:
        self._share = share
        self._intake = intake
        self._preparation = preparation
        self._batcher = batcher
        self._recorder = recorder
        self._tally = tally
        self._dialler = dialler
        self._flow = flow
        self._stop = stop
        self._progress = progress
        self._clock = clock
        self._watchdog = Watchdog(dialler, clock=clock)
        self._notices = Notices(flow=flow, clock=clock)
        self._list_refused: AllRejected | None = None
        self._is_spent = False  # the budget has ended the run
        self._supply = Supply(intake=intake, recorder=recorder, stop=stop)  # calls that are read and not claimed
        self._out: dict[str, Dispatch] = {}  # claimed and handed over, not answered
        self._many = batcher.batches
        self._headroom = Headroom(flow=flow, many=self._many, clock=clock)

    def run(self) -> Summary:
        """Dispatch every call of the list. Returns the summary; its ``stopped`` says why the run ended early, if it
        did. Raises LedgerError if nothing more could be claimed durably; what was in flight has been awaited."""
        with self._share, self._dialler:
            try:
                why = self._dispatch()
            except BaseException as error:
                with suppress(LedgerError):  # the claims stay unsettled then, which reads as unknown
                    self._wind_down(grace=CALM_GRACE if isinstance(error, Exception) else KILLED_GRACE)
                self._leave_what_was_read()
                raise
        self._recorder.report()
        if why is not None:
            self._leave_the_rest(Reason.BUDGET_SPENT if self._is_spent else Reason.STOPPED)
            if self._is_spent and not self._tally[Outcome.PENDING]:
                why = None  # the last call of the list was the last of the budget
        return self._summary(stopped=why)

    def rehearse(self) -> Summary:
        """Read the whole list and count what would become of it; nothing is claimed and nothing is sent."""
        self._leave_the_rest(Reason.DRY_RUN)
        return self._summary(stopped=None)

    def account(self, *, failed: BaseException, total: int | None) -> Summary:
        """The summary of a run that failed: of the rows it has read, and of those it has not. ``failed``: how it
        failed. ``total``: rows in the list; None where that is not known."""
        for dispatch in self._out.values():  # settling them failed too
            self._tally.leave(len(dispatch.jobs), outcome=Outcome.UNKNOWN, reason=Reason.INTERRUPTED)
        self._tally.leave(self._intake.taken - self._tally.total, outcome=Outcome.PENDING, reason=Reason.STOPPED)
        is_unread = not self._intake.exhausted
        if is_unread and total is not None:
            self._tally.leave(total - self._tally.total, outcome=Outcome.PENDING, reason=Reason.UNREAD)
        return self._summary(stopped=f"it failed ({type(failed).__name__})", unread=is_unread and total is None)

    def _summary(self, *, stopped: str | None, unread: bool = False) -> Summary:
        return Summary.of(
            self._tally,
            stopped=stopped,
            refusal=self._list_refused or self._flow.refusal,
            held_by=self._flow.pause,
            resume_at=self._recorder.resume_at,
            unread=unread,
        )

    def _dispatch(self) -> str | None:
        """Dispatch until the list is done (None), or until the run has to end (why)."""
        while not self._done():
            why = self._why_stopped()
            if why is not None:
                self._is_spent = why == self._share.exhausted  # others may raise the budget while this run winds down
                self._notices.ending(why, self._flow.refusal)
                self._wind_down(grace=CALM_GRACE)
                return why
            self._turn()
        return self._conclude(is_done=True)

    def _conclude(self, *, is_done: bool) -> str | None:
        """Settle what waited for the end of the run; return why the list is refused, or None."""
        self._list_refused = self._recorder.conclude(is_done=is_done)
        self._recorder.commit([])
        return None if self._list_refused is None else Closed.LIST_REFUSED.value

    def _done(self) -> bool:
        return not self._more_to_come() and not self._out and not self._recorder.unsettled

    def _why_stopped(self) -> str | None:
        closed: Closed | None = self._flow.closed
        if closed is not None:
            return closed.value
        return self._watchdog.alarm() or self._stop.why or self._share.exhausted

    def _turn(self) -> None:
        self._collect(timeout=self._patience())
        self._notices.look()
        if self._flow.closed is not None:
            return
        renewing = self._share.keep(has_calls=self._more_to_come() or self._dialler.waiting > 0)
        self._headroom.renewed(renewing)
        began = self._clock()
        if self._hold(began) > 0:
            self._supply.read_ahead(self._flow.capacity())
            return
        if self._flow.starts_at(now=began) - began > LONG_PAUSE:
            self._take_back()
        won = self._claim(self._next_batches(self._room(began)))
        if won:
            self._dialler.submit(won)
        self._recorder.report()
        self._progress.tick(self._tally)
        self._headroom.measure(began, claimed=bool(won))

    def _next_batches(self, room: int) -> list[Batch]:
        """The calls that go out next, in as many requests as there is room for."""
        if self._recorder.has_releases and self._preparation.has_rules:
            self._recorder.commit([])  # or the rules would take these calls for calls under way
        ready = self._preparation.ready(self._supply.next(self._calls_for(room), sifted=self._many))
        now = self._clock()
        self._drain(before=now - STALE_SECONDS)
        self._batcher.add(ready, now=now)
        batches = self._batcher.take(room, is_last=self._supply.is_empty)
        if self._why_stopped() is not None:
            self._supply.give_back(_jobs_of(batches))
            return []
        if self._many and batches:
            return _only(batches, self._preparation.within_caps(_jobs_of(batches)))
        return batches

    def _claim(self, batches: list[Batch]) -> list[Dispatch]:
        """Write what came back and claim what goes out next, durably; only calls whose claim is won are dispatched."""
        jobs = _jobs_of(batches)
        won, again = self._recorder.commit(jobs)
        self._supply.append(again)
        self._supply.note(claimed=len(jobs), won=len(won))
        try:
            dispatches = [batch.dispatch() for batch in _only(batches, won)]
        except BaseException:  # nothing of it has gone out
            for job in won:
                self._recorder.release(job)
            raise
        self._out.update((dispatch.key, dispatch) for dispatch in dispatches)
        return dispatches

    def _collect(self, *, timeout: float) -> None:
        for answer in self._dialler.collect(timeout=timeout):
            if self._out.pop(answer.dispatch.key, None) is None:
                continue  # the run gave up on it
            again = self._recorder.record(answer)
            if again:
                self._supply.give_back(again)
                self._notices.again(len(again), answer.error)

    def _patience(self) -> float:
        """Seconds to wait for answers: 0 while there is room for a worthwhile group of calls."""
        now = self._clock()
        if (hold := self._hold(now)) > 0:
            return hold
        if self._recorder.unsettled or (self._more_to_come() and self._room(now) > 0):
            return 0.0
        longest = min(LONGEST_WAIT, self._share.is_due_in(now))
        return self._headroom.patience(now, waiting=self._dialler.waiting, longest=longest)

    def _hold(self, now: float) -> float:
        """Seconds for which this turn waits for a group of calls that is worth a slow write."""
        return self._headroom.hold(now, out=len(self._out)) if self._more_to_come() else 0.0

    def _more_to_come(self) -> bool:
        return not self._supply.is_empty or self._batcher.waiting > 0

    def _room(self, now: float) -> int:
        return self._headroom.room(now, out=len(self._out), waiting=self._dialler.waiting)

    def _calls_for(self, room: int) -> int:
        """How many calls to read for ``room`` requests; one more than fills them shows whether the list goes on."""
        if not self._many or room == 0:
            return room
        size = self._batcher.calls_per_request
        return max(room * size + 1 - self._batcher.waiting, size)

    def _take_back(self) -> None:
        """Release the claims of calls that will not start soon: a crash must not leave them unknown."""
        for dispatch in reversed(self._dialler.recall()):
            del self._out[dispatch.key]
            for job in dispatch.jobs:
                job.attempts -= 1
                self._recorder.release(job)
            self._supply.give_back(dispatch.jobs)

    def _drain(self, *, before: float) -> None:
        """Take out of the batcher what has waited for too long: the rules must judge it again."""
        self._supply.give_back(self._batcher.drain(before=before))

    def _wind_down(self, *, grace: float) -> None:
        """Take no new calls, wait for those in flight, and settle everything. ``grace``: seconds that the calls in
        flight may take; a request to stop may shorten them."""
        self._take_back()
        latest = self._clock() + grace
        while self._out and (left := min(latest, self._stop.finish_by) - self._clock()) > 0:
            self._share.keep(has_calls=False)
            self._watchdog.alarm()
            self._give_up_on(self._watchdog.overdue())
            if self._watchdog.is_standing_still():
                break
            self._collect(timeout=min(left, LONGEST_WAIT))
        self._collect(timeout=0.0)  # what came while this thread could not look, or was left behind
        for key in list(self._out):
            self._give_up_on(key)
        self._conclude(is_done=False)

    def _give_up_on(self, key: str | None) -> None:
        """Stop waiting for the answer to a dispatch, and settle it as unknown."""
        dispatch = None if key is None else self._out.pop(key, None)
        for job in dispatch.jobs if dispatch is not None else ():
            self._recorder.interrupted(job)

    def _leave_what_was_read(self) -> None:
        """Give the rows that a failed run has read their outcome, and report what can be reported of it."""
        with suppress(Exception):  # the run fails with the first error; `account` counts what is left out here
            self._drain(before=math.inf)
            for job in self._supply.known_rest():
                self._recorder.leave(job, Reason.STOPPED)
            self._recorder.report()

    def _leave_the_rest(self, reason: Reason) -> None:
        """Give every row that was not dispatched its outcome: the ledger's where it knows the call, else pending."""
        self._drain(before=math.inf)
        while not self._supply.is_empty:
            left = self._supply.rest()
            if reason is Reason.DRY_RUN:
                left = [ready.job for ready in self._preparation.ready(left)]
            for job in left:
                self._recorder.leave(job, reason)
            self._recorder.report()


def _jobs_of(batches: list[Batch]) -> list[Job]:
    return [ready.job for batch in batches for ready in batch.ready]


def _only(batches: list[Batch], jobs: Sequence[Job]) -> list[Batch]:
    """The batches with those of their calls that are among ``jobs``; a batch without any is left out."""
    if len(jobs) == sum(len(batch.ready) for batch in batches):
        return batches
    keys = {job.key for job in jobs}
    return [left for batch in batches if (left := batch.only(keys)) is not None]
