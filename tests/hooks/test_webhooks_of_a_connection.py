"""What a connection may say of its webhooks, and what it is told where that cannot work."""

from __future__ import annotations

import json

import pytest

from airflow_provider_callkaro.exceptions import ConfigurationError
from airflow_provider_callkaro.hooks.callkaro import CallKaroHook
from airflow_provider_callkaro.hooks.webhooks import read_webhooks
from airflow_provider_callkaro.vendors.known import VENDORS

PROFILES = {profile.connection_type: profile for profile in VENDORS}
SECRET = "a-secret-that-is-long-enough"
GOOD = {"ledger_conn_id": "call_ledger", "secret": SECRET}


def read(webhooks, *, vendor="callkaro", **extra):
    from airflow.models.connection import Connection

    extra |= {} if webhooks is None else {"webhooks": webhooks}
    conn = Connection(conn_id="c", conn_type=vendor, password="key", extra=json.dumps(extra))
    return read_webhooks(conn, connection_id="c", profile=PROFILES[vendor])


def test_a_connection_without_webhooks_has_none():
    assert read(None) is None


def test_what_it_says_is_read():
    settings = read(GOOD | {"secret": [SECRET, SECRET + "2"], "keep": ["transcript"]}, schedule_timezone="Asia/Kolkata")
    assert settings.secrets == (SECRET, SECRET + "2")
    assert (settings.ledger_conn_id, settings.keep) == ("call_ledger", {"transcript"})
    assert str(settings.zone) == "Asia/Kolkata"
    assert (settings.signing_secrets, settings.signature_header) == ((), None)
    assert SECRET not in repr(settings)


def test_a_connection_that_is_a_uri_holds_it_as_text():
    assert read(json.dumps(GOOD)) == read(GOOD)


@pytest.mark.parametrize(
    ("vendor", "header"), [("callaro", "X-Callaro-Signature"), ("mrassistant", "X-Webhook-Signature")]
)
def test_a_signing_secret_has_signatures_checked(vendor, header):
    assert read(GOOD | {"signing_secret": "signed-by-them"}, vendor=vendor).signature_header == header
    other = read(GOOD | {"signing_secret": "signed-by-them", "signature_header": "X-Sig"}, vendor=vendor)
    assert other.signature_header == "X-Sig"


def test_the_secret_of_mrassistants_campaigns_signs_unless_it_is_said_otherwise():
    assert read(GOOD, vendor="mrassistant", webhook_secret="signs-campaigns").signing_secrets == ("signs-campaigns",)
    off = read(GOOD | {"signing_secret": False}, vendor="mrassistant", webhook_secret="signs-campaigns")
    assert (off.signing_secrets, off.signature_header) == ((), None)


@pytest.mark.parametrize(
    ("webhooks", "told"),
    [
        ("{", "must be a JSON object"),
        (["x"], "must be a JSON object"),
        ({"ledger_conn_id": "l"}, 'needs a "secret"'),
        (GOOD | {"secret": "short"}, 'needs a "secret"'),
        (GOOD | {"secret": "a secret/with what a path has not"}, 'needs a "secret"'),
        (GOOD | {"secret": []}, 'needs a "secret"'),
        (GOOD | {"secret": 12345678901234567890}, 'needs a "secret"'),
        ({"secret": SECRET}, 'needs "ledger_conn_id"'),
        (GOOD | {"signing_secret": "x"}, "signing secret"),
        (GOOD | {"signing_secret": "signed-by-them"}, 'no "signature_header"'),  # CallKaro signs nothing
        (GOOD | {"signing_secret": "signed-by-them", "signature_header": "a b"}, 'no "signature_header"'),
        (GOOD | {"keep": "transcript"}, '"keep"'),
        (GOOD | {"keep": ["transcripts"]}, '"keep"'),
        (GOOD | {"secrets": SECRET}, 'write "secret"'),
        (GOOD | {"ledger": "l"}, 'write "ledger_conn_id"'),
    ],
)
def test_what_cannot_work_is_told_without_the_secret(webhooks, told):
    with pytest.raises(ConfigurationError) as refused:
        read(webhooks)
    message = str(refused.value)
    assert told in message
    assert 'connection "c"' in message
    assert "with what a path has not" not in message
    assert "signed-by-them" not in message


class TestTheConnectionTest:
    def test_says_nothing_of_webhooks_where_there_are_none(self, connect_to_sandbox):
        connect_to_sandbox()
        works, message = CallKaroHook().test_connection()
        assert works
        assert "ebhook" not in message

    def test_says_how_they_are_taken(self, connect_to_sandbox):
        connect_to_sandbox(webhooks=GOOD)
        works, message = CallKaroHook().test_connection()
        assert works
        assert "Webhooks are taken unsigned" in message
        assert "call_ledger" in message
        assert SECRET not in message

    def test_says_what_is_missing(self, connect_to_sandbox):
        connect_to_sandbox(webhooks={"ledger_conn_id": "call_ledger"})
        works, message = CallKaroHook().test_connection()
        assert not works
        assert 'needs a "secret"' in message
