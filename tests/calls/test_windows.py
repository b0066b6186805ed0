"""A window says when a phone may ring; one that says nonsense is refused before anybody is rung."""

from datetime import time

import pytest

from airflow_provider_callkaro.calls import ScheduleWindow
from airflow_provider_callkaro.exceptions import ConfigurationError


@pytest.mark.parametrize(
    ("days", "meant"),
    [
        ("mon-sun", "mon-sun"),
        ("mon-sat", "mon-sat"),
        ("mon,wed,fri", "mon,wed,fri"),
        ("Mon-Wed, sat", "mon,tue,wed,sat"),
        ("fri-mon", "mon,fri,sat,sun"),
        ("weekdays", "mon-fri"),
        ("weekend", "sat,sun"),
        ("daily", "mon-sun"),
        ("Sunday", "sun"),
        (["monday", "TUE"], "mon,tue"),
        ([1, 7], "mon,sun"),
        ({6}, "sat"),
        (3, "wed"),
    ],
)
def test_days_are_read_as_people_write_them(days, meant):
    assert ScheduleWindow("10:00", "21:00", days).days == meant


def test_windows_that_mean_the_same_are_equal():
    assert ScheduleWindow(time(9), time(17, 30), "weekdays") == ScheduleWindow(
        start="09:00", end="17:30", days=[1, 2, 3, 4, 5]
    )
    assert ScheduleWindow("20:00", "00:00") == ScheduleWindow("20:00", "24:00")
    assert str(ScheduleWindow("9:00", "17:30", "mon-fri")) == "09:00-17:30 mon-fri"


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("10:00", "10:00"), "start and end"),
        (("00:00", "00:00"), "start and end"),
        (("24:00", "10:00"), "start"),
        (("25:00", "10:00"), "start"),
        (("10", "21:00"), "start"),
        ((10, "21:00"), "start"),
        (("10:00", "21:60"), "end"),
        (("10:00", None), "end"),
        (("10:00", "9pm"), "end"),
        (("10:00+05:30", "21:00"), "start"),
        ((time(10, 0, 0, 5), "21:00"), "start"),
        (("10:00", "21:00", "mon-satur"), "satur"),
        (("10:00", "21:00", "someday"), "someday"),
        (("10:00", "21:00", ""), "days"),
        (("10:00", "21:00", []), "days"),
        (("10:00", "21:00", [0]), "1 .Monday"),
        (("10:00", "21:00", [8]), "8"),
        (("10:00", "21:00", [True]), "True"),
        (("10:00", "21:00", None), "days"),
    ],
)
def test_a_window_that_cannot_be_is_refused_with_its_field(arguments, named):
    with pytest.raises(ConfigurationError, match=named):
        ScheduleWindow(*arguments)
