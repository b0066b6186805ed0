"""`get_conn`: the session with which a hook asks, in the hands of whoever wants to ask something else."""

from __future__ import annotations

import re
from pathlib import Path
from unittest import mock

import pytest
import requests
from requests.adapters import HTTPAdapter

from airflow_provider_callkaro.calls import Call
from airflow_provider_callkaro.exceptions import ConfigurationError, OutcomeUnknown
from airflow_provider_callkaro.hooks.callaro import CallaroHook
from airflow_provider_callkaro.hooks.callkaro import CallKaroHook
from airflow_provider_callkaro.hooks.mrassistant import MrAssistantHook

NUMBER = "+919876543210"
PAGE = Path(__file__).parents[2] / "docs" / "hooks.md"


class CountingAdapter(HTTPAdapter):
    """An adapter of a user's own."""

    def __init__(self):
        super().__init__()
        self.sent = []

    def send(self, request, **options):
        self.sent.append(request.path_url)
        return super().send(request, **options)


@pytest.fixture
def hooks(monkeypatch, sandbox):
    """A hook of each vendor, all connected to the sandbox."""
    for conn_id, connection in sandbox.airflow_connections.items():
        monkeypatch.setenv(f"AIRFLOW_CONN_{conn_id.upper()}", connection)
    return {hook.conn_type: hook() for hook in (CallKaroHook, CallaroHook, MrAssistantHook)}


def test_the_code_of_the_page_runs(connect_to_sandbox, sandbox):
    connect_to_sandbox()
    names: dict[str, object] = {}
    for block in re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL):
        exec(block, names)
    hook = names["hook"]
    hook.get_conn().verify = True
    assert hook.create_campaign("Renewals") == sandbox.campaigns[0].batch_id


@pytest.mark.parametrize("vendor", ["callkaro", "callaro", "mrassistant"])
def test_an_adapter_that_is_mounted_carries_every_request_of_the_hook(hooks, sandbox, vendor):
    hook, adapter = hooks[vendor], CountingAdapter()
    hook.get_conn().mount("http://", adapter)
    works, message = hook.test_connection()
    assert works, message
    if vendor == "callaro":
        list(hook.list_campaigns())
    else:
        hook.place_call(Call(to_number=NUMBER, agent_id="3c90c3cc-0d44-4b50-8888-8dd25736052a"))
        assert sandbox.rings_per_number() == {NUMBER: 1}
    known = [path for path in adapter.sent if path != "/"]  # the sandbox does not log a HEAD of its root
    assert len(known) == len(sandbox.requests) > 0


def test_a_token_is_got_for_a_request_of_the_users_own(hooks, sandbox):
    session = hooks["mrassistant"].get_conn()
    assert session.get("/calls/3c90c3cc-0d44-4b50-8888-8dd25736052a").status_code == 404
    assert sandbox.token_logins == 1


def test_a_retry_safe_request_is_tried_again_over_any_adapter_and_a_call_is_not(connect_to_sandbox, sandbox):
    connect_to_sandbox()
    hook = CallKaroHook()
    hook._sleep = lambda seconds: None
    hook.get_conn().mount("http://", CountingAdapter())
    sandbox.fault("drop_answer_after_accepting", path="/v2/call/campaign", first=2)
    assert hook.create_campaign("Renewals")
    assert len(sandbox.campaigns) == 3
    sandbox.fault("drop_answer_after_accepting", first=1)
    with pytest.raises(OutcomeUnknown):
        hook.place_call(Call(to_number=NUMBER, agent_id="agent"))
    assert sandbox.rings_per_number() == {NUMBER: 1}


def test_a_hook_can_be_tested_without_a_network(connect):
    """As `responses` does it: by replacing what every adapter of requests sends with."""

    def send(adapter, request, **options):
        answer = requests.Response()
        answer.status_code, answer.request, answer.url = 200, request, request.url
        answer._content = b'{"batch_id": "68433b7b0dee98e59245ebab"}'
        return answer

    connect(password="a-long-key")
    with mock.patch("requests.adapters.HTTPAdapter.send", send):
        assert CallKaroHook().create_campaign("Renewals") == "68433b7b0dee98e59245ebab"


def test_the_session_of_a_connection_that_cannot_work_is_not_had(connect):
    connect(conn_type="http", password="a-long-key")
    with pytest.raises(ConfigurationError, match="takes only its own type"):
        CallKaroHook().get_conn()
