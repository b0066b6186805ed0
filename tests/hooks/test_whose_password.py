"""Whose password goes where: a connection is used only for the vendor whose type it has, and only for its hosts."""

from __future__ import annotations

import asyncio
import json
import logging

import pytest
from task_context import task_context

from airflow_provider_callkaro.exceptions import ConfigurationError
from airflow_provider_callkaro.hooks.callaro import CallaroHook
from airflow_provider_callkaro.hooks.callkaro import CallKaroHook
from airflow_provider_callkaro.hooks.mrassistant import MrAssistantHook
from airflow_provider_callkaro.operators.callkaro import CallKaroFanOutCallsOperator
from airflow_provider_callkaro.triggers.status import StatusTrigger

SECRET = "a-secret-of-somebody-else"
HOOKS = (CallKaroHook, CallaroHook, MrAssistantHook)
TYPES = ("callkaro", "callaro", "mrassistant", "aws", "postgres", "http", "generic", "")
WRONG = [(hook, conn_type) for hook in HOOKS for conn_type in TYPES if conn_type != hook.conn_type]


@pytest.fixture
def define(monkeypatch, sandbox):
    """Define a connection to the sandbox of any type."""

    def define(conn_id, **fields):
        given = {"host": sandbox.url, "login": "sandbox", "password": SECRET, **fields}
        monkeypatch.setenv(f"AIRFLOW_CONN_{conn_id.upper()}", json.dumps(given))

    return define


@pytest.mark.parametrize(("hook", "conn_type"), WRONG)
class TestAnotherType:
    @pytest.fixture
    def wrong(self, define, hook, conn_type):
        define("given", conn_type=conn_type)
        return hook("given")

    def test_is_refused_with_both_types_named(self, wrong, hook, conn_type):
        with pytest.raises(ConfigurationError) as error:
            _ = wrong.connection
        said = str(error.value)
        assert f'connection "given" is of type "{conn_type}"' in said
        assert f'own type "{hook.conn_type}"' in said
        assert SECRET not in said

    def test_is_refused_in_an_event_loop_as_well(self, wrong):
        with pytest.raises(ConfigurationError, match="takes only its own type"):
            asyncio.run(wrong.async_connection())

    def test_is_refused_by_the_connection_test(self, wrong, sandbox):
        works, said = wrong.test_connection()
        assert not works
        assert "takes only its own type" in said
        assert sandbox.requests == []


def test_a_uri_has_its_scheme_as_type(monkeypatch):
    monkeypatch.setenv("AIRFLOW_CONN_GIVEN", f"https://:{SECRET}@api.callkaro.ai")
    with pytest.raises(ConfigurationError, match=r'of type "https".*of a URI it is the scheme'):
        _ = CallKaroHook("given").connection
    monkeypatch.setenv("AIRFLOW_CONN_GIVEN", f"callkaro://:{SECRET}@")
    assert CallKaroHook("given").connection.target.base_url == "https://api.callkaro.ai"


def test_a_fan_out_under_the_wrong_connection_asks_nobody_anything(define, sandbox, monkeypatch, tmp_path):
    define("given", conn_type="callaro", password=sandbox.api_key)
    ledger = {"conn_type": "sqlite", "host": str(tmp_path / "ledger.db")}
    monkeypatch.setenv("AIRFLOW_CONN_CALL_LEDGER", json.dumps(ledger))
    task = CallKaroFanOutCallsOperator(
        task_id="calls",
        contacts=[{"to_number": "+919876543210"}],
        agent_id="asha",
        ledger_conn_id="call_ledger",
        callkaro_conn_id="given",
    )
    with pytest.raises(ConfigurationError, match='is of type "callaro"'):
        task.execute(task_context())
    assert sandbox.requests == []


@pytest.mark.parametrize("hook", [CallaroHook, MrAssistantHook])
def test_a_trigger_under_the_wrong_connection_ends_with_the_reason(define, sandbox, hook):
    define("given", conn_type="callkaro", password=sandbox.api_key)

    path = f"{hook.__module__}.{hook.__name__}"
    trigger = StatusTrigger(hook=path, conn_id="given", subject="1", statuses=["done"], poll_interval=0.01)
    event = asyncio.run(anext(trigger.run()))
    assert 'is of type "callkaro"' in event.payload["error"]
    assert sandbox.requests == []


LOOKS_WRONG = [
    (CallKaroHook, "https://api.callaro.ai", "Callaro"),
    (CallKaroHook, "API.CALLARO.AI.", "Callaro"),
    (CallKaroHook, "https://callkaro.callaro.ai", "Callaro"),
    (CallKaroHook, "https://callaro-gateway.example", "Callaro"),
    (CallKaroHook, "https://mrassistant.example", "MrAssistant"),
    (CallaroHook, "https://api.callkaro.ai:8443/base", "CallKaro"),
    (CallaroHook, "https://api-callkaro.example", "CallKaro"),
    (MrAssistantHook, "https://api.callaro.ai", "Callaro"),
    (MrAssistantHook, "https://api.callkaro.ai", "CallKaro"),
]


@pytest.mark.parametrize(("hook", "host", "owner"), LOOKS_WRONG)
def test_a_host_that_looks_like_another_vendors_is_refused(define, hook, host, owner):
    define("given", conn_type=hook.conn_type, host=host)
    with pytest.raises(ConfigurationError, match=f"looks like one of {owner}") as error:
        _ = hook("given").connection
    assert SECRET not in str(error.value)
    with pytest.raises(ConfigurationError, match=f"looks like one of {owner}"):
        asyncio.run(hook("given").async_connection())


def warnings_of(caplog):
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


@pytest.mark.parametrize("hook", HOOKS)
@pytest.mark.parametrize("host", ["gateway.example", "callkaro-callaro-mrassistant.example", "xn--cllkaro-2fg.example"])
def test_a_host_of_nobody_is_warned_of_once_per_hook(define, caplog, hook, host):
    define("given", conn_type=hook.conn_type, host=f"https://{host}")
    used = hook("given")
    for _ in range(3):
        _ = used.connection.target
        asyncio.run(used.async_connection())
    (said,) = warnings_of(caplog)
    assert '"given"' in said
    assert host in said
    assert SECRET not in said


@pytest.mark.parametrize(
    ("hook", "host"),
    [
        (CallKaroHook, ""),
        (CallKaroHook, "https://api.callkaro.ai"),
        (CallKaroHook, "https://eu.callkaro.ai/v3"),
        (CallKaroHook, "http://127.0.0.1:8900"),
        (CallaroHook, ""),
        (CallaroHook, "https://sandbox.callaro.ai"),
        (CallaroHook, "http://localhost:8900"),
        (MrAssistantHook, "https://api.mrassistant.ai"),
        (MrAssistantHook, "http://[::1]:8900"),
    ],
)
def test_a_vendors_own_host_and_this_machine_need_no_word(define, caplog, hook, host):
    define("given", conn_type=hook.conn_type, host=host)
    _ = hook("given").connection
    assert warnings_of(caplog) == []


def test_the_sandboxes_connections_are_of_the_right_types(monkeypatch, sandbox):
    for conn_id, connection in sandbox.airflow_connections.items():
        monkeypatch.setenv(f"AIRFLOW_CONN_{conn_id.upper()}", connection)
    assert all(hook().test_connection()[0] for hook in HOOKS)
