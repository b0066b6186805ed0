"""The rules at the moment of dispatch: nobody is rung at a wrong hour, too often, or although they asked not to be."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import Engine

from airflow_provider_callkaro.calls import Call, CallingPolicy, Outcome, Reason, ScheduleWindow
from airflow_provider_callkaro.calls.call import NEXT_WINDOW
from airflow_provider_callkaro.calls.phone import NumberReader
from airflow_provider_callkaro.calls.row import RowReader
from airflow_provider_callkaro.calls.row_schema import CALL_FIELDS
from airflow_provider_callkaro.dispatch.caps import Caps
from airflow_provider_callkaro.dispatch.hours import CallingHours, WhenClosed
from airflow_provider_callkaro.dispatch.intake import CompactSet
from airflow_provider_callkaro.dispatch.job import Held, Judged
from airflow_provider_callkaro.dispatch.limits import Limits, Stop
from airflow_provider_callkaro.dispatch.preparation import Rules
from airflow_provider_callkaro.dispatch.run import run_calls
from airflow_provider_callkaro.dispatch.tally import Summary
from airflow_provider_callkaro.ledger.memory import MemoryLedger, MemoryStore
from airflow_provider_callkaro.ledger.sql.ledger import SqlLedger
from airflow_provider_callkaro.sandbox import Sandbox
from airflow_provider_callkaro.tasks.rules import Suppression
from airflow_provider_callkaro.transport.asynchronous import AsyncTransport
from airflow_provider_callkaro.transport.retry import RetryPolicy
from airflow_provider_callkaro.transport.sync import SyncTransport
from airflow_provider_callkaro.transport.target import Target
from airflow_provider_callkaro.vendors.callkaro.api import CallKaro

INDIA = ZoneInfo("Asia/Kolkata")
SATURDAY = datetime(2026, 11, 21, tzinfo=INDIA)
OFFICE_HOURS = CallingPolicy(windows=ScheduleWindow("10:00", "19:00", "mon-sat"), timezone="Asia/Kolkata")
CALL = Call(to_number="+919876500001", agent_id="agent")


def hours(policy: CallingPolicy, now: datetime, **changes: Any) -> CallingHours:
    given = {"when_closed": WhenClosed.WAIT, "due": now, "expires_after": None, "vendor_zone": INDIA} | changes
    return CallingHours(policy=policy, now=lambda: now.astimezone(UTC), **given)


def clock(text: str, day: datetime = SATURDAY) -> datetime:
    return datetime.combine(day, datetime.strptime(text, "%H:%M").time(), tzinfo=INDIA)


def midnight() -> float:
    """Before every moment at which these tests judge: here nothing becomes too late."""
    return SATURDAY.timestamp()


def let_go(verdict: Judged | Held) -> Call:
    """The call as it may be dispatched."""
    assert isinstance(verdict, Judged)
    return verdict.call


def test_an_open_hour_rings_now_and_tells_the_vendor_its_window() -> None:
    ready = let_go(hours(OFFICE_HOURS, clock("12:30")).judge(CALL))
    assert (ready.schedule_at, ready.min_trigger_time, ready.max_trigger_time) == (None, "10:00", "19:00")
    assert ready.carry_over is False  # tomorrow is Sunday


@pytest.mark.parametrize("now", ["09:59", "19:00", "18:59"])
def test_a_closed_hour_or_the_last_seconds_of_an_open_one_wait_for_the_next_opening(now: str) -> None:
    moment = clock(now) + (timedelta(seconds=59) if now == "18:59" else timedelta(0))
    held = hours(OFFICE_HOURS, moment).judge(CALL)
    opening = clock("10:00") if now == "09:59" else clock("10:00", SATURDAY + timedelta(days=2))
    assert held == Held(outcome=Outcome.PENDING, reason=Reason.WINDOW_CLOSED, until=opening.astimezone(UTC))


def test_a_closed_hour_is_scheduled_for_the_next_opening_where_the_user_says_so() -> None:
    ready = let_go(hours(OFFICE_HOURS, clock("20:00"), when_closed=WhenClosed.SCHEDULE).judge(CALL))
    assert ready.schedule_at == clock("10:00", SATURDAY + timedelta(days=2))


@pytest.mark.parametrize(
    ("schedule_at", "rings_at"),
    [
        (clock("15:00"), clock("15:00")),
        (clock("21:00"), clock("10:00", SATURDAY + timedelta(days=2))),
        (clock("08:00"), None),  # past, and open now
        (NEXT_WINDOW, None),
    ],
)
def test_a_scheduled_call_rings_at_its_time_or_at_the_next_opening_after_it(
    schedule_at: datetime, rings_at: datetime | None
) -> None:
    call = Call(to_number="+919876500001", agent_id="agent", schedule_at=schedule_at)
    ready = let_go(hours(OFFICE_HOURS, clock("12:30")).judge(call))
    assert ready.schedule_at == rings_at


def test_the_next_window_is_the_next_opening_when_it_is_closed_now() -> None:
    call = Call(to_number="+919876500001", agent_id="agent", schedule_at=NEXT_WINDOW)
    ready = let_go(hours(OFFICE_HOURS, clock("07:00")).judge(call))
    assert ready.schedule_at == clock("10:00")


def test_a_reminder_for_yesterday_is_not_made() -> None:
    late = hours(OFFICE_HOURS, clock("20:00"), expires_after=timedelta(hours=12))
    assert late.judge(CALL) == Held(outcome=Outcome.SKIPPED, reason=Reason.EXPIRED)
    in_time = hours(OFFICE_HOURS, clock("07:00"), expires_after=timedelta(hours=12))
    assert in_time.judge(CALL).reason is Reason.WINDOW_CLOSED  # type: ignore[union-attr]


def test_what_the_vendor_cannot_be_told_is_narrowed_never_widened() -> None:
    night = CallingPolicy(windows=ScheduleWindow("20:00", "02:00"), timezone="Asia/Kolkata")
    before_midnight = hours(night, clock("22:00"))
    ready = let_go(before_midnight.judge(CALL))
    assert (ready.min_trigger_time, ready.max_trigger_time) == ("20:00", "23:59")

    twice = CallingPolicy(
        windows=[ScheduleWindow("10:00", "13:00"), ScheduleWindow("14:00", "20:00")], timezone="Asia/Kolkata"
    )
    ready = let_go(
        hours(twice, clock("15:00")).judge(Call(to_number="+919876500001", agent_id="a", max_trigger_time="18:30"))
    )
    assert (ready.min_trigger_time, ready.max_trigger_time) == ("14:00", "18:30")


def test_a_recipient_whose_zone_cannot_be_told_is_not_called() -> None:
    anywhere = CallingPolicy(windows=ScheduleWindow("08:00", "21:00"), timezone="recipient")
    held = hours(anywhere, clock("12:30")).judge(Call(to_number="+999123456789", agent_id="agent"))
    assert held == Held(outcome=Outcome.SKIPPED, reason=Reason.ZONE_UNKNOWN)


class Vendor:
    """A sandbox, and runs against it."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.target = Target(vendor="CallKaro", base_url=sandbox.url, headers=CallKaro.headers(sandbox.api_key))

    def run(self, rows: list[Any], *, ledger: Any, rules: Rules, read: Callable[[Any], Call] | None = None) -> Summary:
        return run_calls(
            rows=rows,
            read=read or RowReader(agent_id="agent", schedule_timezone=INDIA, row_fields=CALL_FIELDS).read,
            vendor=CallKaro(schedule_timezone=INDIA),
            transport=AsyncTransport(self.target, max_connections=8, wall=midnight),
            ledger=ledger,
            limits=Limits(max_concurrency=8),
            stop=Stop(clock=time.monotonic),
            say=lambda snapshot: None,
            rules=rules,
            wall=midnight,
        )


@pytest.fixture
def vendor() -> Any:
    with Sandbox() as sandbox:
        yield Vendor(sandbox)


def numbers(count: int) -> list[str]:
    return [f"+9198765{number:05d}" for number in range(count)]


def test_a_run_goes_on_where_it_slept_and_a_call_of_before_is_not_pending(vendor: Vendor) -> None:
    store = MemoryStore()
    first, second = numbers(60)[:40], numbers(60)

    def at(moment: datetime) -> Rules:
        return Rules(hours=hours(OFFICE_HOURS, moment))

    def ledger() -> MemoryLedger:
        return MemoryLedger(scope="s", run="r", store=store)

    opened = vendor.run(first, ledger=ledger(), rules=at(clock("18:00")))
    slept = vendor.run(second, ledger=ledger(), rules=at(clock("19:30")))
    woken = vendor.run(second, ledger=ledger(), rules=at(clock("10:00", SATURDAY + timedelta(days=2))))

    assert (opened.accepted, opened.resume_at) == (40, None)
    assert (slept.accepted, slept.pending, slept.reasons) == (40, 20, {"window_closed": 20})
    assert slept.resume_at == clock("10:00", SATURDAY + timedelta(days=2))
    assert (woken.accepted, woken.pending) == (60, 0)
    assert vendor.sandbox.rings_per_number() == dict.fromkeys(second, 1)


def test_who_asked_not_to_be_called_is_not(vendor: Vendor) -> None:
    suppressed = CompactSet()
    suppressed.add(numbers(3)[1])
    summary = vendor.run(numbers(3), ledger=MemoryLedger(), rules=Rules(suppressed=suppressed))
    assert (summary.accepted, summary.reasons) == (2, {"suppressed": 1})
    assert numbers(3)[1] not in vendor.sandbox.rings_per_number()


def test_one_phone_in_several_spellings_rings_once(vendor: Vendor) -> None:
    spellings = ["+442079460958", "+4402079460958", "+44 020 7946 0958", "+44 (0)20 7946 0958"]
    summary = vendor.run(spellings, ledger=MemoryLedger(), rules=Rules())
    assert (summary.accepted, summary.reasons) == (1, {"duplicate": 3})
    assert vendor.sandbox.rings_per_number() == {"+442079460958": 1}


def test_who_asked_not_to_be_called_is_not_called_by_another_spelling(vendor: Vendor) -> None:
    suppressed = Suppression(["+4402079460958", "+52 1 55 1234 5678"]).read({}, NumberReader())
    rows = ["+44 20 7946 0958", "+525512345678", "+5215512345678"]
    summary = vendor.run(rows, ledger=MemoryLedger(), rules=Rules(suppressed=suppressed))
    assert (summary.accepted, summary.reasons) == (0, {"suppressed": 2, "duplicate": 1})
    assert vendor.sandbox.rings == []


def test_times_that_hold_nothing_and_windows_that_nobody_knows_ring_nobody(vendor: Vendor) -> None:
    rows = [
        {"to_number": "+919876500001", "min_trigger_time": "10:00", "max_trigger_time": "09:00"},
        {
            "to_number": "+919876500002",
            "min_trigger_time": None,
            "max_trigger_time": None,
            "schedule_at": "next_window",
        },
    ]
    without_policy = vendor.run(rows, ledger=MemoryLedger(), rules=Rules())
    assert (without_policy.rejected, without_policy.reasons) == (2, {"bad_trigger_time": 1, "bad_schedule_at": 1})
    too_early = [{"to_number": "+919876500003", "max_trigger_time": "09:00"}]
    with_policy = vendor.run(too_early, ledger=MemoryLedger(), rules=Rules(hours=hours(OFFICE_HOURS, clock("12:30"))))
    assert (with_policy.skipped, with_policy.reasons) == (1, {"never_open": 1})
    assert vendor.sandbox.rings == []


def test_a_call_that_nobody_judged_is_not_let_go_for_the_next_window(vendor: Vendor) -> None:
    run = vendor.run([CALL.to_number], ledger=MemoryLedger(), rules=Rules(), read=asks_for_the_next_window)
    assert (run.rejected, run.reasons) == (1, {"bad_schedule_at": 1})
    assert vendor.sandbox.rings == []


def asks_for_the_next_window(row: Any) -> Call:
    return Call(to_number=row, agent_id="agent", schedule_at=NEXT_WINDOW)


def test_rows_of_several_campaigns_go_out_in_their_campaigns(vendor: Vendor) -> None:
    with closing(SyncTransport(vendor.target, policy=RetryPolicy(), sleep=time.sleep, random=random.random)) as asks:
        callkaro = CallKaro()
        campaigns = [asks.call(callkaro.create_campaign(name), callkaro.read_campaign) for name in ("a", "b")]
    rows = [
        {"to_number": number, "batch_id": campaign, "agent_id": "agent"}
        for number, campaign in zip(numbers(2), campaigns, strict=True)
    ]
    assert vendor.run(rows, ledger=MemoryLedger(), rules=Rules()).accepted == 2
    assert {ring.to_number: ring.body["batch_id"] for ring in vendor.sandbox.rings} == dict(
        zip(numbers(2), campaigns, strict=True)
    )


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return create_engine(f"sqlite:///{tmp_path}/ledger.db")


def test_a_person_over_the_cap_is_dropped_and_one_within_the_gap_waits(vendor: Vendor, engine: Engine) -> None:
    def day(number: int, *, hour: int = 12) -> Summary:
        now = datetime(2026, 11, number, hour, tzinfo=UTC)
        ledger = SqlLedger(engine, scope=f"day {number} {hour}", run="the run of that day")
        caps = Caps(history=ledger, max_calls=2, per=timedelta(days=7), min_gap=timedelta(hours=20), now=lambda: now)
        summary = vendor.run(numbers(5), ledger=ledger, rules=Rules(caps=caps))
        at(now, scope=f"day {number} {hour}")
        return summary

    def at(moment: datetime, *, scope: str) -> None:
        """Have the calls of the scope made at that very moment."""
        with engine.begin() as connection:
            moved = {"moment": moment.strftime("%Y-%m-%d %H:%M:%S.000000"), "scope": scope}
            connection.execute(text("UPDATE voice_call_ledger SET claimed_at = :moment WHERE scope = :scope"), moved)

    assert day(1).accepted == 5
    too_soon = day(1, hour=20)
    assert (too_soon.pending, too_soon.reasons) == (5, {"gap": 5})
    assert too_soon.resume_at == datetime(2026, 11, 2, 8, tzinfo=UTC)
    assert day(2).accepted == 5
    capped = day(4)
    assert (capped.skipped, capped.reasons, capped.resume_at) == (5, {"cap": 5}, None)
    assert day(9).accepted == 5
    assert set(vendor.sandbox.rings_per_number().values()) == {3}


def test_two_keys_of_one_person_in_one_group_are_two_calls_to_the_cap(vendor: Vendor, engine: Engine) -> None:
    ledger = SqlLedger(engine, scope="s", run="r")
    caps = Caps(history=ledger, max_calls=1, per=timedelta(days=1), min_gap=None, now=lambda: datetime.now(UTC))
    rows = [{"to_number": "+919876500001", "call_key": key} for key in ("policy 1", "policy 2")]
    summary = vendor.run(rows, ledger=ledger, rules=Rules(caps=caps))
    assert (summary.accepted, summary.reasons) == (1, {"cap": 1})
