"""Every request in CallKaro's documents, word for word: what we send is what they document, field for field."""

from __future__ import annotations

import json
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from airflow_provider_callkaro.calls import Call
from airflow_provider_callkaro.calls.row import RowReader
from airflow_provider_callkaro.calls.row_schema import CALL_FIELDS
from airflow_provider_callkaro.vendors.callkaro.api import DEFAULT_HOST, CallKaro

KOLKATA = ZoneInfo("Asia/Kolkata")
CAMPAIGN_V1 = "https://api.callkaro.ai/call/campaign"
CAMPAIGN_V2 = "https://api.callkaro.ai/v2/call/campaign"
OUTBOUND = "https://api.callkaro.ai/call/outbound"

DOCUMENTED_CAMPAIGNS = {
    "v2: create campaign, header": (CAMPAIGN_V2, '{ "name": "Inspection Campaign" }'),
    "v2: quick example": (CAMPAIGN_V2, '{ "name": "Multi-Agent Campaign" }'),
    "v2: workflow, step 1": (CAMPAIGN_V2, '{ "name": "Inspection Campaign" }'),
    "v1: quick example": (
        CAMPAIGN_V1,
        """{
    "name": "Sales Campaign Q1",
    "agent_id": "6803fa770b666a64ab1694c1e"
  }""",
    ),
    "v1: workflow, step 1": (
        CAMPAIGN_V1,
        """{
        "name": "Inspection Campaign",
        "agent_id": "6803fa770b666a64ab1694c1e"
      }""",
    ),
    "outbound page: request body for creating campaign": (
        CAMPAIGN_V1,
        """{
    "name": "Inspection Campaign",
    "agent_id": "6803fa770b65876868ddf"
}""",
    ),
}

DOCUMENTED_CALLS = {
    "v2: call 1, agent A": """{
    "to_number": "+919876543210",
    "batch_id": "68433b7b0dee98e59245ebab",
    "agent_id": "agent_sales_id",
    "metadata": {"name": "Customer 1"}
  }""",
    "v2: call 2, agent B": """{
    "to_number": "+919876543211",
    "batch_id": "68433b7b0dee98e59245ebab",
    "agent_id": "agent_support_id",
    "metadata": {"name": "Customer 2"}
  }""",
    "v1: add calls to the campaign": """{
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
      }""",
    "outbound page: request body": """{
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
}""",
    "outbound page: normal": """{
      "to_number": "+919876543210",
      "agent_id": "6803fa770b666a64ab1694c1e",
      "metadata": {
        "name": "Abhinav",
        "age": 25,
        "city": "Bangalore"
      },
      "priority": 1
    }""",
    "outbound page: normal call with retry": """{
      "to_number": "+919876543210",
      "agent_id": "6803fa770b666a64ab1694c1e",
      "metadata": {
        "name": "Abhinav",
        "age": 25,
        "city": "Bangalore"
      },
      "number_of_retries": 3,
      "gap_between_retries": [30, 60]
    }""",
    "outbound page: scheduling call with no retry": """{
      "to_number": "+919876543210",
      "agent_id": "6803fa770b666a64ab1694c1e",
      "metadata": {
        "name": "Abhinav",
        "age": 25,
        "city": "Bangalore"
      },
      "schedule_at": "2025-05-28T09:30:00"
    }""",
    "outbound page: scheduling with retry": """{
      "to_number": "+919876543210",
      "agent_id": "6803fa770b666a64ab1694c1e",
      "metadata": {
        "name": "Abhinav",
        "age": 25,
        "city": "Bangalore"
      },
      "schedule_at": "2025-05-28T09:30:00",
      "number_of_retries": 3,
      "gap_between_retries": 30
    }""",
    "outbound page: scheduling with retry and start/end time": """{
      "to_number": "+919876543210",
      "agent_id": "6803fa770b666a64ab1694c1e",
      "metadata": {
        "name": "Abhinav",
        "age": 25,
        "city": "Bangalore"
      },
      "schedule_at": "2025-05-28T09:30:00",
      "min_trigger_time": "08:30",
      "max_trigger_time": "20:30",
      "number_of_retries": 3,
      "gap_between_retries": 30
    }""",
    "outbound page: rescheduling to next day": """{
      "to_number": "+919876543210",
      "agent_id": "6803fa770b666a64ab1694c1e",
      "metadata": {
        "name": "Abhinav",
        "age": 25,
        "city": "Bangalore"
      },
      "schedule_at": "2025-05-28T09:30:00",
      "min_trigger_time": "08:30",
      "max_trigger_time": "20:30",
      "carry_over": true,
      "number_of_retries": 3,
      "gap_between_retries": 30
    }""",
    "outbound page: scheduling campaign": """{
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
}""",
}


def named(documents):
    return [pytest.param(document, id=name) for name, document in documents.items()]


def test_the_key_travels_in_the_documented_headers():
    headers = CallKaro.headers("your_api_key_here")
    assert headers["X-API-KEY"] == "your_api_key_here"
    assert headers["Content-Type"] == "application/json"


@pytest.mark.parametrize("document", named(DOCUMENTED_CAMPAIGNS))
def test_a_campaign_is_created_as_documented(document):
    url, body = document
    request = CallKaro().create_campaign(**json.loads(body))
    assert (request.method, DEFAULT_HOST + request.path) == ("POST", url)
    assert json.loads(request.body) == json.loads(body)
    assert request.retry_safe


@pytest.mark.parametrize("body", named(DOCUMENTED_CALLS))
def test_a_call_made_by_hand_is_sent_as_documented(body):
    fields = json.loads(body)
    if "schedule_at" in fields:
        fields["schedule_at"] = datetime.fromisoformat(fields["schedule_at"]).replace(tzinfo=KOLKATA)
    request = CallKaro(schedule_timezone=KOLKATA).place_call(Call(**fields))
    assert (request.method, DEFAULT_HOST + request.path) == ("POST", OUTBOUND)
    assert json.loads(request.body) == json.loads(body)
    assert not request.retry_safe


@pytest.mark.parametrize("body", named({name: body for name, body in DOCUMENTED_CALLS.items() if "agent_id" in body}))
def test_a_call_read_from_a_row_is_sent_as_documented(body):
    row = json.loads(body)
    reader = RowReader(batch_id=row.pop("batch_id", None), schedule_timezone=KOLKATA, row_fields=CALL_FIELDS)
    request = CallKaro(schedule_timezone=KOLKATA).place_call(reader.read(row))
    assert (request.method, DEFAULT_HOST + request.path) == ("POST", OUTBOUND)
    assert json.loads(request.body) == json.loads(body)


def test_scheduled_calls_are_deleted_as_documented():
    """Source: the page of the deletion, which takes the agent in the query and the number in the body."""
    request = CallKaro().delete_scheduled_call("+919876543210", "6803fa770b666a64ab1694c1e")
    assert request.method == "POST"
    assert request.path == "/call/delete-schedule-call?agent_id=6803fa770b666a64ab1694c1e"
    assert json.loads(request.body) == {"to_number": "+919876543210"}
    assert request.retry_safe


def test_an_agent_with_strange_letters_stays_one_parameter():
    request = CallKaro().delete_scheduled_call("+919876543210", "a&agent_id=b c/d#é")
    assert request.path == "/call/delete-schedule-call?agent_id=a%26agent_id%3Db+c%2Fd%23%C3%A9"
