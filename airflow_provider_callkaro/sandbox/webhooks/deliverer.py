"""Posts what is due, from a thread of its own, and ends within milliseconds whatever the receiver does.

A delivery that is not answered with 2xx in time comes again, a few times. Callaro's pages promise that; the others'
are silent.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import aiohttp

SENDERS = 16  # requests on their way at one moment
PATIENCE = 5.0  # seconds for an answer; CallKaro asks its customers for one within 5 s
TRIES = 4  # Callaro: up to 3 more, with exponential backoff
FIRST_GAP = 0.2  # seconds before the second try; doubles with each more


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """What is posted.

    :param after: seconds until it is posted.
    :param content: makes the headers and the body when it is posted; None where nobody wants it any more.
    :param done: called once, on the deliverer's thread, with the last status (None where none came) and the tries.
    """

    after: float
    url: str
    content: Callable[[], tuple[Mapping[str, str], bytes] | None] = field(repr=False)
    done: Callable[[int | None, int], None] = field(repr=False)


class Deliverer:
    """A thread with an event loop. Its methods may be called from any thread."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._due: asyncio.Queue[tuple[Parcel, int]] = asyncio.Queue()
        self._work = self._loop.create_task(self._deliver())
        self._thread = threading.Thread(target=self._run, name="webhooks-sandbox", daemon=True)
        self._thread.start()

    def post(self, parcels: Sequence[Parcel]) -> None:
        """Post each parcel when it is due. After a stop nothing is posted."""
        with suppress(RuntimeError):  # the loop is closed: the sandbox ends
            self._loop.call_soon_threadsafe(self._take, parcels)

    def stop(self) -> None:
        """Post nothing more, wait for no answer, and end the thread."""
        self._loop.call_soon_threadsafe(self._work.cancel)
        self._thread.join()

    def _run(self) -> None:
        try:
            with suppress(asyncio.CancelledError):
                self._loop.run_until_complete(self._work)
        finally:
            self._loop.close()

    def _take(self, parcels: Sequence[Parcel]) -> None:
        for parcel in parcels:
            self._take_after(parcel.after, parcel, tried=0)

    def _take_after(self, seconds: float, parcel: Parcel, *, tried: int) -> None:
        if seconds > 0:
            self._loop.call_later(seconds, self._due.put_nowait, (parcel, tried))
        else:
            self._due.put_nowait((parcel, tried))

    async def _deliver(self) -> None:
        timeout = aiohttp.ClientTimeout(total=PATIENCE)
        connector = aiohttp.TCPConnector(limit=SENDERS)
        async with (
            aiohttp.ClientSession(timeout=timeout, connector=connector, trust_env=False) as session,
            asyncio.TaskGroup() as senders,
        ):
            for _ in range(SENDERS):
                senders.create_task(self._send_what_is_due(session))

    async def _send_what_is_due(self, session: aiohttp.ClientSession) -> None:
        while True:
            parcel, tried = await self._due.get()
            if (content := parcel.content()) is None:
                continue
            status = await _posted(session, parcel.url, *content)
            tried += 1
            if tried >= TRIES or (status is not None and 200 <= status < 300):
                parcel.done(status, tried)
            else:
                self._take_after(FIRST_GAP * 2 ** (tried - 1), parcel, tried=tried)


async def _posted(session: aiohttp.ClientSession, url: str, headers: Mapping[str, str], body: bytes) -> int | None:
    """The status of the answer; None where none came."""
    try:
        async with session.post(url, data=body, headers=headers, allow_redirects=False) as answer:
            return answer.status
    except (aiohttp.ClientError, OSError, TimeoutError):
        return None
