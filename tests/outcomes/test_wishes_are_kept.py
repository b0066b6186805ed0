"""Who asked not to be called is suppressed however the vendor spells them, also when the ledger gets a key."""

from __future__ import annotations

import pytest
from placed_calls import KEYS, Ledger, event, number

from airflow_provider_callkaro.calls.disposition import Disposition
from airflow_provider_callkaro.ledger.upkeep.carry_over import carry_over
from airflow_provider_callkaro.outcomes.keeping import Keep
from airflow_provider_callkaro.outcomes.suppressing import SuppressionReason, suppressed_people

SUPPRESSES = Keep(suppressions=True)


def asked(ledger: Ledger, *places: int) -> list[bool]:
    """Whether each person is one who asked."""
    people = suppressed_people(ledger.engine, keys=ledger.keys, reasons=[SuppressionReason.ASKED])
    return [number(place) in people for place in places]


@pytest.mark.parametrize("told", ["9876500000", None], ids=["without the country", "not at all"])
def test_the_number_that_was_called_counts_whatever_the_vendor_says_of_it(ledger: Ledger, told: str | None) -> None:
    ledger.place([0, 1])
    ledger.record(event(0, number=told, asked_not_to_be_called=True), keep=SUPPRESSES)
    assert asked(ledger, 0, 1) == [True, False]


@pytest.mark.parametrize("first", ["in clear", "keyed"])
def test_a_wish_outlives_a_carry_over_also_where_less_is_known_under_the_other_name(ledger: Ledger, first: str) -> None:
    ledger.place([0])
    wish = event(0, asked_not_to_be_called=True)
    fact = event(0, call_id="other", disposition=Disposition.INVALID_NUMBER)
    in_clear, keyed = (wish, fact) if first == "in clear" else (fact, wish)
    ledger.record(in_clear, keep=SUPPRESSES)
    ledger.keys = KEYS
    ledger.record(keyed, keep=SUPPRESSES)
    assert asked(ledger, 0) == [True]
    assert carry_over(ledger.engine, KEYS).left == 0
    assert asked(ledger, 0) == [True]
