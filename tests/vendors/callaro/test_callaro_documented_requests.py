"""Every request in Callaro's guide, word for word: what we send is what it shows, to the header and the field."""

from __future__ import annotations

import json
import shlex
from datetime import UTC, date, datetime

import pytest

from airflow_provider_callkaro.exceptions import ConfigurationError
from airflow_provider_callkaro.vendors.callaro.api import DEFAULT_HOST, Callaro
from airflow_provider_callkaro.vendors.callaro.states import Action
from airflow_provider_callkaro.vendors.http import Request

KEY = "$CALLARO_API_KEY"
CREATE = """curl -X POST "https://api.callaro.ai/api/v1/bulk_call_campaigns" \
  -H "X-Api-Key: $CALLARO_API_KEY" \
  -H "Content-Type: application/json" \
  -d '{"name":"Q2 Pipeline Reactivation","agent_id":42,"timezone":"Asia/Kolkata",\
"campaign_phone_number_ids":[101,102],"concurrency_limit":3}'"""
LAUNCH = """curl -X POST "https://api.callaro.ai/api/v1/bulk_call_campaigns/123/launch" \
  -H "X-Api-Key: $CALLARO_API_KEY\""""
LIST = 'curl "https://api.callaro.ai/api/v1/bulk_call_campaigns?page=1&per_page=20" -H "X-Api-Key: $CALLARO_API_KEY"'
HEALTH = 'curl "https://api.callaro.ai/api/v1/bulk_call_campaigns/123/dispatch_health" -H "X-Api-Key: $CALLARO_API_KEY"'
ANALYTICS = (
    'curl "https://api.callaro.ai/api/v1/bulk_call_campaigns/123/analytics?from=2026-04-01&to=2026-04-30" '
    '-H "X-Api-Key: $CALLARO_API_KEY"'
)
PAUSE = 'curl -X POST "https://api.callaro.ai/api/v1/bulk_call_campaigns/123/pause" -H "X-Api-Key: $CALLARO_API_KEY"'
RESUME = 'curl -X POST "https://api.callaro.ai/api/v1/bulk_call_campaigns/123/resume" -H "X-Api-Key: $CALLARO_API_KEY"'
FIELDS = {
    "name": "Q2 Pipeline Reactivation",
    "agent_id": 42,
    "timezone": "Asia/Kolkata",
    "campaign_phone_number_ids": [101, 102],
    "concurrency_limit": 3,
}
callaro = Callaro()
DOCUMENTED = {
    "create": (CREATE, callaro.create_campaign(FIELDS)),
    "launch": (LAUNCH, callaro.act(Action.LAUNCH, 123)),
    "list": (LIST, callaro.list_campaigns(page=1, per_page=20, filters={})),
    "dispatch health": (HEALTH, callaro.dispatch_health(123)),
    "analytics": (ANALYTICS, callaro.analytics(123, start=date(2026, 4, 1), end=date(2026, 4, 30))),
    "pause": (PAUSE, callaro.act(Action.PAUSE, 123)),
    "resume": (RESUME, callaro.act(Action.RESUME, 123)),
}


def of_curl(command: str) -> tuple[str, str, dict[str, str], str | None]:
    """Method, address, headers and body of a curl command."""
    words = iter(shlex.split(command)[1:])
    method, address, headers, body = "GET", "", {}, None
    for word in words:
        if word == "-X":
            method = next(words)
        elif word == "-H":
            name, _, value = next(words).partition(": ")
            headers[name] = value
        elif word == "-d":
            body = next(words)
        else:
            address = word
    return method, address, headers, body


def sent(request: Request) -> tuple[str, str, dict[str, str], str | None]:
    """The same of what we send, without what every HTTP client adds."""
    headers = {**Callaro.headers(KEY), **({"Content-Type": request.content_type} if request.content_type else {})}
    assert headers.pop("Accept") == "*/*"  # as curl says by itself
    body = None if request.body is None else request.body.decode()
    return request.method, DEFAULT_HOST + request.path, headers, body


@pytest.mark.parametrize(("curl", "request_"), DOCUMENTED.values(), ids=DOCUMENTED)
def test_what_the_guide_shows_is_what_we_send(curl, request_):
    assert sent(request_) == of_curl(curl)


def test_only_what_may_ring_a_phone_or_cannot_be_undone_is_never_sent_twice():
    assert not callaro.act(Action.LAUNCH, 1).retry_safe
    assert not callaro.act(Action.RESUME, 1).retry_safe
    assert not callaro.create_campaign({"name": "a"}).retry_safe
    assert not callaro.clone(1, {}).retry_safe
    assert not callaro.save_as_template(1, None).retry_safe
    assert not callaro.import_contacts(b"phone", filename="a.csv", column_mapping={}, options=None).retry_safe
    for harmless in (
        callaro.act(Action.PAUSE, 1),
        callaro.act(Action.CANCEL, 1),
        callaro.get_campaign(1),
        callaro.update_campaign(1, {"name": "a"}),
        callaro.results_export(1),
        callaro.contact_import(1),
    ):
        assert harmless.retry_safe


def test_what_the_guide_only_names_is_asked_for_by_analogy():
    asked = {
        (request.method, request.path, request.body)
        for request in (
            callaro.get_campaign("cmp_123"),
            callaro.update_campaign(123, {"concurrency_limit": 5}),
            callaro.act(Action.CANCEL, 123),
            callaro.clone(123, {}),
            callaro.clone(123, {"name": "b"}),
            callaro.clone_prefill(123),
            callaro.save_as_template(123, "t"),
            callaro.save_as_template(123, None),
            callaro.tasks(123, page=2, per_page=100),
            callaro.results_export(123),
            callaro.export_campaigns(),
            callaro.capacity_preview(123),
            callaro.audience_timezone_analysis(123),
            callaro.analytics(123, start=None, end=None),
        )
    }
    one = "/api/v1/bulk_call_campaigns/123"
    assert asked == {
        ("GET", "/api/v1/bulk_call_campaigns/cmp_123", None),
        ("PATCH", one, b'{"concurrency_limit":5}'),
        ("POST", f"{one}/cancel", None),
        ("POST", f"{one}/clone", None),
        ("POST", f"{one}/clone", b'{"name":"b"}'),
        ("GET", f"{one}/clone_prefill", None),
        ("POST", f"{one}/save_as_template", b'{"name":"t"}'),
        ("POST", f"{one}/save_as_template", None),
        ("GET", f"{one}/tasks?page=2&per_page=100", None),
        ("GET", f"{one}/results_export", None),
        ("GET", "/api/v1/bulk_call_campaigns/export", None),
        ("GET", f"{one}/capacity_preview", None),
        ("GET", f"{one}/audience_timezone_analysis", None),
        ("GET", f"{one}/analytics", None),
    }


def test_filters_of_a_list_travel_with_the_page():
    request = callaro.list_campaigns(page=2, per_page=50, filters={"status": "draft", "q": "a b&c"})
    assert request.path == "/api/v1/bulk_call_campaigns?page=2&per_page=50&status=draft&q=a+b%26c"


def test_days_of_analytics_are_days_even_of_a_moment():
    moment = datetime(2026, 4, 1, 23, 59, tzinfo=UTC)
    assert callaro.analytics(1, start=moment, end=None).path.endswith("?from=2026-04-01")
    assert callaro.analytics(1, start=None, end=moment).path.endswith("?to=2026-04-01")
    with pytest.raises(ConfigurationError, match="the last day is before the first"):
        callaro.analytics(1, start=date(2026, 4, 2), end=date(2026, 4, 1))


def test_contacts_travel_as_the_page_on_contacts_says():
    content = "phone,name\r\n+919876543210,Àsha\r\n".encode()
    request = callaro.import_contacts(
        content, filename="people.csv", column_mapping={"phone": "phone_e164"}, options={"dry_run": True}
    )
    assert (request.method, request.path) == ("POST", "/api/v1/contacts/import")
    kind, _, boundary = request.content_type.partition("; boundary=")
    assert kind == "multipart/form-data"
    parts = request.body.split(b"--" + boundary.encode())
    assert len(parts) == 5
    assert b'name="file"; filename="people.csv"' in parts[1]
    assert parts[1].endswith(b"\r\n\r\n" + content + b"\r\n")
    assert b'name="column_mapping"' in parts[2]
    assert json.loads(parts[2].partition(b"\r\n\r\n")[2]) == {"phone": "phone_e164"}
    assert b'name="options"' in parts[3]
    assert json.loads(parts[3].partition(b"\r\n\r\n")[2]) == {"dry_run": True}


@pytest.mark.parametrize(
    ("campaign_id", "segment"),
    [(123, "123"), (" 123 ", "123"), ("cmp_123", "cmp_123"), ("a/b?c#d", "a%2Fb%3Fc%23d"), ("é", "%C3%A9")],
)
def test_an_id_is_one_segment_of_the_path_whatever_it_is(campaign_id, segment):
    assert callaro.get_campaign(campaign_id).path == f"/api/v1/bulk_call_campaigns/{segment}"


@pytest.mark.parametrize("campaign_id", ["", " ", ".", "..", "None", None, True, 1.5, "a\nb", "x" * 201, [1]])
def test_what_is_no_id_reaches_no_path(campaign_id):
    with pytest.raises(ConfigurationError, match="campaign_id must be the id"):
        callaro.act(Action.LAUNCH, campaign_id)


@pytest.mark.parametrize("value", [float("nan"), datetime(2026, 4, 1, tzinfo=UTC), {1, 2}, b"secret"])
def test_fields_that_are_no_json_are_refused_without_repeating_them(value):
    with pytest.raises(ConfigurationError) as error:
        callaro.create_campaign({"name": "a", "contacts": [value, "+919876543210"]})
    assert "no JSON" in str(error.value)
    assert "9876543210" not in str(error.value)


def test_the_tenant_is_said_only_where_there_is_one():
    assert Callaro.headers(KEY, tenant_id="t-9")["X-Tenant-Id"] == "t-9"
    assert "X-Tenant-Id" not in Callaro.headers(KEY)
