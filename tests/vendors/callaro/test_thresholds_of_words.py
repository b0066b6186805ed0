"""Limits on words and on lists in an answer: a degraded campaign that says so in a word is no healthy one."""

from __future__ import annotations

import json

import pytest

from airflow_provider_callkaro.exceptions import ConfigurationError
from airflow_provider_callkaro.vendors.callaro.thresholds import Thresholds

HEALTH = {
    "status": "degraded",
    "ok": False,
    "queue": {"state": "Draining", "depth": 3},
    "checks": [
        {"name": "numbers", "status": "ok", "seconds": 1.5},
        {"name": "agent", "status": "failed", "seconds": 9},
        {"name": "carrier", "status": "OK ", "seconds": 2},
    ],
    "zones": ["Asia/Kolkata", "Europe/London"],
    "alerts": [],
}


@pytest.mark.parametrize(
    ("limits", "breaches"),
    [
        ({"allowed": {"status": ["healthy", "ok"]}}, ['status is "degraded", none of healthy, ok']),
        ({"allowed": {"status": "healthy"}}, ['status is "degraded", none of healthy']),
        ({"allowed": {"status": ["Degraded "]}}, []),
        ({"forbidden": {"status": ["degraded", "down"]}}, ['status is "degraded", which is forbidden']),
        ({"forbidden": {"queue.state": "draining"}}, ['queue.state is "draining", which is forbidden']),
        ({"allowed": {"ok": "true"}}, ['ok is "false", none of true']),
        ({"allowed": {"checks[].status": "ok"}}, ['checks[].status is "failed" (1 of 3), none of ok']),
        ({"forbidden": {"checks[].status": "failed"}}, ['checks[].status is "failed" (1 of 3), which is forbidden']),
        ({"forbidden": {"zones[]": "America/New_York"}}, []),
        ({"maximum": {"checks[].status=failed": 0}}, ["checks[].status=failed is 1, above 0"]),
        ({"minimum": {"checks[].status=ok": 2}}, []),
        ({"minimum": {"checks[].status=ok": 3}}, ["checks[].status=ok is 2, below 3"]),
        ({"maximum": {"checks[].seconds": 5}}, ["checks[].seconds is 9 (1 of 3), above 5"]),
        ({"minimum": {"checks[].seconds": 2}}, ["checks[].seconds is 1.5 (1 of 3), below 2"]),
        ({"maximum": {"alerts.length": 0}, "minimum": {"checks.length": 4}}, ["checks.length is 3, below 4"]),
        ({"forbidden": {"alerts[].kind": "down"}, "maximum": {"alerts[].age": 1, "alerts[].kind=down": 0}}, []),
    ],
)
def test_words_and_lists_are_judged(limits, breaches):
    assert Thresholds(**limits).breaches(HEALTH) == breaches


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        ({"allowed": {"state": "ok"}}, "'state' is no word in the vendor's answer: its words are checks[].name"),
        ({"forbidden": {"queue": "x"}}, "'queue' is no word"),
        ({"allowed": {"queue.depth": "3"}}, "'queue.depth' is no word"),
        ({"allowed": {"checks[].state": "ok"}}, "'checks[].state' is no word"),
        ({"maximum": {"checks[].status": 1}}, r"'checks[].status' is no number"),
        ({"maximum": {"checks[].state=ok": 1}}, r"'checks[].state=ok' is no number"),
        ({"maximum": {"checks.size": 1}}, "checks.length, checks[].seconds"),
    ],
)
def test_a_name_that_is_not_there_is_no_pass_and_says_which_are(limits, said):
    with pytest.raises(ConfigurationError) as error:
        Thresholds(**limits).breaches(HEALTH)
    assert said in str(error.value)


def test_an_element_that_lacks_what_is_judged_is_no_pass():
    answer = {"checks": [{"status": "ok"}, {"state": "failed"}]}
    for limits in ({"allowed": {"checks[].status": "ok"}}, {"maximum": {"checks[].status=failed": 0}}):
        with pytest.raises(ConfigurationError, match=r"checks\[\]\.status.* 1 of the 2"):
            Thresholds(**limits).breaches(answer)


@pytest.mark.parametrize("words", [[], "", " ", 7, [None], [7], {"a": 1}, None])
@pytest.mark.parametrize("side", ["allowed", "forbidden"])
def test_what_is_no_word_is_no_limit(side, words):
    with pytest.raises(ConfigurationError, match=side):
        Thresholds(**{side: {"status": words}})
    with pytest.raises(ConfigurationError, match=side):
        Thresholds(**{side: ["status"]})


def test_no_number_of_a_person_is_shown():
    answer = {"status": "rang +91 98765 43210", "words": {"+919876543210": "x"}, "list": [{"+919876543211": 1}]}
    with pytest.raises(ConfigurationError) as error:
        Thresholds(allowed={"nothing": "x"}).breaches(answer)
    (breach,) = Thresholds(allowed={"status": "ok"}).breaches(answer)
    assert "43210" not in str(error.value).replace("•3210", "")
    assert "98765" not in breach + str(error.value)


def test_a_deep_or_huge_answer_is_judged_without_a_crash():
    deep = json.loads('{"a":' * 300 + "1" + "}" * 300)
    with pytest.raises(ConfigurationError):
        Thresholds(allowed={"a": "x"}).breaches(deep)
    huge = {"checks": [{"status": "ok"}] * 50_000}
    assert Thresholds(allowed={"checks[].status": "ok"}).breaches(huge) == []
