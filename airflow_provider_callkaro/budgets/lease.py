"""The worker's side of a lease: whether a call may start now, and what the next renewal says.

A `Lease` reads no clock: the caller gives the time, in seconds of one monotonic clock. It ends by that clock, a little
before it ends by the database's. A worker that was frozen finds it over and starts nothing.
"""

from __future__ import annotations

import math
import sys
import threading
from bisect import bisect_right
from collections.abc import Sequence

from airflow_provider_callkaro.budgets.answer_times import AnswerTimes
from airflow_provider_callkaro.budgets.messages import Exhausted, Grant, Holding, Throttle
from airflow_provider_callkaro.budgets.permit import Permit
from airflow_provider_callkaro.budgets.tokens import POLL, Loan, Tokens
from airflow_provider_callkaro.budgets.usage import IDLE_AFTER, Usage

MARGIN = 0.01  # seconds by which a lease ends earlier here than in the database
RENEWALS = 4  # per length of a lease
RENEWALS_IN_A_HURRY = 12
SHORTEST_REST = 1.0  # seconds that the slots of a dead worker rest after its lease
SLOWER = 1.25  # times the slowest call that was seen: how slow another one may be
FIRST_LENGTH = 0.6  # seconds; the length of a lease before the database has said one
_UNLIMITED = sys.maxsize


class Lease:
    """What one worker may do until its lease ends. Two threads share it, by one lock: the event loop starts and ends
    calls, the main thread reports and takes grants. It begins with nothing, until the first grant.

    :param most_slots: calls that the worker itself allows in flight.
    :param most_calls_per_second: calls per second that it allows itself; None sets no limit.
    :param calls_per_request: how many calls a full request carries.
    :param deadline: seconds after which a request has ended, whatever the vendor does.
    """

    def __init__(
        self,
        *,
        most_slots: int,
        most_calls_per_second: float | None = None,
        calls_per_request: int = 1,
        deadline: float = 60.0,
    ) -> None:
        self._lock = threading.Lock()
        self._most_slots = most_slots
        self._most_rate = most_calls_per_second
        self._calls_per_request = calls_per_request
        self._deadline = deadline
        self._answers = AnswerTimes()
        self._tokens = Tokens(answers=self._answers)
        self._usage = Usage()
        self._grant = Grant(version=0, seconds=FIRST_LENGTH, period=1.0, slots=0)
        self._ends = -math.inf
        self._pause = -math.inf
        self._resumes_at = math.inf
        self._slots = 0
        self._in_flight = 0
        self._out: dict[int, float] = {}  # when each of them has left, in that order
        self._used = 0
        self._allowed = 0
        self._returned: list[float] = []
        self._reported = 0  # of those that are returned, how many the last report had
        self._throttled: tuple[float, float] | None = None  # until when, and when the throttled call started
        self._told: tuple[float, float] | None = None  # the one in the last report
        self._renewed_at = -math.inf

    @property
    def limit(self) -> int:
        """How many calls may be in flight. Those above the target may end, but none starts in their stead: a slot that
        is never idle would never be given up."""
        return _UNLIMITED if self._grant.slots is None else min(self._slots, self._grant.target_slots)

    @property
    def last_grant(self) -> Grant:
        """What the database said last."""
        return self._grant

    @property
    def exhausted(self) -> Exhausted | None:
        """Which limit of the budget is used up; None while there is something left."""
        return self._grant.exhausted

    def is_over(self, *, now: float) -> bool:
        """Whether the lease has ended, so that nothing may start."""
        return now >= self._ends

    def opens_at(self, *, now: float, calls: int | None = None) -> float:
        """The earliest moment at which the next request may start, as far as tokens and pauses go; infinite if this
        lease lets none start. ``calls``: how many it carries, by default those of a full request."""
        with self._lock:
            return self._opens_at(now, calls or self._calls_per_request)

    def slots_until(self, moment: float, *, now: float) -> float:
        """How many full requests may start from ``now`` to ``moment``, as far as tokens and pauses go."""
        with self._lock:
            calls = self._calls_per_request
            if self._opens_at(now, calls) > moment:
                return 0
            most = math.inf if self._grant.allowed is None else (self._allowed - self._used) // calls
            if self._grant.tokens is None:
                return most
            return min(most, self._tokens.ready_by(moment, now=now) // self._tokens.needed(calls))

    def may_start(self, *, now: float, calls: int | None = None) -> bool:
        """Whether a request may start at once: there are ready tokens, a slot and an allowance for it, and neither
        the lease is over nor a pause. ``calls``: how many it carries, by default those of a full request."""
        with self._lock:
            return self._may_start(now, calls or self._calls_per_request)

    def start(self, *, now: float, calls: int = 1) -> Permit:
        """Start a request: it takes tokens and a slot. If it may not start after all, its permit lets nothing leave.
        ``calls``: how many it carries."""
        with self._lock:
            if not self._may_start(now, calls):
                return Permit(self, None, calls, _is_over=True)
            loan = self._tokens.take(calls) if self._grant.tokens is not None else Loan(moments=[], stretch=1.0)
            self._in_flight += 1
            self._used += calls
            self._usage.started(calls, in_flight=self._in_flight, now=now)
            return Permit(self, loan, calls)

    def throttled(self, *, started_at: float, now: float, wait: float) -> None:
        """Note that the vendor asked to slow down. ``started_at``: when the throttled call started. ``wait``: seconds
        in which nothing starts."""
        with self._lock:
            until, latest = self._throttled or (-math.inf, -math.inf)
            self._throttled = (max(until, now + wait), max(latest, started_at))
            self._pause = max(self._pause, now + wait)

    @property
    def due_at(self) -> float:
        """When to renew; a moment that has passed for at once. Sooner where somebody waits for what is given up."""
        if self._throttled is not self._told:
            return -math.inf
        is_awaited = bool(self._returned) or self._slots > max(self._grant.target_slots, self._in_flight)
        return self._renewed_at + self._grant.seconds / (RENEWALS_IN_A_HURRY if is_awaited else RENEWALS)

    def due(self, *, now: float) -> bool:
        """Whether to renew at once."""
        return self.due_at <= now

    def close(self) -> None:
        """Let nothing start or leave any more."""
        with self._lock:
            self._ends = -math.inf

    def report(self, *, now: float, backlog: bool) -> Holding:
        """What the next renewal says. Call it at the very start of each try to renew. ``backlog``: whether there are
        calls that would start at once if there were enough tokens and slots."""
        with self._lock:
            self._renewed_at = now
            self._give_up(now)
            if not backlog:
                self._allowed = min(self._allowed, self._used)
            idle, size, grant = self._tokens.idle(now=now), self._grant.size, self._grant
            self._reported = len(self._returned)
            self._told = self._throttled
            # The leftover of a token of several calls counts with those in requests.
            tokens = tuple(idle[last] - now for last in range(size - 1, len(idle), size))
            held = len(idle) + self._tokens.lent
            return Holding(
                version=grant.version,
                tokens=tokens,
                out=held // size - len(tokens),
                returned=tuple(moment - now for moment in self._returned),
                size=size,
                calls_per_request=self._calls_per_request,
                stretch=max(self._tokens.stretch, self._calls_per_request / max(1, held)),
                slots=self._slots if grant.slots is not None else 0,
                in_flight=self._in_flight,
                wanted_tokens=self._wanted_tokens(now, idle=idle, held=held) if backlog else 0,
                wanted_slots=self._wanted_slots(now) if backlog else self._in_flight,
                used=self._used,
                allowed=self._allowed,
                recent=self._usage.recent(now=now),
                rest=self._rest(now),
                fastest=self._answers.own if self._answers.own < math.inf else None,
                answers=self._answers.count,
                throttle=self._throttle(now),
            )

    def grant(self, grant: Grant, *, began: float, now: float) -> None:
        """Take what came of the last report. ``began``: the moment of that report. ``now``: after the answer."""
        with self._lock:
            self._tokens.keep(grant.kept * self._grant.size)
            self._tokens.period = grant.period
            self._answers.others = math.inf if grant.fastest is None else grant.fastest
            if grant.tokens is not None:
                self._tokens.add([now + max(0.0, seconds) for seconds in grant.tokens for _ in range(grant.size)])
            del self._returned[: self._reported]
            self._reported = 0
            if self._throttled is self._told:
                self._throttled = self._told = None
            self._pause = max(now + grant.pause, -math.inf if self._throttled is None else self._throttled[0])
            self._resumes_at = now + grant.resumes_in if grant.resumes_in > 0 else math.inf
            self._slots = grant.slots or 0
            self._allowed = grant.allowed or 0
            self._grant = grant
            self._ends = began + grant.seconds - MARGIN
            self._give_up(now)

    def _may_start(self, now: float, calls: int) -> bool:
        return (
            now < self._ends
            and now >= self._pause
            and self._in_flight < self.limit
            and self._allows(calls)
            and (
                self._grant.tokens is None
                or (self._tokens.held > 0 and self._tokens.ready_by(now, now=now) >= self._tokens.needed(calls))
            )
        )

    def _opens_at(self, now: float, calls: int) -> float:
        if now >= self._ends or self.limit == 0:
            return math.inf
        if not self._allows(1):
            return self._resumes_at if self.exhausted else max(now, self.due_at) + POLL
        if self._grant.tokens is None:
            return self._pause
        return max(self._pause, self._tokens.opens_at(now=now, calls=calls))

    def _allows(self, calls: int) -> bool:
        return self._grant.allowed is None or self._used + calls <= self._allowed

    def _give_up(self, now: float) -> None:
        """Give up what is above the target and not in use. Only the main thread does, so no report is outdated by it
        before its grant has come."""
        grant, size = self._grant, self._grant.size
        if grant.tokens is not None:
            idle = len(self._tokens.idle(now=now))
            for _ in range(min(self._tokens.held // size - grant.target_tokens, idle // size)):
                self._returned.append(self._tokens.drop_latest(size)[-1])
        self._slots = max(min(self._slots, grant.target_slots), min(self._slots, self._in_flight))

    def _wanted_tokens(self, now: float, *, idle: Sequence[float], held: int) -> int:
        most = _UNLIMITED
        if self._most_rate is not None:
            most = max(self._calls_per_request, math.ceil(self._most_rate * self._grant.period))
        if now >= self._ends or now < self._pause + IDLE_AFTER:  # then it could not use them
            return most
        left_lying = bisect_right(idle, now - IDLE_AFTER)
        wanted = self._usage.wanted_tokens(held=held, left_lying=left_lying, most=most, now=now)
        return math.ceil(max(wanted, self._calls_per_request) / self._grant.size)

    def _wanted_slots(self, now: float) -> int:
        return self._usage.wanted_slots(held=self._slots, most=self._most_slots, in_flight=self._in_flight, now=now)

    def _rest(self, now: float) -> float:
        oldest = next(iter(self._out.values()), now)
        return min(self._deadline, max(SHORTEST_REST, SLOWER * self._answers.slowest, SLOWER * (now - oldest)))

    def _throttle(self, now: float) -> Throttle | None:
        if self._throttled is None:
            return None
        until, started_at = self._throttled
        return Throttle(wait=max(0.0, until - now), started_ago=now - started_at)

    def _leave(self, permit: Permit, now: float) -> bool:
        with self._lock:
            loan = permit._loan
            if permit._is_over or loan is None or loan.is_lost or now >= self._ends or now < self._pause:
                return False
            if (
                self._grant.slots is not None and self._in_flight > self._slots
            ):  # its slot was lost with an earlier lease
                return False
            if permit._has_left:
                if loan.again_at is None or now < loan.again_at or not self._allows(permit._calls):
                    return False
                loan.again_at = None
                self._used += permit._calls
                self._usage.started(permit._calls, in_flight=self._in_flight, now=now)
            permit._has_left = True
            self._out[id(permit)] = now
            self._tokens.send(loan, now=now)
            return True

    def _again_at(self, permit: Permit, now: float) -> float:
        with self._lock:
            loan = permit._loan
            if loan is None or loan.sent_at is None:
                return now
            loan.again_at = self._tokens.ready_after(loan, now) if loan.moments else now
            return loan.again_at

    def _end(self, permit: Permit, now: float, answered: bool) -> None:
        with self._lock:
            if permit._is_over or permit._loan is None:
                return
            permit._is_over = True
            self._in_flight -= 1
            self._out.pop(id(permit), None)
            if not permit._has_left:
                self._used -= permit._calls
            self._tokens.end(permit._loan, now=now, answered=answered)
