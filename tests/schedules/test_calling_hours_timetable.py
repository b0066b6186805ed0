"""A DAG runs when its hours begin: each opening once, none that is closed, over clock changes and restarts."""

from __future__ import annotations

import json
import tomllib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from airflow.timetables.base import DataInterval, TimeRestriction
from hypothesis import given
from hypothesis import strategies as st
from pendulum import instance

from airflow_provider_callkaro.calls import CallingPolicy, ScheduleWindow
from airflow_provider_callkaro.exceptions import ConfigurationError
from airflow_provider_callkaro.plugin import CallKaroPlugin
from airflow_provider_callkaro.schedules import CallingHoursTimetable

KOLKATA = "Asia/Kolkata"
WEEK = CallingPolicy(
    windows=[ScheduleWindow("10:00", "13:00", "mon-sat"), ScheduleWindow("14:00", "19:00", "mon-fri")],
    timezone=KOLKATA,
    closed_dates=["2026-11-25"],
)


def wall(text: str, zone: str = KOLKATA) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone))


def runs(
    timetable: CallingHoursTimetable,
    start: datetime,
    count: int,
    *,
    catchup: bool = True,
    latest: datetime | None = None,
) -> list[datetime]:
    """When the first runs of a DAG are due, as Airflow asks for one after the other."""
    restriction = TimeRestriction(instance(start), latest and instance(latest), catchup)
    due, last = [], None
    for _ in range(count):
        info = timetable.next_dagrun_info(last_automated_data_interval=last, restriction=restriction)
        if info is None:
            break
        due.append(info.run_after)
        last = info.data_interval
    return due


def test_a_dag_runs_each_time_that_hours_begin():
    assert runs(CallingHoursTimetable(WEEK), wall("2026-11-23T00:00"), 7) == [
        wall("2026-11-23T10:00"),  # Monday
        wall("2026-11-23T14:00"),
        wall("2026-11-24T10:00"),
        wall("2026-11-24T14:00"),
        wall("2026-11-26T10:00"),  # Wednesday is closed
        wall("2026-11-26T14:00"),
        wall("2026-11-27T10:00"),
    ]


def test_an_interval_reaches_back_to_the_run_before_and_a_run_by_hand_has_that_of_the_last_run():
    timetable = CallingHoursTimetable(WEEK)
    info = timetable.next_dagrun_info(
        last_automated_data_interval=None, restriction=TimeRestriction(instance(wall("2026-11-30T00:00")), None, True)
    )
    assert info.data_interval == DataInterval(wall("2026-11-28T10:00"), wall("2026-11-30T10:00"))
    assert timetable.infer_manual_data_interval(run_after=instance(wall("2026-11-30T12:30"))) == info.data_interval


def test_windows_that_touch_or_go_on_for_days_are_one():
    through = CallingPolicy(windows=ScheduleWindow("00:00", "24:00", "mon-fri"), timezone=KOLKATA)
    assert runs(CallingHoursTimetable(through), wall("2026-11-20T00:00"), 2) == [
        wall("2026-11-23T00:00"),
        wall("2026-11-30T00:00"),
    ]


def test_hours_that_never_close_begin_never_again():
    assert runs(CallingHoursTimetable(CallingPolicy(timezone=KOLKATA)), wall("2026-11-20T00:00"), 2) == []


def test_a_clock_change_moves_the_run_with_the_wall_clock():
    policy = CallingPolicy(windows=ScheduleWindow("09:00", "20:00"), timezone="Europe/Berlin")
    assert runs(CallingHoursTimetable(policy), wall("2026-03-28T00:00", "Europe/Berlin"), 2) == [
        datetime(2026, 3, 28, 8, tzinfo=UTC),
        datetime(2026, 3, 29, 7, tzinfo=UTC),
    ]


def test_a_lead_brings_each_run_forward():
    timetable = CallingHoursTimetable(WEEK, lead=timedelta(minutes=30))
    assert runs(timetable, wall("2026-11-23T09:45"), 2) == [wall("2026-11-23T13:30"), wall("2026-11-24T09:30")]


def test_nothing_is_due_after_the_end_of_the_dag():
    latest = wall("2026-11-23T14:00")
    assert runs(CallingHoursTimetable(WEEK), wall("2026-11-23T00:00"), 5, latest=latest) == [
        wall("2026-11-23T10:00"),
        latest,
    ]


def always_but(hour: datetime) -> CallingPolicy:
    """Hours that are closed for one minute a day, around a moment."""
    return CallingPolicy(
        windows=ScheduleWindow(f"{hour + timedelta(minutes=1):%H:%M}", f"{hour:%H:%M}"), timezone="UTC"
    )


def test_without_catchup_a_dag_that_is_switched_on_within_the_hours_runs_at_once_and_for_no_day_before():
    now = datetime.now(UTC)
    began = (now - timedelta(hours=3)).replace(second=0, microsecond=0) + timedelta(minutes=1)
    timetable = CallingHoursTimetable(always_but(began - timedelta(minutes=1)))
    assert runs(timetable, now - timedelta(days=9), 2, catchup=False) == [began, began + timedelta(days=1)]


def test_without_catchup_a_dag_that_is_switched_on_outside_the_hours_waits_for_them():
    now = datetime.now(UTC)
    soon = (now + timedelta(hours=3)).replace(second=0, microsecond=0)
    policy = CallingPolicy(
        windows=ScheduleWindow(f"{soon:%H:%M}", f"{soon + timedelta(hours=2):%H:%M}"), timezone="UTC"
    )
    assert runs(CallingHoursTimetable(policy), now - timedelta(days=9), 1, catchup=False) == [soon]


@given(
    start=st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC)),
    windows=st.lists(
        st.builds(
            ScheduleWindow,
            st.sampled_from(["00:00", "08:30", "10:00", "22:00"]),
            st.sampled_from(["09:00", "13:00", "21:00", "24:00"]),
            st.sampled_from(["mon", "mon-fri", "sat,sun", "mon-sun", "wed"]),
        ),
        min_size=1,
        max_size=3,
    ),
    zone=st.sampled_from([KOLKATA, "Europe/Berlin", "Australia/Lord_Howe", "America/St_Johns"]),
)
def test_whatever_the_hours_each_run_is_at_an_edge_of_them_and_none_is_left_out(start, windows, zone):
    policy = CallingPolicy(windows=windows, timezone=zone)
    second = timedelta(seconds=1)
    before = start
    for due in runs(CallingHoursTimetable(policy), start, 4):
        assert due >= start
        assert policy.is_open(due)
        assert not policy.is_open(due - second)
        if due - before > second and not policy.is_open(before):
            assert policy.next_open(before) == due
        before = policy.closes_at(due)


def test_the_timetable_survives_the_database_of_airflow():
    timetable = CallingHoursTimetable(
        CallingPolicy(windows=WEEK.windows, timezone=KOLKATA, closed_dates=WEEK.closed_dates, holidays="IN"),
        lead=timedelta(minutes=5),
    )
    twin = CallingHoursTimetable.deserialize(json.loads(json.dumps(timetable.serialize())))
    assert twin.serialize() == timetable.serialize()
    assert runs(twin, wall("2026-11-23T00:00"), 9) == runs(timetable, wall("2026-11-23T00:00"), 9)
    assert "10:00-13:00 mon-sat, 14:00-19:00 mon-fri, Asia/Kolkata" in twin.description


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"policy": CallingPolicy(timezone="recipient")}, "needs hours in one time zone"),
        ({"policy": 5}, "takes a CallingPolicy"),
        ({"policy": "no-such-pack"}, "no-such-pack"),
        ({"policy": WEEK, "lead": timedelta(days=2)}, "lead must be"),
        ({"policy": WEEK, "lead": 5}, "lead must be"),
    ],
)
def test_what_cannot_work_is_told_when_the_dag_is_parsed(arguments, message):
    with pytest.raises(ConfigurationError, match=message):
        CallingHoursTimetable(**arguments)


def test_airflow_learns_of_the_classes_by_the_entry_point_of_the_package():
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
    assert project["entry-points"]["airflow.plugins"] == {"callkaro": "airflow_provider_callkaro.plugin:CallKaroPlugin"}
    assert CallKaroPlugin.timetables == [CallingHoursTimetable]
