"""Whatever the windows, the zone and the moment: nobody is rung when it is closed, and no opening is skipped.

The oracle here asks the zone database for every minute by itself and compares texts.
"""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from airflow_provider_callkaro.calls import CallingPolicy, ScheduleWindow
from airflow_provider_callkaro.exceptions import NeverOpens

DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
ZONES = [
    "Asia/Kolkata",
    "Asia/Kathmandu",
    "America/New_York",
    "Europe/London",
    "Australia/Lord_Howe",
    "Africa/Casablanca",  # its offset changes around Ramadan
    "America/Havana",  # skips midnight
    "Asia/Beirut",
    "Antarctica/Troll",  # changes by two hours
    "Pacific/Apia",  # lost a day in 2011
    "America/St_Johns",
    "Africa/Cairo",
]
APIA = ZoneInfo("Pacific/Apia")  # where that hour came twice
MINUTE = timedelta(minutes=1)
NEAR = 3 * 1440  # minutes that are walked one by one

clock = st.integers(0, 1439).map(lambda minute: f"{minute // 60:02}:{minute % 60:02}")
round_clock = st.sampled_from([f"{hour:02}:{minute}" for hour in range(24) for minute in ("00", "15", "30", "45")])


@st.composite
def windows(draw):
    start, end = draw(clock | round_clock), draw(clock | round_clock | st.just("24:00"))
    days = draw(st.just(DAYS) | st.lists(st.sampled_from(DAYS), min_size=1, max_size=6, unique=True))
    return ScheduleWindow(start, end, days) if start != end else ScheduleWindow(start, "24:00", days)


@st.composite
def moments(draw, zone):
    """Any moment of some years, and often one close to a change of the clock."""
    at = draw(st.datetimes(datetime(2007, 1, 1), datetime(2036, 12, 1))).replace(tzinfo=UTC)
    if draw(st.booleans()):
        zone = ZoneInfo(zone)
        ahead = (at + timedelta(days=days) for days in range(366))
        change = next((day for day in ahead if zone.utcoffset(day) != zone.utcoffset(day + timedelta(days=1))), at)
        at = change + draw(st.timedeltas(timedelta(hours=-30), timedelta(hours=48)))
    return at.astimezone(draw(st.sampled_from([UTC, ZoneInfo("Asia/Tokyo"), ZoneInfo(draw(st.sampled_from(ZONES)))])))


@st.composite
def cases(draw):
    zone = draw(st.sampled_from(ZONES))
    at = draw(moments(zone))
    near = at.astimezone(ZoneInfo(zone)).date()
    closed = draw(st.lists(st.integers(-2, 3).map(lambda days: near + timedelta(days=days)), max_size=3))
    return zone, draw(st.lists(windows(), min_size=1, max_size=3)), closed, at


def reads_open(at, zone, spans, closed):
    reading = at.astimezone(zone)
    today = reading.date()
    text, name, before = f"{reading:%H:%M}", DAYS[today.weekday()], DAYS[(today - timedelta(days=1)).weekday()]
    if today in closed:
        return False
    for start, end, days in spans:
        crosses = end < start
        if name in days and start <= text and (crosses or text < end):
            return True
        if crosses and before in days and text < end and today - timedelta(days=1) not in closed:
            return True
    return False


def spans_of(policy):
    for window in policy.windows:
        days = {day for part in window.days.split(",") for day in _days(part)}
        yield window.start, window.end, days


def _days(part):
    first, _, last = part.partition("-")
    return DAYS[DAYS.index(first) : DAYS.index(last or first) + 1]


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(cases())
@example(("Australia/Lord_Howe", [ScheduleWindow("00:00", "24:00")], [], datetime(2011, 4, 2, 3, tzinfo=APIA)))
def test_the_next_opening_is_open_and_none_is_skipped(case):
    zone, given_windows, closed, at = case
    policy = CallingPolicy(timezone=zone, windows=given_windows, closed_dates=closed)
    place, spans = ZoneInfo(zone), list(spans_of(policy))
    open_at = {}

    def is_open(moment):
        if moment not in open_at:
            open_at[moment] = reads_open(moment, place, spans, closed)
        return open_at[moment]

    assert policy.is_open(at) == is_open(at)
    try:
        opens = policy.next_open(at)
    except NeverOpens:
        assert not any(is_open(at + step * 15 * MINUTE) for step in range(8 * 96))
        return
    assert opens >= at
    assert opens.tzinfo is UTC
    assert is_open(opens)
    assert (opens == at.astimezone(UTC)) == is_open(at)  # in an hour that comes twice, == of two zones is never true
    whole = at.astimezone(UTC).replace(second=0, microsecond=0) + MINUTE
    minutes = max(0, -((whole - opens) // MINUTE))
    near = [*range(min(minutes, NEAR)), *range(max(0, minutes - NEAR), minutes)]
    assert not [step for step in near if whole + step * MINUTE < opens and is_open(whole + step * MINUTE)]

    closes = policy.closes_at(opens)
    if closes is not None:
        assert closes > opens
        assert not is_open(closes)
        length = (closes - opens) // MINUTE
        steps = [*range(min(length, NEAR)), *range(max(0, length - NEAR), length)]
        assert all(is_open(opens + step * MINUTE) for step in steps)
        assert is_open(closes - timedelta(seconds=1))


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(cases())
def test_the_window_that_a_vendor_is_told_holds_the_moment_and_nothing_closed(case):
    zone, given_windows, closed, at = case
    policy = CallingPolicy(timezone=zone, windows=given_windows, closed_dates=closed)
    window = policy.window_at(at)
    assert (window is not None) == policy.is_open(at)
    if window is None:
        return
    opened, closes = window
    assert opened <= at < closes
    assert closes - opened <= timedelta(days=1, hours=3)  # a local day, on the day when the clock is put back
    place, spans = ZoneInfo(zone), list(spans_of(policy))
    minutes = (closes - opened) // MINUTE
    assert all(reads_open(opened + step * MINUTE, place, spans, closed) for step in range(minutes))
    date_of = {name: moment.astimezone(place).date() for name, moment in (("at", at), ("end", closes))}
    date_of["before"] = (opened - timedelta(seconds=1)).astimezone(place).date()
    assert not policy.is_open(closes) or date_of["end"] != date_of["at"]
    assert not policy.is_open(opened - timedelta(seconds=1)) or date_of["before"] != date_of["at"]


@settings(max_examples=100, deadline=None)
@given(cases())
def test_an_explanation_always_comes_and_agrees(case):
    zone, given_windows, closed, at = case
    policy = CallingPolicy(timezone=zone, windows=given_windows, closed_dates=closed)
    said = policy.explain(at)
    assert said.startswith("open: " if policy.is_open(at) else "closed: ")
    assert zone in said


def test_the_day_that_samoa_skipped_rings_nobody():
    policy = CallingPolicy(timezone="Pacific/Apia", windows=ScheduleWindow("09:00", "17:00", "fri"))
    thursday = datetime(2011, 12, 29, 12, tzinfo=ZoneInfo("Pacific/Apia"))
    assert policy.next_open(thursday).astimezone(ZoneInfo("Pacific/Apia")).date() == date(2012, 1, 6)
