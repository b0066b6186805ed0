"""What the vendor is told of a window: its own redials, on this day and on others, never ring outside of it."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from airflow_provider_callkaro.calls import Call, CallingPolicy, Outcome, Reason, ScheduleWindow
from airflow_provider_callkaro.calls.wall_clock import readings
from airflow_provider_callkaro.dispatch.hours import CLOSING_MARGIN, CallingHours, WhenClosed
from airflow_provider_callkaro.dispatch.job import Held, Judged

INDIA, LONDON = ZoneInfo("Asia/Kolkata"), ZoneInfo("Europe/London")
NEW_YORK, PARIS = ZoneInfo("America/New_York"), ZoneInfo("Europe/Paris")
ZONES = ("Asia/Kolkata", "Europe/London", "America/New_York", "Australia/Lord_Howe", "America/Santiago", "UTC")
CHANGES = (
    datetime(2026, 3, 8),
    datetime(2026, 3, 29),
    datetime(2026, 4, 5),
    datetime(2026, 10, 25),
    datetime(2026, 11, 1),
)
STEP = timedelta(minutes=10)


def judge(policy: CallingPolicy, now: datetime, *, vendor: ZoneInfo = INDIA, wanted: Any = None, **call: Any) -> Any:
    hours = CallingHours(
        policy=policy,
        when_closed=WhenClosed.SCHEDULE,
        due=now,
        expires_after=None,
        vendor_zone=vendor,
        now=lambda: now.astimezone(UTC),
    )
    return hours.judge(Call(to_number="+442079460958", agent_id="asha", schedule_at=wanted, **call))


def may_ring(ready: Call, *, now: datetime, vendor: ZoneInfo, days: int) -> list[datetime]:
    """Moments at which the vendor may ring by what it was told: on that day, and later where it may go on then."""
    first = ready.rings_at or now
    today = first.astimezone(vendor).date()
    gaps = ready.gap_between_retries or 0
    gaps = [gaps] * 10 if isinstance(gaps, int) else [*gaps, *[gaps[-1]] * 10]
    redials = sum(gaps[: ready.number_of_retries]) if ready.number_of_retries is not None else 10_000
    stays = ready.carry_over is False and (first + timedelta(minutes=redials)).astimezone(vendor).date() == today
    if ready.carry_over is False:
        days = min(days, redials // 1440 + (ready.number_of_retries or 0) + 1)
    moments = [first + step * STEP for step in range(days * 144)]
    return [
        moment
        for moment in moments
        if str(ready.min_trigger_time) <= f"{moment.astimezone(vendor):%H:%M}" <= str(ready.max_trigger_time)
        and f"{moment.astimezone(vendor):%H:%M:%S}" <= f"{ready.max_trigger_time}:00"
        and (not stays or moment.astimezone(vendor).date() == today)
    ]


def test_a_call_that_is_carried_over_a_clock_change_rings_within_the_hours_there_too() -> None:
    """13:30 in India is 09:00 in London on Saturday, and 08:00 on Sunday, when London's clocks have been put back."""
    policy = CallingPolicy(timezone="Europe/London", windows=ScheduleWindow("09:00", "20:00"))
    saturday = datetime(2026, 10, 24, 14, tzinfo=UTC)
    ready = judge(policy, saturday, carry_over=True, number_of_retries=3, gap_between_retries=1440).call
    assert (ready.min_trigger_time, ready.carry_over, ready.number_of_retries) == ("14:30", True, 3)
    assert all(policy.is_open(moment) for moment in may_ring(ready, now=saturday, vendor=INDIA, days=12))


def test_an_hour_that_is_closed_and_skipped_today_is_closed_on_the_days_after() -> None:
    """From 2 to 3 nobody is rung in New York; on the day on which there is no such hour the window has no gap."""
    policy = CallingPolicy(timezone="America/New_York", windows=ScheduleWindow("03:00", "02:00"))
    sunday = datetime(2026, 3, 8, 9, tzinfo=UTC)
    ready = judge(policy, sunday, number_of_retries=3, gap_between_retries=1440).call
    assert all(policy.is_open(moment) for moment in may_ring(ready, now=sunday, vendor=INDIA, days=12))


def test_where_the_hours_of_both_days_do_not_hold_now_the_call_stays_on_its_day() -> None:
    policy = CallingPolicy(timezone="Europe/London", windows=ScheduleWindow("09:00", "20:00"))
    nine = datetime(2026, 10, 24, 8, 10, tzinfo=UTC)
    ready = judge(policy, nine, carry_over=True, number_of_retries=3, gap_between_retries=[60, 120, 1440]).call
    assert (ready.min_trigger_time, ready.carry_over, ready.number_of_retries) == ("13:30", False, 2)


@given(
    change=st.sampled_from(CHANGES),
    before=st.integers(-2 * 1440, 9 * 1440),
    recipient=st.sampled_from(ZONES),
    vendor=st.sampled_from(ZONES),
    start=st.integers(0, 47),
    length=st.integers(1, 40),
    carry_over=st.sampled_from([None, True, False]),
    redials=st.sampled_from([(None, None), (0, None), (3, 1440), (2, [30, 60]), (10, 600)]),
    wanted=st.none() | st.integers(0, 3000),
)
@example(datetime(2026, 10, 25), 600, "Europe/London", "Asia/Kolkata", 18, 22, True, (3, 1440), None)
@example(datetime(2026, 11, 1), -270, "UTC", "America/New_York", 9, 2, None, (None, None), None)
def test_no_redial_of_the_vendor_leaves_the_hours(
    change: datetime,
    before: int,
    recipient: str,
    vendor: str,
    start: int,
    length: int,
    carry_over: bool | None,
    redials: tuple[int | None, Any],
    wanted: int | None,
) -> None:
    end = (start + length) % 48
    if end == start:
        return
    window = ScheduleWindow(f"{start // 2:02}:{start % 2 * 30:02}", f"{end // 2:02}:{end % 2 * 30:02}")
    policy = CallingPolicy(timezone=recipient, windows=window)
    now = change.replace(tzinfo=UTC) - timedelta(minutes=before)
    schedule_at = None if wanted is None else now + timedelta(minutes=wanted)
    zone = ZoneInfo(vendor)
    verdict = judge(
        policy,
        now,
        vendor=zone,
        wanted=schedule_at,
        carry_over=carry_over,
        number_of_retries=redials[0],
        gap_between_retries=redials[1],
    )
    if isinstance(verdict, Held):
        return
    ready = verdict.call
    assert ready.min_trigger_time < ready.max_trigger_time
    if ready.rings_at is not None:
        assert len(readings(ready.rings_at.astimezone(zone), zone)) == 1
    moments = may_ring(ready, now=now, vendor=zone, days=8)
    last = f"{ready.max_trigger_time}"
    outside = [
        moment for moment in moments if not policy.is_open(moment) and f"{moment.astimezone(zone):%H:%M}" != last
    ]
    assert not outside, (ready, outside[0].astimezone(zone))


@pytest.mark.parametrize(
    ("row", "rings_at"),
    [
        ({"max_trigger_time": "09:00"}, None),
        ({"min_trigger_time": "20:00"}, None),
        ({"max_trigger_time": "10:00"}, None),
        ({"min_trigger_time": "19:00"}, None),
    ],
)
def test_times_of_a_row_that_no_window_holds_are_never_sent(row: dict[str, str], rings_at: None) -> None:
    policy = CallingPolicy(timezone="Asia/Kolkata", windows=ScheduleWindow("10:00", "19:00"))
    held = judge(policy, datetime(2026, 11, 23, 11, 30, tzinfo=INDIA), **row)
    assert held == Held(outcome=Outcome.SKIPPED, reason=Reason.NEVER_OPEN, until=rings_at)


def test_times_of_a_row_wait_for_the_opening_that_holds_them() -> None:
    twice = CallingPolicy(
        windows=[ScheduleWindow("10:00", "13:00"), ScheduleWindow("14:00", "20:00")], timezone="Asia/Kolkata"
    )
    afternoon = datetime(2026, 11, 23, 15, tzinfo=INDIA)
    ready = judge(twice, afternoon, max_trigger_time="12:00").call
    assert ready.rings_at == datetime(2026, 11, 24, 10, tzinfo=INDIA)
    assert (ready.min_trigger_time, ready.max_trigger_time) == ("10:00", "12:00")
    night = CallingPolicy(windows=ScheduleWindow("20:00", "02:00"), timezone="Asia/Kolkata")
    ready = judge(night, datetime(2026, 11, 23, 22, tzinfo=INDIA), max_trigger_time="01:00").call
    assert ready.rings_at == datetime(2026, 11, 24, 0, tzinfo=INDIA)
    assert (ready.min_trigger_time, ready.max_trigger_time) == ("00:00", "01:00")


def test_a_call_that_waits_for_its_own_times_is_pending_until_then() -> None:
    twice = CallingPolicy(
        windows=[ScheduleWindow("10:00", "13:00"), ScheduleWindow("14:00", "20:00")], timezone="Asia/Kolkata"
    )
    now = datetime(2026, 11, 23, 15, tzinfo=INDIA).astimezone(UTC)
    hours = CallingHours(
        policy=twice,
        when_closed=WhenClosed.WAIT,
        due=now,
        expires_after=None,
        vendor_zone=INDIA,
        now=lambda: now,
    )
    held = hours.judge(Call(to_number="+919876500001", agent_id="asha", max_trigger_time="12:00"))
    tomorrow = datetime(2026, 11, 24, 10, tzinfo=INDIA)
    assert held == Held(outcome=Outcome.PENDING, reason=Reason.WINDOW_CLOSED, until=tomorrow)


def test_a_moment_that_the_vendors_clock_shows_twice_is_moved_to_one_that_it_shows_once() -> None:
    """01:00 in New York is 06:00 and 07:00 in Paris on that day; only one of them is open."""
    policy = CallingPolicy(timezone="Europe/Paris", windows=ScheduleWindow("07:00", "20:00"))
    night = datetime(2026, 11, 1, 1, tzinfo=UTC)
    ready = judge(policy, night, vendor=NEW_YORK).call
    assert ready.rings_at == datetime(2026, 11, 1, 8, tzinfo=PARIS)
    assert ready.rings_at.astimezone(NEW_YORK).hour == 2


def test_an_opening_that_ends_before_the_vendor_can_be_told_is_left_for_the_next() -> None:
    policy = CallingPolicy(timezone="Europe/Paris", windows=ScheduleWindow("06:30", "07:30"))
    ready = judge(policy, datetime(2026, 11, 1, 1, tzinfo=UTC), vendor=NEW_YORK).call
    assert ready.rings_at == datetime(2026, 11, 2, 6, 30, tzinfo=PARIS)


class TestUntilWhenAJudgementHolds:
    """A call that waits for a place, a ledger or a connection is not rung by a judgement of before."""

    @staticmethod
    def not_after(policy: CallingPolicy, now: datetime, *, wanted: Any = None, **changes: Any) -> float:
        given = {"when_closed": WhenClosed.SCHEDULE, "due": now, "expires_after": None, "vendor_zone": INDIA} | changes
        hours = CallingHours(policy=policy, now=lambda: now.astimezone(UTC), **given)
        verdict = hours.judge(Call(to_number="+919876500001", agent_id="asha", schedule_at=wanted))
        assert isinstance(verdict, Judged)
        again = hours.judge(Call(to_number="+919876500002", agent_id="asha", schedule_at=wanted))
        assert isinstance(again, Judged)
        assert again.not_after == verdict.not_after
        return verdict.not_after

    NOON = datetime(2026, 11, 23, 12, tzinfo=INDIA)
    OFFICE = CallingPolicy(timezone="Asia/Kolkata", windows=ScheduleWindow("10:00", "19:00"))

    @pytest.mark.parametrize("zone", ["Asia/Kolkata", "recipient"])
    def test_it_ends_with_the_window(self, zone: str) -> None:
        policy = CallingPolicy(timezone=zone, windows=ScheduleWindow("10:00", "19:00"))
        closes = self.NOON.replace(hour=19)
        assert self.not_after(policy, self.NOON) == (closes - CLOSING_MARGIN).timestamp()
        rings_for = timedelta(minutes=30)
        assert (
            self.not_after(policy, self.NOON, rings_for=rings_for) == (closes - CLOSING_MARGIN - rings_for).timestamp()
        )

    def test_it_ends_when_the_call_expires(self) -> None:
        due = self.NOON - timedelta(hours=1)
        expires = self.not_after(self.OFFICE, self.NOON, due=due, expires_after=timedelta(hours=2))
        assert expires == (self.NOON + timedelta(hours=1)).timestamp()

    def test_a_scheduled_call_that_leaves_late_would_ring_at_once(self) -> None:
        five = self.NOON.replace(hour=17)
        assert self.not_after(self.OFFICE, self.NOON, wanted=five) == five.timestamp()
        assert self.not_after(self.OFFICE, self.NOON, wanted=five, vendor_zone=None) == five.timestamp()
        opens = self.NOON.replace(hour=10)
        assert self.not_after(self.OFFICE, self.NOON.replace(hour=7)) == opens.timestamp()

    def test_windows_that_touch_are_one(self) -> None:
        touching = CallingPolicy(
            timezone="Asia/Kolkata", windows=[ScheduleWindow("10:00", "13:00"), ScheduleWindow("13:00", "19:00")]
        )
        assert self.not_after(touching, self.NOON) == (self.NOON.replace(hour=19) - CLOSING_MARGIN).timestamp()
        weekdays = CallingPolicy(timezone="Asia/Kolkata", windows=ScheduleWindow("00:00", "24:00", "mon-fri"))
        saturday = datetime(2026, 11, 28, tzinfo=INDIA)
        assert self.not_after(weekdays, self.NOON) == (saturday - CLOSING_MARGIN).timestamp()
        always = CallingPolicy(timezone="Asia/Kolkata")
        assert self.not_after(always, self.NOON) == math.inf

    def test_the_end_of_a_day_is_no_end_where_the_window_goes_on(self) -> None:
        always = CallingPolicy(timezone="Asia/Kolkata")
        assert self.not_after(always, datetime(2026, 11, 23, 23, 59, 59, tzinfo=INDIA)) == math.inf
