"""Nobody is rung at a wrong hour, whatever the sensor said."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from stage import Stage

pytestmark = pytest.mark.airflow


@pytest.fixture
def delay(stage: Stage) -> timedelta:
    """How long this Airflow takes from a trigger to the end of a small run, as busy as the machine is now."""
    began = time.monotonic()
    with stage.vendor("later_vendor", extra=json.dumps({"schedule_timezone": "UTC"})):
        run = stage.airflow.trigger("scheduled_for_the_opening")
        stage.airflow.wait("scheduled_for_the_opening", run, states={"success"})
    return timedelta(seconds=time.monotonic() - began)


def test_a_window_that_closes_in_the_middle_is_kept_and_the_run_goes_on_at_the_next_opening(
    stage: Stage, delay: timedelta
) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    opened = now - timedelta(minutes=5)
    closes = (now + 1.5 * delay + timedelta(seconds=10)).replace(microsecond=0)
    reopens = closes + timedelta(seconds=75)  # a wait of less than a minute would not be deferred
    windows = [[opened, closes], [reopens, reopens + timedelta(minutes=30)]]
    (stage.folder / "hours.json").write_text(json.dumps([[f"{at:%H:%M:%S}" for at in window] for window in windows]))

    with stage.vendor("hours_vendor", extra=json.dumps({"schedule_timezone": "UTC", "read_timeout": 300})) as sandbox:
        sandbox.fault("hold_after_accepting", after=100)  # however early the run begins, it is not over before
        run = stage.airflow.trigger("closes_in_the_middle")
        stage.airflow.until("the window to close", lambda: True if datetime.now(UTC) > closes else None)
        sandbox.clear_faults()
        sandbox.release()
        stage.airflow.wait("closes_in_the_middle", run, states={"success"})
        assert 0 < len([ring for ring in sandbox.rings if ring.rings_at < closes]) < 120
        assert "as DEFERRED" in stage.airflow.log("closes_in_the_middle", run, "calls")
        summary = stage.airflow.xcom("closes_in_the_middle", run, "calls")

        assert (summary["total"], summary["accepted"], summary["pending"]) == (120, 120, 0)
        assert sandbox.rings_per_number() == {f"+9198765{row:05d}": 1 for row in range(120)}
        outside = [ring for ring in sandbox.rings if not (opened <= ring.rings_at < closes or ring.rings_at >= reopens)]
        assert outside == []
        latest = {ring.body["max_trigger_time"] for ring in sandbox.rings}
        same_day = {end if end.date() == start.date() else end.replace(hour=23, minute=59) for start, end in windows}
        assert latest == {f"{end:%H:%M}" for end in same_day}  # a vendor's hours end with the day


def test_a_call_that_may_not_ring_now_goes_out_for_the_next_opening_and_its_redials_keep_to_it(stage: Stage) -> None:
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    opens, open_for = now + timedelta(hours=3), timedelta(hours=2)
    (stage.folder / "later.json").write_text(json.dumps([[f"{opens:%H:%M}", f"{opens + open_for:%H:%M}"]]))
    openings = {row: opens - timedelta(hours=row % 3) for row in range(9)}  # Abidjan reads UTC, the others are ahead
    vendor = a_zone_without_midnight_between(opens - timedelta(hours=2), opens + open_for)

    with stage.vendor("later_vendor", extra=json.dumps({"schedule_timezone": vendor.key})) as sandbox:
        run = stage.airflow.trigger("scheduled_for_the_opening")
        stage.airflow.wait("scheduled_for_the_opening", run, states={"success"})
        summary = stage.airflow.xcom("scheduled_for_the_opening", run, "calls")

        assert (summary["total"], summary["accepted"], summary["pending"]) == (9, 9, 0)
        assert sandbox.rings_per_number() == {f"+9198765{row:05d}": 1 for row in openings}
        for ring in sandbox.rings:
            opened = openings[int(ring.to_number[-5:])].astimezone(vendor)
            assert ring.scheduled
            assert ring.rings_at.replace(tzinfo=vendor) == opened
            assert ring.body["min_trigger_time"] == f"{opened:%H:%M}"
            assert ring.body["max_trigger_time"] == f"{opened + open_for:%H:%M}"


def a_zone_without_midnight_between(first: datetime, last: datetime) -> ZoneInfo:
    """Somewhere else than where anybody is called; a window across the vendor's midnight would be narrowed."""
    zones = map(ZoneInfo, ("Asia/Kolkata", "America/New_York", "Pacific/Auckland"))
    return next(zone for zone in zones if first.astimezone(zone).date() == last.astimezone(zone).date())
