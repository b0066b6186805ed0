"""How calls are put into requests: one to a request, or many where the vendor takes many.

A vendor that takes many calls gets full requests wherever the list allows it. Calls therefore wait here, unclaimed,
until enough of them may go together. The rules judged them before they came in; the dispatcher takes them out again
when that was too long ago.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Hashable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol, runtime_checkable

from airflow_provider_callkaro.calls.call import Call
from airflow_provider_callkaro.dispatch.job import Dispatch, Job, ReadyJob
from airflow_provider_callkaro.vendors.answers import PlacedCall
from airflow_provider_callkaro.vendors.http import Request, Response

MAX_OPEN_REQUESTS = 8  # full requests' worth of calls that may wait, where few of them may go together
MAX_OPEN_CALLS = 4_000  # that may wait: to judge them again must take less time than they may wait
STALE_SECONDS = 5.0  # after this time the rules judge again what waits


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
        """Calls with the same key may go together."""

    def place_calls(self, calls: Sequence[Call], *, first_row: int, is_whole_list: bool) -> Request:
        """Make one request for calls that may go together. ``first_row``: the row number of the first of them.
        ``is_whole_list``: whether the list holds no other calls."""

    def read_placed_calls(self, response: Response, *, calls: int) -> PlacedCall:
        """Read the answer to a request. ``calls``: how many calls the request carried. Raises Rejected: with
        ``invalid_indexes``, the places of the refused calls, where the vendor names them."""


@dataclass(slots=True)
class Batch:
    """Calls that are taken together, to be claimed and then dispatched in one request. ``ready``: at least one call, in
    the order of the list. ``request_for``: makes the request for them."""

    ready: Sequence[ReadyJob]
    request_for: Callable[[Sequence[ReadyJob]], Request]

    @property
    def jobs(self) -> list[Job]:
        """The jobs of its calls."""
        return [ready.job for ready in self.ready]

    def only(self, keys: Container[str]) -> Batch | None:
        """The batch without the calls whose keys are missing in ``keys``; None where no call is left."""
        left = [ready for ready in self.ready if ready.job.key in keys]
        return Batch(left, self.request_for) if left else None

    def dispatch(self) -> Dispatch:
        """The request for its calls, whose claims are won. It counts as an attempt of each."""
        jobs = self.jobs
        for job in jobs:
            job.attempts += 1
        not_after = self.ready[0].not_after if len(jobs) == 1 else min(ready.not_after for ready in self.ready)
        return Dispatch(jobs, self.request_for(self.ready), not_after)


class Batcher(Protocol):
    """Puts calls into requests."""

    name: str
    calls_per_request: int
    batches: bool
    """Whether calls wait here until they fill a request."""

    @property
    def waiting(self) -> int:
        """How many calls wait here."""

    def add(self, ready: Sequence[ReadyJob], *, now: float) -> None:
        """Put calls in that the rules let pass."""

    def take(self, requests: int, *, is_last: bool) -> list[Batch]:
        """Take out what fills at most ``requests`` requests. ``is_last``: the list has no more calls, so what waits
        goes out as it is."""

    def drain(self, *, before: float) -> list[Job]:
        """Take everything out, if some of it has waited since before that moment."""

    def read(self, response: Response, dispatch: Dispatch) -> str:
        """The vendor's id. Raises VendorError if the answer means one."""


class OneCallBatcher:
    """One call to a request: no call waits. See `Batcher`."""

    calls_per_request = 1
    batches = False
    waiting = 0

    def __init__(self, vendor: CallVendor) -> None:
        self.name = vendor.name
        self._vendor = vendor
        self._ready: Sequence[ReadyJob] = ()

    def add(self, ready: Sequence[ReadyJob], *, now: float) -> None:  # noqa: ARG002 - see `Batcher`
        self._ready = ready

    def take(self, requests: int, *, is_last: bool) -> list[Batch]:  # noqa: ARG002
        """All calls: the dispatcher puts in no more than there is room for."""
        taken, self._ready = self._ready, ()
        return [Batch((ready,), self._request_for) for ready in taken]

    def drain(self, *, before: float) -> list[Job]:  # noqa: ARG002
        """Nothing: what comes in goes out in the same turn."""
        return []

    def _request_for(self, ready: Sequence[ReadyJob]) -> Request:
        return self._vendor.place_call(ready[0].call)

    def read(self, response: Response, dispatch: Dispatch) -> str:  # noqa: ARG002
        return self._vendor.read_placed_call(response).call_id


class ManyCallsBatcher:
    """Many calls to a request. See `Batcher`."""

    batches = True

    def __init__(self, vendor: ManyCallsVendor) -> None:
        self.name = vendor.name
        self.calls_per_request = vendor.calls_per_request
        self.waiting = 0
        self._vendor = vendor
        self._groups: dict[Hashable, list[ReadyJob]] = {}
        self._since = 0.0
        self._taken = 0

    def add(self, ready: Sequence[ReadyJob], *, now: float) -> None:
        if ready and not self.waiting:
            self._since = now
        for each in ready:
            self._groups.setdefault(self._vendor.batch_key(each.call), []).append(each)
        self.waiting += len(ready)

    def take(self, requests: int, *, is_last: bool) -> list[Batch]:
        """A full request waits for one call more, which shows that the list goes on."""
        taken: list[Sequence[ReadyJob]] = []
        for key in self._due(is_last=is_last):
            if len(taken) >= requests:
                break
            group = self._groups[key]
            taken.append(group[: self.calls_per_request])
            self._groups[key] = group[self.calls_per_request :]
            if not self._groups[key]:
                del self._groups[key]
            self.waiting -= len(taken[-1])
        self._taken += len(taken)
        is_whole_list = is_last and not self.waiting and self._taken == 1
        return [Batch(ready, partial(self._request_for, is_whole_list=is_whole_list)) for ready in taken]

    def _due(self, *, is_last: bool) -> Iterator[Hashable]:
        """The batch keys whose calls need not wait, once for each request they fill; the longest waiting first."""
        for key in list(self._groups):
            while len(self._groups.get(key, ())) > (0 if is_last else self.calls_per_request):
                yield key
        while self.waiting > min(MAX_OPEN_REQUESTS * self.calls_per_request, MAX_OPEN_CALLS):
            yield max(self._groups, key=lambda key: len(self._groups[key]))

    def drain(self, *, before: float) -> list[Job]:
        """What waits, in the order of the list."""
        if not self.waiting or self._since >= before:
            return []
        jobs = sorted((each.job for group in self._groups.values() for each in group), key=lambda job: job.row_number)
        self._groups.clear()
        self.waiting = 0
        return jobs

    def _request_for(self, ready: Sequence[ReadyJob], *, is_whole_list: bool) -> Request:
        return self._vendor.place_calls(
            [each.call for each in ready],
            first_row=ready[0].job.row_number,
            is_whole_list=is_whole_list and all(each.job.attempts == 1 for each in ready),
        )

    def read(self, response: Response, dispatch: Dispatch) -> str:
        return self._vendor.read_placed_calls(response, calls=len(dispatch.jobs)).call_id


def batcher_for(vendor: CallVendor | ManyCallsVendor) -> Batcher:
    """The batcher for the requests that this vendor takes."""
    return ManyCallsBatcher(vendor) if isinstance(vendor, ManyCallsVendor) else OneCallBatcher(vendor)
