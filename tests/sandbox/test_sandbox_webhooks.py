"""What the sandbox tells of its calls, to somebody who listens on a real socket."""

from __future__ import annotations

import hashlib
import hmac
import threading
from collections import Counter

import pytest
from webhook_receiver import receiving

from airflow_provider_callkaro.sandbox import Ending, Sandbox, Webhook
from airflow_provider_callkaro.sandbox.webhooks import deliverer

NUMBERS = [f"+1415555{index:04d}" for index in range(200, 260)]
ALL_ENDINGS = [ending for ending in Ending if ending is not Ending.DELETED]


@pytest.fixture
def receiver():
    with receiving() as receiver:
        yield receiver


def ring_all(client, **fields):
    for number in NUMBERS:
        assert client.call(number, **fields).status_code == 200


def test_each_call_is_told_with_what_was_sent_along(client, sandbox, receiver):
    sandbox.webhook(receiver.url, headers={"X-Secret": "s3cret"})
    batch_id = client.campaign()
    call_id = client.call(batch_id=batch_id, metadata={"call_reference": "r", "name": "Asha"}).json()["call_id"]
    sandbox.wait_for_webhooks()
    (event,), (headers,), (path,) = receiver.got, receiver.headers, receiver.paths
    assert event["event"] == "call_ended"
    data = event["data"]
    assert data["call_metadata"] == {"call_reference": "r", "name": "Asha"}
    assert (data["callSid"], data["to"], data["batchId"]) == (call_id, "14155550100", batch_id)
    assert (data["try_count"], data["next_call_scheduled"]) == (0, False)
    assert (headers["X-Secret"], headers["Content-Type"], path) == ("s3cret", "application/json", "/hooks/callkaro")
    (delivery,) = sandbox.webhook_deliveries
    assert (delivery.call_id, delivery.status, delivery.sent, delivery.has_arrived) == (call_id, 200, 1, True)


def test_a_lost_answer_is_told_all_the_same_and_a_refused_call_is_not(client, sandbox, receiver):
    sandbox.webhook(receiver.url)
    sandbox.fault("drop_answer_after_accepting", first=1)
    with pytest.raises(OSError, match="Connection"):
        client.call("+14155550201")
    sandbox.clear_faults()
    sandbox.fault("error_before_accepting", first=1)
    assert client.call("+14155550202").status_code == 500
    sandbox.wait_for_webhooks()
    assert [event["data"]["to"] for event in receiver.got] == ["14155550201"]


def test_the_same_seed_tells_the_same_of_the_same_numbers_in_any_order(receiver, client_of):
    told = []
    for seed, numbers in ((1, NUMBERS), (1, NUMBERS[::-1]), (2, NUMBERS)):
        receiver.got.clear()
        with Sandbox(outcome_seed=seed, webhooks=[Webhook(url=receiver.url)]) as sandbox:
            for number in numbers:
                client_of(sandbox).call(number, number_of_retries=2)
            sandbox.wait_for_webhooks()
        facts = ("to", "try_count", "hangup_reason", "call_duration", "conversion_status", "next_call_scheduled")
        told.append(sorted(tuple(event["data"][fact] for fact in facts) for event in receiver.got))
    assert told[0] == told[1] != told[2]


def test_the_usual_mixture_has_every_usual_ending(client, sandbox, receiver):
    sandbox.webhook(receiver.url)
    for index in range(300):
        client.call(f"+1415556{index:04d}")
    sandbox.wait_for_webhooks()
    counted = Counter(delivery.ending for delivery in sandbox.webhook_deliveries)
    assert set(counted) == set(ALL_ENDINGS) - {Ending.NEW_WORD}
    assert counted.most_common(1)[0][0] is Ending.REACHED


def test_who_does_not_answer_is_rung_as_often_as_the_call_asks_for(client, sandbox, receiver):
    sandbox.webhook(receiver.url)
    sandbox.let_calls_end({"no_answer": 1})
    client.call(number_of_retries=3)
    sandbox.wait_for_webhooks()
    tries = sorted((e["data"]["try_count"], e["data"]["next_call_scheduled"]) for e in receiver.got)
    assert tries == [(0, True), (1, True), (2, True), (3, False)]
    assert len({event["data"]["callSid"] for event in receiver.got}) == 1


@pytest.mark.parametrize("ending", ALL_ENDINGS, ids=str)
def test_each_ending_has_a_word_with_each_vendor(client, sandbox, receiver, ending):
    sandbox.webhook(receiver.url)
    sandbox.let_calls_end({ending: 1})
    client.call()
    client.mrassistant("POST", "/calls/outbound", json={"agent_id": AGENT, "to_number": "+12025550102"})
    client.callaro("POST", f"/{client.draft(contacts=[{'phone_e164': '+12025550103'}])}/launch")
    sandbox.wait_for_rings(3)
    sandbox.wait_for_webhooks()
    assert {delivery.vendor for delivery in sandbox.webhook_deliveries} == {"callkaro", "callaro", "mrassistant"}
    assert {delivery.ending for delivery in sandbox.webhook_deliveries} == {ending}
    assert sorted(receiver.paths) == ["/hooks/callaro", "/hooks/callkaro", "/hooks/mrassistant"]


AGENT = "3c90c3cc-0d44-4b50-8888-8dd25736052a"


def campaign_with(client, **fields):
    targets = [{"to_number": "+12025550101", "context": {"call_reference": "r"}}]
    body = {"agent_id": AGENT, "name": "Renewals", "targets": targets} | fields
    return client.mrassistant("POST", "/campaigns", json=body).json()["campaign_id"]


def test_a_campaign_of_mrassistant_names_who_is_told_and_signs_for_it(client, sandbox, receiver):
    campaign_with(client, webhook_url=receiver.url)  # of progress, and not of each call
    url = receiver.url.replace("{vendor}", "own")
    campaign_id = campaign_with(client, webhook_url=url, webhook_secret="s3cret", notify_on_call_complete=True)
    sandbox.wait_for_webhooks()
    ((event, body, headers),) = zip(receiver.got, receiver.bodies, receiver.headers, strict=True)
    assert (event["campaign_id"], event["context"]) == (campaign_id, {"call_reference": "r"})
    assert event["to_number"] == "+12025550101"
    signature = hmac.new(b"s3cret", body, hashlib.sha256).hexdigest()
    assert any(signature in value for value in headers.values())
    assert receiver.paths == ["/hooks/own"]


def test_a_campaign_leads_to_no_other_machine(client, sandbox):
    campaign_with(client, webhook_url="https://hooks.example/x", notify_on_call_complete=True)
    sandbox.wait_for_webhooks()
    assert sandbox.webhook_deliveries == []


def test_callaro_tells_with_the_fields_of_both_of_its_pages(client, sandbox, receiver):
    sandbox.webhook(receiver.url, signing_secret="s3cret")
    sandbox.let_calls_end({"reached": 1})
    client.callaro("POST", f"/{client.draft(contacts=[{'phone_e164': '+12025550103', 'name': 'Asha'}])}/launch")
    sandbox.wait_for_rings(1)
    sandbox.wait_for_webhooks()
    (event,), (headers,), (body,) = receiver.got, receiver.headers, receiver.bodies
    seen = {"call_status": "completed", "call_outcome": "answered", "answered_by": "human"}
    assert event | seen | {"hangup_reason": "user_hangup", "schema_version": "2026-04-28"} == event
    assert (event["to_e164"], event["runtime_vars"]) == ("+12025550103", {"name": "Asha"})
    assert {"call_id", "voice_session_id", "idempotency_key", "event_id"} <= event.keys()
    signature = hmac.new(b"s3cret", body, hashlib.sha256).hexdigest()
    assert signature in headers["X-Callaro-Signature"]


def test_twice_each_in_disorder_and_some_never(client, sandbox, receiver):
    sandbox.webhook(receiver.url, duplicates=1, losses=0.2, disorder_seconds=0.3)
    sandbox.let_calls_end({"reached": 1})
    ring_all(client)
    sandbox.wait_for_webhooks()
    came = [event["data"]["callSid"] for event in receiver.got]
    lost = {delivery.call_id for delivery in sandbox.webhook_deliveries if delivery.is_lost}
    ids = [ring.call_id for ring in sandbox.rings]
    assert 0 < len(lost) < len(NUMBERS) / 2
    assert Counter(came) == {call_id: 2 for call_id in ids if call_id not in lost}
    assert list(dict.fromkeys(came)) != [call_id for call_id in ids if call_id not in lost]


def test_the_same_seed_loses_the_same_webhooks_wherever_they_go(client_of):
    lost = []
    for _ in range(2):
        with receiving() as receiver, Sandbox(webhooks=[Webhook(url=receiver.url, losses=0.5)]) as sandbox:
            ring_all(client_of(sandbox))
            sandbox.wait_for_webhooks()
            lost.append(sorted(each.call_id for each in sandbox.webhook_deliveries if each.is_lost))
    assert lost[0] == lost[1] != []


def test_everything_can_be_sent_once_more_and_what_was_lost_comes_late(client, sandbox, receiver):
    sandbox.webhook(receiver.url, losses=0.5)
    sandbox.let_calls_end({"reached": 1})
    ring_all(client)
    sandbox.wait_for_webhooks()
    first = list(receiver.bodies)
    assert 0 < len(first) < len(NUMBERS)
    assert sandbox.send_webhooks_again() == len(first)
    sandbox.wait_for_webhooks()
    assert Counter(receiver.bodies) == Counter(first * 2)
    assert receiver.bodies[len(first) :] != first
    assert sandbox.send_webhooks_again(lost=True) == len(NUMBERS)
    sandbox.wait_for_webhooks()
    assert len(set(receiver.bodies)) == len(NUMBERS)


def test_two_urls_are_told_the_same(client, sandbox, receiver):
    sandbox.webhook(receiver.url)
    sandbox.webhook(receiver.url + "/again", vendor="callkaro")
    sandbox.webhook(receiver.url + "/callaro", vendor="callaro")
    client.call()
    sandbox.wait_for_webhooks()
    assert sorted(receiver.paths) == ["/hooks/callkaro", "/hooks/callkaro/again"]
    first, second = ({**event["data"], "time": None} for event in receiver.got)
    assert first == second


def test_what_is_not_taken_comes_again(client, sandbox, receiver):
    sandbox.webhook(receiver.url)
    receiver.status = [503, 500, 204]
    client.call()
    sandbox.wait_for_webhooks()
    (delivery,) = sandbox.webhook_deliveries
    assert (delivery.sent, delivery.status, len(set(receiver.bodies))) == (3, 204, 1)


def test_a_scheduled_call_that_was_deleted_ends_as_that(client, sandbox, receiver):
    sandbox.webhook(receiver.url, delay_seconds=0.5)
    client.call(schedule_at="2030-01-01T10:00:00")
    assert client.post("/call/delete-schedule-call?agent_id=agent", json={"to_number": "+14155550100"}).ok
    sandbox.wait_for_webhooks()
    (event,) = receiver.got
    assert event["data"]["hangup_reason"] == "DELETED_SCH_CALL_ONE"


@pytest.mark.parametrize("state", ["waits", "is on its way"])
def test_a_sandbox_ends_at_once_whatever_is_still_to_be_told(receiver, client_of, state, monkeypatch):
    monkeypatch.setattr(deliverer, "PATIENCE", 3600.0)  # an answer would be waited for so long
    receiver.may_answer.clear()
    sandbox = Sandbox(webhooks=[Webhook(url=receiver.url, delay_seconds=3600 if state == "waits" else 0)])
    sandbox.start()
    client_of(sandbox).call()
    if state == "is on its way":
        receiver.wait_for(1)
    ending = threading.Thread(target=sandbox.stop, daemon=True)
    ending.start()
    ending.join(60)
    assert not ending.is_alive()
    sandbox.wait_for_webhooks(timeout=0)


def test_a_reset_forgets_what_is_to_be_told_and_keeps_whom_the_start_named(receiver, client_of):
    with Sandbox(webhooks=[Webhook(url=receiver.url)], outcomes={"voicemail": 1}) as sandbox:
        sandbox.webhook(receiver.url, delay_seconds=3600)
        client_of(sandbox).call()
        sandbox.reset()
        sandbox.wait_for_webhooks(timeout=0)
        assert sandbox.webhook_deliveries == []
        client_of(sandbox).call("+14155550177")
        sandbox.wait_for_webhooks()
        reasons = [e["data"]["hangup_reason"] for e in receiver.got if e["data"]["to"] == "14155550177"]
        assert reasons == ["VOICEMAIL_DETECTED"]


def test_it_is_steered_over_http(client, sandbox, receiver):
    added = client.control("POST", "/_sandbox/webhooks", json={"url": receiver.url, "headers": {"X-Secret": "s3cret"}})
    assert added.status_code == 200
    assert "s3cret" not in added.text
    assert client.control("PUT", "/_sandbox/outcomes", json={"voicemail": 1}).json()["outcomes"] == {"voicemail": 1}
    client.call()
    sandbox.wait_for_webhooks()
    seen = client.control("GET", "/_sandbox/webhooks").json()
    assert seen["totals"] == {"waiting": 0, "arrived": 1, "lost": 0, "given_up": 0}
    (delivery,) = seen["deliveries"]
    assert (delivery["ending"], delivery["status"], delivery["has_arrived"]) == ("voicemail", 200, True)
    assert client.control("POST", "/_sandbox/webhooks/again").json() == {"sent": 1}
    assert client.control("DELETE", "/_sandbox/webhooks").json()["webhooks"] == []
    client.call()
    sandbox.wait_for_webhooks()
    assert len(receiver.got) == 2


URL = "http://127.0.0.1:1/"
WRONG = {
    "no url": {},
    "another machine": {"url": "http://hooks.example/"},
    "no address": {"url": "hooks"},
    "a port that is none": {"url": "http://127.0.0.1:99999/"},
    "an unknown option": {"url": URL, "loss": 1},
    "more than all": {"url": URL, "losses": 1.5},
    "a truth": {"url": URL, "duplicates": True},
    "no number": {"url": URL, "delay_seconds": "1"},
    "below nothing": {"url": URL, "disorder_seconds": -1},
    "an unknown vendor": {"url": URL, "vendor": "CallKaro"},
    "a header with a line's end": {"url": URL, "headers": {"X": "a\nb"}},
    "a list": [],
}


@pytest.mark.parametrize("wrong", list(WRONG))
def test_a_webhook_that_cannot_be_is_refused(client, sandbox, wrong):
    answer = client.control("POST", "/_sandbox/webhooks", json=WRONG[wrong])
    assert answer.status_code == 400
    assert answer.json()["message"]
    assert client.control("GET", "/_sandbox/webhooks").json()["webhooks"] == []


@pytest.mark.parametrize(
    "shares", [{}, {"reached": 0}, {"reached": -1}, {"eaten": 1}, {"deleted": 1}, [], {"reached": "1"}]
)
def test_shares_that_cannot_be_are_refused(client, shares):
    assert client.control("PUT", "/_sandbox/outcomes", json=shares).status_code == 400
