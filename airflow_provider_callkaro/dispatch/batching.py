"""How calls travel: one to a request, or many that the vendor takes together.

A vendor that takes many is handed full requests wherever the list allows it, so calls wait here, unclaimed, until there
are enough that may go together. What waits has been judged a moment ago; the dispatcher takes it out again when that
was too long ago.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from typing import Protocol, runtime_checkable

from airflow_provider_callkaro.calls.call import Call
from airflow_provider_callkaro.dispatch.job import Dispatch, Job
from airflow_provider_callkaro.vendors.answers import PlacedCall
from airflow_provider_callkaro.vendors.http import Request, Response

MAX_OPEN_REQUESTS = 8  # full requests' worth of calls that wait at most, where few of them may go together
MAX_OPEN_CALLS = 4_000  # that wait at most: judging them again must take less than they may wait
STALE_SECONDS = 5.0  # from then on what waits is judged again


class CallVendor(Protocol):
    """A vendor that takes one call per request."""

    name: str

    def place_call(self, call: Call) -> Request: ...

    def read_placed_call(self, response: Response) -> PlacedCall: ...


@runtime_checkable
class ManyCallsVendor(Protocol):
    """A vendor that takes many calls per request."""

    name: str
    calls_per_request: int

    def batch_key(self, call: Call) -> Hashable:
        """What calls must have in common to go together."""
        ...

    def place_calls(self, calls: Sequence[Call], *, first_row: int, is_whole_list: bool) -> Request:
        """One request for calls that may go together.

        :param first_row: the row of the first of them.
        :param is_whole_list: whether the list began with them and holds nothing else.
        """
        ...

    def read_placed_calls(self, response: Response, *, calls: int) -> PlacedCall:
        """What became of a request with as many calls.

        :raises Rejected: with ``invalid_indexes``, the places of those that the vendor found fault with,
            where it names them.
        """
        ...


class Batcher(Protocol):
    """Puts calls into requests."""

    name: str
    calls_per_request: int
    batches: bool
    """Whether calls may wait for company."""

    @property
    def waiting(self) -> int:
        """Calls that wait for company."""
        ...

    def add(self, jobs: Sequence[Job], *, now: float) -> None:
        """Put in calls that the rules have let pass."""
        ...

    def take(self, requests: int, *, is_last: bool) -> list[Sequence[Job]]:
        """What fills at most so many requests.

        :param is_last: nothing more will come, so what waits goes as it is.
        """
        ...

    def drain(self, *, before: float) -> list[Job]:
        """Take everything out, if some of it has waited since before that moment."""
        ...

    def dispatch(self, jobs: Sequence[Job]) -> Dispatch:
        """The request for calls that were taken together, or for those of them whose claim was won."""
        ...

    def read(self, response: Response, dispatch: Dispatch) -> str:
        """The vendor's id, or the error that the answer means."""
        ...


class OneCallBatcher:
    """One call to a request: nothing ever waits."""

    calls_per_request = 1
    batches = False
    waiting = 0

    def __init__(self, vendor: CallVendor) -> None:
        self.name = vendor.name
        self._vendor = vendor
        self._jobs: Sequence[Job] = ()

    def add(self, jobs: Sequence[Job], *, now: float) -> None:  # noqa: ARG002 - see `Batcher`
        """See `Batcher.add`."""
        self._jobs = jobs

    def take(self, requests: int, *, is_last: bool) -> list[Sequence[Job]]:  # noqa: ARG002
        """All of them: no more were asked for than there is room for."""
        jobs, self._jobs = self._jobs, ()
        return [(job,) for job in jobs]

    def drain(self, *, before: float) -> list[Job]:  # noqa: ARG002
        """Nothing: what comes in goes out in the same turn."""
        return []

    def dispatch(self, jobs: Sequence[Job]) -> Dispatch:
        """See `Batcher.dispatch`."""
        return Dispatch(jobs, self._vendor.place_call(jobs[0].ready))

    def read(self, response: Response, dispatch: Dispatch) -> str:  # noqa: ARG002
        """See `Batcher.read`."""
        return self._vendor.read_placed_call(response).call_id


class ManyCallsBatcher:
    """Many calls to a request."""

    batches = True

    def __init__(self, vendor: ManyCallsVendor) -> None:
        self.name = vendor.name
        self.calls_per_request = vendor.calls_per_request
        self.waiting = 0
        self._vendor = vendor
        self._groups: dict[Hashable, list[Job]] = {}
        self._since = 0.0
        self._taken = 0
        self._is_last = False

    def add(self, jobs: Sequence[Job], *, now: float) -> None:
        """See `Batcher.add`."""
        if jobs and not self.waiting:
            self._since = now
        for job in jobs:
            self._groups.setdefault(self._vendor.batch_key(job.ready), []).append(job)
        self.waiting += len(jobs)

    def take(self, requests: int, *, is_last: bool) -> list[Sequence[Job]]:
        """See `Batcher.take`. One call more than fills a request has to be there, or nobody knows if it is the last."""
        taken: list[Sequence[Job]] = []
        for company in self._ripe(is_last=is_last):
            if len(taken) >= requests:
                break
            jobs = self._groups[company]
            taken.append(jobs[: self.calls_per_request])
            self._groups[company] = jobs[self.calls_per_request :]
            if not self._groups[company]:
                del self._groups[company]
            self.waiting -= len(taken[-1])
            self._taken += 1
        self._is_last = is_last and not self.waiting
        return taken

    def _ripe(self, *, is_last: bool) -> Iterator[Hashable]:
        """Those who go together and need not wait, as often as they fill a request; the longest waiting first."""
        for company in list(self._groups):
            while len(self._groups.get(company, ())) > (0 if is_last else self.calls_per_request):
                yield company
        while self.waiting > min(MAX_OPEN_REQUESTS * self.calls_per_request, MAX_OPEN_CALLS):
            yield max(self._groups, key=lambda company: len(self._groups[company]))

    def drain(self, *, before: float) -> list[Job]:
        """See `Batcher.drain`; in the order of the list."""
        if not self.waiting or self._since >= before:
            return []
        jobs = sorted((job for group in self._groups.values() for job in group), key=lambda job: job.row_number)
        self._groups.clear()
        self.waiting = 0
        return jobs

    def dispatch(self, jobs: Sequence[Job]) -> Dispatch:
        """See `Batcher.dispatch`."""
        is_whole_list = self._is_last and self._taken == 1 and all(job.attempts == 1 for job in jobs)
        calls = [job.ready for job in jobs]
        request = self._vendor.place_calls(calls, first_row=jobs[0].row_number, is_whole_list=is_whole_list)
        return Dispatch(jobs, request)

    def read(self, response: Response, dispatch: Dispatch) -> str:
        """See `Batcher.read`."""
        return self._vendor.read_placed_calls(response, calls=len(dispatch.jobs)).call_id


def batcher_for(vendor: CallVendor | ManyCallsVendor) -> Batcher:
    """How this vendor takes its calls."""
    return ManyCallsBatcher(vendor) if isinstance(vendor, ManyCallsVendor) else OneCallBatcher(vendor)
