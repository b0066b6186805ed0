"""Hundreds of instants, over every rule pack and every trap of the clock, judged twice by independent means."""

from datetime import UTC, datetime, timedelta

import pytest
from window_oracle import OFFSETS, Rule, Strip, is_open

from airflow_provider_callkaro.calls import Call, CallingPolicy, ScheduleWindow
from airflow_provider_callkaro.calls import rules as rule_packs

EVERY_DAY = "mon,tue,wed,thu,fri,sat,sun"
WEEKDAYS = "mon,tue,wed,thu,fri"
NO_SUNDAY = "mon,tue,wed,thu,fri,sat"
NEW_YORK, LONDON, LORD_HOWE = "America/New_York", "Europe/London", "Australia/Lord_Howe"
SPRING, AUTUMN = "2026-03-06", "2026-10-30"  # two days before the clocks of North America change
SECOND = timedelta(seconds=1)

# rule pack, zones, first day, the windows as the law has them, closed dates within the days that are looked at
PACKS = [
    ("in-promotional", ["Asia/Kolkata"], "2026-11-21", [(EVERY_DAY, "10:00", "21:00")], []),
    ("in-service", ["Asia/Kolkata"], "2026-11-21", [(EVERY_DAY, "10:00", "21:00")], []),
    ("in-debt-recovery", ["Asia/Kolkata"], "2026-11-21", [(EVERY_DAY, "08:00", "19:00")], []),
    ("us-federal", [NEW_YORK], SPRING, [(EVERY_DAY, "08:00", "21:00")], []),
    ("us-federal", ["America/Los_Angeles"], AUTUMN, [(EVERY_DAY, "08:00", "21:00")], []),
    ("us-federal", ["America/Chicago", NEW_YORK], AUTUMN, [(EVERY_DAY, "08:00", "21:00")], []),
    ("us-florida", ["America/Chicago", NEW_YORK], SPRING, [(EVERY_DAY, "08:00", "20:00")], []),
    ("us-oklahoma", ["America/Chicago"], AUTUMN, [(EVERY_DAY, "08:00", "20:00")], []),
    ("us-alabama", ["America/Chicago"], "2026-12-24", [(NO_SUNDAY, "08:00", "20:00")], ["2026-12-25"]),
    (
        "us-louisiana",
        ["America/Chicago"],
        "2026-02-13",
        [(NO_SUNDAY, "08:00", "20:00")],
        ["2026-02-16", "2026-02-17"],
    ),
    ("us-mississippi", ["America/Chicago"], SPRING, [(NO_SUNDAY, "08:00", "20:00")], []),
    (
        "us-rhode-island",
        [NEW_YORK],
        "2026-11-25",
        [(WEEKDAYS, "09:00", "18:00"), ("sat", "10:00", "17:00")],
        ["2026-11-26"],
    ),
    ("us-connecticut", [NEW_YORK], AUTUMN, [(EVERY_DAY, "09:00", "20:00")], []),
    ("us-kentucky", [NEW_YORK], SPRING, [(EVERY_DAY, "10:00", "21:00")], []),
    ("us-texas", ["America/Chicago"], AUTUMN, [(NO_SUNDAY, "09:00", "21:00"), ("sun", "12:00", "21:00")], []),
    (
        "us-pennsylvania",
        [NEW_YORK],
        "2027-06-11",
        [(WEEKDAYS, "08:00", "21:00"), ("sat", "08:00", "12:00")],
        ["2027-06-14", "2027-06-18", "2027-06-19"],
    ),
    ("us-maine", [NEW_YORK], AUTUMN, [(WEEKDAYS, "09:00", "17:00")], []),
    (
        "uk",
        [LONDON],
        "2026-12-24",
        [(WEEKDAYS, "08:00", "21:00"), ("sat", "09:00", "21:00")],
        ["2026-12-25", "2026-12-26", "2026-12-28"],
    ),
    ("uk", [LONDON], "2026-03-27", [(WEEKDAYS, "08:00", "21:00"), ("sat", "09:00", "21:00")], []),
    ("uk", [LONDON], "2026-10-23", [(WEEKDAYS, "08:00", "21:00"), ("sat", "09:00", "21:00")], []),
    (
        "fr",
        ["Europe/Paris"],
        "2026-05-13",
        [(WEEKDAYS, "10:00", "13:00"), (WEEKDAYS, "14:00", "20:00")],
        ["2026-05-14"],
    ),
    (
        "fr",
        ["Indian/Reunion"],
        "2026-11-10",
        [(WEEKDAYS, "10:00", "13:00"), (WEEKDAYS, "14:00", "20:00")],
        ["2026-11-11"],
    ),
]
# what it is, zones, first day, windows, closed dates
TRAPS = [
    ("begins in the hour that is skipped", [NEW_YORK], SPRING, [(EVERY_DAY, "02:30", "05:00")], []),
    ("lies within the hour that is skipped", [NEW_YORK], SPRING, [(EVERY_DAY, "02:15", "02:45")], []),
    ("ends in the hour that is skipped", [LONDON], "2026-03-27", [(EVERY_DAY, "00:30", "01:30")], []),
    ("begins in the hour that comes twice", [NEW_YORK], AUTUMN, [(EVERY_DAY, "01:30", "04:00")], []),
    ("ends in the hour that comes twice", [LONDON], "2026-10-23", [(EVERY_DAY, "00:15", "01:30")], []),
    ("lies within the hour that comes twice", [NEW_YORK], AUTUMN, [(EVERY_DAY, "01:15", "01:45")], []),
    ("crosses midnight into the skipped hour", [NEW_YORK], SPRING, [("sat", "22:00", "02:30")], []),
    ("crosses midnight into the hour that comes twice", [NEW_YORK], AUTUMN, [("sat", "22:00", "01:30")], []),
    ("the half hour that is skipped", [LORD_HOWE], "2026-10-01", [(EVERY_DAY, "01:45", "02:15")], []),
    ("the half hour that comes twice", [LORD_HOWE], "2026-04-02", [(EVERY_DAY, "01:45", "02:15")], []),
    ("a zone of three quarters", ["Asia/Kathmandu"], "2026-11-20", [(NO_SUNDAY, "09:15", "18:45")], []),
    ("two a day", ["Asia/Kolkata"], "2026-11-20", [(WEEKDAYS, "10:00", "13:00"), (WEEKDAYS, "14:00", "20:00")], []),
    ("overlapping", ["Asia/Kolkata"], "2026-11-20", [(WEEKDAYS, "10:00", "15:00"), ("fri", "12:00", "20:00")], []),
    ("across midnight", [LONDON], "2026-11-19", [("fri,sat", "20:00", "02:00")], []),
    ("across midnight from a closed date", [LONDON], "2026-11-19", [("fri,sat", "20:00", "02:00")], ["2026-11-20"]),
    ("across midnight into a closed date", [LONDON], "2026-11-19", [("fri,sat", "20:00", "02:00")], ["2026-11-21"]),
    ("all but a closed date", ["Asia/Kolkata"], "2026-11-20", [(EVERY_DAY, "00:00", "24:00")], ["2026-11-22"]),
]
LENGTH = 6  # days


def _call(zones):
    """A call to a person in just these zones."""
    if zones == ["America/Chicago", NEW_YORK]:
        return Call(to_number="+18505550123")  # the panhandle of Florida
    return Call(to_number="+919876500001", timezone=zones[0])


def _cases():
    for name, zones, first, windows, closed in PACKS:
        policy = CallingPolicy.rules(name)
        yield pytest.param(policy, _call(zones), zones, first, windows, closed, id=f"{name} {zones[-1]} {first}")
    for name, zones, first, windows, closed in TRAPS:
        policy = CallingPolicy(
            timezone=zones[0],
            windows=[ScheduleWindow(start, end, days) for days, start, end in windows],
            closed_dates=closed,
        )
        yield pytest.param(policy, _call(zones), zones, first, windows, closed, id=name)


def _strip(zones, first, windows, closed):
    rule = Rule(tuple(windows), tuple(zones), tuple(closed))
    return rule, Strip(rule, datetime.fromisoformat(first).replace(tzinfo=UTC), LENGTH)


def _instants(strip):
    """Around each edge to the second, and a few at odd moments between."""
    for minute in strip.edges():
        yield from (strip.at(minute) - SECOND, strip.at(minute), strip.at(minute) + 29 * SECOND)
    yield from (strip.start + timedelta(hours=7, minutes=13, seconds=7, microseconds=5) * step for step in range(9))


@pytest.mark.parametrize(("policy", "call", "zones", "first", "windows", "closed"), list(_cases()))
def test_nobody_is_rung_at_a_wrong_hour(policy, call, zones, first, windows, closed):
    rule, strip = _strip(zones, first, windows, closed)
    for at in _instants(strip):
        minute = (at - strip.start) // timedelta(minutes=1)
        now_open = is_open(at, rule)
        assert policy.is_open(at, call) is now_open, at
        opens = strip.first_like(minute, True)
        if opens is not None:
            assert policy.next_open(at, call) == (at if now_open else strip.at(opens)), at
        closes = strip.first_like(minute, False)
        opened = strip.last_unlike(minute) if now_open else None
        if not now_open:
            assert policy.closes_at(at, call) is None, at
            assert policy.window_at(at, call) is None, at
        elif closes is not None and opened is not None:
            assert policy.closes_at(at, call) == strip.at(closes), at
            if closes - opened <= 1440:
                assert policy.window_at(at, call) == (strip.at(opened), strip.at(closes)), at


@pytest.mark.slow
def test_the_table_is_as_long_as_it_promises_and_leaves_no_rule_out():
    packs = {name for name, *_ in PACKS}
    instants = {(name, at) for name, *case in PACKS for at in _instants(_strip(*case)[1])}
    assert packs == set(rule_packs.names())
    assert len(instants) >= 200
    assert {zone for _, zones, *_ in PACKS + TRAPS for zone in zones} == set(OFFSETS)
