"""Callaro's and MrAssistant's own examples, word for word: whoever copies one must get what the vendor would answer.

The keys are those that the examples print, so even they are sent as they stand.
"""

from __future__ import annotations

import pytest

from airflow_provider_callkaro.sandbox import Sandbox

CALLARO = "https://api.callaro.ai"
MRASSISTANT = "https://api.example.com"

# page: Campaigns, in its order
CREATE = """\
curl -X POST "https://api.callaro.ai/api/v1/bulk_call_campaigns" \\
  -H "X-Api-Key: $CALLARO_API_KEY" \\
  -H "Content-Type: application/json" \\
  -d '{"name":"Q2 Pipeline Reactivation","agent_id":42,"timezone":"Asia/Kolkata",\
"campaign_phone_number_ids":[101,102],"concurrency_limit":3}'"""
LAUNCH = """\
curl -X POST "https://api.callaro.ai/api/v1/bulk_call_campaigns/123/launch" \\
  -H "X-Api-Key: $CALLARO_API_KEY\""""
ROOT = "https://api.callaro.ai/api/v1/bulk_call_campaigns"
KEY = '-H "X-Api-Key: $CALLARO_API_KEY"'
LIST = f'curl "{ROOT}?page=1&per_page=20" {KEY}'
HEALTH = f'curl "{ROOT}/123/dispatch_health" {KEY}'
ANALYTICS = f'curl "{ROOT}/123/analytics?from=2026-04-01&to=2026-04-30" {KEY}'
PAUSE = f'curl -X POST "{ROOT}/123/pause" {KEY}'
RESUME = f'curl -X POST "{ROOT}/123/resume" {KEY}'

# page: Create Campaign
CAMPAIGN = """\
curl --request POST \\
  --url https://api.example.com/campaigns \\
  --header 'Authorization: Bearer <token>' \\
  --header 'Content-Type: application/json' \\
  --data '
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
'"""
ANSWERED_KEYS = {
    "campaign_id",
    "agent_id",
    "name",
    "total_targets",
    "status",
    "scheduled_at",
    "started_at",
    "calls_initiated",
    "calls_completed",
    "calls_failed",
}


@pytest.fixture
def callaro():
    with Sandbox(api_key="$CALLARO_API_KEY", callaro_dial_seconds=3600) as sandbox:
        yield sandbox


@pytest.fixture
def mrassistant():
    with Sandbox(api_key="<token>") as sandbox:
        yield sandbox


def test_callaros_examples_create_launch_watch_pause_and_resume_one_campaign(callaro, client_of):
    client = client_of(callaro)
    created = client.curl(CREATE, host=CALLARO)
    assert (created.status_code, created.json()["data"]["id"], created.json()["data"]["status"]) == (201, 123, "draft")
    assert callaro.rings == []
    states = []
    for example in (LAUNCH, PAUSE, RESUME):
        answer = client.curl(example, host=CALLARO)
        assert answer.status_code == 200
        states.append(answer.json()["data"]["status"])
    assert states == ["running", "paused", "running"]
    assert [ring.vendor for ring in callaro.rings] == ["Callaro"]


def test_callaros_examples_of_watching_are_answered(callaro, client_of):
    client = client_of(callaro)
    for example in (CREATE, LAUNCH):
        client.curl(example, host=CALLARO)
    listed = client.curl(LIST, host=CALLARO).json()
    assert [campaign["name"] for campaign in listed["data"]] == ["Q2 Pipeline Reactivation"]
    assert listed["meta"] == {"count": 1, "page": 1, "per_page": 20, "pages": 1}
    health = client.curl(HEALTH, host=CALLARO).json()["data"]
    assert (health["status"], health["pending_tasks"], health["numbers_total"]) == ("healthy", 4, 2)
    analytics = client.curl(ANALYTICS, host=CALLARO).json()["data"]
    assert (analytics["total"], analytics["dialed"]) == (5, 0)  # nobody was dialled in April 2026


def test_mrassistants_example_fails_only_for_the_number_that_is_a_placeholder(mrassistant, client_of):
    answer = client_of(mrassistant).curl(CAMPAIGN, host=MRASSISTANT)
    assert answer.status_code == 422
    assert [(finding["loc"], finding["input"]) for finding in answer.json()["detail"]] == [
        (["body", "targets", 0, "to_number"], "<string>")
    ]
    assert (mrassistant.rings, mrassistant.mrassistant_campaigns) == ([], [])


def test_mrassistants_example_with_a_number_in_it_rings(mrassistant, client_of):
    example = CAMPAIGN.replace('"to_number": "<string>"', '"to_number": "+12025550101"')
    answer = client_of(mrassistant).curl(example, host=MRASSISTANT)
    assert answer.status_code == 201
    assert set(answer.json()) == ANSWERED_KEYS
    assert answer.json()["scheduled_at"] == "2023-11-07T05:31:56Z"
    assert mrassistant.rings_per_number() == {"+12025550101": 1}


def test_the_three_vendors_count_in_one_book_and_number_their_calls_for_themselves(client, sandbox):
    client.call("+12025550101")
    target = {"agent_id": "3c90c3cc-0d44-4b50-8888-8dd25736052a", "to_number": "+12025550101"}
    client.mrassistant("POST", "/calls/outbound", json=target)
    client.callaro("POST", f"/{client.draft(contacts=[{'phone_e164': '+12025550101'}])}/launch")
    client.call("+12025550101")
    sandbox.wait_for_rings(4)
    assert sandbox.rings_per_number() == {"+12025550101": 4}
    assert [(ring.order, ring.vendor) for ring in sandbox.rings] == [
        (1, "CallKaro"),
        (2, "MrAssistant"),
        (3, "Callaro"),
        (4, "CallKaro"),
    ]
    assert [ring.call_id for ring in sandbox.rings if ring.vendor == "CallKaro"] == ["a1b2c3d4e5", "a1b2c3d4e6"]
