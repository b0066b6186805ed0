"""MrAssistant's outbound configuration: written as on its page, read as it comes, and its hours never guessed."""

from __future__ import annotations

import contextlib
import json
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_callkaro.exceptions import ConfigurationError, OutcomeUnknown, Rejected
from airflow_provider_callkaro.vendors.http import Response
from airflow_provider_callkaro.vendors.mrassistant.api import MrAssistant
from airflow_provider_callkaro.vendors.mrassistant.outbound import DayNumbers
from airflow_provider_callkaro.vendors.mrassistant.outbound_config import OutboundConfig

AGENT = "3c90c3cc-0d44-4b50-8888-8dd25736052a"
NUMBER = {
    "phone_number": "+14155550199",
    "display_name": "Asha",
    "is_default": False,
    "enabled": True,
    "daily_limit": 5000,
    "metadata": {},
}
WINDOW = {"start_time": "10:00", "end_time": "19:00", "days_of_week": list(range(7)), "timezone": "Asia/Kolkata"}
SCHEDULE = {
    "name": "Day",
    "time_windows": [WINDOW],
    "enabled": True,
    "max_concurrent_calls": 1,
    "call_interval_seconds": 0,
    "respect_dnc": True,
    "respect_timezone": True,
}
ANSWER = {
    "agent_id": AGENT,
    "phone_numbers": [NUMBER],
    "schedules": [{"id": "s-1", **SCHEDULE}],
    "default_schedule_id": "s-1",
    "total_calls_today": 123,
    "calls_remaining_today": 4877,
    "can_call_now": False,
    "next_available_time": "2026-11-23T04:30:00Z",
}
VENDOR = MrAssistant()


def read(body, *, vendor=VENDOR, status=200):
    return vendor.read_outbound(Response(status, json.dumps(body).encode()))


def policy_of(*schedules, vendor=VENDOR, **fields):
    return vendor.calling_policy(read({**ANSWER, "schedules": list(schedules), **fields}, vendor=vendor))


def schedule(*windows, **fields):
    return {**SCHEDULE, "time_windows": list(windows), **fields}


def test_a_configuration_is_written_with_every_field_of_its_page():
    request = VENDOR.configure_outbound(AGENT, phone_numbers=[NUMBER], schedules=[SCHEDULE], default_schedule_id="s-1")
    assert (request.method, request.path) == ("POST", f"/outbound/agents/{AGENT}/outbound-config")
    assert request.retry_safe
    assert json.loads(request.body or b"") == {
        "agent_id": AGENT,
        "phone_numbers": [NUMBER],
        "schedules": [SCHEDULE],
        "default_schedule_id": "s-1",
    }
    assert "+14155550199" not in repr(request)


def test_what_nobody_gave_is_not_sent_and_an_empty_list_is():
    assert set(json.loads(VENDOR.configure_outbound(AGENT, phone_numbers=[NUMBER]).body or b"")) == {
        "agent_id",
        "phone_numbers",
    }
    request = VENDOR.configure_outbound(AGENT, phone_numbers=[NUMBER], schedules=[])
    assert json.loads(request.body or b"")["schedules"] == []


def test_a_configuration_is_read_with_a_get_at_the_same_path():
    request = VENDOR.get_outbound("a/b")
    assert (request.method, request.path, request.body) == ("GET", "/outbound/agents/a%2Fb/outbound-config", None)


@pytest.mark.parametrize("numbers", [[], "+14155550199", ["+14155550199"], [{}], [{"phone_number": 5}], None, [None]])
def test_what_is_no_list_of_numbers_is_refused_without_saying_a_number(numbers):
    with pytest.raises(ConfigurationError, match="phone_numbers must") as error:
        VENDOR.configure_outbound(AGENT, phone_numbers=numbers)
    assert "4155550199" not in str(error.value)


@pytest.mark.parametrize("agent_id", ["", "None", " "])
def test_an_agent_that_a_template_did_not_find_is_refused(agent_id):
    with pytest.raises(ConfigurationError, match="agent_id must be an id"):
        VENDOR.get_outbound(agent_id)


def test_the_documented_answer_is_read_whole():
    config = read(ANSWER)
    assert (config.agent_id, config.default_schedule_id) == (AGENT, "s-1")
    assert (config.total_calls_today, config.calls_remaining_today, config.can_call_now) == (123, 4877, False)
    assert config.next_available_time == datetime(2026, 11, 23, 4, 30, tzinfo=UTC)
    (number,) = config.phone_numbers
    assert (number.phone_number, number.daily_limit, number.enabled) == ("+14155550199", 5000, True)
    (told,) = config.schedules
    assert (told.name, told.schedule_id, told.max_concurrent_calls, told.call_interval_seconds) == ("Day", "s-1", 1, 0)
    assert (told.respect_dnc, told.respect_timezone, told.enabled) == (True, True, True)
    (window,) = told.windows
    assert (window.start_time, window.end_time, window.timezone) == ("10:00", "19:00", "Asia/Kolkata")
    assert "4155550199" not in repr(config)


def test_a_time_without_an_offset_is_meant_in_the_connections_zone_or_not_read():
    naive = {**ANSWER, "next_available_time": "2026-11-23T10:00:00"}
    assert read(naive).next_available_time is None
    zoned = MrAssistant(schedule_timezone=ZoneInfo("Asia/Kolkata"))
    assert read(naive, vendor=zoned).next_available_time == datetime(2026, 11, 23, 4, 30, tzinfo=UTC)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(sorted(SCHEDULE)), inner, max_size=3),
    max_leaves=8,
)


@given(answer=st.fixed_dictionaries({}, optional=dict.fromkeys(ANSWER, VALUES)))
def test_whatever_comes_is_read_or_refused_and_never_breaks_anything(answer):
    config = OutboundConfig.read(answer, zone=None)
    assert config.next_available_time is None or config.next_available_time.utcoffset() is not None
    with contextlib.suppress(ConfigurationError):
        VENDOR.calling_policy(config)


@pytest.mark.parametrize("body", [{"status": "success"}, [], {}, {"campaign_id": "c"}])
def test_an_answer_that_is_no_configuration_is_unknown(body):
    with pytest.raises(OutcomeUnknown):
        read(body)


def test_a_refusal_does_not_repeat_the_number_that_was_sent():
    finding = {"loc": ["body", "phone_numbers", 0, "phone_number"], "type": "value_error", "input": "+14155550199"}
    with pytest.raises(Rejected) as error:
        read({"detail": [{**finding, "msg": "+14155550199 is none"}]}, status=422)
    assert "4155550199" not in str(error.value)
    assert "body.phone_numbers.0.phone_number" in str(error.value)


class TestPolicy:
    def test_hours_of_a_whole_week_need_no_word_about_its_days(self):
        policy = policy_of(schedule(WINDOW))
        assert policy.timezone == "Asia/Kolkata"
        assert policy.is_open(datetime(2026, 11, 22, 5, 0, tzinfo=UTC))  # a Sunday, 10:30
        assert not policy.is_open(datetime(2026, 11, 22, 14, 0, tzinfo=UTC))

    @pytest.mark.parametrize(
        ("numbers", "days"),
        [
            ("mon=0", [0, 1, 2, 3, 4]),
            ("mon=1", [1, 2, 3, 4, 5]),
            ("sun=0", [1, 2, 3, 4, 5]),
            ("sun=1", [2, 3, 4, 5, 6]),
        ],
    )
    def test_the_connection_says_what_the_numbers_of_days_mean(self, numbers, days):
        vendor = MrAssistant(day_numbers=DayNumbers(numbers))
        policy = policy_of(schedule({**WINDOW, "days_of_week": days}), vendor=vendor)
        assert [str(window) for window in policy.windows] == ["10:00-19:00 mon-fri"]

    @pytest.mark.parametrize(("numbers", "sunday"), [("mon=0", 6), ("mon=1", 7), ("sun=0", 0), ("sun=1", 1)])
    def test_a_sunday_is_a_sunday(self, numbers, sunday):
        assert DayNumbers(numbers).iso(sunday) == 7

    def test_a_day_whose_meaning_nobody_said_is_not_guessed(self):
        with pytest.raises(ConfigurationError, match=r'\[0, 1, 2, 3, 4\] .*set "day_numbers" in the extra'):
            policy_of(schedule({**WINDOW, "days_of_week": [0, 1, 2, 3, 4]}))

    def test_a_number_that_is_no_day_is_refused(self):
        vendor = MrAssistant(day_numbers=DayNumbers.MONDAY_0)
        with pytest.raises(ConfigurationError, match="no day has the number 7 where mon=0"):
            policy_of(schedule({**WINDOW, "days_of_week": [7]}), vendor=vendor)

    def test_the_default_schedule_counts_where_there_are_several(self):
        other = schedule({**WINDOW, "start_time": "12:00"}, id="s-2")
        policy = policy_of(schedule(WINDOW, id="s-1"), other, default_schedule_id="s-2")
        assert [str(window) for window in policy.windows] == ["12:00-19:00 mon-sun"]

    def test_a_schedule_that_is_not_enabled_does_not_count(self):
        off = schedule({**WINDOW, "start_time": "00:00"}, id="s-2", enabled=False)
        policy = policy_of(off, schedule(WINDOW), default_schedule_id=None)
        assert [str(window) for window in policy.windows] == ["10:00-19:00 mon-sun"]

    @pytest.mark.parametrize(
        ("schedules", "default", "words"),
        [
            ([], None, "has 0 enabled schedules"),
            ([schedule(WINDOW), schedule(WINDOW)], None, "has 2 enabled schedules"),
            ([schedule(WINDOW, id="s-1", enabled=False), schedule(WINDOW)], "s-1", "default schedule .* not enabled"),
            ([schedule()], None, "has no time_windows"),
            ([schedule(WINDOW, {**WINDOW, "timezone": "UTC"})], None, "are in 2 time zones"),
            ([schedule({**WINDOW, "timezone": 5.5})], None, "are in no time zones"),
            ([schedule({**WINDOW, "timezone": "Mars/Olympus"})], None, "is no time zone"),
            ([schedule({**WINDOW, "start_time": None})], None, "no start_time or no end_time"),
            ([schedule({**WINDOW, "start_time": "soon"})], None, "cannot be read: window start"),
            ([schedule({**WINDOW, "days_of_week": ["mon"]})], None, "no days_of_week that can be read"),
        ],
    )
    def test_hours_that_cannot_be_told_for_sure_are_refused(self, schedules, default, words):
        with pytest.raises(ConfigurationError, match=words):
            policy_of(*schedules, default_schedule_id=default)
