"""The drawing has every call in one bar, whatever the span and the zone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_callkaro.board.chart import HEIGHT, WIDTH, chart_of
from airflow_provider_callkaro.calls import CallingPolicy, ScheduleWindow

INSTANTS = st.lists(st.datetimes(datetime(2024, 1, 1), datetime(2028, 1, 1), timezones=st.just(UTC)), min_size=1)
NEAR = st.lists(st.integers(0, 172_800), min_size=1).map(
    lambda seconds: [datetime(2026, 3, 28, 12, tzinfo=UTC) + timedelta(seconds=one) for one in seconds]
)
ZONES = st.sampled_from(["UTC", "Asia/Kolkata", "Europe/Berlin", "Australia/Lord_Howe"]).map(ZoneInfo)


@given(st.one_of(INSTANTS, NEAR), ZONES, st.sampled_from([1, 8]))
def test_every_call_is_in_one_bar_and_every_bar_within_the_drawing(instants, zone, weight) -> None:
    chart = chart_of(instants, weight=weight, zone=zone)
    assert chart is not None
    assert sum(bar.calls for bar in chart.bars) == len(instants) * weight
    assert max(bar.calls for bar in chart.bars) == chart.busiest
    for bar in chart.bars:
        assert 0 <= bar.x <= bar.x + bar.width <= WIDTH + 0.01
        assert abs(bar.y + bar.height - HEIGHT) < 0.02
    assert [bar.x for bar in chart.bars] == sorted({bar.x for bar in chart.bars})


def test_no_calls_are_no_drawing() -> None:
    assert chart_of([]) is None


def test_the_windows_of_the_policy_lie_behind_the_bars() -> None:
    zone = ZoneInfo("Asia/Kolkata")
    windows = [ScheduleWindow("10:00", "13:00"), ScheduleWindow("14:00", "19:00")]
    policy = CallingPolicy(timezone="Asia/Kolkata", windows=windows)
    instants = [datetime(2026, 11, 21, hour, 30, tzinfo=zone) for hour in (10, 11, 15, 18)]
    chart = chart_of(instants, policy=policy, zone=zone)
    assert chart is not None
    assert chart.open_spans is not None
    assert len(chart.open_spans) == 2
    shaded = lambda x: any(span.x - 0.01 <= x < span.x + span.width for span in chart.open_spans)  # noqa: E731
    assert all(shaded(bar.x) for bar in chart.bars)
    assert chart.labels[0] == "10:30"


def test_only_what_is_known_of_the_hours_is_drawn() -> None:
    chart = chart_of([datetime(2026, 11, 21, tzinfo=UTC)])
    assert chart is not None
    assert chart.open_spans is None


def test_the_drawing_of_a_short_run_is_not_much_wider_than_the_run() -> None:
    begin = datetime(2026, 11, 21, 6, 0, 5, tzinfo=UTC)
    chart = chart_of([begin + timedelta(seconds=second) for second in range(10)])
    assert chart is not None
    assert chart.seconds == 1
    assert chart.bars[-1].x > WIDTH / 2
    assert chart.labels[:2] == ["06:00:05", "06:00:07"]


@given(st.integers(0, 30_000_000))
def test_however_long_a_run_is_its_drawing_has_few_bars_and_little_that_is_empty(length) -> None:
    begin = datetime(2026, 1, 1, tzinfo=UTC)
    chart = chart_of([begin, begin + timedelta(seconds=length)])
    assert chart is not None
    assert WIDTH / chart.bars[0].width < 200
    assert length < 10 * chart.seconds or chart.bars[-1].x > WIDTH / 3
