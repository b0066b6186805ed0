"""What a deferred task stands on while a vendor works: a trigger that asks until it knows, and changes nothing."""

from __future__ import annotations

import asyncio
import importlib
import json
import logging
import threading

import pytest

from airflow_provider_callkaro.calls import Call
from airflow_provider_callkaro.exceptions import ConfigurationError
from airflow_provider_callkaro.hooks.mrassistant import MrAssistantHook
from airflow_provider_callkaro.sandbox import Sandbox
from airflow_provider_callkaro.triggers.status import StatusTrigger

AGENT = "3c90c3cc-0d44-4b50-8888-8dd25736052a"
NUMBER = "+919876543210"
CALL = "/calls/{call_id}"
HOOK = "airflow_provider_callkaro.hooks.mrassistant.MrAssistantHook"


@pytest.fixture
def sandbox():
    with Sandbox(api_key="the-key-of-the-sandbox", mrassistant_call_seconds=600) as sandbox:
        yield sandbox


@pytest.fixture(autouse=True)
def connections(sandbox, monkeypatch):
    """The login's connection, and one that has a token which is wrong."""
    monkeypatch.setenv("AIRFLOW_CONN_MRASSISTANT_DEFAULT", sandbox.airflow_connections["mrassistant_default"])
    wrong = {"conn_type": "mrassistant", "host": sandbox.url, "password": "a-token-nobody-may-see"}
    monkeypatch.setenv("AIRFLOW_CONN_WRONG", json.dumps(wrong))
    monkeypatch.setenv("AIRFLOW_CONN_NOWHERE", json.dumps({**wrong, "host": ""}))


@pytest.fixture
def call_id(sandbox):
    """A call that lasts longer than any test."""
    return MrAssistantHook().place_call(Call(to_number=NUMBER, agent_id=AGENT)).call_id


@pytest.fixture
def short_call_id(sandbox, call_id):
    """A call that ends once a trigger has asked twice."""

    def end():
        sandbox.wait_for_requests(5)  # two of the placing, and a log-in and two questions of the trigger
        MrAssistantHook().end_call(call_id)

    ending = threading.Thread(target=end)
    ending.start()
    yield call_id
    ending.join()


@pytest.fixture
def ended_call_id(call_id):
    MrAssistantHook().end_call(call_id)
    return call_id


class Log:
    """What was logged, wherever this Airflow writes it."""

    def __init__(self, capfd, caplog):
        self._capfd, self._caplog = capfd, caplog
        self._printed = ""
        caplog.set_level(logging.INFO)

    @property
    def text(self):
        self._printed += "".join(self._capfd.readouterr())
        return self._printed or self._caplog.text


@pytest.fixture
def log(capfd, caplog):
    return Log(capfd, caplog)


def trigger(call_id, **arguments):
    given = {
        "hook": HOOK,
        "conn_id": "mrassistant_default",
        "subject": call_id,
        "statuses": ["ended"],
        "poll_interval": 0.02,
    }
    return StatusTrigger(**{**given, **arguments})


async def events(trigger):
    """Everything that a trigger says until it ends."""
    return [event.payload async for event in trigger.run()]


def event_of(trigger):
    (payload,) = asyncio.run(events(trigger))
    assert json.loads(json.dumps(payload)) == payload
    return payload


def asked(sandbox):
    return [request.endpoint for request in sandbox.requests].count(CALL)


def test_it_asks_until_the_call_is_over_and_says_so_once(short_call_id, sandbox):
    assert event_of(trigger(short_call_id)) == {"status": "ended"}
    assert asked(sandbox) > 1
    assert sandbox.rings_per_number() == {NUMBER: 1}


def test_any_of_several_states_ends_the_wait(call_id):
    assert event_of(trigger(call_id, statuses=("failed", "initiated", "ringing")))["status"] in ("initiated", "ringing")


def test_a_second_trigger_of_the_same_task_finds_the_same(short_call_id, sandbox):
    async def both():
        return await asyncio.gather(events(trigger(short_call_id)), events(trigger(short_call_id)))

    assert asyncio.run(both()) == [[{"status": "ended"}]] * 2
    assert sandbox.rings_per_number() == {NUMBER: 1}


@pytest.mark.parametrize(
    ("fault", "options"),
    [
        ("throttled", {"retry_after": 0.1}),
        ("throttled", {}),
        ("unavailable", {}),
        ("error_before_accepting", {"status": 500}),
        ("reset_before_accepting", {}),
        ("drop_answer_after_accepting", {}),
        ("unreadable_answer", {}),
    ],
)
def test_what_a_later_question_may_answer_is_asked_again(ended_call_id, sandbox, log, fault, options):
    sandbox.fault(fault, path=CALL, first=3, **options)
    assert event_of(trigger(ended_call_id)) == {"status": "ended"}
    assert asked(sandbox) > 3
    said = log.text
    assert said.count("asking again") == 3
    assert NUMBER[1:] not in said


def test_a_vendor_that_is_away_for_a_while_is_waited_for(ended_call_id, sandbox, log):
    async def ask_while_it_comes_back():
        waiting = asyncio.create_task(events(trigger(ended_call_id)))
        while "could not be reached" not in log.text:
            await asyncio.sleep(0.01)
        await asyncio.to_thread(sandbox.start)
        return await waiting

    sandbox.stop()
    assert asyncio.run(ask_while_it_comes_back()) == [{"status": "ended"}]


def test_a_wait_that_the_vendor_asks_for_is_kept(ended_call_id, sandbox, log):
    sandbox.fault("throttled", path=CALL, first=1, retry_after=1)
    event_of(trigger(ended_call_id))
    assert "asking again in 1 s" in log.text


def test_a_token_that_expires_meanwhile_is_renewed(call_id, sandbox):
    async def expire_between_two_questions():
        waiting = asyncio.create_task(events(trigger(call_id)))
        await asyncio.to_thread(sandbox.wait_for_requests, 4)  # two of the placing, a log-in and a question
        sandbox.expire_tokens()
        await asyncio.to_thread(MrAssistantHook().end_call, call_id)
        return await waiting

    assert asyncio.run(expire_between_two_questions()) == [{"status": "ended"}]
    assert sandbox.token_refreshes == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"conn_id": "wrong"}, "MrAssistant refused the token (401): a token lives about a day"),
        ({"conn_id": "nowhere"}, "has no host"),
        ({"subject": "no-such-call"}, "MrAssistant rejected the request (404): Call not found"),
        ({"subject": ".."}, "call_id must be an id"),
        ({"hook": "airflow_provider_callkaro.hooks.callkaro.CallKaroHook"}, "no hook class that can read a status"),
        ({"hook": "airflow_provider_callkaro.hooks.vendor.time"}, "no hook class that can read a status"),
        ({"hook": "airflow_provider_callkaro.hooks.nobody.Hook"}, "no hook class that can read a status"),
    ],
)
def test_what_no_question_will_change_is_said_at_once(call_id, sandbox, arguments, words):
    error = event_of(trigger(call_id, **arguments))["error"]
    assert words in error
    assert "a-token-nobody-may-see" not in error
    assert asked(sandbox) <= 1


@pytest.mark.parametrize("status", [401, 403])
def test_a_key_that_is_refused_is_said_at_once(call_id, sandbox, status):
    sandbox.fault("key_refused", path=CALL, status=status)
    assert "refused the key or token" in event_of(trigger(call_id))["error"]


def test_another_triggerer_makes_the_same_trigger_of_what_was_stored(ended_call_id):
    path, arguments = trigger(ended_call_id, statuses=("ended", "failed")).serialize()
    stored = json.loads(json.dumps(arguments))
    module, _, name = path.rpartition(".")
    again = getattr(importlib.import_module(module), name)(**stored)
    assert again.serialize() == (path, arguments)
    assert event_of(again) == {"status": "ended"}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"hook": "os.system"}, "hook must be the dotted path"),
        ({"hook": "airflow_provider_callkaro.hooks"}, "hook must be the dotted path"),
        ({"hook": "airflow_provider_callkaro.hooksy.Hook"}, "hook must be the dotted path"),
        ({"hook": None}, "hook must be the dotted path"),
        ({"statuses": []}, "statuses must be a list"),
        ({"statuses": "ended"}, "statuses must be a list"),
        ({"poll_interval": 0}, "poll_interval must be seconds above 0"),
        ({"poll_interval": float("inf")}, "poll_interval must be seconds above 0"),
    ],
)
def test_what_cannot_work_is_refused_before_anything_is_stored(arguments, words):
    with pytest.raises(ConfigurationError, match=words):
        trigger("c-1", **arguments)
