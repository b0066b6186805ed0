"""One MrAssistant call as a task: placed once through retries, with every field of its page, and nothing shown."""

from __future__ import annotations

import json

import pytest
from airflow.providers.common.compat.sdk import DAG, AirflowFailException
from airflow_task_state import TaskStateInMemory
from task_context import task_context

from airflow_provider_callkaro.exceptions import ConfigurationError, LedgerRequired, RunIncomplete
from airflow_provider_callkaro.operators.mrassistant import MrAssistantOutboundCallOperator

AGENT = "3c90c3cc-0d44-4b50-8888-8dd25736052a"
NUMBER = "+919876543210"
OUTBOUND = "/calls/outbound"
FIELDS = {
    "from_number": "+14155550199",
    "priority": "urgent",
    "krisp_enabled": False,
    "wait_until_answered": False,
    "display_name": "Asha's bank",
    "dtmf": "4711#",
    "play_dialtone": True,
    "media_encryption": "REQUIRE",
    "ringing_timeout_seconds": 40,
    "max_call_duration_seconds": 600,
    "hide_phone_number": True,
    "custom_headers": {"X-Trace": "private trace"},
}


@pytest.fixture
def sandbox(sandbox, monkeypatch):
    monkeypatch.setenv("AIRFLOW_CONN_MRASSISTANT_DEFAULT", sandbox.airflow_connections["mrassistant_default"])
    return sandbox


def connect(sandbox, monkeypatch, **fields):
    given = json.loads(sandbox.airflow_connections["mrassistant_default"])
    monkeypatch.setenv("AIRFLOW_CONN_MRASSISTANT_DEFAULT", json.dumps({**given, **fields}))


def call(**arguments):
    return MrAssistantOutboundCallOperator(**{"task_id": "call", "to_number": NUMBER, "agent_id": AGENT, **arguments})


def context(store=None, **arguments):
    return task_context(task_id="call", store=TaskStateInMemory() if store is None else store, **arguments)


def asked(sandbox):
    return [request.endpoint for request in sandbox.requests].count(OUTBOUND)


def test_a_call_is_placed_with_every_field_of_its_page(sandbox):
    call_id = call(context={"due": 5}, **FIELDS).execute(context())
    (ring,) = sandbox.rings
    assert (ring.call_id, ring.to_number, ring.agent_id, ring.metadata) == (call_id, NUMBER, AGENT, {"due": 5})
    assert ring.body == {"agent_id": AGENT, "to_number": NUMBER, "context": {"due": 5}, **FIELDS}


def test_a_call_of_which_nothing_is_said_has_the_vendors_defaults(sandbox, monkeypatch):
    connect(sandbox, monkeypatch, extra={"agent_id": AGENT})
    call(agent_id=None).execute(context())
    assert sandbox.rings[0].body == {"agent_id": AGENT, "to_number": NUMBER}


def test_a_retry_returns_the_call_that_the_first_try_placed(sandbox):
    store = TaskStateInMemory()
    first = call().execute(context(store))
    assert call().execute(context(store, try_number=2)) == first == sandbox.rings[0].call_id
    assert sandbox.rings_per_number() == {NUMBER: 1}


@pytest.mark.parametrize("fault", ["drop_answer_after_accepting", "error_after_accepting", "answer_without_id"])
def test_a_call_whose_answer_is_lost_is_not_placed_by_the_retry(sandbox, fault):
    store = TaskStateInMemory()
    sandbox.fault(fault, path=OUTBOUND, first=1)
    for attempt in (1, 2):
        with pytest.raises(AirflowFailException, match=r"the call to \+91••••••3210 ended unknown"):
            call().execute(context(store, try_number=attempt))
    assert sandbox.rings_per_number() == {NUMBER: 1}
    again = call(redial="unknown").execute(context(store, try_number=3))
    assert sandbox.rings[-1].call_id == again
    assert sandbox.rings_per_number() == {NUMBER: 2}


def test_a_token_that_expires_between_two_calls_costs_neither(sandbox):
    operator = call()
    operator.execute(context())
    sandbox.expire_tokens()
    operator.execute(context(run_id="manual__2"))
    assert (sandbox.token_logins, sandbox.token_refreshes) == (1, 1)
    assert sandbox.rings_per_number() == {NUMBER: 2}


def test_an_answer_that_waits_for_the_phone_is_waited_for(sandbox, monkeypatch):
    connect(sandbox, monkeypatch, extra={"read_timeout": 0.2})
    sandbox.fault("latency", path=OUTBOUND, seconds=0.6)
    call_id = call(wait_until_answered=True, ringing_timeout_seconds=1).execute(context())
    assert sandbox.rings[0].call_id == call_id


def test_a_vendor_that_cannot_be_reached_leaves_the_call_to_the_retry(sandbox):
    store = TaskStateInMemory()
    sandbox.fault("throttled", path=OUTBOUND, first=25, retry_after=0.01)
    with pytest.raises(RunIncomplete, match="1 of 1 rows are pending"):
        call().execute(context(store))
    sandbox.clear_faults()
    assert call().execute(context(store, try_number=2)) == sandbox.rings[0].call_id
    assert sandbox.rings_per_number() == {NUMBER: 1}


@pytest.mark.parametrize("fields", [{"password": "not-the-password"}, {"login": None, "password": "not-the-token"}])
def test_a_refused_key_fails_the_task_for_good(sandbox, monkeypatch, fields):
    connect(sandbox, monkeypatch, **fields)
    with pytest.raises(AirflowFailException) as error:
        call().execute(context())
    assert "not-the" not in str(error.value)
    assert sandbox.rings == []


def test_a_rejected_call_fails_the_task_without_the_number(sandbox):
    sandbox.fault("rejected", path=OUTBOUND, status=422)
    with pytest.raises(AirflowFailException, match=r"ended rejected: .*body\.to_number \(value_error\)") as error:
        call().execute(context())
    assert NUMBER[1:] not in str(error.value)


def test_without_a_ledger_a_second_try_refuses(sandbox):
    call().execute(task_context(task_id="call"))
    with pytest.raises(LedgerRequired, match="ledger_conn_id"):
        call().execute(task_context(task_id="call", try_number=2))
    assert sandbox.rings_per_number() == {NUMBER: 1}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"priority": "highest"}, "priority must be one of low, normal, high, urgent"),
        ({"krisp_enabled": "perhaps"}, "krisp_enabled must be true or false"),
        ({"media_encryption": "ALWAYS"}, "media_encryption must be one of DISABLE, ALLOW, REQUIRE"),
        ({"ringing_timeout_seconds": 81}, "ringing_timeout_seconds must be a whole number from 1 to 80"),
        ({"max_call_duration_seconds": 59}, "max_call_duration_seconds must be a whole number from 60 to 86400"),
    ],
)
def test_what_cannot_be_sent_is_refused_when_the_dag_is_parsed(arguments, words):
    with pytest.raises(ConfigurationError, match=words):
        call(**arguments)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"from_number": "private 4711"}, "given for all calls: from_number cannot be read"),
        ({"custom_headers": {"Authorization": "private"}}, "given for all calls: custom_headers"),
        ({"display_name": "two\nlines"}, "given for all calls: display_name"),
        ({"agent_id": None}, "no agent is known"),
    ],
)
def test_what_a_template_made_of_it_is_refused_before_anything_is_sent(sandbox, arguments, words):
    with pytest.raises(ConfigurationError, match=words) as error:
        call(**arguments).execute(context())
    assert "private" not in str(error.value)
    assert asked(sandbox) == 0


def test_a_number_that_cannot_be_read_fails_the_task_and_rings_nobody(sandbox):
    with pytest.raises(AirflowFailException, match="ended rejected: the phone number cannot be read"):
        call(to_number="98765 43210").execute(context())
    assert sandbox.rings == []


def test_templates_are_rendered_and_never_shown(sandbox, capfd):
    with DAG("outreach", schedule=None):
        operator = call(
            to_number="{{ number }}",
            agent_id="{{ agent }}",
            context={"name": "{{ name }}"},
            from_number="{{ caller }}",
            dtmf="{{ tones }}",
            custom_headers={"X-Trace": "{{ name }}"},
            display_name="{{ bank }}",
        )
    words = {"number": NUMBER, "name": "Asha Private", "caller": "+14155550199", "tones": "4711#"}
    given = {**context(), **words, "agent": AGENT, "bank": "Asha's bank"}
    operator.render_template_fields(given)
    rendered = {name: getattr(operator, name) for name in operator.template_fields}
    operator.execute(given)
    assert sandbox.rings[0].body == {
        "agent_id": AGENT,
        "to_number": NUMBER,
        "from_number": "+14155550199",
        "context": {"name": "Asha Private"},
        "display_name": "Asha's bank",
        "dtmf": "4711#",
        "custom_headers": {"X-Trace": "Asha Private"},
    }
    said = "".join(capfd.readouterr())
    assert "was accepted" in said
    for word in words.values():
        assert word not in str(rendered)
        assert word not in said
