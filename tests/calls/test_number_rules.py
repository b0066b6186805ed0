"""Which country a number belongs to, and what sort it is: our own tables against the library that knows all plans."""

from __future__ import annotations

from contextlib import suppress

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st
from phonenumbers import PhoneNumberFormat, PhoneNumberType, example_number_for_type, format_number

from airflow_provider_callkaro.calls import InvalidCall, Reason
from airflow_provider_callkaro.calls.countries import COUNTRIES, country_of
from airflow_provider_callkaro.calls.number_rules import NumberRules, NumberType, types_of

SORTS = {sort: name for name, sort in vars(PhoneNumberType).items() if name.isupper() and name != "UNKNOWN"}
LARGER = {  # of the country whose numbers are taken for these, where they are told apart by nobody
    **dict.fromkeys(("GG", "JE", "IM"), "GB"),
    **dict.fromkeys(("CC", "CX"), "AU"),
    "AX": "FI",
    "BQ": "CW",
    "CA": "US",
    "EH": "MA",
    "KZ": "RU",
    "SJ": "NO",
    "TA": "SH",
    "VA": "IT",
    "YT": "RE",
}


def examples():
    """Every example number of every region and sort: region, sort, E.164."""
    for region in sorted(phonenumbers.SUPPORTED_REGIONS):
        for sort, name in SORTS.items():
            found = example_number_for_type(region, sort)
            if found is not None:
                yield region, name, format_number(found, PhoneNumberFormat.E164)


def test_every_example_number_is_in_its_own_country():
    for region, sort, number in examples():
        found = country_of(number)
        if region in {"BL", "MF"}:
            assert found == "GP"
        elif sort in {"FIXED_LINE", "FIXED_LINE_OR_MOBILE"}:
            assert found == region
        elif sort == "MOBILE":
            assert found in {region, LARGER.get(region)}, (region, number)
        else:  # North America's are nobody's
            assert found in {region, LARGER.get(region), None if number.startswith("+1") else region}, (region, number)


def test_every_country_that_the_library_knows_can_be_named():
    assert phonenumbers.SUPPORTED_REGIONS <= COUNTRIES


def test_every_example_number_is_of_the_sort_that_the_library_says():
    for region, _, number in examples():
        sort = SORTS[phonenumbers.number_type(phonenumbers.parse(number))].lower()
        expected = {"fixed_line", "mobile"} if sort == "fixed_line_or_mobile" else {sort}
        assert types_of(number) == expected, (region, sort)


@pytest.mark.parametrize("number", ["+870773111632", "+881612345678", "+88216123456", "+8835100012345"])
def test_satellites_are_of_a_sort_of_their_own_and_of_no_country(number):
    assert types_of(number) == {NumberType.SATELLITE}
    assert country_of(number) is None


@pytest.mark.parametrize("number", ["+10", "+12223334444", "+2109999999", "+449"])
def test_a_number_that_there_cannot_be_is_of_no_sort(number):
    assert types_of(number) == frozenset()
    with pytest.raises(InvalidCall) as refused:
        NumberRules(types=list(NumberType)).check(number)
    assert refused.value.reason is Reason.IMPOSSIBLE_NUMBER


@given(digits=st.from_regex(r"[1-9][0-9]{1,14}", fullmatch=True))
def test_whatever_the_digits_are_there_is_an_answer(digits):
    number = f"+{digits}"
    assert country_of(number) is None or country_of(number) in COUNTRIES
    assert types_of(number) <= set(NumberType)
    for rules in (NumberRules(countries=["TK"]), NumberRules(types=["pager"])):
        with suppress(InvalidCall):
            rules.check(number)


def test_a_number_that_may_be_either_passes_where_one_of_them_does():
    NumberRules(types=["mobile"]).check("+13035550123")
    NumberRules(types=["fixed_line"]).check("+13035550123")
