"""The vendor's own examples, word for word: if the sandbox refused one, it would stand in for somebody else.

The curl commands are those of the vendor's pages, sent byte for byte with curl's own defaults. Two of them are broken
as they are printed (a quote too many, a missing ``-d``); of these the body is sent.
"""

from __future__ import annotations

import json

import pytest

from airflow_provider_callkaro.sandbox import Sandbox

VENDOR = "https://api.callkaro.ai"

CAMPAIGN_CREATED = {
    "batch_id": "68433b7b0dee98e59245ebab",
    "message": "Campaign created successfully",
    "status": "success",
}
CALL_INITIATED = {"status": "success", "message": "Call initiated successfully", "call_id": "a1b2c3d4e5"}

# page: Create Campaign (v2)
V2_REFERENCE = """\
curl --request POST \\
  --url https://api.callkaro.ai/v2/call/campaign \\
  --header 'Content-Type: application/json' \\
  --header 'X-API-KEY: <api-key>' \\
  --data '
{
  "name": "Inspection Campaign"
}
'"""
V2_QUICK = """\
curl -X POST https://api.callkaro.ai/v2/call/campaign \\
  -H "Content-Type: application/json" \\
  -H "X-API-KEY: your_api_key_here" \\
  -d '{
    "name": "Multi-Agent Campaign"
  }'"""
V2_CREATE = """\
curl -X POST https://api.callkaro.ai/v2/call/campaign \\
  -H "X-API-KEY: your_api_key_here" \\
  -d '{
    "name": "Inspection Campaign"
  }'"""
V2_CALL_A = """\
curl -X POST https://api.callkaro.ai/call/outbound \\
  -H "X-API-KEY: your_api_key_here" \\
  -d '{
    "to_number": "+919876543210",
    "batch_id": "68433b7b0dee98e59245ebab",
    "agent_id": "agent_sales_id",
    "metadata": {"name": "Customer 1"}
  }'"""
V2_CALL_B_BODY = """{
    "to_number": "+919876543211",
    "batch_id": "68433b7b0dee98e59245ebab",
    "agent_id": "agent_support_id",
    "metadata": {"name": "Customer 2"}
  }"""

# page: Create Campaign (v1)
V1_QUICK = """\
curl -X POST https://api.callkaro.ai/call/campaign \\
  -H "Content-Type: application/json" \\
  -H "X-API-KEY: your_api_key_here" \\
  -d '{
    "name": "Sales Campaign Q1",
    "agent_id": "6803fa770b666a64ab1694c1e"
  }'"""
V1_CREATE = """\
curl -X POST https://api.callkaro.ai/call/campaign \\
      -H "X-API-KEY: your_api_key_here" \\
      -d '{
        "name": "Inspection Campaign",
        "agent_id": "6803fa770b666a64ab1694c1e"
      }'"""
V1_CALL = """\
curl -X POST https://api.callkaro.ai/call/outbound \\
      -H "X-API-KEY: your_api_key_here" \\
      -d '{
        "to_number": "+919876543210",
        "batch_id": "68433b7b0dee98e59245ebab",
        "agent_id": "6803fa770b666a64ab1694c1e",
        "metadata": {
          "name": "Abhinav",
          "city": "Bangalore"
        },
        "schedule_at": "2025-12-31T09:30:00",
        "min_trigger_time": "09:00",
        "max_trigger_time": "18:00",
        "number_of_retries": 3,
        "gap_between_retries": 30
      }'"""

# page: Outbound Call API Endpoint
OUTBOUND_BODY = """{
  "to_number": "+919876543210",
  "agent_id": "6803fa770b65876868ddf",
  "metadata": {
    "key1": "Value 1",
    "key2": 5,
    "city": "Bangalore"
  },
  "schedule_at": "2025-05-28T09:30:00",
  "min_trigger_time": "08:30",
  "max_trigger_time": "20:30",
  "carry_over": true,
  "number_of_retries": 3,
  "gap_between_retries": [30, 120],
  "priority": 0
}"""


def _outbound_example(ending):
    return (
        """\
curl -X POST https://api.callkaro.ai/call/outbound     -H "Content-Type: application/json"     \
-H "X-API-KEY: your_api_key_here"     -d '{
      "to_number": "+919876543210",
      "agent_id": "6803fa770b666a64ab1694c1e",
      "metadata": {
        "name": "Abhinav",
        "age": 25,
        "city": "Bangalore"
      },
"""
        + ending
        + "\n    }'"
    )


OUTBOUND_EXAMPLES = {
    "normal": '      "priority": 1',
    "normal call with retry": """\
      "number_of_retries": 3,
      "gap_between_retries": [30, 60]""",
    "scheduling call with no retry": '      "schedule_at": "2025-05-28T09:30:00"',
    "scheduling with retry": """\
      "schedule_at": "2025-05-28T09:30:00",
      "number_of_retries": 3,
      "gap_between_retries": 30""",
    "scheduling with retry and start/end time": """\
      "schedule_at": "2025-05-28T09:30:00",
      "min_trigger_time": "08:30",
      "max_trigger_time": "20:30",
      "number_of_retries": 3,
      "gap_between_retries": 30""",
    "rescheduling to next day": """\
      "schedule_at": "2025-05-28T09:30:00",
      "min_trigger_time": "08:30",
      "max_trigger_time": "20:30",
      "carry_over": true,
      "number_of_retries": 3,
      "gap_between_retries": 30""",
}
CAMPAIGN_EXAMPLE = """\
curl -X POST https://api.callkaro.ai/call/campaign     -H "Content-Type: application/json"     \
-H "X-API-KEY: your_api_key_here"     -d '{
      "name": "Inspection Campaign",
      "agent_id": "6803fa770b65876868ddf"
    }'"""
CAMPAIGN_BODY = """{
    "name": "Inspection Campaign",
    "agent_id": "6803fa770b65876868ddf"
}"""
SCHEDULE_CAMPAIGN_BODY = """{
  "to_number": "+919876543210",
  "batch_id": "68433b7b0dee98e59245ebab",
  "metadata": {
    "key1": "Value 1",
    "key2": 5,
    "city": "Bangalore"
  },
  "schedule_at": "2025-05-28T09:30:00",
  "min_trigger_time": "08:30",
  "max_trigger_time": "20:30",
  "carry_over": true,
  "number_of_retries": 3,
  "gap_between_retries": 30
}"""
SCHEDULE_CAMPAIGN_EXAMPLE_BODY = """{
    "to_number": "+919876543210",
    "batch_id": "68433b7b0dee98e59245ebab",
    "metadata": {
      "key1": "Value 1",
      "key2": 5,
      "city": "Bangalore"
    },
    "schedule_at": "2025-05-28T09:30:00",
    "min_trigger_time": "08:30",
    "max_trigger_time": "20:30",
    "carry_over": true,
    "number_of_retries": 3,
    "gap_between_retries": 30
  }"""


UNKNOWN_AGENT = {"to_number": "+919876543210", "agent_id": "unknown"}


@pytest.fixture(scope="module")
def documented_sandbox():
    with Sandbox(api_key="your_api_key_here") as sandbox:
        yield sandbox


@pytest.fixture
def documented(documented_sandbox, client_of):
    documented_sandbox.reset()
    return documented_sandbox, client_of(documented_sandbox)


def test_the_reference_request_of_campaign_v2_is_answered_as_documented(client_of):
    with Sandbox(api_key="<api-key>") as sandbox:
        answer = client_of(sandbox).curl(V2_REFERENCE, host=VENDOR)
    assert (answer.status_code, answer.json()) == (200, CAMPAIGN_CREATED)


@pytest.mark.parametrize("command", [V2_QUICK, V2_CREATE, V1_QUICK, V1_CREATE, CAMPAIGN_EXAMPLE])
def test_a_documented_campaign_is_answered_as_documented(documented, command):
    _, client = documented
    answer = client.curl(command, host=VENDOR)
    assert (answer.status_code, answer.json()) == (200, CAMPAIGN_CREATED)


def test_the_documented_campaign_v2_takes_a_call_of_each_agent(documented):
    sandbox, client = documented
    client.curl(V2_CREATE, host=VENDOR)
    assert client.curl(V2_CALL_A, host=VENDOR).json() == CALL_INITIATED
    assert client.post("/call/outbound", data=V2_CALL_B_BODY).status_code == 200
    assert [(ring.agent_id, ring.batch_id) for ring in sandbox.rings] == [
        ("agent_sales_id", "68433b7b0dee98e59245ebab"),
        ("agent_support_id", "68433b7b0dee98e59245ebab"),
    ]


def test_the_documented_campaign_v1_takes_the_documented_call(documented):
    sandbox, client = documented
    client.curl(V1_CREATE, host=VENDOR)
    answer = client.curl(V1_CALL, host=VENDOR)
    assert (answer.status_code, answer.json()) == (200, CALL_INITIATED)
    assert sandbox.rings[0].metadata == {"name": "Abhinav", "city": "Bangalore"}


@pytest.mark.parametrize("name", OUTBOUND_EXAMPLES)
def test_a_documented_call_is_answered_as_documented(documented, name):
    _, client = documented
    answer = client.curl(_outbound_example(OUTBOUND_EXAMPLES[name]), host=VENDOR)
    assert (answer.status_code, answer.json()) == (200, CALL_INITIATED)


def test_the_documented_body_with_every_field_is_kept_as_it_was_sent(documented):
    sandbox, client = documented
    assert client.post("/call/outbound", data=OUTBOUND_BODY).json() == CALL_INITIATED
    assert sandbox.rings[0].body == json.loads(OUTBOUND_BODY)


@pytest.mark.parametrize("body", [SCHEDULE_CAMPAIGN_BODY, SCHEDULE_CAMPAIGN_EXAMPLE_BODY])
def test_a_documented_campaign_call_without_agent_takes_the_agent_of_the_campaign(documented, body):
    sandbox, client = documented
    assert client.post("/call/campaign", data=CAMPAIGN_BODY).json() == CAMPAIGN_CREATED
    answer = client.post("/call/outbound", data=body)
    assert (answer.status_code, answer.json()) == (200, CALL_INITIATED)
    assert sandbox.rings[0].agent_id == "6803fa770b65876868ddf"


@pytest.mark.parametrize(
    ("path", "body", "key", "status", "message"),
    [
        ("/call/outbound", {"to_number": "+919876543210"}, "your_api_key_here", 400, "Missing agent_id"),
        ("/call/campaign", {"name": "Inspection Campaign"}, "your_api_key_here", 400, "Missing agent_id"),
        ("/call/outbound", {"agent_id": "a"}, "your_api_key_here", 400, "Missing required field: to_number"),
        ("/call/outbound", {"to_number": "+919876543210"}, None, 403, "Missing X-API-KEY in headers"),
        ("/call/outbound", UNKNOWN_AGENT, "your_api_key_here", 404, "Agent does not exist"),
    ],
)
def test_a_documented_error_comes_as_documented(documented, path, body, key, status, message):
    sandbox, client = documented
    answer = client.post(path, json=body, key=key)
    assert (answer.status_code, answer.json()) == (status, {"status": "error", "message": message})
    assert sandbox.rings == []


def test_the_documented_server_error_comes_as_documented(documented):
    sandbox, client = documented
    sandbox.fault("error_before_accepting")
    answer = client.call()
    assert (answer.status_code, answer.json()) == (500, {"status": "error", "message": "Server error"})


def test_the_newer_documented_success_comes_as_documented(documented):
    sandbox, client = documented
    sandbox.fault("newer_answer")
    expected = {"status": "done", "message": "Call queued successfully", "call_sid": "a1b2c3d4e5"}
    assert client.call().json() == expected
