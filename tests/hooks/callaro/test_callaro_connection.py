"""What a Callaro connection may say, and what is refused before anything is sent to anybody."""

from __future__ import annotations

import asyncio
import json

import jsonschema
import pytest
from airflow.models.connection import Connection

from airflow_provider_callkaro.exceptions import ConfigurationError
from airflow_provider_callkaro.hooks.callaro import CallaroHook
from airflow_provider_callkaro.hooks.callaro.hook import read_connection
from airflow_provider_callkaro.transport.tls import FILES
from airflow_provider_callkaro.vendors.callaro.profile import CALLARO
from airflow_provider_callkaro.vendors.callaro.states import Action

KEY = "sk_a-key-nobody-may-see"


@pytest.fixture
def define(connect):
    """Define an Airflow connection of type callaro, or give the URI of one."""

    def callaro(uri=None, *, conn_id="callaro_default", **fields):
        connect(uri or json.dumps({"conn_type": "callaro", **fields}), conn_id=conn_id)

    return callaro


def test_a_key_is_all_that_a_connection_needs(define):
    define(password=KEY)
    target = CallaroHook().connection.target
    assert target.base_url == "https://api.callaro.ai"
    assert target.headers["X-Api-Key"] == KEY
    assert "X-Tenant-Id" not in target.headers
    assert (target.connect_timeout, target.read_timeout) == (10, 60)


def test_a_connection_may_be_a_uri(define):
    define("callaro://:a%2Flong%3Akey@http%3A%2F%2F127.0.0.1%3A8900", conn_id="other")
    target = CallaroHook("other").connection.target
    assert (target.base_url, target.headers["X-Api-Key"]) == ("http://127.0.0.1:8900", "a/long:key")


def test_the_extra_says_tenant_routes_and_patience(define):
    extra = {"tenant_id": " t-9 ", "routes": {"cancel": "POST /stop/{id}"}, "read_timeout": "5"}
    define(password=f" {KEY}\n", extra=extra)
    connection = CallaroHook().connection
    assert connection.target.headers["X-Tenant-Id"] == "t-9"
    assert connection.target.headers["X-Api-Key"] == KEY
    assert connection.vendor.act(Action.CANCEL, 123).path == "/stop/123"
    assert connection.target.read_timeout == 5


def test_a_number_as_tenant_is_taken_and_an_empty_text_means_nothing(define):
    define(password=KEY, extra={"tenant_id": 9})
    assert CallaroHook().connection.target.headers["X-Tenant-Id"] == "9"
    define(password=KEY, host="", extra={"tenant_id": "", "routes": None})
    connection = CallaroHook().connection
    assert "X-Tenant-Id" not in connection.target.headers
    assert connection.target.base_url == "https://api.callaro.ai"


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, ["has no API key", "password"]),
        ({"password": "key\nX-Other: header"}, ["API key", "a character that no key has"]),
        ({"password": KEY, "host": "http://callaro.example"}, ["plain http", "use https"]),
        ({"password": KEY, "extra": {"tenant_id": "t\r\nX-Other: 1"}}, ['"tenant_id"']),
        ({"password": KEY, "extra": {"tenant_id": "tenant-é"}}, ['"tenant_id"', "ASCII"]),
        ({"password": KEY, "extra": {"routes": ["POST /x/{id}"]}}, ['"routes"', "a JSON object"]),
        ({"password": KEY, "extra": {"states": {"created": "new"}}}, ['"states"', "must mean one of", "draft"]),
        ({"password": KEY, "extra": {"routes": {"stop": "POST /x/{id}"}}}, ['"routes"', "'stop'", "cancel"]),
        (
            {"password": KEY, "extra": {"routes": {"cancel": "POST https://elsewhere.example/{id}"}}},
            ['"routes"', "'cancel'", "on the same host"],
        ),
        ({"password": KEY, "extra": {"read_timeout": 601}}, ['"read_timeout"', "at most 600"]),
    ],
)
def test_a_connection_that_cannot_work_names_the_field_and_the_way_out(define, fields, words):
    define(**fields)
    with pytest.raises(ConfigurationError) as error:
        CallaroHook().launch(123)
    for word in [*words, 'connection "callaro_default"']:
        assert word in str(error.value)
    assert KEY not in str(error.value)


def test_no_representation_shows_the_key(define):
    define(password=KEY)
    hook = CallaroHook()
    assert KEY not in repr(hook.connection)
    assert KEY not in repr(vars(hook.get_conn()))
    assert KEY not in repr(vars(hook))


def test_a_triggerer_reads_the_same_connection(define):
    define(password=KEY, extra={"tenant_id": "t-9"})
    asked = asyncio.run(CallaroHook().async_connection())
    read = CallaroHook().connection
    assert asked.target == read.target


def test_the_form_is_drawn_and_its_fields_are_read():
    given = {
        "tenant_id": "t-9",
        "campaign_page": "https://app.example.org/{campaign_id}",
        "vendor_messages": "false",
    }
    assert set(given) == set(CALLARO.fields) - set(FILES)
    conn = Connection(conn_id="c", conn_type="callaro", password=KEY, extra=json.dumps(given))
    assert read_connection(conn, connection_id="c").target.headers["X-Tenant-Id"] == "t-9"
    behaviour = CallaroHook.get_ui_field_behaviour()
    assert {name.replace("_", "-"): value for name, value in behaviour.items()} == CALLARO.behaviour
    jsonschema.validate(behaviour["placeholders"], {"type": "object", "required": ["host", "password"]})


def test_airflow_offers_the_connection_type():
    from airflow.providers_manager import ProvidersManager

    hook = ProvidersManager().hooks["callaro"]
    assert (hook.hook_class_name, hook.hook_name) == ("airflow_provider_callkaro.hooks.callaro.CallaroHook", "Callaro")
    assert hook.connection_testable
