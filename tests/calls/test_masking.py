"""What a log reader may see of a phone number: enough to recognise it, too little to dial it."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_callkaro.calls.masking import mask_number, mask_text

SEVEN_DIGITS = re.compile(r"\d{7}")


def plain_digits_of(text):
    return "".join("0" if character.isdigit() else character for character in text)


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        ("+919876543210", "+91••••••3210"),
        ("+14155550100", "+1••••••0100"),
        ("919876543210", "••••••3210"),
        ("9876543210", "••••••3210"),
        ("+\u0669\u0661 98765 43210", "+91••••••3210"),
        ("+6591234567", "+65••••••67"),
        ("+3545551234", "+354••••••4"),
        ("+29022222", "••••••"),
        ("+50021234", "••••••"),
        ("+4412345", "••••••"),
        ("+91 98765 43210", "+91••••••3210"),
        ("+1234567", "+1••••••"),
        ("+12", "••••••"),
        ("", "••••••"),
        ("not a number", "••••••"),
    ],
)
def test_a_number_is_recognised_and_cannot_be_dialled(number, shown):
    assert mask_number(number) == shown


@pytest.mark.parametrize(
    "said",
    [
        "Invalid number +919876543210",
        "Invalid number 919876543210.",
        "Invalid number (+91) 98765-43210",
        "Invalid number +91 - 98765 - 43210",
        "Invalid number +91.98765.43210",
        "Invalid number 98765/43210",
        "Invalid number 98765\u201143210",
        "Invalid number 98765\u00a043210",
        "Invalid number 98765\n  43210",
        "Invalid number 9 8 7 6 5 4 3 2 1 0",
        "Invalid number \u0669\u0668\u0667\u0666\u0665\u0664\u0663\u0662\u0661\u0660",
        '{"to_number":"+919876543210"}',
        "number=%2B919876543210&agent",
        "Invalid number 98765_43210",
        "Invalid number 98765,43210",
        "Invalid number 98765:43210",
        "Invalid number +91|98765|43210",
        "Invalid number 98765%2043210",
        "Invalid number 98765+43210",
        "Invalid number 98765\u200b43210",
        "Invalid number 98765\u00ad43210",
        "Invalid number 9876 * 543 * 210",
        "Invalid number 98765\u273443210",
        "Invalid number \uff19\uff18\uff17\uff16\uff15\uff14\uff13\uff12\uff11\uff10",
        "Invalid number \u2079\u2078\u2077\u2076\u2075\u2074\u00b3\u00b2\u00b9\u2070",
        "Invalid number \u2468\u2467\u2466\u2465\u2464\u2463\u2462\u2461\u2460",
    ],
)
def test_a_message_from_outside_shows_no_number(said):
    shown = mask_text(said)
    assert "••••••" in shown
    assert not re.search(r"\d(?:[\W_]{0,3}\d){6}", plain_digits_of(shown))


@pytest.mark.parametrize(
    "said", ["Missing agent_id", "Priority must be in [-100,100]", "batch 68433b7b0dee98e59245ebab"]
)
def test_a_message_without_a_number_is_shown_as_it_is(said):
    assert mask_text(said) == said


def test_a_message_is_one_short_line():
    shown = mask_text("first\nsecond\r\n\tthird\x1b[31m" + "word " * 500, limit=50)
    assert shown.startswith("first second third [31mword")
    assert len(shown) == 50
    assert shown.endswith("…")


SEPARATORS = st.sampled_from(["", " ", "-", ".", "  ", ") ", " - ", "\u00a0", "\u2013", "\n", "_", ", ", ":", "|", "+"])


@given(before=st.text(), digits=st.from_regex(r"[0-9]{7,15}", fullmatch=True), after=st.text(), data=st.data())
def test_no_text_lets_a_number_through(before, digits, after, data):
    written = "".join(digit + data.draw(SEPARATORS) for digit in digits)
    shown = mask_text(f"{before}+{written}{after}", limit=10_000)
    assert digits not in re.sub(r"\W", "", shown)
    assert not SEVEN_DIGITS.search(shown)


@given(text=st.text(alphabet="0123456789+-. ()x\u0661", max_size=400), limit=st.integers(min_value=1, max_value=200))
def test_no_mixture_of_digits_and_punctuation_lets_seven_digits_through(text, limit):
    shown = mask_text(text, limit=limit)
    assert not SEVEN_DIGITS.search(shown)
    assert not SEVEN_DIGITS.search(mask_number(text))
    assert len(shown) <= limit


COUNTRIES = {"1": 10, "7": 10, "44": 10, "47": 8, "65": 8, "91": 10, "290": 5, "354": 7, "372": 8, "500": 5, "971": 9}


@given(country=st.sampled_from(sorted(COUNTRIES)), data=st.data())
def test_whoever_knows_the_country_is_left_a_million_numbers_or_all_of_them(country, data):
    length = COUNTRIES[country]
    national = data.draw(st.text("0123456789", min_size=length, max_size=length))
    shown = mask_number(f"+{country}{national}")
    assert shown == "••••••" or shown.startswith(f"+{country}••••••")
    known = len(shown.rpartition("•")[2])
    assert length - known >= min(6, length)
