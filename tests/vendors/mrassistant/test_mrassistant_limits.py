"""What cannot be a MrAssistant campaign or call is said before anything is sent, and never with a value in it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_callkaro.calls import Call, Reason
from airflow_provider_callkaro.calls.call import InvalidCall
from airflow_provider_callkaro.calls.row import RowReader
from airflow_provider_callkaro.exceptions import ConfigurationError
from airflow_provider_callkaro.vendors.mrassistant.api import MAX_TARGETS, ROW_SCHEMA, CampaignSettings, MrAssistant
from airflow_provider_callkaro.vendors.mrassistant.fields import CALL_FIELDS

NUMBER = "+919876543210"
SECRET = "a-secret-that-signs"


def campaign(settings=None, **arguments):
    given = {"name": "Renewals", "agent_id": "agent", "targets": [Call(to_number=NUMBER)], "schedule_at": None}
    return MrAssistant().create_campaign(settings or CampaignSettings(name="Renewals"), **{**given, **arguments})


def body_of(request):
    return json.loads(request.body)


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("name", "x"),
        ("name", "x" * 255),
        ("concurrent_calls", 1),
        ("concurrent_calls", 10),
        ("retry_attempts", 0),
        ("retry_attempts", 3),
        ("retry_failed", True),
        ("notify_on_call_complete", True),
        ("context", {"offer": "renewal"}),
        ("webhook_url", "https://hooks.example:8080/a?b=c"),
        ("webhook_url", "http://127.0.0.1:8080/a?b=c"),
        ("webhook_url", "http://[::1]:8080/a"),
        ("webhook_url", "http://localhost/a"),
        ("webhook_secret", "s"),
    ],
)
def test_a_setting_at_its_limit_is_sent(setting, value):
    settings = CampaignSettings(**{"name": "Renewals", setting: value})
    assert body_of(campaign(settings, name=settings.name))[setting] == value


@pytest.mark.parametrize(
    ("setting", "value", "words"),
    [
        ("name", "", "1 to 255 characters"),
        ("name", "  ", "1 to 255 characters"),
        ("name", "x" * 256, "1 to 255 characters"),
        ("name", None, "1 to 255 characters"),
        ("concurrent_calls", 0, "concurrent_calls must be a whole number from 1 to 10"),
        ("concurrent_calls", 11, "concurrent_calls must be a whole number from 1 to 10"),
        ("concurrent_calls", True, "concurrent_calls must be a whole number from 1 to 10"),
        ("concurrent_calls", 2.0, "concurrent_calls must be a whole number from 1 to 10"),
        ("retry_attempts", -1, "retry_attempts must be a whole number from 0 to 3"),
        ("retry_attempts", 4, "retry_attempts must be a whole number from 0 to 3"),
        ("retry_failed", "yes", "retry_failed must be true or false"),
        ("notify_on_call_complete", 1, "notify_on_call_complete must be true or false"),
        ("context", [1], "context must be an object"),
        ("context", {"value": float("nan")}, "context must be an object"),
        ("webhook_url", "hooks.example/private", "webhook_url must be an address"),
        ("webhook_url", "http://hooks.example:8080/private", "webhook_url is plain http"),
        ("webhook_url", "http://127.0.0.1.hooks.example/private", "webhook_url is plain http"),
        ("webhook_url", "HTTP://LOCALHOST@hooks.example/private", "webhook_url is plain http"),
        ("webhook_url", "ftp://hooks.example/private", "webhook_url must be an address"),
        ("webhook_url", "https:///private", "webhook_url must be an address"),
        ("webhook_url", "https://hooks.example/ private", "webhook_url must be an address"),
        ("webhook_url", "https://[private", "webhook_url must be an address"),
        ("extra_fields", {"targets": []}, "extra_fields holds targets"),
        ("extra_fields", ["private"], "extra_fields must be an object"),
        ("webhook_secret", "", "webhook_secret must be a text"),
        ("webhook_secret", 12345, "webhook_secret must be a text"),
    ],
)
def test_a_setting_beyond_its_limit_is_refused_by_name(setting, value, words):
    with pytest.raises(ConfigurationError, match=words) as error:
        CampaignSettings(**{"name": "Renewals", setting: value})
    assert "private" not in str(error.value)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"name": "x" * 256}, "1 to 255 characters"),
        ({"agent_id": ""}, "a campaign needs an agent"),
        ({"targets": []}, "1 to 1000 targets"),
        ({"targets": [Call(to_number=NUMBER)] * (MAX_TARGETS + 1)}, "1 to 1000 targets"),
        ({"schedule_at": datetime(2027, 1, 5, 10)}, 'schedule_at needs a time zone.*"schedule_timezone"'),
        ({"targets": [Call(to_number=NUMBER, priority=5)]}, "MrAssistant has no priority here"),
        ({"targets": [Call(to_number=NUMBER, number_of_retries=2)]}, "MrAssistant has no number_of_retries here"),
        ({"targets": [Call(to_number=NUMBER, extra={"krisp_enabled": True})]}, "MrAssistant has no krisp_enabled here"),
    ],
)
def test_a_campaign_that_cannot_be_is_refused(arguments, words):
    with pytest.raises(ConfigurationError, match=words):
        campaign(**arguments)


def test_a_campaign_of_a_thousand_targets_can_be():
    targets = [Call(to_number=f"+9198765{row:05d}") for row in range(MAX_TARGETS)]
    assert len(body_of(campaign(targets=targets))["targets"]) == 1000


@pytest.mark.parametrize(
    ("moment", "sent"),
    [
        (datetime(2027, 1, 5, 10, 0, tzinfo=ZoneInfo("Asia/Kolkata")), "2027-01-05T04:30:00Z"),
        (datetime(2027, 1, 5, 10, 0, tzinfo=UTC), "2027-01-05T10:00:00Z"),
        (datetime(2027, 7, 1, 9, 59, 59, 999_999, tzinfo=timezone(-timedelta(hours=4))), "2027-07-01T13:59:59.999999Z"),
    ],
)
def test_a_campaigns_time_is_sent_in_utc_and_never_a_moment_early(moment, sent):
    assert body_of(campaign(schedule_at=moment))["schedule_at"] == sent


def test_a_time_without_an_offset_is_meant_in_the_connections_zone():
    vendor = MrAssistant(schedule_timezone=ZoneInfo("Asia/Kolkata"))
    request = vendor.create_campaign(
        CampaignSettings(name="Renewals"),
        name="Renewals",
        agent_id="agent",
        targets=[Call(to_number=NUMBER)],
        schedule_at=datetime(2027, 1, 5, 10, 0),
    )
    assert body_of(request)["schedule_at"] == "2027-01-05T04:30:00Z"


def test_no_representation_shows_a_secret_or_a_number():
    settings = CampaignSettings(
        name="Renewals",
        webhook_url="https://hooks.example/?token=private",
        webhook_secret=SECRET,
        context={"name": "Asha"},
    )
    for shown in (repr(settings), repr(campaign(settings))):
        for private in (SECRET, "private", "Asha", NUMBER[3:]):
            assert private not in shown


def test_a_row_may_name_the_number_that_calls():
    reader = RowReader(agent_id="agent", row_schema=ROW_SCHEMA, row_fields=["from_number"])
    row = {"to_number": NUMBER, "from_number": "+1 (415) 555-0123", "context": '{"due": 5}', "city": "Pune"}
    assert body_of(campaign(targets=[reader.read(row)]))["targets"] == [
        {"to_number": NUMBER, "from_number": "+14155550123", "context": {"city": "Pune", "due": 5}}
    ]


def test_a_row_whose_calling_number_is_none_is_rejected_without_it():
    reader = RowReader(agent_id="agent", row_schema=ROW_SCHEMA, row_fields=["from_number"])
    with pytest.raises(InvalidCall, match="from_number cannot be read") as error:
        reader.read({"to_number": NUMBER, "from_number": "private 12345"})
    assert error.value.reason is Reason.BAD_FIELD
    assert "12345" not in str(error.value)


GOOD_FIELDS = {
    "from_number": [("+14155550123", "+14155550123"), (14155550123, None)],
    "priority": [("low", "low"), (" URGENT ", "urgent"), ("highest", None), (5, None)],
    "krisp_enabled": [(False, False), ("no", False), ("perhaps", None), (2, None)],
    "wait_until_answered": [(True, True), (1, True), ([], None)],
    "display_name": [(" Asha's bank ", "Asha's bank"), ("x" * 256, None), ("two\nlines", None), ({}, None)],
    "dtmf": [("12#", "12#"), (12, "12"), ("1\r2", None)],
    "play_dialtone": [("true", True), ("maybe", None)],
    "media_encryption": [("require", "REQUIRE"), ("ALWAYS", None)],
    "ringing_timeout_seconds": [(1, 1), ("80", 80), (30.0, 30), (0, None), (81, None), (True, None), (1.5, None)],
    "max_call_duration_seconds": [(60, 60), (86_400, 86_400), (59, None), (86_401, None), ("long", None)],
    "hide_phone_number": [(True, True), ("x", None)],
    "custom_headers": [
        ({"X-Trace": "a b"}, {"X-Trace": "a b"}),
        ({"Authorization": "b"}, None),
        ({"X-Trace": "a\r\nInjected: b"}, None),
        ({"X-Trace": 5}, None),
        ("X-Trace: a", None),
    ],
}


@pytest.mark.parametrize(
    ("field", "given", "sent"), [(field, *case) for field, cases in GOOD_FIELDS.items() for case in cases]
)
def test_a_calls_own_field_is_sent_as_the_page_has_it_or_refused_by_name(field, given, sent):
    call = Call(to_number=NUMBER, agent_id="agent", extra={field: given})
    if sent is not None:
        assert body_of(MrAssistant().place_call(call))[field] == sent
        return
    with pytest.raises(InvalidCall, match=field) as error:
        MrAssistant().place_call(call)
    assert error.value.reason is Reason.BAD_FIELD


def test_every_documented_field_is_tried():
    assert set(GOOD_FIELDS) == set(CALL_FIELDS)


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.datetimes(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@given(field=st.sampled_from(sorted(CALL_FIELDS)), value=ANYTHING)
def test_whatever_a_row_holds_is_a_value_that_can_be_sent_or_a_rejection_that_does_not_show_it(field, value):
    try:
        read = CALL_FIELDS[field](value)
    except InvalidCall as error:
        refused, read = error, None
    else:
        refused = None
        json.dumps(read, allow_nan=False)
        assert CALL_FIELDS[field](read) == read
    assert refused is None or (refused.reason, str(refused).startswith(field)) == (Reason.BAD_FIELD, True)
