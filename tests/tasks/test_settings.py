"""What a DAG's author may ask of a list: whatever cannot work is refused when the DAG is parsed, and named."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from airflow_provider_callkaro.calls.policy import CallingPolicy
from airflow_provider_callkaro.dispatch.limits import Shard
from airflow_provider_callkaro.exceptions import ConfigurationError
from airflow_provider_callkaro.ledger.contract import EntryState
from airflow_provider_callkaro.sources.inline import RowContacts
from airflow_provider_callkaro.tasks.redacted import Redacted
from airflow_provider_callkaro.tasks.rules import Suppression
from airflow_provider_callkaro.tasks.settings import ListSettings
from airflow_provider_callkaro.tasks.staleness import StaleRuns

ANY_TIME = CallingPolicy(timezone="Asia/Kolkata")
TEMPLATE = "{{ params.x }}"


def settings(**choices: Any) -> ListSettings:
    return ListSettings(contacts=RowContacts([]), **choices)


@pytest.mark.parametrize(
    ("choices", "message"),
    [
        ({"when_closed": "sleep"}, 'when_closed must be "wait", "schedule" or "stop"'),
        ({"on_unknown": "ignore"}, 'on_unknown must be "warn" or "fail"'),
        ({"on_none_accepted": None}, 'on_none_accepted must be "warn" or "fail"'),
        ({"stale_runs": "ring"}, 'stale_runs must be "skip", "dial" or "fail"'),
        ({"stale_after": timedelta(0)}, "stale_after must be a positive timedelta"),
        ({"stale_after": 86_400}, "stale_after must be a positive timedelta"),
        ({"max_rejected": -1}, "max_rejected must be a count, or a fraction"),
        ({"max_rejected": "5%"}, "max_rejected must be a count, or a fraction"),
        ({"max_rejected": True}, "max_rejected must be a count, or a fraction"),
        ({"min_rows": -1}, "min_rows must be a whole number from 0 on"),
        ({"min_rows": 1.5}, "min_rows must be a whole number from 0 on"),
        ({"min_rows": True}, "min_rows must be a whole number from 0 on"),
        ({"policy": ANY_TIME, "expires_after": timedelta(0)}, "expires_after must be a positive timedelta"),
        ({"policy": ANY_TIME, "expires_after": 3_600}, "expires_after must be a positive timedelta"),
        ({"expires_after": timedelta(hours=1)}, "expires_after needs a policy"),
        ({"schedule_at": "next_window"}, 'schedule_at="next_window" needs a policy'),
        ({"call_options": {"schedule_at": "next_window"}}, 'schedule_at="next_window" needs a policy'),
        ({"policy": CallingPolicy(timezone="UTC", min_gap=timedelta(hours=1))}, "min_gap .* set ledger_conn_id"),
        (
            {"policy": CallingPolicy(timezone="UTC", max_calls=1, per=timedelta(days=1))},
            "max_calls .* set ledger_conn_id",
        ),
        ({"shard": 3}, r"shard must be two whole numbers, .*, as \.expand\(shard=shards\(4\)\) gives them"),
        ({"shard": (1, 2, 3)}, "shard must be two whole numbers"),
        ({"shard": ("a", 2)}, "shard must be two whole numbers"),
        ({"shard": (2, 2)}, r"shard must be \(index, count\) with index from 0 to count - 1, not \(2, 2\)"),
        ({"shard": (-1, 2)}, "shard must be"),
        ({"max_concurrency": 0}, "max_concurrency must be from 1 to 1000"),
        ({"max_concurrency": 1_001}, "max_concurrency must be from 1 to 1000"),
        ({"calls_per_second": 0}, "calls_per_second must be a number above 0"),
        ({"calls_per_second": float("inf")}, "calls_per_second must be a number above 0"),
        ({"stop_after_unknown": 0}, "stop_after_unknown must be 1 or more"),
        ({"redial": "accepted"}, "redial cannot be accepted: it takes unknown and rejected"),
        ({"redial": ["unknown", "pending"]}, "redial cannot be pending"),
    ],
)
def test_what_cannot_work_is_refused_by_name(choices, message):
    with pytest.raises(ConfigurationError, match=message):
        settings(**choices)


@pytest.mark.parametrize(
    "choices",
    [
        {"stale_runs": TEMPLATE},
        {"redial": TEMPLATE},
        {"redial": ["unknown", TEMPLATE]},
        {"policy": ANY_TIME, "schedule_at": "next_window", "expires_after": timedelta(hours=2)},
        {"policy": CallingPolicy(timezone="UTC", min_gap=timedelta(hours=1)), "ledger_conn_id": "ledger"},
        {"max_rejected": 0},
        {"max_rejected": 0.5},
        {"call_options": TEMPLATE},
    ],
)
def test_what_can_work_or_is_known_later_passes(choices):
    settings(**choices)


def test_what_was_a_template_is_checked_once_it_is_rendered():
    assert settings(redial="unknown").redialled == {EntryState.UNKNOWN}
    with pytest.raises(ConfigurationError, match="stale_runs must be"):
        settings(stale_runs="None")


def test_the_arguments_mean_what_they_say():
    asked = settings(
        shard=("1", 2),
        redial=["rejected", "unknown"],
        stale_runs="dial",
        schedule_at="soon",
        call_options={"priority": 5},
    )
    assert (asked.shard, asked.part) == ((1, 2), Shard(index=1, count=2))
    assert asked.redialled == {EntryState.UNKNOWN, EntryState.REJECTED}
    assert asked.stale_choice is StaleRuns.DIAL
    assert asked.options == {"priority": 5, "schedule_at": "soon"}
    assert (settings().part, settings().redialled, settings().options) == (None, frozenset(), {})


@pytest.mark.parametrize(
    ("choices", "waits"),
    [
        ({}, False),
        ({"policy": ANY_TIME}, True),
        ({"policy": ANY_TIME, "when_closed": "schedule"}, True),  # for the gap between two calls
        ({"policy": ANY_TIME, "when_closed": "stop"}, False),
        ({"policy": ANY_TIME, "dry_run": True}, False),
    ],
)
def test_only_a_run_with_rules_naps(choices, waits):
    assert settings(**choices).waits is waits


def test_an_operator_hands_over_what_it_was_given_and_keeps_the_rest_to_itself():
    contacts = RowContacts([])
    operator = SimpleNamespace(contacts=contacts, agent_id=Redacted("asha"), min_rows=3, task_id="calls")
    asked = ListSettings.of(operator, min_rows=4)
    assert (asked.contacts, asked.agent_id, asked.min_rows) == (contacts, "asha", 4)


def test_an_operator_that_would_not_read_whom_its_policy_protects_is_refused() -> None:
    policy = CallingPolicy(timezone="UTC", suppress=["+919876543210"])
    operator = SimpleNamespace(contacts=RowContacts([]), policy=policy)
    with pytest.raises(ConfigurationError, match=r"suppress.*self\.suppression = Suppression"):
        ListSettings.of(operator)
    operator.suppression = Suppression(policy.suppress)
    assert ListSettings.of(operator).suppression is operator.suppression
