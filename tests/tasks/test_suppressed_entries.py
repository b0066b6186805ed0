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
