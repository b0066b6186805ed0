"""The create campaign page, word for word: what we send is what it documents, and what it answers we can read."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from airflow_provider_callkaro.calls import Call
from airflow_provider_callkaro.vendors.http import Response
from airflow_provider_callkaro.vendors.mrassistant.api import CampaignSettings, CreatedCampaign, MrAssistant

DOCUMENTED_REQUEST = """
{
  "agent_id": "3c90c3cc-0d44-4b50-8888-8dd25736052a",
  "name": "<string>",
  "targets": [
    {
      "to_number": "<string>",
      "from_number": "<string>",
      "context": {}
    }
  ],
  "schedule_at": "2023-11-07T05:31:56Z",
  "concurrent_calls": 1,
  "retry_failed": false,
  "retry_attempts": 0,
  "context": {},
  "webhook_url": "<string>",
  "webhook_secret": "<string>",
  "notify_on_call_complete": false
}
"""

DOCUMENTED_ANSWER = b"""
{
  "campaign_id": "<string>",
  "agent_id": "<string>",
  "name": "<string>",
  "total_targets": 123,
  "status": "<string>",
  "scheduled_at": "<string>",
  "started_at": "<string>",
  "calls_initiated": 123,
  "calls_completed": 123,
  "calls_failed": 123
}
"""

WORDS = {  # what stands where the page has "<string>", and a context that says something
    '"name": "<string>"': '"name": "Renewals"',
    '"to_number": "<string>"': '"to_number": "+14155550123"',
    '"from_number": "<string>",\n      "context": {}': '"from_number": "+14155550199",\n      "context": {"due": 5}',
    '"webhook_url": "<string>"': '"webhook_url": "https://hooks.example/mrassistant"',
    '"webhook_secret": "<string>"': '"webhook_secret": "<secret>"',
}


def documented_with(words):
    text = DOCUMENTED_REQUEST
    for blank, word in words.items():
        assert blank in text
        text = text.replace(blank, word)
    return text


def test_a_campaign_is_asked_for_as_the_page_shows_it_field_for_field_and_in_its_order():
    vendor = MrAssistant()
    settings = CampaignSettings(
        name="Renewals",
        context={},
        webhook_url="https://hooks.example/mrassistant",
        webhook_secret="<secret>",
    )
    target = Call(to_number="+14155550123", metadata={"due": 5}, extra={"from_number": "+14155550199"})
    request = vendor.create_campaign(
        settings,
        name="Renewals",
        agent_id="3c90c3cc-0d44-4b50-8888-8dd25736052a",
        targets=[target],
        schedule_at=datetime(2023, 11, 7, 5, 31, 56, tzinfo=UTC),
    )
    documented = json.loads(documented_with(WORDS))
    assert request.body == json.dumps(documented, separators=(",", ":")).encode()
    assert (request.method, request.path, request.retry_safe) == ("POST", "/campaigns", False)


def test_the_headers_are_those_of_the_page():
    headers = MrAssistant.headers("<token>")
    assert headers["Authorization"] == "Bearer <token>"
    assert headers["Content-Type"] == "application/json"
    assert "Authorization" not in MrAssistant.headers()


@pytest.mark.parametrize("status", [200, 201])
def test_the_documented_answer_is_read_whole(status):
    campaign = MrAssistant().read_campaign(Response(status, DOCUMENTED_ANSWER))
    assert campaign == CreatedCampaign(
        campaign_id="<string>",
        agent_id="<string>",
        name="<string>",
        total_targets=123,
        status="<string>",
        scheduled_at="<string>",
        started_at="<string>",
        calls_initiated=123,
        calls_completed=123,
        calls_failed=123,
        raw=json.loads(DOCUMENTED_ANSWER),
    )


def test_a_setting_that_nobody_gave_is_not_sent():
    request = MrAssistant().create_campaign(
        CampaignSettings(name="Renewals"),
        name="Renewals 1",
        agent_id="agent",
        targets=[Call(to_number="+14155550123")],
        schedule_at=None,
    )
    assert json.loads(request.body or b"") == {
        "agent_id": "agent",
        "name": "Renewals 1",
        "targets": [{"to_number": "+14155550123"}],
        "concurrent_calls": 1,
        "retry_failed": False,
        "retry_attempts": 0,
        "notify_on_call_complete": False,
    }


def test_a_login_and_a_refresh_are_asked_for_as_their_pages_show_them():
    vendor = MrAssistant()
    log_in, refresh = vendor.log_in("asha", "päss wörd"), vendor.refresh("a-refresh-token")
    assert (log_in.method, log_in.path, log_in.retry_safe) == ("POST", "/auth/token", True)
    assert json.loads(log_in.body or b"") == {"username": "asha", "password": "päss wörd"}
    assert (refresh.method, refresh.path, refresh.retry_safe) == ("POST", "/auth/refresh", True)
    assert json.loads(refresh.body or b"") == {"refresh_token": "a-refresh-token"}
    tokens = vendor.read_tokens(
        Response(200, b'{"access_token":"a","refresh_token":"r","token_type":"bearer","expires_in":86400}')
    )
    assert (tokens.access, tokens.refresh) == ("a", "r")
