"""What the sandbox remembers whichever vendor was asked: every ring, every request.

This is the count that a test believes when the code under test and its ledger say otherwise. Nothing is merged, and
nothing is forgotten before a reset. The server's thread writes it and a test's thread reads it.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from airflow_provider_callkaro.sandbox.endpoints import VendorPath


@dataclass(frozen=True, slots=True, kw_only=True)
class Ring:
    """One accepted call: a phone that rang, or will.

    :param order: 1 for the first ring since the start or the last reset.
    :param to_number: whose phone: ``+`` and digits.
    :param agent_id: who speaks; the campaign's agent where the call named none.
    :param batch_id: the campaign's id, if any.
    :param call_id: the id that the answer gave, or would have given.
    :param received_at: when the call was accepted, UTC; when it was dialled where a Callaro campaign dials.
    :param rings_at: ``received_at``, or for a scheduled call ``schedule_at`` as it was sent: with CallKaro a local time
        without an offset, whose zone only the vendor knows; with MrAssistant an instant.
    :param metadata: as it was sent, with MrAssistant the target's ``context``; None if it was absent.
    :param body: the whole body of the request; the one target or contact where the vendor dials a list.
    :param vendor: ``CallKaro``, ``Callaro`` or ``MrAssistant``.
    :param scheduled: whether the call named a ``schedule_at``. It stays scheduled here, whatever the clock says.
    :param deleted: whether it was scheduled and then deleted, so that the phone never rings.
    """

    order: int
    to_number: str
    agent_id: str
    batch_id: str | None
    call_id: str
    received_at: datetime
    rings_at: datetime
    metadata: Mapping[str, Any] | None
    body: Mapping[str, Any]
    scheduled: bool
    deleted: bool = False
    vendor: str = "CallKaro"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request to an endpoint of a vendor, accepted or not.

    :param endpoint: which one.
    :param received_at: when its body had been read, UTC.
    :param answered_at: when its answer was about to be sent, UTC, or when it was clear that none will be; None while
        it waits.
    """

    endpoint: VendorPath
    received_at: datetime
    answered_at: datetime | None = None


@dataclass(slots=True)
class Tally:
    """How many requests wait for their answer, now and at most. A reset begins a new one.

    Requests from before the reset then leave the old tally, and do not disturb the new.
    """

    now: int = 0
    most: int = 0


@dataclass(frozen=True, slots=True)
class Arrival:
    """A request that waits for its answer: the tally that counts it, and its place in the log that holds it."""

    tally: Tally
    requests: list[Request]
    place: int


class RequestLog:
    """Every ring and every request. May be used from any thread: one condition guards it all. ``on_ring``: called for
    each ring, on the thread that accepts it."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self.on_ring: Callable[[Ring], None] = _nobody_listens
        self.clear()

    def clear(self) -> None:
        """Forget everything; ids start again."""
        with self._changed:
            self._rings: list[Ring] = []
            self._rings_per_vendor: Counter[str] = Counter()
            self._requests: list[Request] = []
            self._tally = Tally()
            self._changed.notify_all()

    def request_came(self, endpoint: VendorPath) -> Arrival:
        """Log a request whose answer is now due. Returns what `request_ended` takes."""
        with self._changed:
            self._requests.append(Request(endpoint=endpoint, received_at=datetime.now(UTC)))
            self._tally.now += 1
            self._tally.most = max(self._tally.most, self._tally.now)
            self._changed.notify_all()
            return Arrival(self._tally, self._requests, len(self._requests) - 1)

    def request_ended(self, arrival: Arrival) -> None:
        """Log that an answer is about to be sent, or that none will be."""
        with self._changed:
            arrival.tally.now -= 1
            request = arrival.requests[arrival.place]
            arrival.requests[arrival.place] = replace(request, answered_at=datetime.now(UTC))

    def ring(
        self,
        *,
        vendor: str,
        call_id: Callable[[int], str],
        to_number: str,
        agent_id: str,
        batch_id: str | None,
        metadata: Mapping[str, object] | None,
        body: Mapping[str, object],
        schedule_at: datetime | None = None,
    ) -> Ring:
        """Accept a call. The parameters are those of `Ring`, except for one. ``call_id``: makes the id, from the number
        of the vendor's rings so far."""
        now = datetime.now(UTC)
        with self._changed:
            ring = Ring(
                order=len(self._rings) + 1,
                to_number=to_number,
                agent_id=agent_id,
                batch_id=batch_id,
                call_id=call_id(self._rings_per_vendor[vendor]),
                received_at=now,
                rings_at=schedule_at or now,
                metadata=metadata,
                body=body,
                scheduled=schedule_at is not None,
                vendor=vendor,
            )
            self._rings.append(ring)
            self._rings_per_vendor[vendor] += 1
            self._changed.notify_all()
        self.on_ring(ring)
        return ring

    def delete_scheduled(self, *, vendor: str, agent_id: str, digits: str) -> None:
        """Mark the scheduled calls of one agent to one number as deleted. ``digits``: the number without its ``+``."""
        with self._changed:
            for index, ring in enumerate(self._rings):
                if (
                    ring.scheduled
                    and ring.vendor == vendor
                    and ring.agent_id == agent_id
                    and ring.to_number == f"+{digits}"
                ):
                    self._rings[index] = replace(ring, deleted=True)

    def is_deleted(self, ring: Ring) -> bool:
        """Whether a scheduled call was deleted since it was accepted."""
        with self._changed:
            return ring.order <= len(self._rings) and self._rings[ring.order - 1].deleted

    @property
    def rings(self) -> list[Ring]:
        """Every ring in the order of acceptance, deleted ones too."""
        with self._changed:
            return list(self._rings)

    @property
    def requests(self) -> list[Request]:
        """Every request in the order of arrival, refused ones too."""
        with self._changed:
            return list(self._requests)

    @property
    def most_in_flight(self) -> int:
        """The largest number of requests that waited for their answer at one moment."""
        return self._tally.most

    def rings_per_number(self) -> dict[str, int]:
        """Count the rings of each number; a deleted call does not ring."""
        return dict(Counter(ring.to_number for ring in self.rings if not ring.deleted))

    def wait_for_rings(self, count: int, *, timeout: float) -> None:
        """Wait until there are as many rings. ``timeout``: seconds. Raises TimeoutError if there are fewer when the
        time is over."""
        self._wait(lambda: len(self._rings), count, what="rings", timeout=timeout)

    def wait_for_requests(self, count: int, *, timeout: float) -> None:
        """Wait until as many requests have come, refused ones too. ``timeout``: seconds. Raises TimeoutError if there
        are fewer when the time is over."""
        self._wait(lambda: len(self._requests), count, what="requests", timeout=timeout)

    def _wait(self, number: Callable[[], int], count: int, *, what: str, timeout: float) -> None:
        with self._changed:
            if not self._changed.wait_for(lambda: number() >= count, timeout):
                raise TimeoutError(f"{number()} of {count} {what} after {timeout:g} seconds")


def _nobody_listens(_ring: Ring) -> None:
    """What is called for each ring until somebody listens."""
