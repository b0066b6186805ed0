"""What carries the requests of a run, as the dispatcher sees it."""

from __future__ import annotations

from typing import Protocol

from airflow_provider_callkaro.dispatch.budgeting import Permit
from airflow_provider_callkaro.vendors.http import Request, Response


class Transport(Protocol):
    """Carries one request, once, inside the event loop; opened with ``async with``."""

    @property
    def deadline(self) -> float:
        """Seconds within which `send` returns or raises, whatever the vendor does."""

    async def __aenter__(self) -> Transport: ...

    async def __aexit__(self, *exc_info: object) -> None: ...

    async def send(self, request: Request, *, not_after: float, departure: Permit | None = None) -> Response:
        """Send a request once.

        :param not_after: the moment, in seconds since 1970 UTC, after which no byte of it may leave.
        :param departure: asked last, where a budget is shared.
        :raises TooLate: that moment has passed, or the share of the budget has ended; nothing was sent.
        """
