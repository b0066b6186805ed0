"""When each call may ring: the calling policy, asked at dispatch about the moment at which the phone rings.

A call rings now, or at its ``schedule_at``. A call that may not ring then is moved to the next opening or held back, as
the user chooses. The call that goes out carries the window of its judgement, so that the vendor's own redials keep to
it too. Where the vendor cannot express the window, it is narrowed, never widened.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta, tzinfo
from enum import StrEnum
from itertools import islice

from airflow_provider_callkaro.calls.call import Call
from airflow_provider_callkaro.calls.outcome import Outcome, Reason
from airflow_provider_callkaro.calls.policy import CallingPolicy, ZoneUnknown
from airflow_provider_callkaro.calls.timetable import Opening
from airflow_provider_callkaro.calls.wall_clock import instant
from airflow_provider_callkaro.dispatch.job import Held, Judged
from airflow_provider_callkaro.dispatch.vendor_times import VendorTimes
from airflow_provider_callkaro.exceptions import NeverOpens

CLOSING_MARGIN = timedelta(seconds=2)  # a call dispatched this close to the end might ring after it
SEARCHED_WINDOWS = 400  # how many windows to search for one that is long enough; more than one a day for a year
SEARCHED_FOR_ONE_CALL = timedelta(days=15)  # how far to search for an opening that fits a call's own times


class WhenClosed(StrEnum):
    """What becomes of a call that may not ring now."""

    SCHEDULE = "schedule"
    """It goes to the vendor at once, to ring at the next opening."""
    WAIT = "wait"
    """It stays pending; the task sleeps until the next opening and goes on."""
    STOP = "stop"
    """It stays pending, and the task ends."""


class CallingHours:
    """Judges each call of a run by a calling policy. Used from the main thread only.

    :param when_closed: what becomes of a call that may not ring now.
    :param due: when a call without ``schedule_at`` was due: the end of the run's data interval.
    :param expires_after: a call that could ring only later than this after it was due is skipped; None never skips one.
    :param vendor_zone: the zone in which the vendor reads times of day; None where it takes none.
    :param now: the time, aware.
    :param rings_for: how long after a dispatch the vendor may still ring its phones: so long the window must stay open.
        Default 0.
    """

    def __init__(
        self,
        *,
        policy: CallingPolicy,
        when_closed: WhenClosed,
        due: datetime,
        expires_after: timedelta | None,
        vendor_zone: tzinfo | None,
        now: Callable[[], datetime],
        rings_for: timedelta = timedelta(0),
    ) -> None:
        self._policy = policy
        self._when_closed = when_closed
        self._due = due
        self._expires_after = expires_after
        self._vendor = None if vendor_zone is None else VendorTimes(vendor_zone, daily=policy.daily)
        self._now = now
        self._lasts = (CLOSING_MARGIN + rings_for).total_seconds()
        self._shared = policy.timezone != "recipient"
        self._open: Opening | None = None  # the current opening, where it is the same for all calls
        self._next: tuple[datetime, datetime, Opening] | None = None  # since when it is the next one, when it opens

    def judge(self, call: Call) -> Judged | Held:
        """The call as it may be dispatched now and until when that holds, or why it is not."""
        try:
            return self._judge(call, self._now())
        except ZoneUnknown:
            return Held(outcome=Outcome.SKIPPED, reason=Reason.ZONE_UNKNOWN)
        except NeverOpens:
            return Held(outcome=Outcome.SKIPPED, reason=Reason.NEVER_OPEN)

    def _judge(self, call: Call, now: datetime) -> Judged | Held:
        wanted = call.schedule_at
        moment = wanted if isinstance(wanted, datetime) and wanted > now else now
        opening = self._opening_at(moment, call, now)
        if opening is not None:
            if self._expired(call, moment):
                return Held(outcome=Outcome.SKIPPED, reason=Reason.EXPIRED)
            judged = self._judged_at(call, moment, opening, now)
            if judged is not None:
                return judged
            moment = self._after(moment, opening)
        return self._at_a_later_opening(call, moment, now)

    def _at_a_later_opening(self, call: Call, after: datetime, now: datetime) -> Judged | Held:
        """The judgement for the first opening that fits the call and that the vendor can express."""
        waits = call.schedule_at is None and self._when_closed is not WhenClosed.SCHEDULE
        given_up = None
        while given_up is None or after < given_up:
            moment, opening = self._next_opening(after, call, now)
            if self._expired(call, moment):
                return Held(outcome=Outcome.SKIPPED, reason=Reason.EXPIRED)
            if not waits:
                judged = self._judged_at(call, moment, opening, now)
                if judged is not None:
                    return judged
            elif self._vendor is None or self._vendor.trigger_times(call, moment, opening) is not None:
                return Held(outcome=Outcome.PENDING, reason=Reason.WINDOW_CLOSED, until=moment)
            given_up = given_up or moment + SEARCHED_FOR_ONE_CALL
            after = self._after(moment, opening)
        return Held(outcome=Outcome.SKIPPED, reason=Reason.NEVER_OPEN)

    def _opening_at(self, moment: datetime, call: Call, now: datetime) -> Opening | None:
        """The opening that holds ``moment`` and does not end while the phone may still be rung."""
        is_shared = self._shared and moment is now
        if is_shared:
            if self._next is not None and self._next[0] <= now < self._next[1]:
                return None
            opening = self._open
            if opening is not None and opening.window[0] <= now < opening.window[1] and self._holds(now, opening):
                return opening
        opening = self._policy.opening_at(moment, call)
        if opening is None or not self._holds(moment, opening):
            return None
        if is_shared:
            self._open = opening
        return opening

    def _next_opening(self, after: datetime, call: Call, now: datetime) -> tuple[datetime, Opening]:
        """The next moment at which a window is open for as long as phones will ring."""
        is_shared = self._shared and after is now
        if is_shared and self._next is not None and self._next[0] <= now < self._next[1]:
            return self._next[1:]
        for moment, opening in islice(self._policy.openings(after, call), SEARCHED_WINDOWS):
            if self._holds(moment, opening):
                if is_shared:
                    self._next = (now, moment, opening)
                return moment, opening
        raise NeverOpens("no window of the policy is open for as long as the vendor takes to ring all phones")

    def _holds(self, moment: datetime, opening: Opening) -> bool:
        return opening.ends - moment.timestamp() > self._lasts

    def _after(self, moment: datetime, opening: Opening) -> datetime:
        """When to search again, where nothing fits the call on this day of an opening."""
        assert self._vendor is not None  # only trigger times can fail to fit
        midnight = self._vendor.next_midnight(moment)
        return midnight if midnight.timestamp() < opening.ends else instant(int(opening.ends))

    def _expired(self, call: Call, rings_at: datetime) -> bool:
        return self._expires_after is not None and rings_at > self._expires(call, self._expires_after)

    def _expires(self, call: Call, expires_after: timedelta) -> datetime:
        wanted = call.schedule_at
        return (max(wanted, self._due) if isinstance(wanted, datetime) else self._due) + expires_after

    def _judged_at(self, call: Call, moment: datetime, opening: Opening, now: datetime) -> Judged | None:
        """The call as it goes out to ring at ``moment``; None where the vendor cannot express that."""
        schedule_at = None
        if moment > now:
            schedule_at = moment if self._vendor is None else self._vendor.unambiguous(moment)
            if schedule_at != moment and (not self._holds(schedule_at, opening) or self._expired(call, schedule_at)):
                return None
            moment, not_after = schedule_at, schedule_at.timestamp()  # a request that arrives later would ring at once
        else:
            not_after = opening.ends - self._lasts
            if self._expires_after is not None:
                not_after = min(not_after, self._expires(call, self._expires_after).timestamp())
        if self._vendor is None:
            return Judged(call=replace(call, schedule_at=schedule_at), not_after=not_after)
        times = self._vendor.trigger_times(call, moment, opening)
        if times is None:
            return None
        ready = replace(
            call,
            schedule_at=schedule_at,
            min_trigger_time=times.earliest,
            max_trigger_time=times.latest,
            carry_over=times.carry_over,
            number_of_retries=times.number_of_retries,
        )
        return Judged(call=ready, not_after=not_after)


def utc_now() -> datetime:
    """The time, aware."""
    return datetime.now(UTC)
