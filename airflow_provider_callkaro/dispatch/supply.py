"""The calls that a run has read and not claimed: new ones from the list, and those that are given back."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence

from airflow_provider_callkaro.dispatch.intake import Intake
from airflow_provider_callkaro.dispatch.job import Job
from airflow_provider_callkaro.dispatch.limits import Stop
from airflow_provider_callkaro.dispatch.outcome_recorder import OutcomeRecorder
from airflow_provider_callkaro.dispatch.tally import RowOutcome

SIFTED_ROWS = 500  # rows looked up at once while most of a list has been dispatched before
READ_ROWS = 2_000  # rows read per turn at most, so that answers do not wait while duplicates are read


class Supply:
    """Gives calls in the order of the list; calls that are given back come first. Used from the main thread only.
    ``intake``: the calls, row by row. ``recorder``: closes rows that are no calls, and calls that the ledger knows.
    ``stop``: of the run; once it is asked for, only `rest` reads on."""

    def __init__(self, *, intake: Intake, recorder: OutcomeRecorder, stop: Stop) -> None:
        self._intake = intake
        self._recorder = recorder
        self._stop = stop
        self._ready: deque[Job] = deque()
        self._sifting = False

    @property
    def is_empty(self) -> bool:
        """Whether no call is left, here and in the list."""
        return self._intake.exhausted and not self._ready

    def give_back(self, jobs: Sequence[Job]) -> None:
        """Put calls back, in their order and before all others."""
        self._ready.extendleft(reversed(jobs))

    def append(self, jobs: Iterable[Job]) -> None:
        """Put calls behind the others."""
        self._ready.extend(jobs)

    def note(self, *, claimed: int, won: int) -> None:
        """Note how many claims were won. Fewer than half mean that the list has been dispatched before."""
        self._sifting = self._sifting or claimed > 2 * won

    def read_ahead(self, wanted: int) -> None:
        """Read on until at least ``wanted`` calls wait here, where that takes no look into the ledger."""
        if not self._sifting and len(self._ready) < wanted:
            self._ready.extend(self._read(READ_ROWS, jobs=wanted - len(self._ready), stop=self._stop))

    def next(self, wanted: int, *, sifted: bool) -> list[Job]:
        """At most ``wanted`` calls. ``sifted``: give only calls that the ledger does not know."""
        if wanted > 0 and (self._sifting or sifted):
            self._sift()
        if not sifted and len(self._ready) < wanted:
            self._ready.extend(self._read(READ_ROWS, jobs=wanted - len(self._ready), stop=self._stop))
        return [self._ready.popleft() for _ in range(min(wanted, len(self._ready)))]

    def rest(self) -> list[Job]:
        """Some of the calls that are left; those that the ledger knows are closed."""
        if len(self._ready) < SIFTED_ROWS:
            self._ready.extend(self._read(READ_ROWS, jobs=SIFTED_ROWS - len(self._ready), stop=None))
        return self._recorder.sift([self._ready.popleft() for _ in range(min(len(self._ready), SIFTED_ROWS))])

    def known_rest(self) -> list[Job]:
        """All calls that have been read, and no more; those that the ledger knows are closed."""
        jobs, self._ready = list(self._ready), deque()
        return self._recorder.sift(jobs)

    def _sift(self) -> None:
        """Close many calls that the ledger knows at once, where a list has been dispatched before."""
        if self._ready:
            return
        jobs = self._read(SIFTED_ROWS, jobs=SIFTED_ROWS, stop=self._stop)
        left = self._recorder.sift(jobs)
        self._ready.extend(left)
        self._sifting = len(jobs) > 2 * len(left)

    def _read(self, rows: int, *, jobs: int, stop: Stop | None) -> list[Job]:
        """Read on until there are ``jobs`` calls, at most ``rows`` rows; close rows that are no calls. ``stop``: once
        it is asked for, not even these: a slow source must not use up the time in which answers are settled."""
        found: list[Job] = []
        for _ in range(rows):
            if len(found) >= jobs or (stop is not None and stop.why is not None):
                break
            try:
                row = self._intake.next()
            except BaseException:  # the calls read before it must not be lost
                self._ready.extend(found)
                raise
            if row is None:
                break
            if isinstance(row, RowOutcome):
                self._recorder.close_row(row)
            else:
                found.append(row)
        return found
