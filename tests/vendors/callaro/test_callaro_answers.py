"""Answers that no document shows: whatever comes back is a campaign, a page, an object, or an error of ours."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_callkaro.calls import Reason
from airflow_provider_callkaro.exceptions import (
    ConfigurationError,
    OutcomeUnknown,
    Rejected,
    Throttled,
    Unauthorized,
    VendorError,
)
from airflow_provider_callkaro.vendors.callaro.answers import (
    CallaroCampaign,
    Page,
    campaign_in_list,
    read_campaign,
    read_change,
    read_object,
    read_page,
)
from airflow_provider_callkaro.vendors.callaro.api import Callaro
from airflow_provider_callkaro.vendors.callaro.states import CampaignState, states_named
from airflow_provider_callkaro.vendors.callaro.thresholds import Thresholds, numbers_in
from airflow_provider_callkaro.vendors.http import Response


def answer(body, status=200):
    return Response(status, body if isinstance(body, bytes) else json.dumps(body).encode())


CAMPAIGN = {"id": 123, "name": "Q2", "status": "Draft"}


@pytest.mark.parametrize(
    "body",
    [
        CAMPAIGN,
        {"data": CAMPAIGN, "message": None, "request_id": "r"},
        {"data": {"campaign": CAMPAIGN}},
        {"data": {"bulk_call_campaign": CAMPAIGN}, "meta": {"count": 1}},
        {"campaign": CAMPAIGN},
    ],
)
def test_a_campaign_is_found_in_whatever_it_is_wrapped(body):
    campaign = read_campaign(answer(body, 201))
    assert (campaign.id, campaign.name, campaign.state) == (123, "Q2", CampaignState.DRAFT)
    assert campaign.raw == CAMPAIGN


@pytest.mark.parametrize(
    ("told", "campaign_id"),
    [
        ({"id": 123}, 123),
        ({"id": "cmp_123"}, "cmp_123"),
        ({"campaign_id": 7, "status": "draft"}, 7),
        ({"id": None, "campaign_id": "c"}, "c"),
        ({"id": True, "campaign_id": "c"}, "c"),
        ({"id": {"value": 1}, "status": "draft", "campaign_id": "c"}, "c"),
    ],
)
def test_an_id_is_kept_as_it_was_given(told, campaign_id):
    found = read_campaign(answer({"data": told})).id
    assert found == campaign_id
    assert type(found) is type(campaign_id)


def test_a_failed_campaign_is_no_failed_answer():
    campaign = read_campaign(answer({"id": 123, "status": "failed"}))
    assert campaign.state is CampaignState.FAILED


def test_a_campaign_that_was_asked_for_by_its_id_needs_to_tell_its_state_only():
    campaign = read_campaign(answer({"data": {"status": "Reviewing"}}), asked="cmp_1")
    assert (campaign.id, campaign.state, campaign.status) == ("cmp_1", CampaignState.OTHER, "reviewing")


@pytest.mark.parametrize("body", [{"data": None}, {"data": {}}, {"data": [CAMPAIGN]}, {"message": "created"}])
def test_an_answer_without_a_campaign_is_unknown(body):
    for asked in (None, 123):
        with pytest.raises(OutcomeUnknown) as error:
            read_campaign(answer(body), asked=asked)
        assert error.value.reason is Reason.NO_CALL_ID


def test_a_campaign_that_nothing_names_is_unknown():
    with pytest.raises(OutcomeUnknown):
        read_campaign(answer({"data": {"name": "Q2", "status": "draft"}}))


def test_no_representation_shows_what_the_campaign_holds():
    campaign = read_campaign(answer({"id": 1, "contacts": [{"phone_e164": "+919876543210"}]}))
    assert "9876543210" not in repr(campaign)
    assert "9876543210" not in repr(read_page(answer([{"phone_e164": "+919876543210"}])))


@pytest.mark.parametrize(
    "body", [b"", b"  \r\n", {"data": None}, {"message": "Campaign launched"}, {"data": {"id": 1}}]
)
def test_a_yes_without_a_state_is_a_yes(body):
    for status in (200, 202, 204):
        assert read_change(answer(body, status), asked=123) is None


def test_a_yes_with_a_state_is_the_campaign_since():
    changed = read_change(answer({"data": {"status": "running"}}), asked=123)
    assert (changed.id, changed.state) == (123, CampaignState.RUNNING)
    assert read_change(answer({"data": {"id": "c", "status": "running"}}), asked="c").id == "c"
    assert read_change(answer({"data": {"id": 123, "status": "running"}}), asked="123").id == 123


def test_an_answer_about_something_else_says_nothing_of_the_campaign():
    assert read_change(answer({"data": {"id": 987, "status": "completed"}}), asked=123) is None
    with pytest.raises(OutcomeUnknown, match="another campaign"):
        read_campaign(answer({"data": {"id": 987, "status": "completed"}}), asked=123)


def test_the_accounts_own_words_for_states_are_understood():
    words = states_named({"Created": "draft", "finished": "Completed"})
    assert read_campaign(answer({"id": 1, "status": "created"}), words=words).state is CampaignState.DRAFT
    assert read_change(answer({"id": 1, "state": "FINISHED"}), asked=1, words=words).status == "completed"
    page = read_page(answer({"data": [{"id": 1, "status": "created"}]}), words=words)
    assert campaign_in_list(page.items[0]).state is CampaignState.DRAFT
    with pytest.raises(ConfigurationError, match="must mean one of"):
        states_named({"created": "new"})


@pytest.mark.parametrize(
    "body",
    [
        {"data": {"items": [{"id": 1}], "next_cursor": "abc"}},
        {"data": [{"id": 1}], "meta": {"has_more": True}},
        {"data": [{"id": 1}], "pagination": {"next": 2}},
    ],
)
def test_a_list_that_goes_on_says_so_in_whatever_words(body):
    assert read_page(answer(body)).paging.goes_on


@pytest.mark.parametrize("body", [b"<html>Please wait</html>", b"OK", {"error": "no", "error_code": "INTERNAL_ERROR"}])
def test_a_yes_that_may_be_a_gateways_or_calls_itself_an_error_is_unknown(body):
    with pytest.raises(OutcomeUnknown):
        read_change(answer(body), asked=123)


@pytest.mark.parametrize(
    ("body", "ids", "pages"),
    [
        ({"data": [{"id": 1}, {"id": 2}], "meta": {"count": 2, "page": 1, "per_page": 20, "pages": 1}}, [1, 2], 1),
        ({"data": {"campaigns": [{"id": 1}], "next_cursor": None}}, [1], None),
        ({"data": {"items": [{"id": 1}], "meta": {"pages": 3}}}, [1], 3),
        ([{"id": 1}], [1], None),
        ({"campaigns": [{"id": 1}]}, [1], None),
        ({"data": []}, [], None),
        ({"data": {}}, [], None),
        ({"data": [{"id": 1}, "?", None, {"id": 2}]}, [1, 2], None),
        ({"data": [{"id": 1}], "meta": {"pages": 0}}, [1], None),
        ({"data": [{"id": 1}], "meta": {"pages": True}}, [1], None),
        ({"data": [{"id": 1}], "meta": {"pages": "2"}}, [1], None),
    ],
)
def test_a_list_is_found_in_whatever_it_is_wrapped(body, ids, pages):
    page = read_page(answer(body))
    assert ([item["id"] for item in page.items], page.paging.pages) == (ids, pages)


@pytest.mark.parametrize(
    "body", [{"data": {"a": [], "b": []}}, {"data": {"total": 3}}, {"data": "none"}, {"data": None}, b"[", b"null"]
)
def test_an_answer_without_a_list_is_unknown(body):
    with pytest.raises(OutcomeUnknown):
        read_page(answer(body))


def test_an_object_is_what_stands_in_the_envelope():
    assert read_object(answer({"data": {"a": 1}, "request_id": "r"})) == {"a": 1}
    assert read_object(answer({"a": 1})) == {"a": 1}
    assert read_object(answer({"data": [1], "meta": {}})) == {"data": [1], "meta": {}}


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (401, "UNAUTHORIZED", Unauthorized),
        (403, "FORBIDDEN", Unauthorized),
        (404, "CAMPAIGN_NOT_FOUND", Rejected),
        (409, "INVALID_STATE", Rejected),
        (422, "VALIDATION_ERROR", Rejected),
        (429, "RATE_LIMITED", Throttled),
        (500, "INTERNAL_ERROR", OutcomeUnknown),
        (502, "INTERNAL_ERROR", OutcomeUnknown),
        (302, "MOVED", OutcomeUnknown),
    ],
)
def test_a_refusal_says_its_code_and_its_request(status, code, kind):
    body = {
        "error": "not for +919876543210",
        "error_code": code,
        "details": {},
        "errors": {},
        "request_id": "0b0e-41d8",
    }
    for read in (read_campaign, read_object, read_page, Callaro().read_refusal):
        with pytest.raises(kind) as error:
            read(answer(body, status))
        assert code in str(error.value)
        assert error.value.request_id == "0b0e-41d8"
        assert "9876543210" not in str(error.value)
    with pytest.raises(kind):
        read_change(answer(body, status), asked=1)


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ["data", "meta", "pages", "id", "campaign_id", "status", "state", "name", "error_code", "items"]
            )
            | st.text(max_size=5),
            inner,
            max_size=5,
        )
    ),
    max_leaves=12,
)
bodies = anything.map(lambda value: json.dumps(value).encode()) | st.binary(max_size=40)


@given(bodies, st.sampled_from([200, 201, 202, 204, 299, 301, 400, 401, 404, 409, 422, 429, 500, 503]))
def test_any_answer_gives_a_value_or_one_of_our_errors(body, status):
    def read(reader, **options):
        try:
            return reader(Response(status, body), **options)
        except VendorError:
            return None

    for campaign in (read(read_campaign), read(read_campaign, asked=1), read(read_change, asked=1)):
        assert campaign is None or isinstance(campaign, CallaroCampaign)
        if campaign is not None:
            assert isinstance(campaign.status, str)
            assert isinstance(campaign.id, (int, str))
    page = read(read_page)
    assert page is None or (isinstance(page, Page) and all(isinstance(item, dict) for item in page.items))
    for item in page.items if page else ():
        campaign_in_list(item)
    told = read(read_object)
    assert told is None or isinstance(told, dict)
    if told is not None:
        numbers = numbers_in(told)
        for name in numbers:
            Thresholds(maximum={name: 0}, minimum={name: 0}).breaches(told)
        with pytest.raises(ConfigurationError):
            Thresholds(maximum={"no such name": 1}).breaches(told)


@pytest.mark.parametrize("body", [b"[" * 100_000, b'{"data":' * 50_000, b'{"id": ' + b"9" * 5_000 + b"}"])
def test_a_monstrous_answer_is_an_error_and_no_crash(body):
    for read in (read_campaign, read_object, read_page):
        with pytest.raises(OutcomeUnknown):
            read(answer(body))
