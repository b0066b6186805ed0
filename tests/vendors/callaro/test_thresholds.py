"""Limits on numbers whose names only the user knows: each breach is named, and a name that is not there is no pass."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_callkaro.exceptions import ConfigurationError
from airflow_provider_callkaro.vendors.callaro.thresholds import Thresholds, numbers_in

HEALTH = {"status": "healthy", "queue": {"depth": 12, "oldest": {"seconds": 3.5}}, "failure_rate": 0.25, "ok": True}


def test_numbers_are_known_by_their_dotted_names():
    assert numbers_in(HEALTH) == {"queue.depth": 12, "queue.oldest.seconds": 3.5, "failure_rate": 0.25}
    assert numbers_in({"Asia/Kolkata": 3, "by.zone": {"x": 1}, "list": [1, {"y": 2}]}) == {
        "Asia/Kolkata": 3,
        "by.zone.x": 1,
    }


def test_a_field_that_is_called_length_is_a_number_like_any_other():
    assert numbers_in({"queue": {"length": 3}, "list": [1]}) == {"queue.length": 3}
    assert Thresholds(maximum={"queue.length": 2}).breaches({"queue": {"length": 3}}) == ["queue.length is 3, above 2"]


def test_a_number_at_its_limit_is_well():
    assert Thresholds(maximum={"queue.depth": 12}, minimum={"queue.depth": 12}).breaches(HEALTH) == []
    assert Thresholds().breaches({}) == []


def test_every_breach_is_named_with_its_number_and_its_limit():
    thresholds = Thresholds(maximum={"queue.depth": 10, "failure_rate": 0.3}, minimum={"queue.oldest.seconds": 4})
    assert thresholds.breaches(HEALTH) == ["queue.depth is 12, above 10", "queue.oldest.seconds is 3.5, below 4"]


def test_a_limit_may_be_the_text_that_a_template_leaves():
    assert Thresholds(maximum={"failure_rate": " 0.2 "}).breaches(HEALTH) == ["failure_rate is 0.25, above 0.2"]


@pytest.mark.parametrize("name", ["queue", "status", "ok", "queue.width", "depth", "queue.depth.seconds"])
@pytest.mark.parametrize("side", ["maximum", "minimum"])
def test_a_name_that_is_no_number_there_is_an_error_that_lists_those_that_are(name, side):
    with pytest.raises(ConfigurationError) as error:
        Thresholds(**{side: {name: 1}}).breaches(HEALTH)
    assert repr(name) in str(error.value)
    assert "its numbers are failure_rate, queue.depth, queue.oldest.seconds" in str(error.value)


def test_the_list_of_numbers_is_bounded_and_shows_no_phone_number():
    answer = {"+919876543210": 1} | {f"name_{letter}": 1 for letter in "abcdefghijklmnopqrstuvwxyz" * 3}
    with pytest.raises(ConfigurationError) as error:
        Thresholds(maximum={"x": 1}).breaches(answer)
    assert "9876543210" not in str(error.value)
    assert len(str(error.value)) < 800
    with pytest.raises(ConfigurationError, match=r"\(none\)"):
        Thresholds(maximum={"x": 1}).breaches({"x": "1"})


@pytest.mark.parametrize("limit", [True, None, "many", math.nan, math.inf, [1], "1e999"])
def test_what_is_no_number_is_no_limit(limit):
    with pytest.raises(ConfigurationError, match=r"maximum\['depth'\]"):
        Thresholds(maximum={"depth": limit})
    with pytest.raises(ConfigurationError, match=r"minimum\['depth'\]"):
        Thresholds(minimum={"depth": limit})


@pytest.mark.parametrize("given_", [["depth"], "depth", {1: 2}, {"": 2}])
def test_limits_are_a_mapping_of_names(given_):
    with pytest.raises(ConfigurationError, match="maximum"):
        Thresholds(maximum=given_)


finite = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(10**9), 10**9)


@given(finite, finite)
def test_a_breach_is_beyond_and_nothing_else_is(number, limit):
    above = Thresholds(maximum={"n": limit}).breaches({"n": number})
    below = Thresholds(minimum={"n": limit}).breaches({"n": number})
    assert bool(above) == (number > float(limit))
    assert bool(below) == (number < float(limit))


def test_an_answer_nested_deeper_than_python_calls_is_read():
    answer = {"n": 1}
    for _ in range(5_000):
        answer = {"a": answer}
    assert len(numbers_in(answer)) == 1


def test_numbers_that_no_float_holds_are_none():
    assert numbers_in({"a": 10**400, "b": math.nan, "c": math.inf, "d": 10**15}) == {"d": 10**15}
