"""The call budget as the dispatcher sees it: what a run shares with all others of the same vendor account.

The room `budgets` keeps these promises; here they are only named, so that the dispatcher runs with and without one.
"""

from __future__ import annotations

from types import TracebackType
from typing import Protocol

from airflow_provider_callkaro.transport.asynchronous import Departure


class Permit(Departure, Protocol):
    """The right to start one request. Used in the event loop only."""

    def ended(self, *, now: float, answered: bool) -> None:
        """Note that the request is over; noting it again changes nothing.

        :param answered: whether an answer came.
        """


class Share(Protocol):
    """The run's share of the budget, for as long as its lease lasts. The event loop and the main thread use it."""

    @property
    def limit(self) -> int:
        """Calls that may be in flight at once."""

    def opens_at(self, *, now: float) -> float:
        """The earliest moment at which the next request may start; infinite where none may by this lease."""

    def slots_until(self, moment: float, *, now: float) -> float:
        """How many full requests may start from ``now`` to ``moment``."""

    def may_start(self, *, now: float) -> bool:
        """Whether a request may start at once."""

    def start(self, *, now: float, calls: int = 1) -> Permit:
        """Take the right to start a request. ``calls``: how many it carries."""

    def throttled(self, *, started_at: float, now: float, wait: float) -> None:
        """Note that the vendor throttled a request that started then, and asks all to wait so many seconds."""


class Keeper(Protocol):
    """Keeps the share: renews its lease, and gives it back in the end. Entered around a run; for its main thread."""

    @property
    def lease(self) -> Share:
        """The share."""

    @property
    def due_at(self) -> float:
        """When the lease is to be renewed next, by the run's monotonic clock."""

    @property
    def exhausted(self) -> str | None:
        """Why no call may start any more today, as half a sentence; None while the budget lasts."""

    def turn(self, *, now: float, backlog: bool) -> bool:
        """Renew the lease if it is time. Returns whether that brought anything.

        :param backlog: whether calls wait that could start now.
        """

    def __enter__(self) -> Keeper: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None: ...
