"""What a MrAssistant connection may say, and what is refused before anything is sent to anybody."""

from __future__ import annotations

import asyncio
import json
from importlib.resources import files
from zoneinfo import ZoneInfo

import jsonschema
import pytest

from airflow_provider_callkaro.exceptions import ConfigurationError
from airflow_provider_callkaro.hooks.mrassistant import MrAssistantHook
from airflow_provider_callkaro.transport.tls import FILES
from airflow_provider_callkaro.vendors.mrassistant.profile import MRASSISTANT

HOST = "https://mrassistant.example"
PASSWORD = "a-password-nobody-may-see"


@pytest.fixture
def mrassistant(connect):
    def define(**fields):
        connect(conn_id="mrassistant_default", **{"conn_type": "mrassistant", "host": HOST, **fields})

    return define


def test_a_token_alone_is_sent_with_every_request(mrassistant):
    mrassistant(password=f" {PASSWORD}\n")
    connection = MrAssistantHook().connection
    assert connection.target.base_url == HOST
    assert connection.target.credentials.headers()["Authorization"] == f"Bearer {PASSWORD}"
    assert "Authorization" not in connection.target.headers
    assert (connection.target.connect_timeout, connection.target.read_timeout) == (10, 60)
    assert (connection.agent_id, connection.schedule_timezone, connection.log_in) == (None, None, None)


def test_reading_a_connection_with_a_login_logs_in_nowhere(mrassistant):
    mrassistant(login="asha", password="päss wörd")
    connection = MrAssistantHook().connection
    assert json.loads(connection.log_in.body) == {"username": "asha", "password": "päss wörd"}
    assert "Authorization" not in connection.target.headers


def test_the_extra_says_agent_zone_and_patience(mrassistant):
    extra = {"schedule_timezone": "Asia/Kolkata", "agent_id": " agent ", "connect_timeout": "2.5", "read_timeout": 90}
    mrassistant(password=PASSWORD, extra=extra)
    connection = MrAssistantHook().connection
    assert connection.vendor.schedule_timezone == connection.schedule_timezone == ZoneInfo("Asia/Kolkata")
    assert connection.agent_id == "agent"
    assert (connection.target.connect_timeout, connection.target.read_timeout) == (2.5, 90)


def test_an_event_loop_reads_the_same_connection_once(mrassistant):
    mrassistant(password=PASSWORD, extra={"agent_id": "agent"})
    hook, other = MrAssistantHook(), MrAssistantHook()

    async def twice():
        return await hook.async_connection(), await hook.async_connection()

    first, second = asyncio.run(twice())
    assert first is second is hook.connection
    assert (first.target.base_url, first.agent_id) == (HOST, "agent")
    assert asyncio.run(other.async_connection()).target.credentials.headers() == first.target.credentials.headers()


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"host": "", "password": PASSWORD}, ["has no host", "MrAssistant documents no address"]),
        ({}, ["has no token", "password"]),
        ({"login": "asha"}, ["has a login and no password"]),
        ({"password": "clé secrète"}, ["token", "a character that no key has"]),
        ({"password": PASSWORD, "host": "http://mrassistant.example"}, ["plain http", "use https"]),
        ({"password": PASSWORD, "extra": {"schedule_timezone": "India"}}, ['"schedule_timezone"', '"Asia/Kolkata"']),
        ({"password": PASSWORD, "extra": {"agent_id": "x" * 201}}, ['"agent_id"']),
        ({"password": PASSWORD, "extra": {"read_timeout": 601}}, ['"read_timeout"', "at most 600"]),
    ],
)
@pytest.mark.parametrize("read", ["from a task", "from an event loop"])
def test_a_connection_that_cannot_work_names_the_field_and_the_way_out(mrassistant, read, fields, words):
    mrassistant(**fields)
    hook = MrAssistantHook()
    with pytest.raises(ConfigurationError) as error:
        hook.get_call("c-1") if read == "from a task" else asyncio.run(hook.read_status("c-1"))
    for word in [*words, 'connection "mrassistant_default"']:
        assert word in str(error.value)
    assert PASSWORD not in str(error.value)


@pytest.mark.parametrize("login", [None, "asha"])
def test_no_representation_shows_the_password(mrassistant, login):
    mrassistant(login=login, password=PASSWORD)
    hook = MrAssistantHook()
    assert PASSWORD not in repr(hook.connection)
    assert PASSWORD not in repr(vars(hook.get_conn()))
    assert PASSWORD not in repr(asyncio.run(MrAssistantHook().async_connection()))
    assert PASSWORD not in repr(vars(hook))


def test_a_field_of_the_form_is_one_that_the_hook_reads(mrassistant):
    given = {
        "schedule_timezone": "Asia/Kolkata",
        "agent_id": "agent",
        "day_numbers": "mon=0",
        "campaign_page": "https://app.example.org/{campaign_id}",
        "webhook_url": "https://reports.example.com/hooks",
        "webhook_secret": "a-secret-of-reports",
        "vendor_messages": "false",
        "budget": '{"calls_per_second": 50}',
    }
    assert set(given) == set(MRASSISTANT.fields) - set(FILES)
    mrassistant(password=PASSWORD, extra=given)
    connection = MrAssistantHook().connection
    assert (str(connection.schedule_timezone), connection.agent_id) == ("Asia/Kolkata", "agent")
    assert (connection.webhook_url, connection.webhook_secret) == (given["webhook_url"], given["webhook_secret"])
    assert "reports" not in repr(connection)


def test_the_older_form_says_the_same_as_the_declared_one():
    behaviour = MrAssistantHook.get_ui_field_behaviour()
    assert {name.replace("_", "-"): value for name, value in behaviour.items()} == MRASSISTANT.behaviour
    assert "login" not in behaviour["hidden_fields"]
    schema = json.loads(files("airflow").joinpath("customized_form_field_behaviours.schema.json").read_text())
    jsonschema.validate(behaviour, schema)
