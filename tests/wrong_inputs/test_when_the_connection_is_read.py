"""Wrong connections, told when they are read: each in one sentence that names the connection and the field."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest

from airflow_provider_callkaro.exceptions import ConfigurationError, NotSent
from airflow_provider_callkaro.hooks.callaro import CallaroHook
from airflow_provider_callkaro.hooks.callkaro import CallKaroHook
from airflow_provider_callkaro.hooks.mrassistant import MrAssistantHook
from airflow_provider_callkaro.sandbox import Sandbox

KEY = "ck_live_4f1b09d27c"
GOOD: dict[str, dict[str, Any]] = {
    "callkaro": {"conn_type": "callkaro", "password": KEY},
    "callaro": {"conn_type": "callaro", "password": KEY},
    "mrassistant": {"conn_type": "mrassistant", "password": KEY, "host": "https://calls.example"},
}
HOOKS: dict[str, Any] = {"callkaro": CallKaroHook, "callaro": CallaroHook, "mrassistant": MrAssistantHook}
ALL = ("callkaro", "callaro", "mrassistant")
TABLE = [
    (ALL, {"extra": '{"connect_timout": 5}'}, '"connect_timout", which is not known: write "connect_timeout"'),
    (ALL, {"extra": '{"vendor_message": false}'}, 'write "vendor_messages"'),
    (ALL, {"extra": '{"read_timeout": "soon"}'}, '"read_timeout" .* must be seconds, above 0'),
    (ALL, {"extra": '{"read_timeout": 0}'}, '"read_timeout" .* must be seconds, above 0'),
    (ALL, {"extra": '{"read_timeout": -1}'}, '"read_timeout" .* must be seconds, above 0'),
    (ALL, {"extra": '{"connect_timeout": NaN}'}, '"connect_timeout" .* must be seconds, above 0'),
    (ALL, {"extra": '{"connect_timeout": [10]}'}, '"connect_timeout" .* must be seconds, above 0'),
    (ALL, {"extra": '{"vendor_messages": "perhaps"}'}, '"vendor_messages" .* must be true or false'),
    (ALL, {"extra": '{"ca_bundle": "bundle.pem"}'}, '"ca_bundle" .* must be the absolute path'),
    (ALL, {"extra": '{"ca_bundle": "/none/bundle.pem"}'}, 'the extra of connection "wrong": "?ca_bundle'),
    (ALL, {"extra": '{"client_key": "/none/key.pem"}'}, '"client_key" .* goes with a "client_certificate"'),
    (ALL, {"extra": "[1, 2]"}, "the extra of connection"),
    (ALL, {"conn_type": "http"}, 'is of type "http", and .* takes only its own type'),
    (ALL, {"host": "http://calls.example"}, "is plain http, which would send the API key unencrypted"),
    (ALL, {"host": "ftp://calls.example"}, "is no address: give it as https://host"),
    (ALL, {"host": "https://calls.example?x=1"}, "is no address"),
    (ALL, {"host": "https://user@calls.example"}, "is no address"),
    (ALL, {"host": "calls.example", "port": 99_999}, "is no address"),
    (ALL, {"password": "schlüssel"}, "has a character that no key has"),
    (("callkaro", "callaro"), {"password": ""}, "has no API key: set it as the password"),
    (("mrassistant",), {"password": None}, "has no token: set it as the password"),
    (("mrassistant",), {"host": None}, "has no host"),
    (("mrassistant",), {"login": "me", "password": None}, "has a login and no password"),
    (("callkaro",), {"host": "https://api.callaro.ai"}, "looks like one of Callaro, which is not CallKaro"),
    (("callaro",), {"host": "https://api.callkaro.ai"}, "looks like one of CallKaro, which is not Callaro"),
    (("callkaro",), {"extra": '{"schedul_timezone": "Asia/Kolkata"}'}, 'write "schedule_timezone"'),
    (("callkaro", "mrassistant"), {"extra": '{"timezone": "Asia/Kolkata"}'}, 'write "schedule_timezone"'),
    (("callkaro", "mrassistant"), {"extra": '{"schedule_timezone": "Mars"}'}, '"schedule_timezone" .* is no time zone'),
    (("callkaro", "mrassistant"), {"extra": '{"schedule_timezone": 5}'}, '"schedule_timezone" .* is no time zone'),
    (("callkaro",), {"extra": '{"calling_window": []}'}, 'write "calling_windows"'),
    (("callkaro",), {"extra": json.dumps({"agent_id": "x" * 300})}, '"agent_id" .* at most 200 characters'),
    (
        ("callkaro", "mrassistant"),
        {"extra": '{"calls_per_second": 50}'},
        '"calls_per_second" outside of "budget", where nobody reads it: write {"budget": {"calls_per_second": …}}',
    ),
    (("callkaro", "mrassistant"), {"extra": '{"call_budget": {"calls_per_day": 5}}'}, 'write "budget"'),
    (("callkaro", "mrassistant"), {"extra": '{"Budget": {"calls_per_day": 5}}'}, 'write "budget"'),
    (("callaro",), {"extra": '{"budget": {"calls_per_second": 5}}'}, '"budget", and nothing here keeps to it'),
    (("callaro",), {"extra": '{"max_concurrency": 5}'}, 'of type "callaro" take no budget: set the limit'),
    (("callaro",), {"extra": '{"tenant": "a"}'}, 'write "tenant_id"'),
    (("callaro",), {"extra": '{"tenant_id": "köln"}'}, '"tenant_id" .* must be ASCII'),
    (("callaro",), {"extra": '{"routes": 5}'}, '"routes" .* must be a JSON object'),
    (("callaro",), {"extra": '{"routes": {"lanch": {}}}'}, '"routes" or "states" in the extra'),
    (("mrassistant",), {"extra": '{"day_numbers": "mon=2"}'}, '"day_numbers" .* must be one of'),
    (("mrassistant",), {"extra": '{"webhook_secrets": "x"}'}, 'write "webhook_secret"'),
]


def connect(monkeypatch: pytest.MonkeyPatch, connection: dict[str, Any] | str) -> None:
    text = connection if isinstance(connection, str) else json.dumps(connection)
    monkeypatch.setenv("AIRFLOW_CONN_WRONG", text)


@pytest.mark.parametrize(("vendors", "fields", "sentence"), TABLE, ids=lambda part: str(part)[:50])
def test_it_is_told_when_the_connection_is_read(vendors, fields, sentence, monkeypatch) -> None:
    for vendor in vendors:
        connect(monkeypatch, {**GOOD[vendor], **fields})
        with pytest.raises(ConfigurationError, match=sentence) as told:
            HOOKS[vendor]("wrong").connection  # noqa: B018 - read here
        assert "\n" not in str(told.value)
        assert KEY not in str(told.value)
        assert HOOKS[vendor]("wrong").test_connection() == (False, str(told.value))


@pytest.mark.parametrize("vendor", ALL)
def test_a_field_of_somebody_elses_is_warned_of(vendor, monkeypatch, caplog) -> None:
    connect(monkeypatch, {**GOOD[vendor], "extra": '{"cost_centre": "4711"}'})
    with caplog.at_level(logging.WARNING):
        HOOKS[vendor]("wrong").connection  # noqa: B018 - read here
    assert '"cost_centre", which nobody reads' in caplog.text
    assert "4711" not in caplog.text


def test_a_sandbox_that_is_taken_for_an_https_host_is_named_as_what_it_is(monkeypatch) -> None:
    with Sandbox() as sandbox:
        host = sandbox.url.removeprefix("http://")
        connect(monkeypatch, f"callkaro://:{KEY}@{host}")
        reached, told = CallKaroHook("wrong").test_connection()
        assert (reached, KEY in told) == (False, False)
        assert f"{host} speaks plain http, not TLS" in told
        connect(monkeypatch, f"callkaro://http://:{KEY}@{host}")  # as the sentence says
        assert CallKaroHook("wrong").test_connection()[0] is True


@pytest.mark.parametrize(
    ("host", "why"),
    [
        ("https://nosuch.invalid", "the name nosuch.invalid is not known"),
        ("http://127.0.0.1:1", "127.0.0.1:1 refuses the connection"),
    ],
)
def test_a_host_that_cannot_be_reached_is_named_with_the_cause(host, why, monkeypatch) -> None:
    connect(monkeypatch, {**GOOD["callkaro"], "host": host})
    hook = CallKaroHook("wrong")
    hook._sleep = lambda seconds: None
    with pytest.raises(NotSent, match=why):
        hook.create_campaign("Renewals")
