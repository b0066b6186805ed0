"""A budget that cannot be read as it was meant is refused in one sentence, and never taken for another."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_callkaro.budgets.limits import CallBudget
from airflow_provider_callkaro.exceptions import ConfigurationError

budgets = st.builds(
    CallBudget,
    calls_per_second=st.floats(0.001, 100_000),
    max_concurrency=st.none() | st.integers(1, 10_000),
    calls_per_hour=st.none() | st.integers(1, 10_000),
    price_per_minute=st.floats(0.01, 100),
    max_cost_per_day=st.none() | st.floats(1, 1_000),
    timezone=st.none() | st.just("Asia/Kolkata"),
    name=st.none() | st.just("account 1"),
)


@given(budgets)
def test_a_budget_survives_the_database(budget: CallBudget) -> None:
    assert CallBudget.from_json(budget.as_json()) == budget


@given(budgets)
def test_tokens_never_start_more_calls_than_the_rate(budget: CallBudget) -> None:
    assert budget.calls_per_second is not None
    assert budget.tokens is not None
    assert 1 <= budget.tokens <= 500
    assert budget.period >= 1
    assert budget.tokens * budget.calls_per_token / budget.period <= budget.calls_per_second
    if budget.calls_per_second == int(budget.calls_per_second):
        assert budget.tokens * budget.calls_per_token <= budget.calls_per_second


@pytest.mark.parametrize(
    ("values", "word"),
    [
        ({"calls_per_second": 0}, '"calls_per_second"'),
        ({"calls_per_second": True}, '"calls_per_second"'),
        ({"calls_per_second": "fast"}, '"calls_per_second"'),
        ({"calls_per_second": float("nan")}, '"calls_per_second"'),
        ({"calls_per_second": 1e-9}, '"calls_per_second"'),
        ({"calls_per_second": 10**400}, '"calls_per_second"'),
        ({"calls_per_day": "200,000"}, "at most 1000000000, without commas"),
        ({"max_concurrency": 2.5}, '"max_concurrency"'),
        ({"max_concurrency": -1}, '"max_concurrency"'),
        ({"calls_per_hour": []}, '"calls_per_hour"'),
        ({"calls_per_day": 10, "timezone": "Mars/Olympus"}, '"timezone"'),
        ({"calls_per_day": 10, "name": 7}, '"name"'),
        ({"calls_per_day": 10, "minutes_per_call": 0}, '"minutes_per_call"'),
        ({"calls_per_second": 5, "max_cost_per_day": 10}, '"max_cost_per_day"'),
        ({"calls_per_second": 5, "calls_per_minute": 10}, '"calls_per_minute"'),
        ({"minutes_per_call": 2}, "calls_per_second"),
        ([50], "JSON object"),
    ],
)
def test_a_wrong_budget_is_refused_by_name(values: object, word: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        CallBudget.read(values, where='"budget" in the extra of connection "x"')  # type: ignore[arg-type]
    assert word in str(refused.value)
    assert 'connection "x"' in str(refused.value)


def test_numbers_may_be_texts_and_empty_fields_are_not_set() -> None:
    assert CallBudget.read({"calls_per_second": " 50 ", "max_concurrency": "40", "calls_per_day": ""}) == CallBudget(
        calls_per_second=50, max_concurrency=40
    )


@pytest.mark.parametrize(
    ("rate", "tokens", "each", "seconds"),
    [(50, 50, 1, 1.0), (0.5, 1, 1, 2.0), (2.5, 3, 1, 1.2), (500, 500, 1, 1.0), (750, 375, 2, 1.0), (751, 375, 2, 1.0)],
)
def test_the_tokens_of_a_rate(rate: float, tokens: int, each: int, seconds: float) -> None:
    budget = CallBudget(calls_per_second=rate)
    assert (budget.tokens, budget.calls_per_token) == (tokens, each)
    assert seconds < budget.period < seconds + 0.02


@pytest.mark.parametrize(
    "limits",
    [
        {"calls_per_hour": 9},
        {"calls_per_day": 9, "calls_per_hour": 10},
        {"max_cost_per_day": 19, "price_per_minute": 1, "minutes_per_call": 2},
    ],
)
def test_a_request_that_no_hour_or_day_has_room_for_is_refused(limits: dict[str, float]) -> None:
    budget = CallBudget.read(limits)
    budget.check_request(9, name="account")
    with pytest.raises(ConfigurationError, match='budget "account" allows 9 calls, and one request carries up to 10: '):
        budget.check_request(10, name="account")
