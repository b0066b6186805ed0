"""What the sandbox tells, read as a vendor's webhook: the two were written apart, each from the vendor's pages."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import requests
from webhook_receiver import Receiver, receiving

from airflow_provider_callkaro.calls.disposition import Disposition
from airflow_provider_callkaro.sandbox import Ending, Sandbox
from airflow_provider_callkaro.vendors.call_event import CallEvent
from airflow_provider_callkaro.vendors.call_events import read_event

NUMBER = "+12025550102"
AGENT = "3c90c3cc-0d44-4b50-8888-8dd25736052a"
REFERENCE = "abcdefghijklmnopqrstuv"
CAMPAIGNS = "/api/v1/bulk_call_campaigns"
READ_AS = {
    Ending.REACHED: Disposition.REACHED,
    Ending.ASKED_NOT_TO_BE_CALLED: Disposition.REACHED,
    Ending.NO_ANSWER: Disposition.NOT_REACHED,
    Ending.UNREACHABLE: Disposition.NOT_REACHED,
    Ending.REJECTED: Disposition.REFUSED,
    Ending.VOICEMAIL: Disposition.VOICEMAIL,
    Ending.INVALID_NUMBER: Disposition.INVALID_NUMBER,
    Ending.FAILED: Disposition.VENDOR_FAULT,
    Ending.NEW_WORD: Disposition.OTHER,
}


@pytest.fixture(scope="module")
def running() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(running: Sandbox) -> Sandbox:
    running.reset()
    return running


@pytest.fixture
def receiver(sandbox: Sandbox) -> Iterator[Receiver]:
    with receiving() as receiver:
        sandbox.webhook(receiver.url)
        yield receiver


def call(sandbox: Sandbox, vendor: str, **fields: object) -> str:
    """Have a vendor ring one number; the id of the call."""
    carried = {"call_reference": REFERENCE}

    def post(path: str, body: object = None, **headers: str) -> requests.Response:
        return requests.post(sandbox.url + path, json=body, headers=headers, timeout=30)

    if vendor == "callkaro":
        body = {"to_number": NUMBER, "agent_id": "agent", "metadata": carried, **fields}
        post("/call/outbound", body, **{"X-API-KEY": sandbox.api_key})
    elif vendor == "mrassistant":
        target = {"to_number": NUMBER, "context": carried}
        body = {"agent_id": AGENT, "name": "Renewals", "targets": [target], **fields}
        post("/campaigns", body, Authorization=f"Bearer {sandbox.api_key}")
    else:
        key = {"X-Api-Key": sandbox.api_key}
        body = {"name": "Renewals", "agent_id": 42, "contacts": [{"phone_e164": NUMBER, **carried}]}
        draft = post(CAMPAIGNS, body, **key).json()["data"]["id"]
        post(f"{CAMPAIGNS}/{draft}/launch", **key)
    sandbox.wait_for_rings(1)
    sandbox.wait_for_webhooks()
    return sandbox.rings[0].call_id


def events(receiver: Receiver, vendor: str) -> list[CallEvent]:
    """What has come, in the order of the tries."""
    read = [read_event(vendor, payload, zone=UTC) for payload in receiver.got]
    return sorted((each for each in read if each is not None), key=lambda each: each.attempt)


@pytest.mark.parametrize("ending", READ_AS, ids=str)
@pytest.mark.parametrize("vendor", ["callkaro", "callaro", "mrassistant"])
def test_each_ending_of_each_vendor_is_read_as_what_it_is(
    sandbox: Sandbox, receiver: Receiver, vendor: str, ending: Ending
) -> None:
    sandbox.let_calls_end({ending: 1})
    call_id = call(sandbox, vendor)
    (event,) = events(receiver, vendor)
    assert event.disposition is READ_AS[ending]
    assert event.asked_not_to_be_called is (ending is Ending.ASKED_NOT_TO_BE_CALLED)
    assert (event.call_id, event.reference, event.number) == (call_id, REFERENCE, NUMBER.removeprefix("+"))
    assert (event.is_over, event.is_last, event.attempt) == (True, True, 0)
    assert event.happened_at is not None
    assert abs(event.happened_at - datetime.now(UTC)) < timedelta(minutes=10)
    spoke = ending in (Ending.REACHED, Ending.ASKED_NOT_TO_BE_CALLED)
    assert bool(event.duration_seconds) is spoke


@pytest.mark.parametrize(
    ("vendor", "fields"),
    [("callkaro", {"number_of_retries": 2}), ("mrassistant", {"retry_failed": True, "retry_attempts": 2})],
    ids=["callkaro", "mrassistant"],
)
def test_each_try_is_an_attempt_and_one_is_the_last(
    sandbox: Sandbox, receiver: Receiver, vendor: str, fields: dict[str, object]
) -> None:
    sandbox.let_calls_end({"no_answer": 1})
    call(sandbox, vendor, **fields)
    tries = [(event.attempt, event.is_last, event.call_id) for event in events(receiver, vendor)]
    call_id = sandbox.rings[0].call_id
    assert tries == [(0, False, call_id), (1, False, call_id), (2, True, call_id)]
