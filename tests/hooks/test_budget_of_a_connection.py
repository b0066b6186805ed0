"""The budget in a connection's extra: read anew each time, and refused by name where it cannot be one."""

from __future__ import annotations

import json

import pytest

from airflow_provider_callkaro.budgets.limits import CallBudget
from airflow_provider_callkaro.exceptions import ConfigurationError
from airflow_provider_callkaro.hooks.callkaro import CallKaroHook
from airflow_provider_callkaro.hooks.mrassistant import MrAssistantHook

FIFTY = {"calls_per_second": 50, "max_concurrency": 40}


@pytest.mark.parametrize("value", [FIFTY, json.dumps(FIFTY)], ids=["an object", "text from the form"])
def test_the_budget_is_an_object_or_the_text_of_the_form(connect_to_sandbox, value):
    connect_to_sandbox(budget=value)
    assert CallKaroHook().call_budget() == CallBudget(calls_per_second=50, max_concurrency=40)


@pytest.mark.parametrize("value", [None, "", {}])
def test_a_connection_without_a_budget_has_none(connect_to_sandbox, value):
    connect_to_sandbox(budget=value)
    assert CallKaroHook().call_budget() is None


def test_a_changed_connection_is_read_anew(connect_to_sandbox):
    connect_to_sandbox(budget={"calls_per_second": 50})
    hook = CallKaroHook()
    assert hook.call_budget() == CallBudget(calls_per_second=50)
    connect_to_sandbox(budget={"calls_per_second": 20})
    assert hook.call_budget() == CallBudget(calls_per_second=20)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("fast", '"budget" in the extra of connection "callkaro_default" is no JSON'),
        ([50], '"budget" in the extra of connection "callkaro_default" must be a JSON object'),
        ({"calls_per_minute": 50}, 'has the unknown key "calls_per_minute"'),
        ({"calls_per_second": 0}, '"calls_per_second" in "budget" in the extra of connection "callkaro_default" must'),
        ({"max_concurrency": 1.5}, '"max_concurrency" in "budget" in the extra .* must be a whole number'),
        ({"max_cost_per_day": 100}, 'needs "price_per_minute" beside it'),
        ({"calls_per_day": 9, "timezone": "Pune"}, 'is no time zone: give an IANA name such as "Asia/Kolkata"'),
    ],
)
def test_a_budget_that_cannot_be_is_refused_before_anything_is_sent(connect_to_sandbox, sandbox, value, message):
    connect_to_sandbox(budget=value)
    with pytest.raises(ConfigurationError, match=message):
        CallKaroHook().connection  # noqa: B018 - reads it
    is_well, told = CallKaroHook().test_connection()
    assert (is_well, "budget" in told) == (False, True)
    assert sandbox.requests == []


def test_mrassistant_has_a_budget_too(connect):
    connect(conn_id="mrassistant_default", conn_type="mrassistant", host="http://127.0.0.1:1", extra={"budget": FIFTY})
    assert MrAssistantHook().call_budget() == CallBudget(calls_per_second=50, max_concurrency=40)
