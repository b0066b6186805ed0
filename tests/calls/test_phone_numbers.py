"""Whose phone rings: a number that is misread rings somebody else, one that is refused for nothing loses a customer."""

from __future__ import annotations

import re
import sys
from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from airflow_provider_callkaro.calls.phone import NumberReader, is_rounded
from airflow_provider_callkaro.calls.spelling import canonical
from airflow_provider_callkaro.exceptions import ConfigurationError

VENDOR_PATTERN = re.compile(r"^\+[1-9]\d{1,14}$", re.ASCII)  # source: outbound call page, to_number


@pytest.mark.parametrize(
    "given_number",
    [
        "+919876543210",
        " +91 98765 43210 ",
        "+91-98765-43210",
        "+91.98765.43210",
        "+91 (98765) 43210",
        "+91 [98765] 43210",
        "(+91) 98765-43210",
        "+91\t98765\n43210",
        "+91\u00a098765\u202f43210",  # no-break spaces
        "+91\u201098765\u201143210",  # hyphens that do not break
        "+91\u201398765\u201443210",  # dashes that a word processor makes
        "+91\u221298765\u00b743210",  # minus sign, middle dot
        "\u202a+919876543210\u202c",  # direction marks of an address book
        "\ufeff+91\u200b9876543210",  # byte order mark, zero width space
    ],
)
def test_punctuation_loses_no_customer(given_number):
    assert NumberReader().read(given_number) == "+919876543210"


@pytest.mark.parametrize(
    "given_number",
    [
        "919876543210",  # which country?
        "09876543210",
        "00919876543210",
        919876543210,
        "+",
        "+1",
        "++919876543210",
        "91+9876543210",
        "+0919876543210",
        "+9198765432101234",  # 16 digits
        "+14155550100 ext. 12",
        "+14155550100x12",
        "+14155550100;ext=12",
        "+14155550100/+14155550101",
        "+14155550100 +14155550101",
        "+1415555CALL",
        "tel:+14155550100",
        "'+14155550100",
        "+\u0661\u0664\u0661\u0665\u0665\u0665\u0660\u0661\u0660\u0660",  # Arabic-Indic digits
        "\uff0b14155550100",  # full-width plus
        "+1415555010\u00b2",
        "+14155550100\x00",
        "n/a",
        "",
    ],
)
def test_what_is_no_international_number_rings_nobody(given_number):
    assert NumberReader().read(given_number) is None


@pytest.mark.parametrize(
    ("given_number", "read"),
    [
        ("+44 (0)20 7946 0958", "+442079460958"),
        ("+49(0)30 123456", "+4930123456"),
        ("+44 [0] 20 7946 0958", "+442079460958"),
        ("(+44) (0) 20 7946 0958", "+442079460958"),
        ("+39 (0)6 698 1234", None),  # where numbers begin with a zero, it may have to stay
        ("+250 (0)6 123 4567", None),
        ("+44 20 (0) 7946 0958", None),
        ("+44 (0) (0) 20 7946 0958", None),
    ],
)
def test_a_zero_apart_goes_where_it_must_and_rings_nobody_where_it_may_have_to_stay(given_number, read):
    assert NumberReader().read(given_number) == read


@pytest.mark.parametrize(
    "given_number", [919876543210.0, "919876543210.0", " 919876543210.0 ", Decimal("919876543210.00")]
)
def test_a_whole_number_of_another_kind_is_read_to_its_last_digit(given_number):
    assert NumberReader().read(given_number) is None
    assert NumberReader(default_region="IN").read(given_number) == "+919876543210"


@pytest.mark.parametrize(
    "given_number",
    ["+919876543210.0", "+919876543210.00 ", "919876543210.00", "98765.0", 98765.0, 919876543210.5, Decimal("sNaN")],
)
def test_a_fraction_does_not_become_a_longer_number(given_number):
    assert NumberReader().read(given_number) is None
    assert NumberReader(default_region="IN").read(given_number) is None


@pytest.mark.parametrize("given_number", [919876543000.0, "919876543000.0", "9.19876543E+11", "9,19E11", "+9.2E+11"])
def test_a_number_that_was_rounded_or_may_have_been_rings_nobody_and_is_named(given_number):
    assert NumberReader(default_region="IN").read(given_number) is None
    assert is_rounded(given_number)


@pytest.mark.parametrize(
    "given_number", ["+919876543000", 919876543000, Decimal(919876543000), 919876543210.0, "9E", None]
)
def test_a_number_that_only_ends_like_a_rounded_one_is_none(given_number):
    assert not is_rounded(given_number)


@pytest.mark.parametrize("given_number", ["9.19877E+11", "+9.19877E+11", "9,19877E+11", float("nan"), float("inf")])
def test_a_spreadsheets_exponent_is_no_number(given_number):
    assert NumberReader().read(given_number) is None
    assert NumberReader(default_region="IN").read(given_number) is None


@pytest.mark.parametrize("given_number", ["+33.1.23.45.67.00", "+1.415.555.0000"])
def test_dots_that_group_digits_are_no_fraction(given_number):
    assert NumberReader().read(given_number) == given_number.replace(".", "")


@pytest.mark.parametrize(
    ("region", "given_number", "read"),
    [
        ("IN", "98765 43210", "+919876543210"),
        ("in", "098765-43210", "+919876543210"),
        (" IN ", "919876543210", "+919876543210"),
        ("IN", "0091 98765 43210", "+919876543210"),
        ("IN", 9876543210, "+919876543210"),
        ("US", "(415) 555-0100", "+14155550100"),
        ("GB", "(020) 7946 0958", "+442079460958"),
        ("IT", "06 6982 0000", "+390669820000"),
        ("US", "+919876543210", "+919876543210"),  # what has a + means what it says
    ],
)
def test_a_default_region_says_how_national_numbers_are_meant(region, given_number, read):
    assert NumberReader(default_region=region).read(given_number) == read


@pytest.mark.parametrize(
    "given_number", ["12345", "98765432101234", "9876543210 / 9876543211", "CALL 98765 43210", "+98"]
)
def test_a_default_region_does_not_guess(given_number):
    number = NumberReader(default_region="IN").read(given_number)
    assert number in (None, "+98")  # +98 has the vendor's form; no region is asked about a number with a +


def test_a_negative_whole_number_is_no_phone_number():
    assert NumberReader(default_region="IN").read(-9876543210) is None


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        False,
        b"+919876543210",
        Decimal("919876543210.5"),
        ["+919876543210"],
        object(),
        pytest.param(10**5000, id="more digits than Python writes"),
    ],
)
def test_what_is_neither_text_nor_whole_number_is_refused(value):
    assert NumberReader().read(value) is None
    assert NumberReader(default_region="IN").read(value) is None


@pytest.mark.parametrize("region", ["India", "", "XX", "+91", 91, None.__class__])
def test_a_region_that_does_not_exist_is_said_before_anything_is_read(region):
    with pytest.raises(ConfigurationError, match=r"default_region .* give two letters"):
        NumberReader(default_region=region)


def test_without_the_extra_the_message_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "phonenumbers", None)
    with pytest.raises(ConfigurationError, match=r"airflow-provider-callkaro\[phone\]"):
        NumberReader(default_region="IN")
    assert NumberReader().read("+919876543210") == "+919876543210"


NEARLY_NUMBERS = st.text(alphabet="+0123456789 .-()[]\u00a0\u2011\u200b\u0661x/\n", max_size=30)
ANYTHING = st.one_of(
    NEARLY_NUMBERS,
    st.text(),
    st.integers(),
    st.integers(min_value=0, max_value=10**16),
    st.floats(),
    st.binary(),
    st.none(),
    st.booleans(),
    st.decimals(),
)


@given(value=ANYTHING, region=st.sampled_from([None, "IN", "US", "DE", "IT", "AR"]))
@example(value="+91 98765 43210", region=None)
@example(value=20_100_000_000_000, region="DE")  # valid to phonenumbers, with 16 digits
def test_what_is_read_has_the_vendors_form_and_is_read_the_same_again(value, region):
    numbers = NumberReader(default_region=region)
    number = numbers.read(value)
    assert number is None or VENDOR_PATTERN.match(number)
    assert number is None or numbers.read(number) == number
    assert number is None or number.__class__ is str


@given(digits=st.from_regex(r"[1-9][0-9]{1,14}", fullmatch=True), data=st.data())
def test_no_punctuation_changes_the_digits(digits, data):
    between = st.sampled_from(["", "", "", " ", "-", "\u00a0", "\u2011", " - "])
    written = "+" + "".join(digit + data.draw(between) for digit in digits)
    assert NumberReader().read(written) == canonical(f"+{digits}")
