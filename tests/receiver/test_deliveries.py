"""What a vendor is answered, and what is in the database then."""

from __future__ import annotations

import hashlib
import hmac
import json
import socket
from urllib.parse import urlsplit

import pytest
from delivering import LEDGER, SECRET, call_ended, define_callkaro, outcomes

from airflow_provider_callkaro.receiver.app import hide_secret
from airflow_provider_callkaro.vendors.webhook_json import MAX_BYTES


def test_an_event_is_written_and_then_acknowledged(vendor, ledger):
    answer = vendor.deliver(call_ended("call-1", hangup_reason="USER_REJECTED"))
    assert (answer.status_code, answer.json()) == (200, {"status": "recorded"})
    assert outcomes(ledger) == [("call-1", "refused")]


def test_deliveries_that_come_twice_and_out_of_order_are_one_outcome(vendor, ledger):
    first = call_ended("call-1", hangup_reason="USER_UNAVAILABLE", try_count=0, next_call_scheduled=True)
    second = call_ended("call-1", hangup_reason="CLIENT_INITIATED", try_count=1)
    assert {vendor.deliver(each).status_code for each in (second, first, second, first)} == {200}
    assert outcomes(ledger, "attempt, disposition") == [(0, "not_reached"), (1, "reached")]


def test_a_secret_that_stands_in_the_path_opens_too(vendor, ledger):
    assert vendor.deliver(to=f"callkaro/callkaro_default/{SECRET}", secret=None).status_code == 200
    assert len(outcomes(ledger)) == 1


@pytest.mark.parametrize("event", ["message_received", "something_new"])
def test_an_event_that_nobody_needs_is_acknowledged_and_forgotten(vendor, ledger, event):
    answer = vendor.deliver({"event": event, "data": {}})
    assert (answer.status_code, answer.json()) == (200, {"status": "ignored"})


class TestStrangers:
    """Whoever does not know a secret learns nothing: every answer is the same."""

    @pytest.fixture
    def refusal(self, vendor):
        return vendor.deliver(secret="a-secret-that-is-not-the-right-one")

    @pytest.mark.parametrize(
        ("to", "secret"),
        [
            ("callkaro/callkaro_default", None),
            ("callkaro/callkaro_default", ""),
            ("callkaro/callkaro_default", SECRET[:-1]),
            ("callkaro/callkaro_default/wrong-secret-in-the-path", SECRET),
            ("callkaro/nobody_has_made_this_one", SECRET),
            ("callkaro/another_callkaro", SECRET),
            ("callkaro/misconfigured", SECRET),
            ("callaro/callkaro_default", SECRET),
            ("nobody/callkaro_default", SECRET),
            ("callkaro/webhook_ledger", SECRET),
            ("callkaro/%2e%2e%2fetc", SECRET),
        ],
        ids=[
            *("none", "empty", "cut", "path", "no connection", "no webhooks", "misconfigured"),
            *("another vendor", "no vendor", "no vendor's connection", "no name"),
        ],
    )
    def test_are_all_told_the_same(self, vendor, define, refusal, to, secret):
        define("another_callkaro", conn_type="callkaro", password="key")
        define("misconfigured", conn_type="callkaro", password="key", extra={"webhooks": {"secret": SECRET}})
        answer = vendor.deliver(to=to, secret=secret)
        assert (answer.status_code, answer.content) == (401, refusal.content)
        assert {name.lower() for name in answer.headers} == {name.lower() for name in refusal.headers}

    def test_write_nothing(self, vendor, ledger, refusal):
        assert vendor.deliver().status_code == 200
        assert len(outcomes(ledger)) == 1

    def test_need_not_send_their_body_to_be_told(self, vendor):
        """Nor may they keep the receiver reading: the connection is closed."""
        address = urlsplit(vendor.address)
        with socket.create_connection((address.hostname, address.port), timeout=30) as stranger:
            path = f"{address.path}/callkaro/callkaro_default"
            stranger.sendall(f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 900000\r\n\r\n".encode())
            told = b"".join(iter(lambda: stranger.recv(65_536), b""))
        assert told.startswith(b"HTTP/1.1 401 ")

    def test_no_address_but_that_of_a_connection_answers(self, vendor):
        assert vendor.deliver(to="callkaro").status_code == 404
        assert vendor.deliver(to=f"callkaro/callkaro_default/{SECRET}/more").status_code in (401, 404)
        assert vendor.session.get(f"{vendor.address}/callkaro/callkaro_default", timeout=30).status_code == 405
        assert vendor.session.get(f"{vendor.address}/health", timeout=30).json() == {"status": "up"}


class TestBodies:
    @pytest.mark.parametrize(
        "body",
        [b"", b"{", b"null", b'"text"', b"[1]", b"[" * 100_000, b'{"event": 7}', b"\xff", b'{"event": "call_ended"}'],
        ids=["empty", "cut", "null", "text", "list", "deep", "number", "latin-1", "no call"],
    )
    def test_what_is_no_webhook_is_refused_without_an_echo(self, vendor, caplog, body):
        answer = vendor.deliver(body)
        assert (answer.status_code, answer.json()) == (400, {"status": "not a webhook of this vendor"})

    @pytest.mark.parametrize("is_chunked", [False, True], ids=["length", "chunked"])
    def test_what_is_too_long_is_refused(self, vendor, ledger, is_chunked):
        body = json.dumps(call_ended(transcription="x" * MAX_BYTES)).encode()
        answer = vendor.deliver(iter([body[:500_000], body[500_000:]]) if is_chunked else body)
        assert answer.status_code == 413

    def test_what_is_just_short_enough_is_taken(self, vendor, ledger):
        body = json.dumps(call_ended(transcription="x" * (MAX_BYTES - 200))).encode()
        assert len(body) <= MAX_BYTES
        assert vendor.deliver(body).status_code == 200
        assert vendor.deliver(iter([json.dumps(call_ended("chunked")).encode()])).status_code == 200
        assert len(outcomes(ledger)) == 2

    def test_what_no_database_takes_is_written_without_it(self, vendor, ledger):
        body = json.dumps(call_ended(post_call={"said": "a\0b\ud83d", "sum": 10**30})).encode()
        assert vendor.deliver(body).status_code == 200

    def test_nothing_of_a_body_is_kept_unless_it_is_asked_for(self, vendor, ledger, define):
        body = call_ended("call-1", transcription="she said it", recordingUrl="https://records.example/1", more="text")
        assert vendor.deliver(body).status_code == 200
        assert outcomes(ledger, "transcript, recording_url, payload") == [(None, None, None)]

    def test_what_is_asked_for_is_kept(self, define, vendor, ledger):
        define_callkaro(define, keep=["transcript", "recording", "payload"])
        body = call_ended("call-1", transcription="she said it", recordingUrl="https://records.example/1")
        assert vendor.deliver(body).status_code == 200
        assert outcomes(ledger, "transcript, recording_url") == [("she said it", "https://records.example/1")]
        assert json.loads(outcomes(ledger, "payload")[0][0]) == body


class TestSignatures:
    BODY = json.dumps({"event": "call.completed", "call_id": "vs_1", "call_outcome": "answered"}).encode()

    @pytest.fixture(autouse=True)
    def callaro(self, define):
        webhooks = {"ledger_conn_id": LEDGER, "secret": SECRET, "signing_secret": ["signed-by-them", "the-former-one"]}
        define("callaro_default", conn_type="callaro", password="key", extra={"webhooks": webhooks})

    def deliver(self, vendor, header):
        headers = {} if header is None else {"x-callaro-signature": header}
        return vendor.deliver(self.BODY, to="callaro/callaro_default", headers=headers).status_code

    def digest(self, secret):
        return hmac.new(secret.encode(), self.BODY, hashlib.sha256).hexdigest()

    def test_of_the_vendor_are_taken(self, vendor, ledger):
        assert self.deliver(vendor, "v1=" + self.digest("signed-by-them")) == 200
        assert self.deliver(vendor, "v1=" + self.digest("the-former-one")) == 200
        assert outcomes(ledger) == [("vs_1", "reached")]

    @pytest.mark.parametrize("secret", ["not-theirs", SECRET])
    def test_of_others_are_refused(self, vendor, secret):
        assert self.deliver(vendor, "v1=" + self.digest(secret)) == 401

    def test_must_be_there(self, vendor):
        assert self.deliver(vendor, None) == 401


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("/callkaro/callkaro_default", "/callkaro/callkaro_default"),
        (f"/callkaro/callkaro_default/{SECRET}", "/callkaro/callkaro_default/***"),
        (f"/callkaro/callkaro_default/{SECRET}/", "/callkaro/callkaro_default/***"),
        (f"/callkaro_default/{SECRET}", "/***"),
        (f"/{SECRET}", "/***"),
        (f"//callkaro/callkaro_default/{SECRET}", "/***"),
        ("/health", "/health"),
        ("/", "/***"),
    ],
)
@pytest.mark.parametrize("root", ["", "/callkaro/webhooks", "/base/callkaro/webhooks"])
def test_a_server_logs_no_path_with_a_secret(root, path, shown):
    scope = {"path": root + path, "root_path": root, "query_string": SECRET.encode()}
    hide_secret(scope)
    assert scope["path"] == root + shown
    assert SECRET not in str(scope | {"raw_path": scope.get("raw_path")})


class TestTheLog:
    def test_holds_nothing_of_a_delivery(self, vendor, caplog):
        bodies = [call_ended("call-1", transcription="she said it"), b"{ 919876543210", {"event": "919876543210"}]
        for secret in (SECRET, "wrong-secret-of-somebody"):
            for body in bodies:
                vendor.deliver(body, secret=secret)
        for word in ("919876543210", "she said it", SECRET, "wrong-secret-of-somebody"):
            assert word not in caplog.text

    def test_has_one_line_for_many_failures_of_a_kind(self, vendor, caplog):
        for number in range(20):
            vendor.deliver(secret="wrong", to=f"callkaro/guess_{number}")
            vendor.deliver(b"{")
        lines = [record.getMessage() for record in caplog.records if record.getMessage().startswith("Webhooks:")]
        assert len(lines) == 2
        assert "guess" not in caplog.text


class TestAConnectionThatChanges:
    def test_is_seen_with_its_new_secret(self, vendor, define, monkeypatch):
        monkeypatch.setattr("airflow_provider_callkaro.receiver.doors.FRESH_SECONDS", 0.0)
        assert vendor.deliver().status_code == 200
        define_callkaro(define, secret="another-secret-from-now-on")
        assert vendor.deliver().status_code == 401
        assert vendor.deliver(secret="another-secret-from-now-on").status_code == 200

    def test_is_forgiven_for_a_while_if_it_cannot_be_found(self, vendor, monkeypatch):
        """A secrets backend that does not answer looks like a connection that is not there."""
        monkeypatch.setattr("airflow_provider_callkaro.receiver.doors.FRESH_SECONDS", 0.0)
        assert vendor.deliver().status_code == 200
        monkeypatch.delenv("AIRFLOW_CONN_CALLKARO_DEFAULT")
        answer = vendor.deliver()
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "10")
        assert vendor.deliver(secret="wrong-secret-of-somebody").status_code == 401
        monkeypatch.setattr("airflow_provider_callkaro.receiver.doors.FORGIVEN_SECONDS", 0.0)
        assert vendor.deliver().status_code == 401
