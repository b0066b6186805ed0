"""How much the receiver holds at once: bodies that are read, and events that wait to be written."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from airflow_provider_callkaro.receiver.doors import Unavailable

MAX_HELD = 64_000_000  # bytes; sixty of the longest bodies, or sixteen thousand usual ones
LEAST = 4_000  # bytes that a delivery counts at least: its objects in memory


@dataclass(slots=True)
class Place:
    """The place of one delivery.

    :param size: bytes.
    """

    size: int
    kept_until: asyncio.Future[bool] | None = None

    def keep_until(self, written: asyncio.Future[bool]) -> None:
        """Keep the place until an event has been written or given up, however long that takes."""
        self.kept_until = written


class Room:
    """The room of one process; used from one event loop."""

    def __init__(self) -> None:
        self._held = 0

    @contextmanager
    def taken(self, size: int) -> Iterator[Place]:
        """A place for a delivery.

        :param size: bytes of its body, at most.
        :raises Unavailable: there is no room for it now.
        """
        place = Place(max(size, LEAST))
        if self._held + place.size > MAX_HELD:
            raise Unavailable
        self._held += place.size
        try:
            yield place
        finally:
            if place.kept_until is None:
                self._give_back(place)
            else:
                place.kept_until.add_done_callback(lambda _: self._give_back(place))

    def _give_back(self, place: Place) -> None:
        self._held -= place.size
