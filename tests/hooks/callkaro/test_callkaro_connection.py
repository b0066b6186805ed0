"""What a connection may say, and what is refused before anything is sent to anybody."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest

from airflow_provider_callkaro.calls import Call
from airflow_provider_callkaro.exceptions import ConfigurationError
from airflow_provider_callkaro.hooks.callkaro import CallKaroHook
from airflow_provider_callkaro.hooks.callkaro.connection import read_connection

KEY = "a-key-nobody-may-see"


def test_a_key_is_all_that_a_connection_needs(connect):
    connect(password=KEY)
    connection = CallKaroHook().connection
    assert connection.target.base_url == "https://api.callkaro.ai"
    assert connection.target.headers["X-API-KEY"] == KEY
    assert (connection.target.connect_timeout, connection.target.read_timeout) == (10, 60)
    assert (connection.agent_id, connection.vendor.schedule_timezone) == (None, None)


@pytest.mark.parametrize(
    ("uri", "base_url", "key"),
    [
        ("callkaro://:a-long-key@", "https://api.callkaro.ai", "a-long-key"),
        ("callkaro://:a-long-key@callkaro.example:8443", "https://callkaro.example:8443", "a-long-key"),
        ("callkaro://:a%2Flong%3Akey@http%3A%2F%2F127.0.0.1%3A8900", "http://127.0.0.1:8900", "a/long:key"),
        ("callkaro://https://:a-long-key@callkaro.example", "https://callkaro.example", "a-long-key"),
    ],
)
def test_a_connection_may_be_a_uri(connect, uri, base_url, key):
    connect(uri)
    target = CallKaroHook().connection.target
    assert (target.base_url, target.headers["X-API-KEY"]) == (base_url, key)


def test_the_extra_says_zone_agent_and_patience(connect):
    extra = {
        "schedule_timezone": " Asia/Kolkata ",
        "agent_id": " agent_sales_id ",
        "connect_timeout": "2.5",
        "read_timeout": 90,
        "vendor_messages": "False",
    }
    connect(password=f" {KEY}\n", extra=extra, conn_id="other")
    connection = CallKaroHook("other").connection
    assert connection.vendor.schedule_timezone == ZoneInfo("Asia/Kolkata")
    assert connection.agent_id == "agent_sales_id"
    assert (connection.target.connect_timeout, connection.target.read_timeout) == (2.5, 90)
    assert not connection.target.vendor_messages
    assert connection.target.headers["X-API-KEY"] == KEY


def test_the_form_leaves_empty_texts_and_they_mean_nothing(connect):
    extra = {
        "schedule_timezone": "",
        "agent_id": "",
        "connect_timeout": "",
        "read_timeout": None,
        "vendor_messages": "",
    }
    connect(password=KEY, host="", extra=extra)
    connection = CallKaroHook().connection
    assert connection.target.base_url == "https://api.callkaro.ai"
    assert (connection.agent_id, connection.vendor.schedule_timezone) == (None, None)
    assert (connection.target.connect_timeout, connection.target.read_timeout) == (10, 60)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, ["has no API key", "password"]),
        ({"password": "   "}, ["has no API key", "password"]),
        ({"password": "key\nX-Other: header"}, ["API key", "a character that no key has"]),
        ({"password": "clé-secrète"}, ["API key", "a character that no key has"]),
        ({"password": KEY, "host": "http://callkaro.example"}, ["plain http", "use https"]),
        ({"password": KEY, "host": "http://127.0.0.1.callkaro.example"}, ["plain http", "use https"]),
        ({"password": KEY, "host": "https://user@callkaro.example"}, ["is no address", "https://host:port"]),
        ({"password": KEY, "port": 70_000}, ["is no address"]),
        ({"password": KEY, "extra": {"schedule_timezone": "India"}}, ['"schedule_timezone"', '"Asia/Kolkata"']),
        ({"password": KEY, "extra": {"schedule_timezone": "../../etc/passwd"}}, ['"schedule_timezone"']),
        ({"password": KEY, "extra": {"schedule_timezone": "Asia"}}, ['"schedule_timezone"']),
        ({"password": KEY, "extra": {"schedule_timezone": 5.5}}, ['"schedule_timezone"']),
        ({"password": KEY, "extra": {"connect_timeout": "soon"}}, ['"connect_timeout"', "at most 600"]),
        ({"password": KEY, "extra": {"connect_timeout": 0}}, ['"connect_timeout"', "at most 600"]),
        ({"password": KEY, "extra": {"read_timeout": "nan"}}, ['"read_timeout"', "at most 600"]),
        ({"password": KEY, "extra": {"read_timeout": 601}}, ['"read_timeout"', "at most 600"]),
        ({"password": KEY, "extra": {"vendor_messages": "perhaps"}}, ['"vendor_messages"', "true or false"]),
    ],
)
def test_a_connection_that_cannot_work_names_the_field_and_the_way_out(connect, fields, words):
    connect(**fields)
    with pytest.raises(ConfigurationError) as error:
        CallKaroHook().create_campaign("Renewals")
    for word in [*words, 'connection "callkaro_default"']:
        assert word in str(error.value)
    assert KEY not in str(error.value)


def test_an_extra_that_is_no_object_is_said():
    conn = SimpleNamespace(password=KEY, host=None, port=None, extra_dejson=[1])  # some versions let it through
    with pytest.raises(ConfigurationError, match='extra of connection "c" must be a JSON object'):
        read_connection(conn, connection_id="c")


def test_no_representation_shows_the_key(connect):
    connect(password=KEY)
    hook = CallKaroHook()
    assert KEY not in repr(hook.connection)
    assert KEY not in repr(vars(hook.get_conn()))
    assert KEY not in repr(vars(hook))


def test_the_connection_is_read_once(connect):
    connect(password=KEY)
    hook = CallKaroHook()
    assert hook.connection is hook.connection
    assert hook.get_conn() is hook.get_conn()


def test_a_schedule_without_a_zone_reaches_nobody(connect_to_sandbox, sandbox):
    connect_to_sandbox()
    call = Call(to_number="+919876543210", agent_id="agent", schedule_at=datetime(2027, 1, 5, 10, tzinfo=UTC))
    with pytest.raises(ConfigurationError, match="schedule_timezone"):
        CallKaroHook().place_call(call)
    assert sandbox.requests == []
