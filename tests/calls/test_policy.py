"""A policy says who may be called when; whatever it cannot mean is refused while the DAG is parsed."""

import copy
import pickle
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pendulum
import pytest

from airflow_provider_callkaro.calls import Call, CallingPolicy, ScheduleWindow
from airflow_provider_callkaro.calls.policy import ZoneUnknown
from airflow_provider_callkaro.exceptions import ConfigurationError, NeverOpens

KOLKATA = "Asia/Kolkata"
SHOP_HOURS = ScheduleWindow("10:00", "21:00", "mon-sat")
SUNDAY = datetime(2026, 11, 22, 9, 30, tzinfo=ZoneInfo(KOLKATA))
MONDAY = datetime(2026, 11, 23, 10, tzinfo=ZoneInfo(KOLKATA))


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"timezone": "Asia/Calcuta"}, "timezone 'Asia/Calcuta'"),
        ({"timezone": None}, "timezone"),
        ({"timezone": "IST"}, "timezone 'IST'"),
        ({"timezone": "localtime"}, "timezone"),
        ({"timezone": "../../etc/passwd"}, "timezone"),
        ({"timezone": "America"}, "timezone"),
        ({"windows": []}, "windows"),
        ({"windows": "10:00-21:00"}, "windows"),
        ({"windows": [("10:00", "21:00")]}, "windows"),
        ({"windows": None}, "windows"),
        ({"closed_dates": ["26 January"]}, "closed_dates holds '26 January'"),
        ({"closed_dates": [datetime(2026, 1, 26)]}, "closed_dates"),
        ({"closed_dates": 20260126}, "closed_dates"),
        ({"holidays": "XX"}, "holidays 'XX'"),
        ({"holidays": "India"}, "holidays 'India'"),
        ({"holidays": True}, "holidays"),
        ({"per": timedelta(days=30)}, "per has no max_calls"),
        ({"max_calls": 3}, "max_calls has no per"),
        ({"max_calls": 0, "per": timedelta(days=1)}, "max_calls"),
        ({"max_calls": True, "per": timedelta(days=1)}, "max_calls"),
        ({"max_calls": 2.5, "per": timedelta(days=1)}, "max_calls"),
        ({"max_calls": 3, "per": timedelta(0)}, "per must"),
        ({"max_calls": 3, "per": 30}, "per must"),
        ({"min_gap": timedelta(seconds=-1)}, "min_gap"),
        ({"min_gap": 24}, "min_gap"),
        ({"mobile_margin": timedelta(minutes=-1), "timezone": "recipient"}, "mobile_margin"),
        ({"mobile_margin": timedelta(hours=13), "timezone": "recipient"}, "mobile_margin"),
        ({"mobile_margin": 60, "timezone": "recipient"}, "mobile_margin"),
        ({"mobile_margin": timedelta(hours=1)}, "mobile_margin needs"),
        ({"purpose": 1}, "purpose"),
    ],
)
def test_what_cannot_work_is_refused_with_its_field(fields, named):
    with pytest.raises(ConfigurationError, match=named):
        CallingPolicy(**{"timezone": KOLKATA, **fields})


def test_a_naive_moment_is_refused_because_it_is_another_moment_elsewhere():
    policy = CallingPolicy(timezone=KOLKATA, windows=SHOP_HOURS)
    for ask in (policy.is_open, policy.next_open, policy.closes_at, policy.window_at, policy.explain):
        with pytest.raises(ConfigurationError, match="at must be an aware datetime"):
            ask(datetime(2026, 11, 22, 9, 30))
        with pytest.raises(ConfigurationError, match="years"):
            ask(datetime.max.replace(tzinfo=UTC))


def test_a_recipients_zone_needs_a_recipient():
    policy = CallingPolicy(timezone="recipient", windows=SHOP_HOURS)
    for ask in (policy.is_open, policy.next_open, policy.closes_at, policy.window_at, policy.explain):
        with pytest.raises(ConfigurationError, match="judges calls"):
            ask(SUNDAY)


def test_the_moment_itself_comes_back_when_it_is_open():
    policy = CallingPolicy(timezone=KOLKATA, windows=SHOP_HOURS)
    at = MONDAY + timedelta(microseconds=7)
    assert policy.next_open(at) == at
    assert policy.next_open(at).tzinfo is UTC
    assert policy.next_open(SUNDAY) == MONDAY
    assert policy.closes_at(MONDAY) == MONDAY + timedelta(hours=11)
    assert policy.window_at(at) == (MONDAY, MONDAY + timedelta(hours=11))


@pytest.mark.parametrize("second_time", [0, 1])
def test_a_moment_as_airflow_gives_it_is_the_same_moment(second_time):
    """Airflow's dates are pendulum's, which calculate in their own way."""
    policy = CallingPolicy(timezone="America/New_York", windows=ScheduleWindow("01:45", "21:00"))
    airflows = pendulum.datetime(2026, 11, 1, 1, 30, 0, 999_999, tz="America/New_York", fold=second_time)
    plain = datetime(2026, 11, 1, 5 + second_time, 30, 0, 999_999, tzinfo=UTC)
    for at in (airflows, airflows.add(minutes=20)):
        same = plain + (timedelta(0) if at is airflows else timedelta(minutes=20))
        assert policy.is_open(at) is policy.is_open(same)
        assert policy.next_open(at) == policy.next_open(same)
        assert type(policy.next_open(at)) is datetime
        assert policy.window_at(at) == policy.window_at(same)
        assert policy.explain(at) == policy.explain(same)


def test_the_last_microsecond_is_still_closed():
    policy = CallingPolicy(timezone="UTC", windows=ScheduleWindow("10:00", "11:00"))
    for year in (1900, 1969, 1970, 2026, 2999):
        opens = datetime(year, 3, 1, 10, tzinfo=UTC)
        assert not policy.is_open(opens - timedelta(microseconds=1))
        assert policy.is_open(opens)
        assert policy.is_open(opens + timedelta(minutes=60, microseconds=-1))
        assert not policy.is_open(opens + timedelta(minutes=60))


@pytest.mark.parametrize(
    ("policy", "at", "said"),
    [
        (
            CallingPolicy(timezone=KOLKATA, windows=SHOP_HOURS),
            SUNDAY,
            "closed: Sunday in Asia/Kolkata; opens Mon 2026-11-23 10:00",
        ),
        (
            CallingPolicy(timezone=KOLKATA, windows=SHOP_HOURS),
            MONDAY - timedelta(minutes=1),
            "closed: Mon 2026-11-23 09:59 in Asia/Kolkata; opens Mon 2026-11-23 10:00",
        ),
        (
            CallingPolicy(timezone=KOLKATA, windows=SHOP_HOURS),
            MONDAY,
            "open: Mon 2026-11-23 10:00 in Asia/Kolkata; closes Mon 2026-11-23 21:00",
        ),
        (
            CallingPolicy(timezone=KOLKATA, windows=SHOP_HOURS, closed_dates=["2026-11-23"]),
            MONDAY,
            "closed: closed date (Mon 2026-11-23) in Asia/Kolkata; opens Tue 2026-11-24 10:00",
        ),
        (
            CallingPolicy(timezone=KOLKATA, windows=SHOP_HOURS, holidays="IN"),
            datetime(2026, 1, 26, 12, tzinfo=ZoneInfo(KOLKATA)),
            "closed: Republic Day (Mon 2026-01-26) in Asia/Kolkata; opens Tue 2026-01-27 10:00",
        ),
        (CallingPolicy(timezone=KOLKATA), SUNDAY, "open: Sun 2026-11-22 09:30 in Asia/Kolkata; never closes"),
    ],
)
def test_the_answer_in_words_says_why_and_until_when(policy, at, said):
    assert policy.explain(at) == said


def test_a_guessed_holiday_is_shown_as_a_guess():
    policy = CallingPolicy(timezone=KOLKATA, windows=SHOP_HOURS, holidays="IN")
    year = (datetime(2027, 1, 1, 12, tzinfo=ZoneInfo(KOLKATA)) + timedelta(days=day) for day in range(365))
    assert any("(estimated)" in policy.explain(day) for day in year)


def test_a_part_of_a_country_has_its_own_holidays_and_an_unknown_part_rings_nobody():
    mardi_gras = datetime(2026, 2, 17, 18, tzinfo=UTC)
    assert CallingPolicy(timezone="America/Chicago", holidays="US").is_open(mardi_gras)
    assert not CallingPolicy(timezone="America/Chicago", holidays="us-la").is_open(mardi_gras)
    with pytest.raises(ConfigurationError, match="holidays 'US-XX'"):
        CallingPolicy(timezone="America/Chicago", holidays="US-XX").is_open(mardi_gras)


def test_a_policy_that_never_opens_says_so_rather_than_search_for_ever():
    policy = CallingPolicy(
        timezone=KOLKATA,
        windows=ScheduleWindow("10:00", "11:00", "sun"),
        closed_dates=[date(2026, 11, 22) + timedelta(weeks=week) for week in range(60)],
    )
    with pytest.raises(NeverOpens, match="400 days in Asia/Kolkata"):
        policy.next_open(SUNDAY)
    assert policy.explain(SUNDAY).endswith("does not open within 400 days")


@pytest.mark.parametrize(
    ("fields", "daily"),
    [
        ({}, True),
        ({"windows": ScheduleWindow("22:00", "02:00")}, True),
        ({"windows": [ScheduleWindow("10:00", "13:00"), ScheduleWindow("14:00", "20:00")]}, True),
        ({"windows": SHOP_HOURS}, False),
        ({"closed_dates": ["2026-12-25"]}, False),
        ({"holidays": "IN"}, False),
    ],
)
def test_a_call_is_carried_over_only_where_every_day_is_alike(fields, daily):
    assert CallingPolicy(timezone=KOLKATA, **fields).daily is daily


def test_a_row_s_own_zone_beats_the_guess_from_its_number():
    policy = CallingPolicy(timezone="recipient", windows=ScheduleWindow("08:00", "21:00"))
    at = datetime(2026, 11, 23, 15, tzinfo=UTC)  # 07:00 in Los Angeles, 10:00 in New York
    assert not policy.is_open(at, Call(to_number="+14155550123"))
    assert policy.is_open(at, Call(to_number="+14155550123", timezone="America/New_York"))


def test_whose_zone_nobody_can_tell_is_not_called():
    policy = CallingPolicy(timezone="recipient", windows=ScheduleWindow("00:00", "24:00"))
    call = Call(to_number="+12345")
    assert policy.zones_of(call) == ()
    assert policy.is_open(MONDAY, call) is False
    assert policy.closes_at(MONDAY, call) is None
    assert policy.window_at(MONDAY, call) is None
    with pytest.raises(ZoneUnknown) as refused:
        policy.next_open(MONDAY, call)
    assert refused.value.reason == "zone_unknown"
    assert "12345" not in str(refused.value) + policy.explain(MONDAY, call)
    assert "timezone" in policy.explain(MONDAY, call)


def test_somebody_who_may_be_in_two_zones_is_called_when_both_are_open():
    policy = CallingPolicy(timezone="recipient", windows=ScheduleWindow("08:00", "21:00"))
    panhandle = Call(to_number="+18505550123")
    assert [zone.key for zone in policy.zones_of(panhandle)] == ["America/Chicago", "America/New_York"]
    opens = policy.next_open(datetime(2026, 11, 23, 12, tzinfo=UTC), panhandle)
    assert opens == datetime(2026, 11, 23, 14, tzinfo=UTC)  # 08:00 in Chicago
    assert policy.closes_at(opens, panhandle) == datetime(2026, 11, 24, 2, tzinfo=UTC)  # 21:00 in New York
    said = policy.explain(datetime(2026, 11, 23, 13, 30, tzinfo=UTC), panhandle)
    assert said == (
        "closed: Mon 2026-11-23 07:30 in America/Chicago, one of 2 zones of the number; opens Mon 2026-11-23 08:00"
    )


def test_a_number_that_moves_with_its_owner_is_called_later_and_not_so_late():
    policy = CallingPolicy(
        timezone="recipient", windows=ScheduleWindow("08:00", "21:00"), mobile_margin=timedelta(hours=2)
    )
    morning = datetime(2026, 11, 23, 12, tzinfo=UTC)
    cases = [
        (Call(to_number="+12125550123"), 15),  # New York, and no telling a mobile: 10:00
        (Call(to_number="+12125550123", timezone="America/New_York"), 13),  # the row knows: 08:00
        (Call(to_number="+447400123456"), 12),  # a mobile, but all of the country reads one clock
    ]
    for call, hour in cases:
        assert policy.next_open(morning, call) == morning.replace(hour=hour), call.timezone
    assert policy.closes_at(morning.replace(hour=15), cases[0][0]) == datetime(2026, 11, 24, tzinfo=UTC)


def test_a_window_that_the_margin_leaves_nothing_of_rings_nobody():
    policy = CallingPolicy(
        timezone="recipient", windows=ScheduleWindow("10:00", "12:00"), mobile_margin=timedelta(hours=1)
    )
    with pytest.raises(NeverOpens):
        policy.next_open(MONDAY, Call(to_number="+12125550123"))


def test_a_window_narrowed_past_midnight_still_belongs_to_its_day():
    policy = CallingPolicy(
        timezone="recipient", windows=ScheduleWindow("23:30", "05:00", "fri"), mobile_margin=timedelta(hours=1)
    )
    saturday = datetime(2026, 11, 21, tzinfo=ZoneInfo("America/New_York"))
    call = Call(to_number="+12125550123")
    assert policy.next_open(saturday, call) == saturday + timedelta(minutes=30)
    assert policy.closes_at(saturday + timedelta(hours=1), call) == saturday + timedelta(hours=4)


def test_an_opening_of_days_is_told_to_the_vendor_day_by_day():
    policy = CallingPolicy(timezone=KOLKATA, windows=ScheduleWindow("00:00", "24:00", "mon-sat"))
    tuesday = datetime(2026, 11, 24, tzinfo=ZoneInfo(KOLKATA))
    assert policy.window_at(tuesday + timedelta(hours=9)) == (tuesday, tuesday + timedelta(days=1))
    assert policy.closes_at(tuesday) == datetime(2026, 11, 29, tzinfo=ZoneInfo(KOLKATA))


def test_hours_without_an_end_are_told_to_the_vendor_as_the_day_that_all_zones_share():
    at = datetime(2026, 11, 23, 15, tzinfo=UTC)
    panhandle = Call(to_number="+18505550123")  # Chicago and New York
    policy = CallingPolicy(timezone="recipient")
    assert policy.closes_at(at, panhandle) is None
    assert policy.window_at(at, panhandle) == (at.replace(hour=6), at.replace(day=24, hour=5))
    christmas = CallingPolicy(timezone="recipient", closed_dates=["2026-12-25"])
    assert christmas.closes_at(at, panhandle) == datetime(2026, 12, 25, 5, tzinfo=UTC)
    assert christmas.window_at(at, panhandle) == policy.window_at(at, panhandle)
    eve = datetime(2026, 12, 24, 23, tzinfo=UTC)
    assert christmas.window_at(eve, panhandle) == (eve.replace(hour=6), datetime(2026, 12, 25, 5, tzinfo=UTC))


def test_a_policy_travels_between_processes_and_keeps_whom_not_to_call_to_itself():
    policy = CallingPolicy(timezone=KOLKATA, windows=SHOP_HOURS, suppress=["+919876500001"])
    for twin in (copy.deepcopy(policy), pickle.loads(pickle.dumps(policy))):
        assert twin == policy
        assert twin.next_open(SUNDAY) == MONDAY
    assert "98765" not in repr(policy)
    assert hash(policy) == hash(copy.deepcopy(policy))
