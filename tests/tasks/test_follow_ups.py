"""A DAG goes on with the branches whose calls there are."""

from __future__ import annotations

import pytest

from airflow_provider_callkaro.exceptions import ConfigurationError
from airflow_provider_callkaro.tasks.follow_ups import follow_ups

TASKS = {"answered": "thank", "not_answered": ["wait", "again"], "asked_not_to_be_called": "suppress"}


@pytest.mark.parametrize(
    ("outcomes", "asked", "chosen"),
    [
        ({"reached": 2, "not_reached": 1}, 0, ["thank", "wait", "again"]),
        ({"voicemail": 1}, 0, ["wait", "again"]),
        ({"refused": 3, "invalid_number": 1, "unresolved": 4}, 1, ["suppress"]),
        ({"reached": 0}, 0, []),
        ({}, 0, []),
    ],
)
def test_each_group_that_has_a_call_goes_on(outcomes, asked, chosen):
    assert follow_ups({"outcomes": outcomes, "asked_not_to_be_called": asked}, **TASKS) == chosen


@pytest.mark.parametrize("counts", [{}, {"outcomes": 3, "asked_not_to_be_called": 0}, {"outcomes": {}}])
def test_other_counts_are_refused(counts):
    with pytest.raises(ConfigurationError, match="hand its output on"):
        follow_ups(counts, **TASKS)
