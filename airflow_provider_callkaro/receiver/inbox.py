"""Where events wait to be written: one thread for each connection, which commits many events at once.

A commit costs the database a write to its disk, whether it holds one event or five hundred. So events that come while
one is made wait, and share the next. Whoever brought an event is told only after its commit.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack, suppress
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Protocol

from airflow_provider_callkaro.exceptions import VoiceCallError
from airflow_provider_callkaro.receiver.failure_log import FailureLog
from airflow_provider_callkaro.vendors.call_event import CallEvent

MAX_EVENTS = 500  # of one transaction
MAX_FAILURES = 20  # of one batch: to find one bad event among MAX_EVENTS by halves takes 10
SPLITTING_SECONDS = 2.0  # that a batch which fails may take, in all

log = logging.getLogger(__name__)


class EventStore(Protocol):
    """What writes events, such as an `OutcomeStore`."""

    def record(self, events: Sequence[CallEvent], *, conn_id: str) -> object:
        """Write events, all of them or none."""


OpenStore = Callable[[], AbstractContextManager[EventStore]]
"""Opens the store of a connection. It may block, and raise what it likes."""


@dataclass(frozen=True, slots=True)
class _Waiting:
    event: CallEvent
    written: asyncio.Future[bool]


class Inbox:
    """The events of one connection on their way into the store.

    :param open_store: called in the thread of the inbox, when there is something to write, and anew after a failure.
    :param conn_id: the vendor's connection.
    :param failures: notes what could not be written.
    """

    def __init__(self, open_store: OpenStore, *, conn_id: str, failures: FailureLog) -> None:
        self._open_store = open_store
        self._conn_id = conn_id
        self._failures = failures
        self._waiting: SimpleQueue[_Waiting | None] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._is_closed = False
        self._opened = ExitStack()
        self._store: EventStore | None = None

    def put(self, event: CallEvent) -> asyncio.Future[bool]:
        """Hand in an event, from an event loop.

        :return: whether it has been written, once that is known. Who no longer waits for it may cancel it: the event is
            written all the same.
        """
        written: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        if self._is_closed:
            written.set_result(False)
            return written
        self._waiting.put(_Waiting(event, written))
        if self._thread is None:
            # A daemon: what it has not written is not acknowledged either, so nothing is lost if the process ends.
            self._thread = threading.Thread(target=self._work, name=f"webhooks {self._conn_id}", daemon=True)
            self._thread.start()
        return written

    def close(self) -> None:
        """End the thread, once what waits has been written. What is handed in later is not."""
        self._is_closed = True
        self._waiting.put(None)

    def _work(self) -> None:
        is_open = True
        while is_open:
            batch, is_open = self._next_batch()
            if batch:
                self._write(batch)
        self._close_store()

    def _next_batch(self) -> tuple[list[_Waiting], bool]:
        """The events that wait, at least one, and whether more may come."""
        batch: list[_Waiting] = []
        one = self._waiting.get()
        with suppress(Empty):
            while one is not None:
                batch.append(one)
                if len(batch) == MAX_EVENTS:
                    break
                one = self._waiting.get_nowait()
        return batch, one is not None

    def _write(self, batch: Sequence[_Waiting]) -> None:
        """Write a batch; where that fails, by halves, so that an event that no database takes hinders no other."""
        parts, failures, ends_at = [batch], 0, time.monotonic() + SPLITTING_SECONDS
        while parts:
            part = parts.pop()
            if failures < MAX_FAILURES and time.monotonic() < ends_at:
                if self._record([waiting.event for waiting in part]):
                    _tell(part, was_written=True)
                    continue
                failures += 1
                if len(part) > 1:
                    middle = len(part) // 2
                    parts += [part[middle:], part[:middle]]
                    continue
            _tell(part, was_written=False)

    def _record(self, events: Sequence[CallEvent]) -> bool:
        try:
            if self._store is None:
                self._store = self._opened.enter_context(self._open_store())
            self._store.record(events, conn_id=self._conn_id)
        except Exception as error:
            # The text of our own errors quotes nothing; that of others might.
            why = str(error) if isinstance(error, VoiceCallError) else type(error).__name__
            self._failures.note(f'events of connection "{self._conn_id}" could not be written: {why}')
            self._close_store()
            return False
        return True

    def _close_store(self) -> None:
        self._store = None
        try:
            self._opened.close()
        except Exception as error:
            log.warning('The ledger of connection "%s" did not close (%s)', self._conn_id, type(error).__name__)


def _tell(part: Sequence[_Waiting], *, was_written: bool) -> None:
    """Let those who brought events know what became of them: one wake-up of each event loop for all of them."""
    for loop in {waiting.written.get_loop() for waiting in part}:
        theirs = [waiting.written for waiting in part if waiting.written.get_loop() is loop]
        with suppress(RuntimeError):  # the loop has been closed: nobody waits any more
            loop.call_soon_threadsafe(_settle, theirs, was_written)


def _settle(futures: Sequence[asyncio.Future[bool]], was_written: bool) -> None:
    for future in futures:
        if not future.done():
            future.set_result(was_written)
