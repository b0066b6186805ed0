"""When each call may ring: the calling policy, asked at dispatch about the moment at which the phone rings.

A call rings now, or at its ``schedule_at``. One that may not ring then is moved to the next opening, or held back,
as the user has chosen. What goes out carries the window it was judged by, so that the vendor's own redials keep to
it too; what the vendor cannot be told in full is narrowed, never widened.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta, tzinfo
from enum import StrEnum
from typing import NamedTuple

from airflow_provider_callkaro.calls.call import Call
from airflow_provider_callkaro.calls.outcome import Outcome, Reason
from airflow_provider_callkaro.calls.policy import CallingPolicy, ZoneUnknown
from airflow_provider_callkaro.dispatch.job import Held, Judged
from airflow_provider_callkaro.exceptions import NeverOpens

CLOSING_MARGIN = timedelta(seconds=2)  # a call is not dispatched so close to the end that it might ring after it
SEARCHED_WINDOWS = 400  # before a window that is long enough is given up; more than one a day for a year
_MIDNIGHT = "23:59"  # the latest time of day that the vendor takes


class WhenClosed(StrEnum):
    """What becomes of a call that may not ring now."""

    SCHEDULE = "schedule"
    """It goes to the vendor at once, to ring at the next opening."""
    WAIT = "wait"
    """It stays pending; the task sleeps until the next opening and goes on."""
    STOP = "stop"
    """It stays pending, and the task ends."""


class _Opening(NamedTuple):
    """An opening to come.

    :param known_since: from when on nothing opens before it.
    """

    known_since: datetime
    opens: datetime
    window: tuple[datetime, datetime]

    def is_ahead(self, now: datetime) -> bool:
        return self.known_since <= now < self.opens

    @property
    def from_then_on(self) -> tuple[datetime, tuple[datetime, datetime]]:
        return self.opens, self.window


class CallingHours:
    """Judges each call of a run by a calling policy.

    :param due: when a call without ``schedule_at`` was due: the end of the run's data interval.
    :param expires_after: a call that could ring only later than this after it was due is skipped; None never.
    :param vendor_zone: the zone in which the vendor reads times of day; None where it takes none.
    :param now: the time, aware.
    :param rings_for: how long after its dispatch a phone may still be rung because of it, where the vendor takes its
        time over many calls at once: so long the window must stay open. Default 0.
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
        self._rings_for = rings_for
        self._policy = policy
        self._when_closed = when_closed
        self._due = due
        self._expires_after = expires_after
        self._vendor_zone = vendor_zone
        self._now = now
        self._shared = policy.timezone != "recipient"
        self._window: tuple[datetime, datetime] | None = None  # of now, where it is the same for all
        self._next: _Opening | None = None  # after now, where it is the same for all
        self.narrowed = False
        """Whether a window had to be narrowed for the vendor."""

    def judge(self, call: Call) -> Judged | Held:
        """The call as it may be dispatched now and until when that holds, or why it is not."""
        try:
            return self._judge(call, self._now())
        except ZoneUnknown:
            return Held(outcome=Outcome.SKIPPED, reason=Reason.ZONE_UNKNOWN)
        except NeverOpens:
            return Held(outcome=Outcome.SKIPPED, reason=Reason.NEVER_OPEN)

    def _judge(self, call: Call, now: datetime) -> Judged | Held:
        moment = now if call.schedule_at is None else max(call.schedule_at, now)
        upcoming = self._next if moment == now and self._next is not None and self._next.is_ahead(now) else None
        window = self._window_at(moment, call, now) if upcoming is None else None
        if window is None:
            moment, window = (upcoming or self._upcoming(moment, call, now)).from_then_on
            if self._expired(call, moment):
                return Held(outcome=Outcome.SKIPPED, reason=Reason.EXPIRED)
            if call.schedule_at is None and self._when_closed is not WhenClosed.SCHEDULE:
                return Held(outcome=Outcome.PENDING, reason=Reason.WINDOW_CLOSED, until=moment)
        elif self._expired(call, moment):
            return Held(outcome=Outcome.SKIPPED, reason=Reason.EXPIRED)
        not_after = moment if moment > now else window[1] - CLOSING_MARGIN
        return Judged(call=self._within(call, moment, window, scheduled=moment > now), not_after=not_after.timestamp())

    def _upcoming(self, moment: datetime, call: Call, now: datetime) -> _Opening:
        """The next opening for a call that may not ring at ``moment``."""
        opens = self._opening(moment + CLOSING_MARGIN if moment == now else moment, call)
        window = self._policy.window_at(opens, call)
        if window is None:
            raise NeverOpens("the policy has no window at its own opening, which must not happen: please report it")
        upcoming = _Opening(known_since=now, opens=opens, window=window)
        if moment == now and self._shared:
            self._next = upcoming
        return upcoming

    def _opening(self, after: datetime, call: Call) -> datetime:
        """The next moment at which a window is open for as long as phones will ring."""
        for _ in range(SEARCHED_WINDOWS):
            moment = self._policy.next_open(after, call)
            closes = self._policy.closes_at(moment, call) if self._rings_for else None
            if closes is None or closes - moment > self._rings_for:
                return moment
            after = closes
        raise NeverOpens("no window of the policy is open for as long as the vendor takes to ring all phones")

    def _window_at(self, moment: datetime, call: Call, now: datetime) -> tuple[datetime, datetime] | None:
        """The window that holds ``moment`` and does not end while phones may still be rung."""
        if self._rings_for and self._closes_within(moment, call):
            return None
        margin = CLOSING_MARGIN if moment == now else timedelta(0)
        if moment == now and self._shared and self._window is not None:
            opened, closes = self._window
            if opened <= now < closes - margin:
                return self._window
        window = self._policy.window_at(moment, call)
        if window is None or (margin and moment >= window[1] - margin):
            return None
        if moment == now and self._shared:
            self._window = window
        return window

    def _closes_within(self, moment: datetime, call: Call) -> bool:
        """Whether it is closed, or closes, while phones may still be rung; windows that touch are one."""
        if not self._policy.is_open(moment, call):
            return True
        closes = self._policy.closes_at(moment, call)
        return closes is not None and closes - moment <= self._rings_for

    def _expired(self, call: Call, rings_at: datetime) -> bool:
        if self._expires_after is None:
            return False
        due = self._due if call.schedule_at is None else max(call.schedule_at, self._due)
        return rings_at > due + self._expires_after

    def _within(self, call: Call, moment: datetime, window: tuple[datetime, datetime], *, scheduled: bool) -> Call:
        schedule_at = moment if scheduled else None
        if self._vendor_zone is None:
            return replace(call, schedule_at=schedule_at)
        earliest, latest = self._times_of_day(moment, window, self._vendor_zone)
        if call.min_trigger_time is not None:
            earliest = max(earliest, call.min_trigger_time.zfill(5))
        if call.max_trigger_time is not None:
            latest = min(latest, call.max_trigger_time.zfill(5))
        carry_over = call.carry_over if self._policy.daily else False
        if call.carry_over and not carry_over:
            self.narrowed = True
        return replace(
            call,
            schedule_at=schedule_at,
            min_trigger_time=earliest,
            max_trigger_time=latest,
            carry_over=carry_over,
        )

    def _times_of_day(self, moment: datetime, window: tuple[datetime, datetime], zone: tzinfo) -> tuple[str, str]:
        """The window as times of day in the vendor's zone, on the day on which the phone rings."""
        day = moment.astimezone(zone).date()
        opened = (window[0] + timedelta(seconds=59)).astimezone(zone)  # whole minutes, inward
        closes = window[1].astimezone(zone)
        before, after = opened.date() < day, closes.date() > day
        whole_night = after and (closes.hour, closes.minute) == (0, 0) and closes.date() - day == timedelta(days=1)
        if before or (after and not whole_night):
            self.narrowed = True
        return ("00:00" if before else f"{opened:%H:%M}", _MIDNIGHT if after else f"{closes:%H:%M}")


def utc_now() -> datetime:
    """The time, aware."""
    return datetime.now(UTC)
