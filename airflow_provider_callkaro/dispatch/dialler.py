"""The event loop that sends the calls, in a thread of its own: it does HTTP and nothing else.

The main thread keeps ledger, tally and report, and hands over calls whose claims are durable. Here they start as soon
as the flow control lets them. Their answers go back in groups, so that one ledger write settles many. Nothing is
retried here.
"""

from __future__ import annotations

import asyncio
import logging
import math
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from contextvars import copy_context

import uvloop

from airflow_provider_callkaro.calls.outcome import Reason
from airflow_provider_callkaro.dispatch.budgeting import Permit
from airflow_provider_callkaro.dispatch.flow_control import FlowControl
from airflow_provider_callkaro.dispatch.job import Answer, Dispatch
from airflow_provider_callkaro.dispatch.transport import Transport
from airflow_provider_callkaro.exceptions import OutcomeUnknown, TooLate, VendorError
from airflow_provider_callkaro.transport.retry import RetryPolicy, too_late
from airflow_provider_callkaro.vendors.http import Response

GATHER_SECONDS = 0.001  # an answer waits this long for others, before the main thread is woken
BEAT_SECONDS = 0.5  # between two signs of life of the event loop
LONGEST_CLOSING = 10.0  # seconds for the event loop to end; then the thread is abandoned

_log = logging.getLogger(__name__)


_Started = tuple[Dispatch, Permit | None]  # a dispatch that starts, with its permit where a budget is shared


class Dialler:
    """Sends the dispatches that it is handed, and gives back their answers. Opened with ``with``.

    Two threads share it. The main thread calls the public methods; the event loop, in the dialler's thread, runs the
    rest. They share two deques (dispatches on the way there, answers on the way back), whose `append` and `popleft` are
    atomic; the events that wake the main thread; and counters that the main thread only reads.

    :param vendor: its name, for errors that the transport does not know.
    :param read: turns the response to a dispatch into the vendor's id, or raises the `VendorError` that it means.
    :param clock: seconds of a monotonic clock.
    :param wall: seconds since 1970 UTC, to know what is too late.
    :param random: from 0 to 1, for the jitter of waits.
    :param gather: wake the main thread at once for so many answers.
    """

    def __init__(
        self,
        *,
        transport: Transport,
        vendor: str,
        read: Callable[[Response, Dispatch], str],
        flow: FlowControl,
        policy: RetryPolicy,
        clock: Callable[[], float],
        wall: Callable[[], float],
        random: Callable[[], float],
        gather: int,
    ) -> None:
        self._transport = transport
        self._vendor = vendor
        self._read = read
        self._flow = flow
        self._policy = policy
        self._clock = clock
        self._wall = wall
        self._random = random
        self._gather = gather
        self._dispatches: deque[Dispatch] = deque()
        self._answers: deque[Answer] = deque()
        self._in_flight: dict[str, tuple[float, Dispatch]] = {}  # with the moment of its start, in that order
        self._tasks: set[asyncio.Task[None]] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = math.inf
        self._gathering = False
        self._closing = False
        self._wake = threading.Event()
        self._ready = threading.Event()
        self._failure: BaseException | None = None
        self.beats = 0
        """How many signs of life the event loop has given."""
        # the context carries the masking of the task's log
        self._thread = threading.Thread(target=copy_context().run, args=(self._run,), name="dialler", daemon=True)

    def __enter__(self) -> Dialler:
        self._loop = uvloop.new_event_loop()  # takes less CPU per request than the standard library's
        self._thread.start()
        self._ready.wait()
        if self._failure is not None:
            self._thread.join()
            raise self._failure
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._run_in_loop(self._end)
        self._thread.join(LONGEST_CLOSING)
        if self._thread.is_alive():
            _log.warning("The thread that dials does not end: it is left behind, and dials nothing any more")

    @property
    def waiting(self) -> int:
        """How many dispatches are handed over and have not started."""
        return len(self._dispatches)

    @property
    def is_alive(self) -> bool:
        """Whether the thread of the event loop runs."""
        return self._thread.is_alive()

    @property
    def deadline(self) -> float:
        """Seconds within which a dispatch that has started delivers its answer."""
        return self._transport.deadline

    def longest_in_flight(self) -> tuple[float, Dispatch] | None:
        """The dispatch that has waited longest for its answer, with the moment of its start; None where none waits."""
        try:
            return next(iter(self._in_flight.values()), None)
        except RuntimeError:  # the event loop changed it meanwhile
            return None

    def submit(self, dispatches: Sequence[Dispatch]) -> None:
        """Hand over dispatches whose claims are durable; they start as the flow control lets them."""
        self._dispatches.extend(dispatches)
        self._run_in_loop(self._start_due)

    def wake(self) -> None:
        """Start what may start: the flow control lets more through than a moment ago."""
        if self._dispatches:
            self._run_in_loop(self._start_due)

    def recall(self) -> list[Dispatch]:
        """Take back every dispatch that has not started; none of them will start."""
        recalled: list[Dispatch] = []
        while True:
            try:
                recalled.append(self._dispatches.popleft())
            except IndexError:
                return recalled

    def collect(self, *, timeout: float) -> Iterator[Answer]:
        """The answers, waiting for at most ``timeout`` seconds; those that are not taken stay here."""
        self._wake.wait(timeout)
        self._wake.clear()
        while self._answers:
            yield self._answers.popleft()

    def _run_in_loop(self, callback: Callable[[], None]) -> None:
        try:
            self._loop.call_soon_threadsafe(callback)
        except RuntimeError:  # the thread has died and closed the loop; the watchdog sees it
            return

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._open())
        except BaseException as error:
            self._failure = error
            self._ready.set()
            self._loop.close()
            return
        self._ready.set()
        try:
            self._beat()
            self._loop.run_forever()
        finally:
            self._closing = True
            with suppress(Exception):  # what was in flight is settled, or reads as unknown
                self._loop.run_until_complete(self._close())
            asyncio.set_event_loop(None)
            self._loop.close()

    async def _open(self) -> None:
        await self._transport.__aenter__()

    async def _close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._transport.__aexit__(None, None, None)

    def _end(self) -> None:
        self._dispatches.clear()
        self._loop.stop()

    def _beat(self) -> None:
        self.beats += 1
        self._loop.call_later(BEAT_SECONDS, self._beat)

    def _start_due(self) -> None:
        """Start every dispatch that may start now."""
        while (started := self._next()) is not None:
            task = self._loop.create_task(self._dial(started))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def _next(self) -> _Started | None:
        while self._dispatches and not self._closing:
            now = self._clock()
            if not self._flow.may_start(now=now):
                self._set_timer(now)
                return None
            try:
                dispatch = self._dispatches.popleft()
            except IndexError:  # the main thread recalled it meanwhile
                return None
            if not self._dispatches:
                self._wake.set()
            if dispatch.not_after < self._wall():
                self._deliver(Answer(dispatch, None, too_late(self._vendor)))
                continue
            permit = self._flow.start(now=now, calls=len(dispatch.jobs))
            self._in_flight[dispatch.key] = (now, dispatch)
            return dispatch, permit
        return None

    def _set_timer(self, now: float) -> None:
        opens_at = self._flow.starts_at(now=now)
        if not now < opens_at < self._timer_at or self._flow.closed is not None:
            return
        if self._timer is not None:
            self._timer.cancel()
        self._timer, self._timer_at = self._loop.call_later(opens_at - now, self._timer_fired), opens_at

    def _timer_fired(self) -> None:
        self._timer, self._timer_at = None, math.inf
        self._start_due()

    async def _send(self, dispatch: Dispatch, permit: Permit | None) -> Response:
        if permit is None:
            return await self._transport.send(dispatch.request, not_after=dispatch.not_after)
        answered = False
        try:
            response = await self._transport.send(dispatch.request, not_after=dispatch.not_after, departure=permit)
            answered = True
            return response
        finally:
            permit.ended(now=self._clock(), answered=answered)

    async def _dial(self, started: _Started | None) -> None:
        while started is not None:
            dispatch, permit = started
            started_at = self._clock()
            try:
                response = await self._send(dispatch, permit)
                call_id = self._read(response, dispatch)
            except VendorError as error:
                self._fail(dispatch, error, started_at)
            except (Exception, asyncio.CancelledError) as error:  # whatever it is, the phone may be ringing
                self._fail(dispatch, self._unforeseen(error), started_at)
            except BaseException as error:
                self._closing = True  # the loop ends with this turn, in which nothing more may start
                self._fail(dispatch, self._unforeseen(error), started_at)
                raise
            else:
                self._flow.answered()
                self._deliver(Answer(dispatch, call_id, None))
            started = self._next()

    def _fail(self, dispatch: Dispatch, error: VendorError, started_at: float) -> None:
        try:
            wait = 0.0
            if not isinstance(error, TooLate):
                wait = self._policy.wait(error, attempt=dispatch.jobs[0].attempts, random=self._random)
            self._flow.failed(error, started_at=started_at, now=self._clock(), wait=wait)
        finally:
            self._deliver(Answer(dispatch, None, error))

    def _unforeseen(self, error: BaseException) -> VendorError:
        return OutcomeUnknown(
            f"the call failed in an unforeseen way ({type(error).__name__}): it may have been accepted",
            vendor=self._vendor,
            reason=Reason.NO_ANSWER,
        )

    def _deliver(self, answer: Answer) -> None:
        self._in_flight.pop(answer.dispatch.key, None)
        self._answers.append(answer)
        if len(self._answers) >= self._gather:
            self._wake.set()
        elif not self._gathering:
            self._gathering = True
            self._loop.call_later(GATHER_SECONDS, self._gathered)

    def _gathered(self) -> None:
        self._gathering = False
        self._wake.set()
