"""An entry of a do-not-call list that is no number: it stops everything, or is named by its row and protects nobody."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from airflow_provider_callkaro.calls.phone import NumberReader
from airflow_provider_callkaro.calls.policy import CallingPolicy
from airflow_provider_callkaro.exceptions import ConfigurationError
from airflow_provider_callkaro.tasks.rules import Suppression

LISTED = ["+919876543210", "ask Priya", "+919876543211", "98765"]
CONTEXT: Any = {}


def suppression(**choices: Any) -> Suppression:
    return Suppression.of(CallingPolicy(timezone="Asia/Kolkata", suppress=LISTED, **choices))


def test_an_entry_that_cannot_be_read_stops_everything_by_default() -> None:
    with pytest.raises(ConfigurationError, match="entry 2 of suppress cannot be read as a phone number") as told:
        suppression().read(CONTEXT, NumberReader())
    assert "Priya" not in str(told.value)


def test_it_may_be_left_out_and_is_named_by_its_row_alone(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        suppressed = suppression(on_bad_entry="skip_row").read(CONTEXT, NumberReader())
    assert all(number in suppressed for number in ("+919876543210", "+919876543211"))
    assert "2 entries of suppress cannot be read" in caplog.text
    assert "in row 2, 4" in caplog.text
    assert not any(entry in caplog.text for entry in ("Priya", "98765"))


@pytest.mark.parametrize("choice", ["skip", None, True, ""])
def test_another_word_is_refused_when_the_dag_is_parsed(choice: Any) -> None:
    with pytest.raises(ConfigurationError, match='on_bad_entry must be "fail" or "skip_row"'):
        suppression(on_bad_entry=choice)


@pytest.mark.parametrize("listed", [["98765 43210", "98765 43211"], ["ask Priya"], [None, "", "ask Priya"]])
def test_a_list_of_which_nothing_can_be_read_protects_nobody_and_so_nobody_is_called(listed: list[Any]) -> None:
    """Such as one without country codes, where default_region is missing."""
    policy = CallingPolicy(timezone="Asia/Kolkata", suppress=listed, on_bad_entry="skip_row")
    with pytest.raises(ConfigurationError, match="entries of suppress can be read as a phone number") as told:
        Suppression.of(policy).read(CONTEXT, NumberReader())
    assert not any(entry in str(told.value) for entry in ("Priya", "98765"))


@pytest.mark.parametrize("listed", [[], [None], ["", None]])
def test_a_list_without_entries_is_no_mistake(listed: list[Any]) -> None:
    policy = CallingPolicy(timezone="Asia/Kolkata", suppress=listed, on_bad_entry="skip_row")
    assert "+919876543210" not in Suppression.of(policy).read(CONTEXT, NumberReader())
