"""The tokens of one worker: the rights to start calls, each with the moment from which it may be used again.

Tokens are alike, so the idle ones are only their moments, in order. A request that starts borrows some as a `Loan`.
They come back unused if it does not leave. If it does, they rest: a period from the latest moment at which the vendor
can have received it. All moments are seconds of one monotonic clock. One thread at a time.
"""

from __future__ import annotations

import math
from bisect import bisect_right, insort
from collections.abc import Sequence
from dataclasses import dataclass, field

from airflow_provider_callkaro.budgets.answer_times import AnswerTimes

LONGEST_HOLD = 5.0  # seconds for which a token waits for an answer
POLL = 0.02  # seconds until another look, where only an answer tells when a token is ready


@dataclass(slots=True, kw_only=True, eq=False)
class Loan:
    """The tokens of one request.

    :param moments: when each of them was ready.
    :param stretch: how many periods they rest after their use: calls per token, 1 or more.
    :param sent_at: when the request was last about to leave; None before that.
    :param again_at: when the same request may leave once more; None where nobody has asked.
    :param is_lost: they were taken away, so it may not leave.
    """

    moments: list[float]
    stretch: float
    sent_at: float | None = None
    again_at: float | None = None
    is_lost: bool = False


@dataclass(slots=True, kw_only=True)
class Tokens:
    """The tokens of one worker. ``period``: seconds that a token rests after a use. ``answers``: how fast they are."""

    answers: AnswerTimes
    period: float = 1.0
    _idle: list[float] = field(default_factory=list)  # sorted
    _unsent: dict[int, Loan] = field(default_factory=dict)
    _sent: dict[int, Loan] = field(default_factory=dict)  # in the order in which they left

    @property
    def held(self) -> int:
        """All, in requests or not."""
        return len(self._idle) + self.lent

    @property
    def stretch(self) -> float:
        """The longest that the tokens of a request rest, in periods; 1 without any."""
        return max((loan.stretch for loans in (self._unsent, self._sent) for loan in loans.values()), default=1.0)

    @property
    def lent(self) -> int:
        """Those in requests."""
        return sum(len(loan.moments) for loans in (self._unsent, self._sent) for loan in loans.values())

    def idle(self, *, now: float) -> Sequence[float]:
        """The moments of those that no request holds, sorted."""
        self._end_holds(now)
        return self._idle

    def needed(self, calls: int) -> int:
        """How many tokens a request of so many calls takes."""
        return max(1, min(calls, self.held))

    def opens_at(self, *, now: float, calls: int) -> float:
        """The earliest moment at which a request may start, as far as it is known; infinite without tokens."""
        self._end_holds(now)
        needed = self.needed(calls)
        if needed <= len(self._idle):
            return self._idle[needed - 1]
        soonest = sorted(
            [*self._idle, *(self._earliest(loan, now) for loan in self._sent.values() for _ in loan.moments)]
        )
        if needed <= len(soonest):
            return max(soonest[needed - 1], now + POLL)
        return now + POLL if self._unsent else math.inf

    def ready_by(self, moment: float, *, now: float) -> int:
        """How many are ready at a moment, of those that no request holds."""
        self._end_holds(now)
        return bisect_right(self._idle, moment)

    def take(self, calls: int) -> Loan:
        """Lend those that have been ready longest; the caller has seen that they are ready."""
        needed = self.needed(calls)
        moments, self._idle = self._idle[:needed], self._idle[needed:]
        loan = Loan(moments=moments, stretch=max(1.0, calls / needed))
        self._unsent[id(loan)] = loan
        return loan

    def send(self, loan: Loan, *, now: float) -> None:
        """Note that the request is about to leave."""
        loan.sent_at = now
        self._unsent.pop(id(loan), None)
        self._sent.pop(id(loan), None)
        self._sent[id(loan)] = loan

    def end(self, loan: Loan, *, now: float, answered: bool) -> None:
        """Take them back. ``answered``: whether the vendor answered."""
        if loan.sent_at is None:
            if self._unsent.pop(id(loan), None) is not None:
                self.add(loan.moments)
            return
        if answered:
            self.answers.note(now - loan.sent_at, now=now)
        if self._sent.pop(id(loan), None) is None:
            return  # it held them long enough
        if answered:
            ready = self.ready_after(loan, now)
        else:  # it may have arrived just now
            ready = min(now, loan.sent_at + LONGEST_HOLD - self.period) + self.period * loan.stretch
            ready = max(ready, loan.sent_at + self.period * loan.stretch)
        self.add([ready] * len(loan.moments))

    def ready_after(self, loan: Loan, now: float) -> float:
        """From when its tokens may be used again, if the answer comes now."""
        assert loan.sent_at is not None
        return max(loan.sent_at, now - self.answers.fastest) + self.period * loan.stretch

    def add(self, moments: Sequence[float]) -> None:
        """Take tokens, each with the moment from which it is ready."""
        for moment in moments:
            insort(self._idle, moment)

    def drop_latest(self, count: int) -> list[float]:
        """Give up idle tokens, those that are ready last; their moments. There are as many."""
        kept = len(self._idle) - count
        dropped, self._idle = self._idle[kept:], self._idle[:kept]
        return dropped

    def keep(self, count: int) -> None:
        """Give up all but so many: those that are ready first, because others took the same number of them after the
        lease had ended, and took them for ready no earlier."""
        if self.held <= count:
            return
        for loan in [loan for loan in self._unsent.values() if loan.moments]:
            loan.is_lost = True
            del self._unsent[id(loan)]
            self.add(loan.moments)
        del self._idle[: self.held - count]
        for loan in self._sent.values():
            if (surplus := self.held - count) > 0:
                loan.is_lost = True  # after a 401 it would leave once more, by tokens that others have
                del loan.moments[:surplus]

    def _earliest(self, loan: Loan, now: float) -> float:
        """The earliest moment at which the tokens of a request that has left can be ready."""
        assert loan.sent_at is not None
        return min(self.ready_after(loan, now), self._hold_ends(loan))

    def _hold_ends(self, loan: Loan) -> float:
        """How long the tokens wait for the answer. Where answers take longer than half a second anyway, and a request
        is hardly under way for long without being received, waiting would only cost starts."""
        assert loan.sent_at is not None
        rest = self.period * loan.stretch
        return loan.sent_at + (rest if self.answers.are_slow else max(rest, LONGEST_HOLD))

    def _end_holds(self, now: float) -> None:
        while self._sent:
            loan = next(iter(self._sent.values()))
            ends = self._hold_ends(loan)
            if now < ends:
                return
            del self._sent[id(loan)]
            loan.is_lost = True
            self.add([ends] * len(loan.moments))
