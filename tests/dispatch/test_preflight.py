"""What the report says before a run is what the run would do: nobody is missing from it, and no hour is wrong."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from ageing_ledger import let_time_pass
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import create_engine

from airflow_provider_callkaro.calls import Call, CallingPolicy, Outcome, Reason, ScheduleWindow
from airflow_provider_callkaro.calls.row import RowReader
from airflow_provider_callkaro.dispatch.caps import Caps
from airflow_provider_callkaro.dispatch.hours import CallingHours, WhenClosed
from airflow_provider_callkaro.dispatch.intake import CompactSet
from airflow_provider_callkaro.dispatch.job import Held, Judged
from airflow_provider_callkaro.dispatch.limits import Limits, Stop
from airflow_provider_callkaro.dispatch.preflight import Preflight
from airflow_provider_callkaro.dispatch.preflight_report import PreflightReport, Price
from airflow_provider_callkaro.dispatch.preparation import Rules
from airflow_provider_callkaro.dispatch.run import run_calls
from airflow_provider_callkaro.dispatch.tally import RowOutcome, Summary, Tally
from airflow_provider_callkaro.exceptions import ConfigurationError
from airflow_provider_callkaro.ledger.contract import Claim
from airflow_provider_callkaro.ledger.sql.ledger import SqlLedger
from airflow_provider_callkaro.transport.asynchronous import AsyncTransport
from airflow_provider_callkaro.transport.target import Target
from airflow_provider_callkaro.vendors.callkaro.api import CallKaro

INDIA = ZoneInfo("Asia/Kolkata")
SATURDAY = datetime(2026, 11, 21, tzinfo=INDIA)
OFFICE_HOURS = CallingPolicy(windows=ScheduleWindow("10:00", "19:00", "mon-sat"), timezone="Asia/Kolkata")
ANYWHERE = CallingPolicy(windows=ScheduleWindow("09:30", "17:45"), timezone="recipient")
ZONES = ["Asia/Kolkata", "America/New_York", "America/Los_Angeles", "Australia/Lord_Howe", "Europe/Paris", None]
TOO_SOON = Held(outcome=Outcome.PENDING, reason=Reason.GAP, until=SATURDAY + timedelta(hours=22))


def clock(text: str, *, days: int = 0) -> datetime:
    day = SATURDAY + timedelta(days=days)
    return datetime.combine(day, datetime.strptime(text, "%H:%M").time(), tzinfo=INDIA)


def call(number: int = 0, **fields: Any) -> Call:
    return Call(to_number=f"+9198765{number:05d}", agent_id="agent", **fields)


def rehearse(
    calls: Sequence[Call],
    *,
    now: datetime,
    policy: CallingPolicy | None = OFFICE_HOURS,
    pace: float | None = None,
    when_closed: WhenClosed = WhenClosed.WAIT,
    price: Price | None = None,
    others: Sequence[Reason] = (),
    gap: Sequence[Call] = (),
) -> PreflightReport:
    """Judge the calls as a run at that moment would, and report."""
    preflight = Preflight(policy=policy, pace=pace, waits=when_closed is not WhenClosed.STOP, now=lambda: now)
    tally = Tally()
    verdicts: list[tuple[Call, Call | Held]] = [(each, TOO_SOON) for each in gap]
    if policy is None:
        verdicts += [(each, each) for each in calls]
    else:
        hours = CallingHours(
            policy=policy,
            when_closed=when_closed,
            due=now,
            expires_after=None,
            vendor_zone=INDIA,
            now=lambda: now.astimezone(UTC),
        )
        judged = [(each, hours.judge(each)) for each in calls]
        verdicts += [(each, it.call if isinstance(it, Judged) else it) for each, it in judged]
    for number, (each, verdict) in enumerate(verdicts):
        preflight.observe(each, verdict)
        held = isinstance(verdict, Held)
        outcome, reason = (verdict.outcome, verdict.reason) if held else (Outcome.PENDING, Reason.DRY_RUN)
        tally.count(RowOutcome(row_number=number, outcome=outcome, reason=reason))
    for reason in others:
        tally.count(RowOutcome(row_number=0, outcome=Outcome.SKIPPED, reason=reason))
    return preflight.report(Summary.of(tally), price=price)


def by_hour(report: PreflightReport) -> dict[str, int]:
    return {f"{hour.astimezone(report.zone):%a %H:%M}": calls for hour, calls in report.hours.items()}


@given(
    now=st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1)).map(lambda moment: moment.replace(tzinfo=UTC)),
    rows=st.lists(st.tuples(st.sampled_from(ZONES), st.none() | st.integers(-50, 400)), max_size=40),
    pace=st.none() | st.floats(0.0001, 1000),
    policy=st.sampled_from([None, OFFICE_HOURS, ANYWHERE]),
    when_closed=st.sampled_from(WhenClosed),
    skipped=st.lists(st.sampled_from([Reason.DUPLICATE, Reason.SUPPRESSED, Reason.CAP]), max_size=5),
)
def test_every_row_is_in_the_report_once_and_every_ring_in_an_open_hour(
    now: datetime,
    rows: list[tuple[str | None, int | None]],
    pace: float | None,
    policy: CallingPolicy | None,
    when_closed: WhenClosed,
    skipped: list[Reason],
) -> None:
    calls = [
        call(number, timezone=zone, schedule_at=None if hours is None else now + timedelta(hours=hours))
        for number, (zone, hours) in enumerate(rows)
    ]
    report = rehearse(calls, now=now, policy=policy, pace=pace, when_closed=when_closed, others=skipped)
    assert report.total == len(rows) + len(skipped)
    assert report.would_ring + report.skipped + report.rejected + report.held + report.settled == report.total
    assert sum(report.hours.values()) + report.later + report.never == report.would_ring
    assert sum(report.zones.values()) == report.would_ring
    assert report.duplicates + report.suppressed + report.capped == len(skipped)
    assert report.would_ring == len(rows) or when_closed is WhenClosed.STOP
    assert (report.ends_at is None) == (report.would_ring == 0 or report.never > 0)
    if policy is OFFICE_HOURS:
        local = [hour.astimezone(INDIA) for hour in report.hours]
        assert all(hour.weekday() != 6 and 10 <= hour.hour < 19 for hour in local)
    json.dumps(report.as_xcom())


def test_calls_that_wait_for_the_morning_are_counted_in_the_morning() -> None:
    report = rehearse([call(number) for number in range(5)], now=clock("20:00"))
    assert by_hour(report) == {"Mon 10:00": 5}
    assert report.ends_at == clock("10:00", days=2)
    assert report.reasons == {"window_closed": 5}


def test_what_the_pace_does_not_get_through_today_is_counted_on_the_next_day() -> None:
    report = rehearse([call(number) for number in range(200)], now=clock("17:30"), pace=1 / 60)
    assert by_hour(report) == {"Sat 17:00": 30, "Sat 18:00": 60, "Mon 10:00": 60, "Mon 11:00": 50}
    assert report.ends_at == clock("11:50", days=2)


def test_a_scheduled_call_rings_at_its_time_and_takes_no_time_of_that_hour() -> None:
    later = [call(number, schedule_at=clock("15:20")) for number in range(10_000)]
    report = rehearse([*later, call(77_777)], now=clock("11:00"), pace=10)
    assert by_hour(report) == {"Sat 11:00": 1, "Sat 15:00": 10_000}
    assert report.ends_at == clock("15:20")


def test_a_window_that_closes_within_the_hour_is_kept_within_the_hour() -> None:
    calls = [call(number, timezone="Asia/Kolkata") for number in range(100)]
    report = rehearse(calls, now=clock("17:30"), pace=1 / 60, policy=ANYWHERE)
    assert by_hour(report) == {"Sat 17:00": 15, "Sun 09:00": 30, "Sun 10:00": 55}


def test_scheduled_calls_that_the_pace_does_not_reach_in_time_ring_later_but_not_at_night() -> None:
    calls = [call(number, schedule_at=clock("18:10")) for number in range(120)]
    report = rehearse(calls, now=clock("18:00"), pace=1 / 60)
    assert by_hour(report) == {"Sat 18:00": 60, "Mon 10:00": 60}


def test_calls_for_the_next_opening_are_told_in_the_hour_in_which_the_vendor_rings_them() -> None:
    report = rehearse([call(number) for number in range(3)], now=clock("04:00"), when_closed=WhenClosed.SCHEDULE)
    assert by_hour(report) == {"Sat 10:00": 3}


def test_a_call_within_the_gap_is_not_told_at_night() -> None:
    report = rehearse([], gap=[call(), call(1, schedule_at=clock("15:00", days=3))], now=clock("12:00"))
    assert by_hour(report) == {"Mon 10:00": 1, "Tue 15:00": 1}


def test_a_run_that_would_stop_at_closed_hours_promises_nobody() -> None:
    report = rehearse([call()], now=clock("20:00"), when_closed=WhenClosed.STOP)
    assert (report.would_ring, report.held, report.hours, report.ends_at) == (0, 1, {}, None)


def test_each_coast_is_counted_in_its_own_zone_and_opens_in_its_own_hour() -> None:
    coasts = ["America/New_York"] * 3 + ["America/Los_Angeles"] * 2
    calls = [call(number, timezone=zone) for number, zone in enumerate(coasts)]
    report = rehearse(calls, now=datetime(2026, 11, 21, 12, tzinfo=UTC), policy=ANYWHERE)
    assert report.zones == {"America/New_York": 3, "America/Los_Angeles": 2}
    assert by_hour(report) == {"Sat 09:00": 3, "Sat 12:00": 2}
    assert str(report.zone) == "America/New_York"


def test_a_pace_that_never_comes_to_the_end_is_said_plainly() -> None:
    report = rehearse([call(number) for number in range(9)], now=clock("12:00"), pace=1e-7)
    assert report.never > 0
    assert "not within 400 days" in str(report)


def test_the_summary_stays_small_however_many_zones_and_days_there_are() -> None:
    zones = sorted({f"Etc/GMT{offset:+d}" for offset in range(-14, 13) if offset})
    calls = [
        call(number, timezone=zones[number % len(zones)], schedule_at=clock("00:00") + timedelta(hours=number))
        for number in range(2_000)
    ]
    report = rehearse(calls, now=clock("00:00"), policy=ANYWHERE)
    assert len(report.zones) == 21
    assert report.zones["other zones"] > 0
    assert len(report.hours) <= 7 * 24
    assert sum(report.hours.values()) + report.later == 2_000


def test_the_cost_is_price_times_minutes_times_calls() -> None:
    price = Price(per_minute=6.5, minutes_per_call=1.5, currency="INR")
    report = rehearse([call(number) for number in range(1_000)], now=clock("12:00"), price=price)
    assert report.as_xcom()["cost"] == 9_750.0
    assert "9,750.00 INR" in str(report)


def test_a_rehearsal_of_a_list_tells_who_is_left_out_and_why(tmp_path: Path) -> None:
    now = clock("20:00").astimezone(UTC)
    engine = create_engine(f"sqlite:///{tmp_path}/ledger.db")

    def claim(number: int, *, scope: str, days: int = 1) -> None:
        with SqlLedger(engine, scope=scope, run=f"earlier {days}") as ledger:
            ledger.commit(claim=[Claim(key=call(number).key, number=call(number).to_number)])
        let_time_pass(engine, datetime.now(UTC) - now + timedelta(days=days), scope=scope)

    claim(5, scope="another campaign")
    claim(6, scope="this campaign")
    claim(7, scope="a campaign of last week", days=8)
    suppressed = CompactSet()
    suppressed.add(call(4).to_number)
    ledger = SqlLedger(engine, scope="this campaign", run="now")
    hours = CallingHours(
        policy=OFFICE_HOURS,
        when_closed=WhenClosed.SCHEDULE,
        due=now,
        expires_after=None,
        vendor_zone=INDIA,
        now=lambda: now,
    )
    caps = Caps(history=ledger, max_calls=1, per=timedelta(days=7), min_gap=timedelta(days=10), now=lambda: now)
    preflight = Preflight(policy=OFFICE_HOURS, pace=None, now=lambda: now)
    summary = run_calls(
        rows=[*(call(number).to_number for number in (1, 2, 3, 1, 4, 5, 6, 7)), "nonsense"],
        read=RowReader(agent_id="agent").read,
        vendor=CallKaro(schedule_timezone=INDIA),
        transport=AsyncTransport(
            Target(vendor="CallKaro", base_url="http://127.0.0.1:9", headers={}), max_connections=1
        ),
        ledger=ledger,
        limits=Limits(),
        stop=Stop(clock=time.monotonic),
        say=lambda snapshot: None,
        rules=Rules(hours=hours, caps=caps, suppressed=suppressed),
        dry_run=True,
        observe=preflight.observe,
    )
    report = preflight.report(summary)
    assert (report.total, report.would_ring, report.skipped, report.rejected) == (9, 4, 4, 1)
    assert (report.duplicates, report.suppressed, report.capped) == (1, 1, 1)
    assert report.reasons["already_unknown"] == 1
    assert by_hour(report) == {"Mon 10:00": 3, "Tue 10:00": 1}
    assert "+91" not in str(report) + json.dumps(report.as_xcom())


@pytest.mark.parametrize("fields", [{"per_minute": -1}, {"per_minute": float("nan")}, {"minutes_per_call": 0}])
def test_a_price_that_cannot_be_is_refused(fields: dict[str, float]) -> None:
    with pytest.raises(ConfigurationError):
        Price(**{"per_minute": 1.0, **fields})


def test_days_with_a_clock_change_lose_no_call() -> None:
    paris = CallingPolicy(timezone="Europe/Paris")
    now = datetime(2026, 10, 24, 22, tzinfo=UTC)  # the night in which 02:00 to 03:00 comes twice
    report = rehearse([call(number) for number in range(300)], now=now, policy=paris, pace=1 / 60)
    assert list(report.hours.values()) == [60] * 5
    local = [hour.astimezone(report.zone) for hour in report.hours]
    assert [(hour.day, hour.hour) for hour in local] == [(25, 0), (25, 1), (25, 2), (25, 2), (25, 3)]
